/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layout, formatting and the two sides' lives. LAYOUT.md has the words.
 *
 * The layout is a pure function of the declared channels and three numbers
 * (line, section alignment, size). One walk over the declarations computes it,
 * writes it or compares it: what stands in the region is never followed.
 */
#include <mbx/link.h>

#define SUPER_BYTES	 ((uint32_t)sizeof(struct mbx_super))
#define ENTRY_BYTES	 ((uint32_t)sizeof(struct mbx_dir_entry))
#define SIDE_BYTES	 ((uint32_t)sizeof(struct mbx_side_block))
#define LET_GO_US	 500000u
#define FNV_BASIS	 0x811c9dc5u
#define FNV_PRIME	 0x01000193u
#define OFF(type, field) ((uint32_t)offsetof(struct type, field))

static void store(const struct mbx_link *l, uint32_t off, uint32_t v)
{
	mbx_st(mbx_link_word(l, off), v);
}

static uint32_t load(const struct mbx_link *l, uint32_t off)
{
	return mbx_ld(mbx_link_word(l, off));
}

/* A word of the own (ours = 1) or the peer's side block. */
static uint32_t side_off(const struct mbx_link *l, int ours, uint32_t field)
{
	return l->section[ours ? l->is.side : !l->is.side] + field;
}

static void say(const struct mbx_link *l, uint32_t field, uint32_t v)
{
	store(l, side_off(l, 1, field), v);
}

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1u) & ~(to - 1u);
}

static uint32_t fnv_word(uint32_t hash, uint32_t w)
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

static uint32_t text_bytes(const char *text)
{
	uint32_t n = 0;

	while (text[n])
		n++;
	return n ? MBX_ROUND4(n + 1u) : 0;
}

/* The word at @i of a text that is followed by zeros. */
static uint32_t text_word(const char *text, uint32_t i)
{
	uint32_t w = 0, k, end = 0;

	for (k = 0; k < i && !end; k++)
		end = text[k] == 0;
	for (k = 0; k < 4 && !end && text[i + k]; k++)
		w |= (uint32_t)(uint8_t)text[i + k] << (8u * k);
	return w;
}

/* ---- layout ---- */

/*
 * CHECK_IS compares what a channel is, CHECK_AT where it stands. In this order,
 * because one channel that differs moves all those behind it.
 */
enum mode { COMPUTE, WRITE, CHECK_IS, CHECK_AT };

/* Words of a directory entry that are offsets. */
#define AT_WORDS (1u << 6 | 1u << 10 | 1u << 11 | 1u << 14 | 1u << 15)

struct walk {
	uint32_t free[2]; /* next free offset of either section */
	uint32_t text;	  /* next free offset of the text area */
	uint32_t hash;
};

/* Take @bytes of a section in whole lines; sticks above any allowed region. */
static uint32_t take(const struct mbx_link *l, uint32_t *free, uint32_t bytes)
{
	uint32_t at = *free;

	*free = at > MBX_MAX_REGION || bytes > MBX_MAX_REGION
			? MBX_MAX_REGION + 1u
			: at + round_up(bytes, l->line);
	return at;
}

static void place_stream(const struct mbx_link *l, struct walk *k,
			 const struct mbx_stream *s, int writer, uint32_t slots,
			 uint32_t words[4])
{
	words[0] = s->max_bytes;
	words[1] = s->bytes;
	words[2] = take(l, &k->free[writer],
			slots ? (uint32_t)sizeof(struct mbx_slots_block)
			      : (uint32_t)sizeof(struct mbx_tx_block));
	take(l, &k->free[writer], s->bytes);
	words[3] = slots ? 0
			 : take(l, &k->free[!writer],
				(uint32_t)sizeof(struct mbx_rx_block));
}

/* The directory entry of the next channel of the walk. */
static void next_entry(const struct mbx_link *l, struct walk *k,
		       const struct mbx_channel *c, uint32_t words[16])
{
	uint32_t i, text = text_bytes(c->is.type);

	for (i = 0; i < 16; i++)
		words[i] = i < 4 ? text_word(c->name, 4u * i) : 0;
	words[4] = (uint32_t)c->is.kind | (uint32_t)c->is.direction << 8 |
		   (uint32_t)c->is.full << 16;
	words[5] = mbx_text_hash(c->is.type);
	words[6] = text ? k->text : 0;
	words[7] = c->is.slots;
	k->text += text;
	place_stream(l, k, &c->is.fwd, c->is.direction, c->is.slots, &words[8]);
	if (c->is.kind == MBX_KIND_CALL)
		place_stream(l, k, &c->is.back, !c->is.direction, 0,
			     &words[12]);
}

static void begin_walk(const struct mbx_link *l, struct walk *k)
{
	k->free[MBX_HOST] = l->section[MBX_HOST] +
			    round_up(SIDE_BYTES, l->line);
	k->free[MBX_REMOTE] = l->section[MBX_REMOTE] +
			      round_up(SIDE_BYTES, l->line);
	k->text = l->text_off;
	k->hash = fnv_word(FNV_BASIS, l->is.count);
}

/* Compute, write or check one word; 0, or MBX_EMISMATCH explained. */
static int word(struct mbx_link *l, enum mode mode, uint32_t off, uint32_t ours)
{
	if (mode == WRITE)
		store(l, off, ours);
	if (mode == CHECK_IS || mode == CHECK_AT) {
		/* a region too small for our directory can't be ours */
		uint32_t theirs = off < l->is.bytes ? load(l, off) : ~ours;

		if (theirs != ours) {
			l->why.ours = ours;
			l->why.theirs = theirs;
			return MBX_EMISMATCH;
		}
	}
	return 0;
}

static int walk(struct mbx_link *l, enum mode mode, struct walk *k)
{
	uint32_t words[16], i, j, off = SUPER_BYTES;

	begin_walk(l, k);
	for (i = 0; i < l->is.count; i++) {
		const char *type = l->is.channels[i].is.type;
		uint32_t text = k->text, bytes = text_bytes(type);

		next_entry(l, k, &l->is.channels[i], words);
		l->why.channel = (int16_t)i;
		for (j = 0; j < 16; j++, off += 4u) {
			k->hash = fnv_word(k->hash, words[j]);
			l->why.word = (uint8_t)j;
			if (mode == (AT_WORDS >> j & 1u ? CHECK_IS : CHECK_AT))
				continue;
			if (word(l, mode, off, words[j]))
				return MBX_EMISMATCH;
		}
		if (mode == CHECK_IS)
			continue;
		l->why.word = 5; /* a text differs as its hash does */
		for (j = 0; j < bytes; j += 4u)
			if (word(l, mode, text + j, text_word(type, j)))
				return MBX_EMISMATCH;
	}
	return 0;
}

/* All offsets for lines and sections of the given sizes. */
static void compute(struct mbx_link *l, uint32_t line, uint32_t align)
{
	uint32_t i, text = SUPER_BYTES + l->is.count * ENTRY_BYTES;
	struct walk k;

	l->line = line;
	l->align = align;
	l->text_off = text;
	for (i = 0; i < l->is.count; i++)
		text += text_bytes(l->is.channels[i].is.type);
	l->section[MBX_HOST] = l->section[MBX_REMOTE] = round_up(text, align);
	walk(l, COMPUTE, &k);
	l->section[MBX_REMOTE] = round_up(k.free[MBX_HOST], align);
	walk(l, COMPUTE, &k);
	l->end_off = k.free[MBX_REMOTE];
	l->layout_hash = k.hash;
	l->needs = l->end_off;
}

/* Sections on pages where the region can afford it, else on lines. */
static void choose_layout(struct mbx_link *l)
{
	uint32_t line = l->is.line_bytes, page = l->is.page_bytes;

	compute(l, line, page > line ? page : line);
	if (l->end_off > l->is.bytes)
		compute(l, line, line);
	l->why.channel = -1;
}

static int bad_stream(const struct mbx_stream *s, uint32_t slots)
{
	if (s->max_bytes == 0 || s->max_bytes > MBX_MAX_MESSAGE ||
	    s->bytes > MBX_MAX_REGION || s->bytes & 3u)
		return 1;
	if (slots)
		return slots < 2 || slots & (slots - 1u) ||
		       s->bytes / slots != 8u + MBX_ROUND4(s->max_bytes) ||
		       s->bytes % slots != 0;
	return s->bytes < 12 || MBX_ROUND4(s->max_bytes) > s->bytes - 8u;
}

static int bad_name(const char *name)
{
	uint32_t n = 0;

	for (; name[n]; n++) {
		char c = name[n];

		if (n == MBX_NAME_BYTES - 1u ||
		    !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '_' || c == '.' ||
		      c == '-'))
			return 1;
	}
	return n == 0;
}

/* Declarations come from the application, or from a region by way of a tool. */
static int bad_channel(const struct mbx_channel *c)
{
	uint8_t full = c->is.full;

	if (!c->name || bad_name(c->name) || !c->is.type ||
	    c->is.direction > MBX_R2H)
		return 1;
	switch (c->is.kind) {
	case MBX_KIND_QUEUE:
		return full > MBX_BLOCK || c->is.slots ||
		       bad_stream(&c->is.fwd, 0);
	case MBX_KIND_STATE:
	case MBX_KIND_LOG:
		return full != MBX_OVERWRITE || !c->is.slots ||
		       bad_stream(&c->is.fwd, c->is.slots);
	case MBX_KIND_CALL:
		return full != MBX_FAIL || c->is.slots ||
		       bad_stream(&c->is.fwd, 0) ||
		       bad_stream(&c->is.back, 0) || c->is.fwd.max_bytes < 8u ||
		       c->is.back.max_bytes < 8u;
	}
	return 1;
}

static int power_of_two_in(uint32_t n, uint32_t lo, uint32_t hi)
{
	return n >= lo && n <= hi && (n & (n - 1u)) == 0;
}

int mbx_link_init(struct mbx_link *l, const struct mbx_link_config *config)
{
	static const struct mbx_link none;
	uint32_t i;

	*l = none;
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
	for (i = 0; i < l->is.count; i++) {
		l->why.channel = (int16_t)i;
		if (bad_channel(&l->is.channels[i]))
			return MBX_EINVAL;
	}
	choose_layout(l);
	return 0;
}

/* The superblock's words but for magic and check. */
static void super_words(const struct mbx_link *l, uint32_t w[16])
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
}

static uint32_t super_check(const uint32_t w[16])
{
	uint32_t hash = FNV_BASIS, i;

	for (i = 1; i < 15; i++)
		hash = fnv_word(hash, w[i]);
	return hash;
}

static void explain(struct mbx_link *l, uint32_t word, uint32_t ours,
		    uint32_t theirs)
{
	l->why.channel = -1;
	l->why.word = (uint8_t)word;
	l->why.ours = ours;
	l->why.theirs = theirs;
}

/* Word @i of the superblock makes no sense; @ours is one that would. */
static int damaged(struct mbx_link *l, const uint32_t w[16], uint32_t i,
		   uint32_t ours)
{
	explain(l, i, ours, w[i]);
	return MBX_ECORRUPT;
}

/* All but the magic that does not depend on the channels. */
static int check_super(struct mbx_link *l, const uint32_t w[16])
{
	uint32_t i, check = super_check(w);

	if (w[1] >> 16 != MBX_LAYOUT_MAJOR) {
		explain(l, 1, MBX_LAYOUT_VERSION, w[1]);
		return MBX_EVERSION;
	}
	if (w[15] != check)
		return damaged(l, w, 15, check);
	if (w[2] > l->is.bytes) {
		explain(l, 2, l->is.bytes, w[2]);
		return MBX_ENOSPC;
	}
	if (!power_of_two_in(w[6], 4, 4096))
		return damaged(l, w, 6, l->is.line_bytes);
	if (!power_of_two_in(w[7], w[6], 65536))
		return damaged(l, w, 7, l->is.page_bytes);
	if (w[3] == 0)
		return damaged(l, w, 3, 1);
	for (i = 8; i < 10; i++)
		if (w[2] < SIDE_BYTES || w[i] & 3u || w[i] < SUPER_BYTES ||
		    w[i] > w[2] - SIDE_BYTES)
			return damaged(l, w, i, w[2] - SIDE_BYTES);
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

/*
 * Fetch the superblock, each word once, and check it. The peer's values are
 * used only after this.
 */
static int load_super(struct mbx_link *l, uint32_t w[16])
{
	uint32_t i;
	int err;

	if (l->is.bytes < SUPER_BYTES) {
		explain(l, 2, l->is.bytes, SUPER_BYTES);
		return MBX_ENOSPC;
	}
	w[3] = mbx_ld_acquire(mbx_link_word(l, OFF(mbx_super, instance)));
	w[0] = mbx_ld_acquire(mbx_link_word(l, 0));
	for (i = 1; i < 16; i++)
		if (i != 3)
			w[i] = load(l, 4u * i);
	explain(l, 0, MBX_MAGIC, w[0]);
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

	compute(l, w[6], w[7]);
	l->instance = w[3];
	super_words(l, ours);
	explain(l, 5, ours[5], w[5]);
	if (ours[5] != w[5] || walk(l, CHECK_IS, &k) || walk(l, CHECK_AT, &k))
		return MBX_EMISMATCH;
	for (i = 4; i < 15; i++)
		if (ours[i] != w[i] && i != 13) {
			explain(l, i, ours[i], w[i]);
			return MBX_EMISMATCH;
		}
	return l->end_off > w[2] ? damaged(l, w, 2, l->end_off) : 0;
}

/*
 * The instance goes first, so that a crash in here does not make the next life
 * use its number again, before the eyes of a peer that has not looked since.
 */
static void write_region(struct mbx_link *l)
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
	for (off = 1; off < 15; off++)
		store(l, 4u * off, w[off]);
	store(l, OFF(mbx_super, check), super_check(w));
	walk(l, WRITE, &k);
	mbx_order_all();
	mbx_st_release(mbx_link_word(l, 0), MBX_MAGIC);
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

	mbx_st_release(mbx_link_word(l, 0), 0);
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
		compute(l, line, align);
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
static uint32_t next_session(const struct mbx_link *l)
{
	uint32_t off = side_off(l, 1, OFF(mbx_side_block, session));
	uint32_t session = load(l, off) + 1u;

	return session ? session : 1;
}

/* Tell the peer, in the only words whose place both sides agree on. */
static void say_incompatible(struct mbx_link *l, const uint32_t w[16])
{
	uint32_t ours = l->layout_hash;

	l->section[MBX_HOST] = w[8];
	l->section[MBX_REMOTE] = w[9];
	say(l, OFF(mbx_side_block, layout_hash), ours);
	say(l, OFF(mbx_side_block, instance), w[3]);
	say(l, OFF(mbx_side_block, session), next_session(l));
	mbx_st_release(mbx_link_word(l, side_off(l, 1, 0)),
		       MBX_SIDE_INCOMPATIBLE);
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
	uint32_t magic = mbx_ld_acquire(mbx_link_word(l, 0));

	if (magic == MBX_MAGIC &&
	    load(l, OFF(mbx_super, instance)) == l->instance)
		return 0;
	if (magic == 0 && l->session) {
		forget(l, l->end_off); /* a claim may be open, and dirty */
		/* nothing stored here before may come after the formatting */
		mbx_st_release(mbx_link_word(l, side_off(l, 1, 0)),
			       MBX_SIDE_DOWN);
	}
	l->instance = 0;
	l->peer_session = 0;
	return 1;
}

static void begin_life(struct mbx_link *l)
{
	/* Down first: nothing of this life is to be taken for the last one's. */
	say(l, OFF(mbx_side_block, state), MBX_SIDE_DOWN);
	mbx_order_all();
	l->session = next_session(l);
	l->beat = load(l, side_off(l, 1, OFF(mbx_side_block, beat)));
	say(l, OFF(mbx_side_block, ack), 0);
	/* whoever sees the new session must not see the old acknowledgement */
	mbx_st_release(
		mbx_link_word(l, side_off(l, 1, OFF(mbx_side_block, session))),
		l->session);
	say(l, OFF(mbx_side_block, instance), l->instance);
	say(l, OFF(mbx_side_block, layout_hash), l->layout_hash);
	say(l, OFF(mbx_side_block, code_version), MBX_CODE_VERSION);
	say(l, OFF(mbx_side_block, boot_reason), l->is.boot_reason);
	say(l, OFF(mbx_side_block, wakeup), l->is.wakeup);
	say(l, OFF(mbx_side_block, owner), l->is.owner);
	mbx_st_release(mbx_link_word(l, side_off(l, 1, 0)), MBX_SIDE_ATTACHING);
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

/* The peer's block, each word once. Its session if it is there, else 0. */
static uint32_t look_at_peer(struct mbx_link *l, uint32_t now_us, int *knows_us,
			     uint32_t *events)
{
	uint32_t state, session, beat;

	/*
	 * Pairs with the release in begin_life(): the session before the ack,
	 * and before the state, so that a life that is up has said all of itself.
	 */
	session = mbx_ld_acquire(
		mbx_link_word(l, side_off(l, 0, OFF(mbx_side_block, session))));
	state = mbx_ld_acquire(mbx_link_word(l, side_off(l, 0, 0)));
	beat = load(l, side_off(l, 0, OFF(mbx_side_block, beat)));
	*knows_us = load(l, side_off(l, 0, OFF(mbx_side_block, ack))) ==
		    l->session;
	if (state == MBX_SIDE_INCOMPATIBLE && l->incompatible != session) {
		l->incompatible = session;
		*events |= MBX_EVENT_INCOMPATIBLE;
	}
	if (is_silent(l, beat, now_us) ||
	    (state != MBX_SIDE_ATTACHING && state != MBX_SIDE_UP))
		return 0;
	if (load(l, side_off(l, 0, OFF(mbx_side_block, instance))) !=
	    l->instance)
		return 0;
	return session;
}

uint32_t mbx_link_poll(struct mbx_link *l, uint32_t now_us)
{
	uint32_t session, events = 0;
	int knows_us;

	if (!l->instance)
		return 0;
	if (is_stale(l))
		return MBX_EVENT_RESET;
	if (!l->session)
		return 0;
	say(l, OFF(mbx_side_block, time_us), now_us);
	say(l, OFF(mbx_side_block, beat), ++l->beat);
	session = look_at_peer(l, now_us, &knows_us, &events);

	if (l->peer_session && session != l->peer_session) {
		l->peer_session = 0;
		events |= MBX_EVENT_DOWN;
	}
	/* who is told DOWN gets to act on it before the next life may send */
	if (session && !(events & MBX_EVENT_DOWN))
		say(l, OFF(mbx_side_block, ack), session);
	if (session && knows_us && !l->peer_session) {
		events |= l->last_session && l->last_session != session
				  ? MBX_EVENT_RESTARTED
				  : MBX_EVENT_UP;
		l->peer_session = l->last_session = session;
	}
	mbx_st_release(mbx_link_word(l, side_off(l, 1, 0)),
		       l->peer_session ? MBX_SIDE_UP : MBX_SIDE_ATTACHING);
	return events;
}

void mbx_link_detach(struct mbx_link *l)
{
	if (l->instance && l->session && !is_stale(l))
		mbx_st_release(mbx_link_word(l, side_off(l, 1, 0)),
			       MBX_SIDE_DOWN);
	l->instance = 0;
	l->peer_session = 0;
}

/* ---- channels ---- */

static int find(const struct mbx_link *l, uint32_t index, uint32_t words[16])
{
	struct walk k;
	uint32_t i;

	if (!l->instance)
		return MBX_ENOTCONN;
	if (index >= l->is.count)
		return MBX_ENOENT;
	begin_walk(l, &k);
	for (i = 0; i <= index; i++)
		next_entry(l, &k, &l->is.channels[i], words);
	return 0;
}

static int queue_at(const struct mbx_link *l, uint32_t index, uint32_t stream,
		    struct mbx_queue_place *at)
{
	uint32_t words[16];
	const uint32_t *s = &words[8u + stream];
	int err = find(l, index, words);

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
	uint32_t words[16];
	int err = find(l, index, words);

	if (err)
		return err;
	if (!words[7])
		return MBX_ENOTSUP;
	at->ctl = mbx_link_word(l, words[10]);
	at->slot = mbx_link_word(
		l,
		words[10] + round_up((uint32_t)sizeof(struct mbx_slots_block),
				     l->line));
	at->max_bytes = words[8];
	at->slots = words[7];
	return 0;
}
