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

static void store(const struct mbx_link *l, uint32_t off, uint32_t v)
{
	mbx_st(mbx_link_word(l, off), v);
}

static uint32_t load(const struct mbx_link *l, uint32_t off)
{
	return mbx_ld(mbx_link_word(l, off));
}

MBX_INLINE super_at super_of(const struct mbx_link *l)
{
	return (super_at)(l->is.base);
}

/* The side block of this side (mine = 1) or the peer's. */
MBX_INLINE side_at side_of(const struct mbx_link *l, int mine)
{
	return (side_at)(l->is.base +
			 l->section[mine ? l->is.side : !l->is.side]);
}

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1u) & ~(to - 1u);
}

once uint32_t fnv_word(uint32_t hash, uint32_t w)
{
	int i;

	for (i = 0; i < 4; i++, w >>= 8)
		hash = (hash ^ (w & 0xffu)) * FNV_PRIME;
	return hash;
}

uint32_t mbx_text_hash(const char *text)
{
	uint32_t hash = FNV_BASIS;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * FNV_PRIME;
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

static void explain(struct mbx_link *l, int channel, uint32_t word,
		    uint32_t ours, uint32_t theirs)
{
	l->why.channel = (int16_t)channel;
	l->why.word = (uint8_t)word;
	l->why.ours = ours;
	l->why.theirs = theirs;
}

/* The same of word @i of the superblock. */
once void blame(struct mbx_link *l, uint32_t i, uint32_t ours, uint32_t theirs)
{
	explain(l, -1, i, ours, theirs);
}

/* ---- layout ---- */

enum mode { COMPUTE, WRITE, CHECK };

/* Words of a directory entry that are offsets. */
#define AT_WORDS (1u << 6 | 1u << 10 | 1u << 11 | 1u << 14 | 1u << 15)

struct walk {
	const struct mbx_link *link;
	enum mode mode;
	uint32_t channel;   /* which one of the declared is next */
	uint32_t off;	    /* of the next word of the directory */
	uint32_t words[16]; /* the last entry's */
	uint32_t free[2];   /* next free offset of either section */
	uint32_t text;	    /* next free offset of the text area */
	uint32_t hash;
	int differs; /* other than by what has moved */
	struct mbx_why why;
};

/*
 * Compute, write or check one word, of which link.why would say @i.
 *
 * One channel that differs moves all those behind it, and even those before it:
 * where a channel stands is blamed only if they are all what they should be. So
 * such a difference is noted, the first one, and the walk goes on; any other is
 * the last one looked at.
 */
once void word(struct walk *k, uint32_t off, uint32_t ours, uint32_t i)
{
	const struct mbx_link *l = k->link;
	int moved = AT_WORDS >> i & 1u;
	uint32_t theirs;

	if (k->mode == WRITE)
		store(l, off, ours);
	if (k->mode != CHECK || k->differs)
		return;
	/* a region too small for our directory can't be ours */
	theirs = off < l->is.bytes ? load(l, off) : ~ours;
	if (theirs == ours || (moved && k->why.channel >= 0))
		return;
	k->differs = !moved;
	k->why.channel = (int16_t)k->channel;
	k->why.word = (uint8_t)i;
	k->why.ours = ours;
	k->why.theirs = theirs;
}

/* The next word of the directory. */
once void put(struct walk *k, uint32_t w)
{
	uint32_t i = k->off / 4u % 16u;

	k->words[i] = w;
	k->hash = fnv_word(k->hash, w);
	word(k, k->off, w, i);
	k->off += 4u;
}

/* Take @bytes of a section in whole lines; sticks above any allowed region. */
once uint32_t take(struct walk *k, uint32_t side, uint32_t bytes)
{
	uint32_t at = k->free[side];

	k->free[side] = at > MBX_MAX_REGION || bytes > MBX_MAX_REGION
				? MBX_MAX_REGION + 1u
				: at + round_up(bytes, k->link->line);
	return at;
}

once void put_stream(struct walk *k, const struct mbx_stream *s,
		     uint32_t writer, uint32_t slots)
{
	put(k, s->max_bytes);
	put(k, s->bytes);
	put(k, take(k, writer,
		    slots ? (uint32_t)sizeof(struct mbx_slots_block)
			  : (uint32_t)sizeof(struct mbx_tx_block)));
	take(k, writer, s->bytes);
	put(k, slots ? 0
		     : take(k, !writer, (uint32_t)sizeof(struct mbx_rx_block)));
}

/* The directory entry and the text of the next channel. */
static void put_channel(struct walk *k)
{
	const struct mbx_channel *c = &k->link->is.channels[k->channel];
	const char *name = c->name, *type = c->is.type;
	uint32_t i, w;

	for (i = 0; i < 4; i++)
		put(k, text_word(&name));
	put(k, (uint32_t)c->is.kind | (uint32_t)c->is.direction << 8 |
		       (uint32_t)c->is.full << 16);
	put(k, mbx_text_hash(type));
	put(k, *type ? k->text : 0);
	put(k, c->is.slots);
	put_stream(k, &c->is.fwd, c->is.direction, c->is.slots);
	if (c->is.kind == MBX_KIND_CALL)
		put_stream(k, &c->is.back, !c->is.direction, 0);
	else
		for (i = 0; i < 4; i++)
			put(k, 0);
	/* a text differs as its hash does; it ends in a word that is not full */
	for (w = *type ? ~0u : 0; w >> 24; k->text += 4u) {
		w = text_word(&type);
		word(k, k->text, w, 5);
	}
	k->channel++;
}

once void begin_walk(const struct mbx_link *l, enum mode mode, struct walk *k)
{
	uint32_t side;

	k->link = l;
	k->mode = mode;
	k->channel = 0;
	k->off = SUPER_BYTES;
	for (side = MBX_HOST; side <= MBX_REMOTE; side++) {
		k->free[side] = l->section[side];
		take(k, side, SIDE_BYTES);
	}
	k->text = l->text_off;
	k->hash = fnv_word(FNV_BASIS, l->is.count);
	k->differs = 0;
	k->why.channel = -1;
}

once void walk(const struct mbx_link *l, enum mode mode, struct walk *k)
{
	begin_walk(l, mode, k);
	while (k->channel < l->is.count)
		put_channel(k);
}

/* All offsets for lines and sections of the given sizes. */
static void compute(struct mbx_link *l, struct walk *k, uint32_t line,
		    uint32_t align)
{
	l->line = line;
	l->align = align;
	l->text_off = SUPER_BYTES + l->is.count * ENTRY_BYTES;
	/* from 0: how long texts and sections are; then from where they stand */
	l->section[MBX_HOST] = l->section[MBX_REMOTE] = 0;
	walk(l, COMPUTE, k);
	l->section[MBX_HOST] = round_up(k->text, align);
	l->section[MBX_REMOTE] = round_up(
		l->section[MBX_HOST] + k->free[MBX_HOST], align);
	walk(l, COMPUTE, k);
	l->end_off = k->free[MBX_REMOTE];
	l->layout_hash = k->hash;
	l->needs = l->end_off;
}

/* Sections on pages where the region can afford it, else on lines. */
once void choose_layout(struct mbx_link *l)
{
	uint32_t line = l->is.line_bytes, page = l->is.page_bytes;
	struct walk k;

	compute(l, &k, line, page > line ? page : line);
	if (l->end_off > l->is.bytes)
		compute(l, &k, line, line);
	l->why.channel = -1;
}

static int power_of_two_in(uint32_t n, uint32_t lo, uint32_t hi)
{
	return n >= lo && n <= hi && (n & (n - 1u)) == 0;
}

int mbx_link_init(struct mbx_link *l, const struct mbx_link_config *config)
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
	if (l->is.side > MBX_REMOTE ||
	    ((uint32_t)l->is.base | l->is.bytes) & 3u ||
	    (l->is.bytes && l->is.base > UINTPTR_MAX - (l->is.bytes - 1u)) ||
	    l->is.bytes > MBX_MAX_REGION || l->is.count > MBX_MAX_CHANNELS ||
	    !power_of_two_in(l->is.line_bytes, 4, 4096) ||
	    !power_of_two_in(l->is.page_bytes, 64, 65536))
		return MBX_EINVAL;
	choose_layout(l);
	return 0;
}

static uint32_t super_check(const uint32_t w[16])
{
	uint32_t hash = FNV_BASIS, i;

	for (i = 1; i < 15; i++)
		hash = fnv_word(hash, w[i]);
	return hash;
}

/* The superblock's words but for the magic. */
once void super_words(const struct mbx_link *l, uint32_t w[16])
{
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

/* Is word @i no place for a side block? */
static int bad_section(const uint32_t w[16], uint32_t i)
{
	return w[2] < SIDE_BYTES || w[i] & 3u || w[i] < SUPER_BYTES ||
	       w[i] > w[2] - SIDE_BYTES;
}

/* All but the magic that does not depend on the channels. */
static int check_super(struct mbx_link *l, const uint32_t w[16])
{
	uint32_t check = super_check(w), last = w[2] - SIDE_BYTES, i, ours;
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
		i = 8, ours = last;
	else if (bad_section(w, 9))
		i = 9, ours = last;
	else
		return 0;
	blame(l, i, ours, w[i]);
	return err;
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

/*
 * Fetch the superblock, each word once, and check it. The peer's values are
 * used only after this.
 */
static int load_super(struct mbx_link *l, uint32_t w[16])
{
	uint32_t i;
	int err;

	if (l->is.bytes < SUPER_BYTES) {
		blame(l, 2, l->is.bytes, SUPER_BYTES);
		return MBX_ENOSPC;
	}
	w[3] = mbx_ld_acquire(mbx_link_word(l, OFF(mbx_super, instance)));
	w[0] = mbx_ld_acquire(mbx_link_word(l, 0));
	for (i = 1; i < 16; i++)
		if (i != 3)
			w[i] = load(l, 4u * i);
	blame(l, 0, MBX_MAGIC, w[0]);
	if (w[0] != MBX_MAGIC)
		return w[0] == 0 ? MBX_EAGAIN : MBX_ENOTREGION;
	err = check_super(l, w);
	return err && is_torn(l, w) ? MBX_EAGAIN : err;
}

/* Does the region, its superblock fetched to @w, have our channels? */
static int check_layout(struct mbx_link *l, const uint32_t w[16])
{
	uint32_t ours[16], i;
	struct walk k;

	compute(l, &k, w[6], w[7]);
	l->instance = w[3];
	super_words(l, ours);
	blame(l, 5, ours[5], w[5]);
	if (ours[5] != w[5])
		return MBX_EMISMATCH;
	walk(l, CHECK, &k);
	l->why = k.why;
	if (k.why.channel >= 0)
		return MBX_EMISMATCH;
	for (i = 4; i < 15; i++)
		if (ours[i] != w[i] && i != 13) {
			blame(l, i, ours[i], w[i]);
			return MBX_EMISMATCH;
		}
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
	uint32_t w[16], off;
	struct walk k;

	store(l, OFF(mbx_super, instance), l->instance);
	mbx_order_stores();
	/* Whole words: part of one would read ECC memory never written. */
	for (off = 0; off < l->end_off; off += 4u)
		if (off != OFF(mbx_super, instance))
			store(l, off, 0);
	super_words(l, w);
	for (off = 1; off < 16; off++)
		store(l, 4u * off, w[off]);
	walk(l, WRITE, &k);
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
	int was_region = check_super(l, w) == 0;
	uint32_t state;

	mbx_st(mbx_link_word(l, 0), 0);
	mbx_order_all();
	/* of memory that was a region, or was being made one, it goes on */
	l->next_instance = 1;
	if ((w[0] == 0 || w[0] == MBX_MAGIC) && w[3] + 1u != 0)
		l->next_instance = w[3] + 1u;
	if (!was_region)
		return 0;
	l->let_go_off = w[8 + !l->is.side];
	state = mbx_ld_acquire(mbx_link_word(l, l->let_go_off));
	return state == MBX_SIDE_ATTACHING || state == MBX_SIDE_UP;
}

/* Adopt the region if it is as it should be. */
static int adopt(struct mbx_link *l, uint32_t w[16])
{
	uint32_t line = l->line, align = l->align;
	int same = load_super(l, w) == 0 && w[2] == l->is.bytes &&
		   w[6] == line && w[7] == align && check_layout(l, w) == 0 &&
		   !l->discard;

	if (!same)
		choose_layout(l);
	l->instance = 0; /* attach, not this, begins a life */
	return same;
}

void mbx_link_discard(struct mbx_link *l)
{
	mbx_link_detach(l);
	l->discard = 1;
}

int mbx_link_format(struct mbx_link *l, uint32_t now_us)
{
	uint32_t w[16];

	choose_layout(l);
	if (l->end_off > l->is.bytes)
		return MBX_ENOSPC;
	if (!l->formatting) {
		/* not older than what the last life stored: its number goes on */
		mbx_order_all();
		if (adopt(l, w))
			return 1;
		if (take_back(l, w)) {
			l->formatting = 1;
			l->let_go_us = now_us;
			return MBX_EAGAIN;
		}
	} else if (mbx_ld_acquire(mbx_link_word(l, l->let_go_off)) !=
			   MBX_SIDE_DOWN &&
		   now_us - l->let_go_us < LET_GO_US) {
		return MBX_EAGAIN;
	}
	l->formatting = l->discard = 0;
	l->instance = l->next_instance;
	write_region(l);
	l->instance = 0;
	return 0;
}

/* Behind that of the last life, and never 0. */
static uint32_t next_session(side_at mine)
{
	uint32_t session = mbx_ld(&mine->session) + 1u;

	return session ? session : 1;
}

/* Tell the peer, in the only words whose place both sides agree on. */
static void say_incompatible(struct mbx_link *l, const uint32_t w[16])
{
	side_at mine;

	l->section[MBX_HOST] = w[8];
	l->section[MBX_REMOTE] = w[9];
	mine = side_of(l, 1);
	/* as in begin_life(): who sees the new session takes it for no other */
	mbx_st(&mine->state, MBX_SIDE_DOWN);
	mbx_st(&mine->layout_hash, l->layout_hash);
	mbx_st(&mine->instance, w[3]);
	mbx_st_release(&mine->session, next_session(mine));
	mbx_st_release(&mine->state, MBX_SIDE_INCOMPATIBLE);
}

static int observe(struct mbx_link *l, uint32_t w[16])
{
	int err = load_super(l, w);

	if (!err) {
		err = check_layout(l, w);
		if (err && is_torn(l, w))
			err = MBX_EAGAIN;
	}
	if (err)
		l->instance = 0;
	return err;
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
		mbx_st_release(&side_of(l, 1)->state, MBX_SIDE_DOWN);
	}
	l->instance = 0;
	l->peer_session = 0;
	return 1;
}

static void begin_life(struct mbx_link *l)
{
	side_at mine = side_of(l, 1);

	l->session = next_session(mine);
	l->beat = mbx_ld(&mine->beat);
	/* Down first: nothing of this life is to be taken for the last one's. */
	mbx_st(&mine->state, MBX_SIDE_DOWN);
	mbx_st(&mine->ack, 0);
	mbx_st_release(&mine->session, l->session);
	mbx_st(&mine->instance, l->instance);
	mbx_st(&mine->layout_hash, l->layout_hash);
	mbx_st(&mine->code_version, MBX_CODE_VERSION);
	mbx_st(&mine->boot_reason, l->is.boot_reason);
	mbx_st(&mine->wakeup, l->is.wakeup);
	mbx_st(&mine->owner, l->is.owner);
	mbx_st_release(&mine->state, MBX_SIDE_ATTACHING);
}

int mbx_link_attach(struct mbx_link *l)
{
	uint32_t w[16];
	int err = observe(l, w);

	l->peer_session = l->last_session = l->incompatible = 0;
	l->beaten = 0;
	if (!err || err == MBX_EMISMATCH)
		forget(l, w[2]);
	if (err == MBX_EMISMATCH)
		say_incompatible(l, w);
	if (err)
		return err;
	mbx_order_all();
	begin_life(l);
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
	side_at peer = side_of(l, 0);
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
	side_at mine = side_of(l, 1);
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
		mbx_st_release(&side_of(l, 1)->state, MBX_SIDE_DOWN);
	l->instance = 0;
	l->peer_session = 0;
}

/* ---- channels ---- */

once int find(const struct mbx_link *l, uint32_t index, struct walk *k)
{
	if (!l->instance)
		return MBX_ENOTCONN;
	if (index >= l->is.count)
		return MBX_ENOENT;
	begin_walk(l, COMPUTE, k);
	while (k->channel <= index)
		put_channel(k);
	return 0;
}

static int queue_at(const struct mbx_link *l, uint32_t index, uint32_t stream,
		    struct mbx_queue_place *at)
{
	struct walk k;
	const uint32_t *s = &k.words[8u + stream];
	int err = find(l, index, &k);

	if (err)
		return err;
	if (!s[3])
		return MBX_ENOTSUP;
	at->tx = mbx_link_word(l, s[2]);
	at->ring = mbx_link_word(
		l, s[2] + round_up((uint32_t)sizeof(struct mbx_tx_block),
				   l->line));
	at->rx = mbx_link_word(l, s[3]);
	at->max_bytes = s[0];
	at->ring_bytes = s[1];
	at->full = l->is.channels[index].is.full;
	if (MBX_PORT_COPIES)
		at->memory = (uint8_t)l->is.memory;
	return 0;
}

int mbx_link_queue(const struct mbx_link *l, uint32_t index,
		   struct mbx_queue_place *at)
{
	return queue_at(l, index, 0, at);
}

int mbx_link_back(const struct mbx_link *l, uint32_t index,
		  struct mbx_queue_place *at)
{
	return queue_at(l, index, 4, at);
}

int mbx_link_slots(const struct mbx_link *l, uint32_t index,
		   struct mbx_slots_place *at)
{
	struct walk k;
	int err = find(l, index, &k);

	if (err)
		return err;
	if (!k.words[7])
		return MBX_ENOTSUP;
	at->ctl = mbx_link_word(l, k.words[10]);
	at->slot = mbx_link_word(
		l,
		k.words[10] + round_up((uint32_t)sizeof(struct mbx_slots_block),
				       l->line));
	at->max_bytes = k.words[8];
	at->slots = k.words[7];
	if (MBX_PORT_COPIES)
		at->memory = (uint8_t)l->is.memory;
	return 0;
}
