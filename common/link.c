/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layout, formatting and the two sides' lives. LAYOUT.md has the words.
 *
 * The layout is a pure function of the declared channels and three numbers
 * (line, section alignment, size). One walk over the declarations computes it,
 * writes it or compares it: what stands in the region is never followed.
 */
#include <mbx/link.h>

#define SUPER_BYTES ((uint32_t)sizeof(struct mbx_super))
#define ENTRY_BYTES ((uint32_t)sizeof(struct mbx_dir_entry))
#define SIDE_BYTES  ((uint32_t)sizeof(struct mbx_side_block))
#define LET_GO_US   500000u
#define FNV_BASIS   0x811c9dc5u
#define FNV_PRIME   0x01000193u
/* Called from several places, each of which GCC would rather have its own. */
#define once static __attribute__((noinline))

#define OFF(type, field) ((uint32_t)offsetof(struct type, field))

typedef struct mbx_super mbx_shared *super_at;
typedef struct mbx_side_block mbx_shared *side_at;

MBX_INLINE void store(const struct mbx_link *l, uint32_t off, uint32_t v)
{
	mbx_st(mbx_link_word(l, off), v);
}

MBX_INLINE uint32_t load(const struct mbx_link *l, uint32_t off)
{
	return mbx_ld(mbx_link_word(l, off));
}

MBX_INLINE super_at super_of(const struct mbx_link *l)
{
	return (super_at)(l->is.base);
}

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1u) & ~(to - 1u);
}

MBX_INLINE uint32_t fnv(uint32_t hash, uint32_t byte)
{
	return (hash ^ byte) * FNV_PRIME;
}

/* Words go by their bytes as they lie in the region. */
once uint32_t hash_words(uint32_t hash, const uint32_t *w, uint32_t count)
{
	const uint32_t *end = w + count;
	uint32_t v, i;

	while (w != end)
		for (v = *w++, i = 0; i < 4; i++, v >>= 8)
			hash = fnv(hash, v & 0xffu);
	return hash;
}

uint32_t mbx_text_hash(const char *text)
{
	uint32_t hash = FNV_BASIS;

	while (*text)
		hash = fnv(hash, (uint8_t)*text++);
	return hash;
}

/* The next word of a text that is followed by zeros. */
static uint32_t text_word(const char **text)
{
	uint32_t w = 0, shift;

	for (shift = 0; shift < 32 && **text; shift += 8)
		w |= (uint32_t)(uint8_t) * (*text)++ << shift;
	return w;
}

/* What differs is word @i of the superblock; or of an entry, if so corrected. */
once void blame(struct mbx_link *l, uint32_t i, uint32_t ours, uint32_t theirs)
{
	l->why.channel = -1;
	l->why.word = (uint8_t)i;
	l->why.ours = ours;
	l->why.theirs = theirs;
}

/* ---- layout ---- */

#define ENTRY_WORDS 16u
/* Words of a directory entry that are offsets. */
#define AT_WORDS (1u << 6 | 1u << 10 | 1u << 11 | 1u << 14 | 1u << 15)
/* Those of the superblock that depend on declarations, line and alignment. */
#define OF_LAYOUT 0x5ff0u

/*
 * What a walk over superblock, directory and texts is for: to compute, or to
 * store or compare those words whose bit is set, of each entry (15..0) and of
 * the superblock (31..16).
 *
 * One channel that differs moves all those behind it, and even those before it:
 * where channels stand is compared, and blamed, only if all of them are what
 * they should be.
 */
#define COMPUTE	       0u
#define WRITE	       0xfff6ffffu /* magic and instance have their own time */
#define CHECK_CHANNELS (1u << (16 + 5) | (0xffffu & ~AT_WORDS))
#define CHECK_PLACES   (OF_LAYOUT << 16 | AT_WORDS)
#define SAME_SIZE      (1u << (16 + 2)) /* of the region, too */

struct walk {
	struct mbx_link *link;
	uint32_t mode;
	uint32_t mask;		     /* half of the mode, for this entry */
	uint32_t channel;	     /* which one of the declared; ~0: none */
	uint32_t entry[ENTRY_WORDS]; /* its entry, or the superblock */
	uint32_t line;
	uint32_t free[2]; /* next free offset of either section */
	uint32_t text;	  /* next free offset of the text area */
};

/* Compute, write or check one word, of which link.why would say @i. */
once void word(struct walk *k, uint32_t off, uint32_t ours, uint32_t i)
{
	struct mbx_link *l = k->link;
	uint32_t theirs;

	if (!(k->mask >> i & 1u))
		return;
	if (k->mode == WRITE) {
		store(l, off, ours);
		return;
	}
	/* a region too small for our directory can't be ours */
	theirs = off < l->is.bytes ? load(l, off) : ~ours;
	if (theirs == ours)
		return;
	blame(l, i, ours, theirs);
	l->why.channel = (int16_t)k->channel;
	k->mode = k->mask = COMPUTE; /* the first one is told of */
}

/* Take @bytes of a section in whole lines; sticks above any allowed region. */
once uint32_t take(struct walk *k, uint32_t side, uint32_t bytes)
{
	uint32_t at = k->free[side], end = at + round_up(bytes, k->line);

	k->free[side] = bytes > MBX_MAX_REGION || end > MBX_MAX_REGION
				? MBX_MAX_REGION + 1u
				: end;
	return at;
}

/* Four words of an entry: a stream. */
once void put_stream(struct walk *k, uint32_t *to, const struct mbx_stream *s,
		     uint32_t writer)
{
	uint32_t slots = k->entry[7];

	to[0] = s->max_bytes;
	to[1] = s->bytes;
	to[2] = take(k, writer,
		     slots ? (uint32_t)sizeof(struct mbx_slots_block)
			   : (uint32_t)sizeof(struct mbx_tx_block));
	take(k, writer, s->bytes);
	to[3] = slots ? 0
		      : take(k, !writer, (uint32_t)sizeof(struct mbx_rx_block));
}

/* The next channel's directory entry. */
once void put_channel(struct walk *k, const struct mbx_channel *c)
{
	uint32_t *e = k->entry, i;
	const char *name = c->name;

	for (i = 0; i < 4; i++)
		e[i] = text_word(&name);
	e[4] = (uint32_t)c->is.kind | (uint32_t)c->is.direction << 8 |
	       (uint32_t)c->is.full << 16;
	e[5] = mbx_text_hash(c->is.type);
	e[6] = *c->is.type ? k->text : 0;
	e[7] = c->is.slots;
	put_stream(k, e + 8, &c->is.fwd, c->is.direction);
	e[12] = e[13] = e[14] = e[15] = 0;
	if (c->is.kind == MBX_KIND_CALL)
		put_stream(k, e + 12, &c->is.back, !c->is.direction);
}

once void begin_walk(const struct mbx_link *l, struct walk *k)
{
	uint32_t block = round_up(SIDE_BYTES, l->line);

	k->line = l->line;
	k->text = l->text_off;
	k->free[MBX_HOST] = l->section[MBX_HOST] + block;
	k->free[MBX_REMOTE] = l->section[MBX_REMOTE] + block;
}

static uint32_t super_check(const uint32_t w[16])
{
	return hash_words(FNV_BASIS, w + 1, 14);
}

/* The superblock's words. */
static void put_super(const struct mbx_link *l, uint32_t w[16])
{
	w[0] = MBX_MAGIC;
	w[1] = MBX_LAYOUT_VERSION;
	w[2] = l->is.bytes;
	w[3] = l->instance;
	w[4] = l->layout_hash;
	w[5] = l->is.count;
	w[6] = l->line;
	w[7] = l->align;
	w[8] = l->section[MBX_HOST];
	w[9] = l->section[MBX_REMOTE];
	w[10] = SUPER_BYTES;
	w[11] = l->text_off;
	w[12] = l->end_off;
	w[13] = l->is.side;
	w[14] = 0;
	w[15] = super_check(w);
}

static void put_text(struct walk *k, const char *type)
{
	uint32_t w;

	if (!*type)
		return;
	do { /* it differs as its hash does; its last word is not full */
		w = text_word(&type);
		word(k, k->text, w, 5);
		k->text += 4u;
	} while (w >> 24);
}

/* Returns 0 if there was a difference. */
once uint32_t walk(struct mbx_link *l, struct walk *k, uint32_t mode)
{
	uint32_t hash = hash_words(FNV_BASIS, &l->is.count, 1), off = 0, i;

	begin_walk(l, k);
	k->link = l;
	k->mode = mode;
	k->mask = mode >> 16;
	k->channel = ~0u;
	put_super(l, k->entry);
	for (;;) {
		for (i = 0; i < ENTRY_WORDS; i++, off += 4u)
			word(k, off, k->entry[i], i);
		if (off != SUPER_BYTES)
			put_text(k, l->is.channels[k->channel].is.type);
		if (++k->channel == l->is.count)
			break;
		k->mask = k->mode & 0xffffu;
		put_channel(k, &l->is.channels[k->channel]);
		hash = hash_words(hash, k->entry, ENTRY_WORDS);
	}
	l->layout_hash = hash;
	return k->mode;
}

/* All offsets for lines and sections of the given sizes. */
once void compute(struct mbx_link *l, uint32_t line, uint32_t align)
{
	struct walk k;

	l->line = line;
	l->align = align;
	l->text_off = SUPER_BYTES + l->is.count * ENTRY_BYTES;
	/* from 0: how long texts and sections are */
	l->section[MBX_HOST] = l->section[MBX_REMOTE] = 0;
	walk(l, &k, COMPUTE);
	l->section[MBX_HOST] = round_up(k.text, align);
	l->section[MBX_REMOTE] = round_up(
		l->section[MBX_HOST] + k.free[MBX_HOST], align);
	l->end_off = l->section[MBX_REMOTE] + k.free[MBX_REMOTE];
	walk(l, &k, COMPUTE); /* for the hash */
}

/* Sections on pages where the region can afford it, else on lines. */
once void choose_layout(struct mbx_link *l)
{
	uint32_t line = l->is.line_bytes, page = l->is.page_bytes;

	compute(l, line, page > line ? page : line);
	if (l->end_off > l->is.bytes)
		compute(l, line, line);
}

void mbx_link_init(struct mbx_link *l, const struct mbx_link_config *config)
{
	__builtin_memset(l, 0, sizeof(*l));
	l->is = *config;
	if (!l->is.line_bytes)
		l->is.line_bytes = 64;
	if (!l->is.page_bytes)
		l->is.page_bytes = 4096;
	if (!l->is.liveness_us)
		l->is.liveness_us = 2000000;
	l->why.channel = -1;
	choose_layout(l);
}

static int power_of_two_in(uint32_t n, uint32_t lo, uint32_t hi)
{
	return n >= lo && n <= hi && (n & (n - 1u)) == 0;
}

/* Is word @i no place for a side block? */
MBX_INLINE int bad_section(const uint32_t w[16], uint32_t i)
{
	return w[2] < SIDE_BYTES || w[i] & 3u || w[i] < SUPER_BYTES ||
	       w[i] > w[2] - SIDE_BYTES;
}

/* All but the magic that does not depend on the channels. */
static int check_super(struct mbx_link *l, const uint32_t w[16])
{
	uint32_t check = super_check(w), i, ours;
	int err = MBX_ECORRUPT;

	if (w[1] >> 16 != MBX_LAYOUT_MAJOR)
		i = 1, ours = MBX_LAYOUT_VERSION, err = MBX_EVERSION;
	else if (w[15] != check)
		i = 15, ours = check;
	else if (w[2] > l->is.bytes)
		i = 2, ours = l->is.bytes, err = MBX_ENOSPC;
	else if (!power_of_two_in(w[6], 4, 4096))
		i = 6, ours = l->is.line_bytes;
	else if (!power_of_two_in(w[7], w[6], 65536))
		i = 7, ours = l->is.page_bytes;
	else if (w[3] == 0)
		i = 3, ours = 1;
	else if (bad_section(w, 8))
		i = 8, ours = w[2] - SIDE_BYTES;
	else if (bad_section(w, 9))
		i = 9, ours = w[2] - SIDE_BYTES;
	else
		return 0;
	blame(l, i, ours, w[i]);
	return err;
}

/*
 * Fetch the superblock, each word once, and check it. The peer's values are
 * used only after this.
 */
once int load_super(struct mbx_link *l, uint32_t w[16])
{
	uint32_t i;

	w[3] = mbx_ld_acquire(mbx_link_word(l, OFF(mbx_super, instance)));
	w[0] = mbx_ld_acquire(mbx_link_word(l, 0));
	for (i = 1; i < 16; i++)
		if (i != 3)
			w[i] = load(l, 4u * i);
	blame(l, 0, MBX_MAGIC, w[0]);
	if (w[0] != MBX_MAGIC)
		return w[0] == 0 ? MBX_EAGAIN : MBX_ENOTREGION;
	return check_super(l, w);
}

/* Is the region laid out as ours, word for word? */
once int is_ours(struct mbx_link *l, uint32_t places)
{
	struct walk k;

	return walk(l, &k, CHECK_CHANNELS) && walk(l, &k, places);
}

/* Does the region, its superblock fetched to @w, have our channels? */
static int check_layout(struct mbx_link *l, const uint32_t w[16])
{
	compute(l, w[6], w[7]);
	l->instance = w[3];
	if (!is_ours(l, CHECK_PLACES))
		return MBX_EMISMATCH;
	if (l->end_off <= w[2])
		return 0;
	blame(l, 2, l->end_off, w[2]);
	return MBX_ECORRUPT;
}

/*
 * The instance goes first, so that a crash in here does not make the next life
 * use its number again, before the eyes of a peer that has not looked since.
 */
once void write_region(struct mbx_link *l)
{
	struct walk k;
	uint32_t off;

	store(l, OFF(mbx_super, instance), l->instance);
	mbx_order_stores();
	/* Whole words: part of one would read ECC memory never written. */
	for (off = 0; off < l->end_off; off += 4u)
		if (off != OFF(mbx_super, instance))
			store(l, off, 0);
	walk(l, &k, WRITE);
	mbx_order_all(); /* all of it before the magic */
	mbx_st(mbx_link_word(l, 0), MBX_MAGIC);
}

/*
 * Take back the magic; a peer that is attached sees that at its next poll and
 * lets go. 1 if there is one to wait for, also when an earlier life of ours
 * took the magic back and died.
 */
static int take_back(struct mbx_link *l, const uint32_t w[16])
{
	uint32_t state = MBX_SIDE_DOWN;

	mbx_st(mbx_link_word(l, 0), 0);
	mbx_order_all();
	if (check_super(l, w) == 0)
		state = mbx_ld_acquire(
			mbx_link_word(l, l->is.side ? w[8] : w[9]));
	return state == MBX_SIDE_ATTACHING || state == MBX_SIDE_UP;
}

void mbx_link_discard(struct mbx_link *l)
{
	mbx_link_detach(l);
	l->discard = 1;
}

int mbx_link_format(struct mbx_link *l, uint32_t now_us)
{
	uint32_t w[16];
	int err;

	choose_layout(l);
	if (l->end_off > l->is.bytes)
		return MBX_ENOSPC;
	/* not older than what the last life stored: its number goes on */
	mbx_order_all();
	err = load_super(l, w);
	l->instance = 0; /* attach, not this, begins a life */
	if (!err && !l->discard && is_ours(l, CHECK_PLACES | SAME_SIZE)) {
		l->formatting = 0;
		return 1;
	}
	if (take_back(l, w)) {
		if (!l->formatting)
			l->let_go_us = now_us;
		l->formatting = 1;
		if (now_us - l->let_go_us < LET_GO_US)
			return MBX_EAGAIN;
	}
	l->formatting = l->discard = 0;
	/* of memory that was a region, or was being made one, it goes on */
	l->instance = w[0] == 0 || w[0] == MBX_MAGIC ? w[3] + 1u : 1;
	if (l->instance == 0)
		l->instance = 1;
	write_region(l);
	l->instance = 0;
	return 0;
}

/*
 * Has it been formatted while it was being looked at? The instance is the first
 * word that a formatter stores, and was the first one loaded.
 */
static int is_torn(const struct mbx_link *l, const uint32_t w[16])
{
	mbx_order_loads();
	return load(l, OFF(mbx_super, instance)) != w[3] || load(l, 0) != w[0];
}

static int observe(struct mbx_link *l, uint32_t w[16])
{
	int err;

	if (l->is.bytes < SUPER_BYTES) {
		blame(l, 2, l->is.bytes, SUPER_BYTES);
		return MBX_ENOSPC;
	}
	err = load_super(l, w);
	if (!err)
		err = check_layout(l, w);
	if (!err)
		return 0;
	l->instance = 0;
	return is_torn(l, w) ? MBX_EAGAIN : err;
}

int mbx_link_observe(struct mbx_link *l)
{
	uint32_t w[16];

	l->session = 0; /* no life: poll and detach must not store either */
	return observe(l, w);
}

/*
 * What this core's cache has of the region, forget: lines from before somebody
 * else formatted it would be written back whole with the next word stored there.
 */
static void forget(const struct mbx_link *l, uint32_t bytes)
{
	mbx_port_invalidate((void mbx_force *)(uintptr_t)mbx_link_word(l, 0),
			    bytes);
}

/* Region formatted again, or about to be: let go, but do not touch a new one. */
static int is_stale(struct mbx_link *l)
{
	super_at super = super_of(l);
	uint32_t magic = mbx_ld_acquire(&super->magic);

	if (magic == MBX_MAGIC && mbx_ld(&super->instance) == l->instance)
		return 0;
	if (magic == 0 && l->session) {
		forget(l, l->end_off); /* a claim may be open, and dirty */
		/* nothing stored here before may come after the formatting */
		mbx_st_release(&l->mine->state, MBX_SIDE_DOWN);
	}
	l->instance = 0;
	l->peer_session = 0;
	return 1;
}

static side_at side_block(const struct mbx_link *l, uint32_t off)
{
	return (side_at)(l->is.base + off);
}

/*
 * Begin a life, in a region whose superblock was fetched to @w; or one that has
 * nothing to say but @state, in words whose place both sides agree on.
 */
static void begin_life(struct mbx_link *l, const uint32_t w[16],
		       enum mbx_side_state state)
{
	side_at mine = side_block(l, w[8 + l->is.side]);

	forget(l, w[2]);
	mbx_order_all();
	l->mine = mine;
	l->peer = side_block(l, w[8 + !l->is.side]);
	l->session = mbx_ld(&mine->session) + 1u;
	if (!l->session)
		l->session = 1;
	l->beat = mbx_ld(&mine->beat);
	/* Down first: nothing of this life is to be taken for the last one's. */
	mbx_st(&mine->state, MBX_SIDE_DOWN);
	mbx_st(&mine->ack, 0);
	mbx_st_release(&mine->session, l->session);
	mbx_st(&mine->instance, w[3]);
	mbx_st(&mine->layout_hash, l->layout_hash);
	mbx_st(&mine->code_version, MBX_CODE_VERSION);
	mbx_st(&mine->boot_reason, l->is.boot_reason);
	mbx_st(&mine->wakeup, l->is.wakeup);
	mbx_st(&mine->owner, l->is.owner);
	mbx_st_release(&mine->state, state);
}

int mbx_link_attach(struct mbx_link *l)
{
	uint32_t w[16];
	int err = observe(l, w);

	l->peer_session = l->last_session = l->incompatible = 0;
	l->beaten = 0;
	if (!err)
		begin_life(l, w, MBX_SIDE_ATTACHING);
	else if (err == MBX_EMISMATCH)
		begin_life(l, w, MBX_SIDE_INCOMPATIBLE);
	if (err)
		return err;
	/*
	 * A formatter that looked for a peer to wait for before it could see
	 * this one has taken back the magic by now: let go, and come again.
	 */
	mbx_order_all();
	return is_stale(l) ? MBX_EAGAIN : 0;
}

/*
 * Has the peer's heart stopped? Told by the clock alone, silence would end when
 * the clock has gone round, so the moment of the last beat is drawn along.
 */
static int is_silent(struct mbx_link *l, uint32_t beat, uint32_t now_us)
{
	if (beat != l->peer_beat || !l->beaten) {
		l->peer_beat = beat;
		l->peer_seen_us = now_us;
		l->beaten = 1;
	}
	if (now_us - l->peer_seen_us < l->is.liveness_us)
		return 0;
	l->peer_seen_us = now_us - l->is.liveness_us;
	return 1;
}

/* The peer's block. Its session if it is there, else 0. */
static uint32_t look_at_peer(struct mbx_link *l, uint32_t now_us, int *knows_us,
			     uint32_t *events)
{
	side_at peer = l->peer;
	uint32_t state, session, beat;

	/*
	 * Pairs with the release in begin_life(): the session before the ack,
	 * and before the state, so that a life that is up has said all of itself.
	 */
	session = mbx_ld_acquire(&peer->session);
	state = mbx_ld_acquire(&peer->state);
	beat = mbx_ld(&peer->beat);
	*knows_us = mbx_ld(&peer->ack) == l->session;
	/* A session that is new: is this state its, or already the next one's? */
	if (session != l->peer_session) {
		if (mbx_ld(&peer->session) != session)
			return 0;
		if (state == MBX_SIDE_INCOMPATIBLE &&
		    l->incompatible != session) {
			l->incompatible = session;
			*events |= MBX_EVENT_INCOMPATIBLE;
		}
	}
	if (is_silent(l, beat, now_us) ||
	    (state != MBX_SIDE_ATTACHING && state != MBX_SIDE_UP))
		return 0;
	return mbx_ld(&peer->instance) == l->instance ? session : 0;
}

uint32_t mbx_link_poll(struct mbx_link *l, uint32_t now_us)
{
	side_at mine = l->mine;
	uint32_t session, events = 0;
	int knows_us;

	if (!l->instance)
		return 0;
	if (is_stale(l))
		return MBX_EVENT_RESET;
	if (!l->session)
		return 0;
	mbx_st(&mine->time_us, now_us);
	mbx_st(&mine->beat, ++l->beat);
	session = look_at_peer(l, now_us, &knows_us, &events);

	if (l->peer_session && session != l->peer_session) {
		l->peer_session = 0;
		events |= MBX_EVENT_DOWN;
	}
	/* who is told DOWN gets to act on it before the next life may send */
	if (session && !(events & MBX_EVENT_DOWN))
		mbx_st(&mine->ack, session);
	if (session && knows_us && !l->peer_session) {
		events |= l->last_session && l->last_session != session
				  ? MBX_EVENT_RESTARTED
				  : MBX_EVENT_UP;
		l->peer_session = l->last_session = session;
	}
	/* both are behind the barrier at the end of attach */
	mbx_st(&mine->state,
	       l->peer_session ? MBX_SIDE_UP : MBX_SIDE_ATTACHING);
	return events;
}

void mbx_link_detach(struct mbx_link *l)
{
	if (l->instance && l->session && !is_stale(l))
		mbx_st_release(&l->mine->state, MBX_SIDE_DOWN);
	l->instance = 0;
	l->peer_session = 0;
}

/* ---- channels ---- */

/* The entry of channel @index, in which word @wanted must not be 0. */
once int find(const struct mbx_link *l, uint32_t index, uint32_t wanted,
	      struct walk *k)
{
	uint32_t i;

	if (!l->instance)
		return MBX_ENOTCONN;
	if (index >= l->is.count)
		return MBX_ENOENT;
	begin_walk(l, k);
	for (i = 0; i <= index; i++)
		put_channel(k, &l->is.channels[i]);
	return k->entry[wanted] ? 0 : MBX_ENOTSUP;
}

static int queue_at(const struct mbx_link *l, uint32_t index, uint32_t stream,
		    struct mbx_queue_place *at)
{
	struct walk k;
	const uint32_t *s = &k.entry[stream];
	int err = find(l, index, stream + 3u, &k);

	if (err)
		return err;
	at->tx = mbx_link_word(l, s[2]);
	at->ring = mbx_word_at(
		at->tx,
		round_up((uint32_t)sizeof(struct mbx_tx_block), l->line));
	at->rx = mbx_link_word(l, s[3]);
	at->max_bytes = s[0];
	at->ring_bytes = s[1];
	at->full = (uint8_t)(k.entry[4] >> 16);
	if (MBX_PORT_COPIES)
		at->memory = (uint8_t)l->is.memory;
	return 0;
}

int mbx_link_queue(const struct mbx_link *l, uint32_t index,
		   struct mbx_queue_place *at)
{
	return queue_at(l, index, 8, at);
}

int mbx_link_back(const struct mbx_link *l, uint32_t index,
		  struct mbx_queue_place *at)
{
	return queue_at(l, index, 12, at);
}

int mbx_link_slots(const struct mbx_link *l, uint32_t index,
		   struct mbx_slots_place *at)
{
	struct walk k;
	int err = find(l, index, 7, &k);

	if (err)
		return err;
	at->ctl = mbx_link_word(l, k.entry[10]);
	at->slot = mbx_word_at(
		at->ctl,
		round_up((uint32_t)sizeof(struct mbx_slots_block), l->line));
	at->max_bytes = k.entry[8];
	at->slots = k.entry[7];
	if (MBX_PORT_COPIES)
		at->memory = (uint8_t)l->is.memory;
	return 0;
}
