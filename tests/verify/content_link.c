/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The right answer for any content: superblock, directory and texts. Each word
 * of them wrong in turn, by every kind of value, and two words of the superblock
 * at a time; the superblock's check as it was, or right for what stands there.
 * Words of the superblock also change behind the first load, or only till then.
 * Both sides attach, an observer looks, and the owner formats or adopts: result,
 * mbx_why, each store, and which words are loaded how often are those that a
 * specification gives, written from LAYOUT.md.
 *
 *   content_link [pairs=VALUES] [dense=1]
 *   content_link sweep=WORD	   all 2^32 values of a word of the superblock
 *
 * dense: of the words that say where and how large, all values below 2^17, and
 * all that have at most three bits.
 */
#include "verify/content.h"

#define WORDS	   (1u << 17)
#define MAX_STORES 4096u
#define COUNT	   4u
#define LINE	   8u
#define PAGE	   64u

static const struct mbx_channel channels[COUNT] = {
	{ "q",
	  { MBX_KIND_QUEUE,
	    MBX_H2R,
	    MBX_DROP,
	    0,
	    { 8, 28 },
	    { 0, 0 },
	    "u8 a" } },
	{ "state.of-15chrs",
	  { MBX_KIND_STATE,
	    MBX_R2H,
	    MBX_OVERWRITE,
	    2,
	    { 5, 32 },
	    { 0, 0 },
	    "" } },
	{ "call",
	  { MBX_KIND_CALL,
	    MBX_R2H,
	    MBX_FAIL,
	    0,
	    { 12, 36 },
	    { 8, 20 },
	    "u32 a->" } },
	{ "log",
	  { MBX_KIND_LOG,
	    MBX_H2R,
	    MBX_OVERWRITE,
	    4,
	    { 1, 48 },
	    { 0, 0 },
	    "char text[]" } },
};

static struct mbx_word mem[WORDS];
static uint32_t mapped; /* bytes */

/* ---- shared words ---- */

struct store {
	uint32_t word, value, was;
};

static struct store stores[MAX_STORES], changes[8];
static uint32_t store_count, change_count;
static uint32_t loaded[MAX_STORES], load_count;
static uint8_t seen[WORDS];

/* A word that is something else at its first load, or from the second on. */
static struct {
	uint32_t word, value;
	int first;
} passing[2];
static uint32_t passing_count;

static uint32_t index_of(const struct mbx_word *w)
{
	uintptr_t off = (uintptr_t)w - (uintptr_t)mem;

	if (off >= mapped || off & 3u)
		fail("access outside", (uint32_t)off, mapped);
	return (uint32_t)off / 4u;
}

static uint32_t value_at(uint32_t i, int first)
{
	uint32_t k;

	for (k = 0; k < passing_count; k++)
		if (passing[k].word == i && passing[k].first == first)
			return passing[k].value;
	return mem[i].raw;
}

static uint32_t first(uint32_t i)
{
	return value_at(i, 1);
}

static uint32_t later(uint32_t i)
{
	return value_at(i, 0);
}

uint32_t content_load(const struct mbx_word *w, int data)
{
	uint32_t i = index_of(w);

	if (data)
		fail("payload", i, 0);
	if (load_count == MAX_STORES)
		fail("too many loads", load_count, 0);
	loaded[load_count++] = i;
	return value_at(i, !seen[i]++);
}

void content_store(struct mbx_word *w, uint32_t v, int data)
{
	uint32_t i = index_of(w);

	if (data || store_count == MAX_STORES)
		fail("too many stores", store_count, 0);
	stores[store_count++] = (struct store){ i, v, w->raw };
	w->raw = v;
}

/* Till undo(). */
static void change(uint32_t i, uint32_t v)
{
	changes[change_count++] = (struct store){ i, v, mem[i].raw };
	mem[i].raw = v;
}

static void undo_stores(void)
{
	while (store_count) {
		store_count--;
		mem[stores[store_count].word].raw = stores[store_count].was;
	}
	while (load_count)
		seen[loaded[--load_count]] = 0;
}

static void undo(void)
{
	undo_stores();
	while (change_count) {
		change_count--;
		mem[changes[change_count].word].raw = changes[change_count].was;
	}
	passing_count = 0;
}

/* ---- the specification: layout ---- */

struct layout {
	uint32_t word[160]; /* superblock, directory, texts; the rest is 0 */
	uint32_t words;	    /* all of them */
	uint32_t line, section[2], end;
};

static uint32_t up(uint32_t n, uint32_t to)
{
	return (n + to - 1u) / to * to;
}

static uint32_t fnv1a(uint32_t hash, const uint32_t *w, uint32_t count)
{
	uint32_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < 32; k += 8)
			hash = (hash ^ (w[i] >> k & 255u)) * 0x01000193u;
	return hash;
}

static uint32_t text_hash(const char *text)
{
	uint32_t hash = 0x811c9dc5u;

	while (*text)
		hash = (hash ^ (uint8_t)*text++) * 0x01000193u;
	return hash;
}

static void spec_stream(struct layout *s, uint32_t *e, uint32_t free_off[2],
			const struct mbx_stream *of, uint32_t slots,
			uint32_t producer)
{
	e[0] = of->max_bytes;
	e[1] = of->bytes;
	e[2] = free_off[producer];
	free_off[producer] += up(slots ? 12 : 8, s->line) +
			      up(of->bytes, s->line);
	e[3] = slots ? 0 : free_off[!producer];
	free_off[!producer] += slots ? 0 : up(12, s->line);
}

/* Channels' entries, from these ends of the side blocks on. */
static void spec_channels(struct layout *s, uint32_t free_off[2])
{
	uint32_t i, text = 64u + 64u * COUNT, *e = s->word + 16;

	for (i = 0; i < COUNT; i++, e += 16) {
		const struct mbx_channel *c = &channels[i];

		memcpy(e, c->name, strlen(c->name));
		e[4] = c->is.kind + c->is.direction * 256u +
		       c->is.full * 65536u;
		e[5] = text_hash(c->is.type);
		e[6] = *c->is.type ? text : 0;
		e[7] = c->is.slots;
		spec_stream(s, e + 8, free_off, &c->is.fwd, c->is.slots,
			    c->is.direction);
		if (c->is.kind == MBX_KIND_CALL)
			spec_stream(s, e + 12, free_off, &c->is.back, 0,
				    !c->is.direction);
		if (!*c->is.type)
			continue;
		memcpy(s->word + text / 4u, c->is.type, strlen(c->is.type));
		text += up((uint32_t)strlen(c->is.type) + 1u, 4);
	}
	s->words = text / 4u;
}

static void spec_layout(struct layout *s, uint32_t line, uint32_t align,
			uint32_t bytes, uint32_t instance, uint32_t formatter)
{
	uint32_t free_off[2] = { 0, 0 }, *w = s->word, hash, count = COUNT;

	memset(s, 0, sizeof(*s));
	s->line = line;
	spec_channels(s, free_off); /* how much each section takes, and texts */
	s->section[0] = up(4u * s->words, align);
	s->section[1] = up(s->section[0] + up(64, line) + free_off[0], align);
	memset(s->word, 0, sizeof(s->word));
	free_off[0] = s->section[0] + up(64, line);
	free_off[1] = s->section[1] + up(64, line);
	spec_channels(s, free_off);
	s->end = free_off[1];
	hash = fnv1a(0x811c9dc5u, &count, 1);
	w[0] = MBX_MAGIC;
	w[1] = 0x10000;
	w[2] = bytes;
	w[3] = instance;
	w[4] = fnv1a(hash, w + 16, 16u * COUNT);
	w[5] = COUNT;
	w[6] = line;
	w[7] = align;
	w[8] = s->section[0];
	w[9] = s->section[1];
	w[10] = 64;
	w[11] = 64u + 64u * COUNT;
	w[12] = s->end;
	w[13] = formatter;
	w[15] = fnv1a(0x811c9dc5u, w + 1, 14);
}

static void put_region(const struct layout *s)
{
	uint32_t i;

	memset(mem, 0, s->end);
	for (i = 0; i < s->words; i++)
		mem[i].raw = s->word[i];
}

/* ---- the specification: attaching, formatting ---- */

static struct mbx_why why;

static int blame(int channel, uint32_t word, uint32_t ours, uint32_t theirs,
		 int err)
{
	why.channel = (int16_t)channel;
	why.word = (uint8_t)word;
	why.ours = ours;
	why.theirs = theirs;
	return err;
}

static int is_power(uint32_t n, uint32_t lo, uint32_t hi)
{
	return n >= lo && n <= hi && __builtin_popcount(n) == 1;
}

static int can_be_section(uint32_t off, uint32_t bytes)
{
	return off % 4u == 0 && off >= 64u && (uint64_t)off + 64u <= bytes;
}

/* All but the magic. */
static int spec_super(void)
{
	uint32_t w[16], i, check;

	for (i = 0; i < 16; i++)
		w[i] = first(i);
	check = fnv1a(0x811c9dc5u, w + 1, 14);
	if (w[1] / 65536u != 1)
		return blame(-1, 1, 0x10000, w[1], MBX_EVERSION);
	if (w[15] != check)
		return blame(-1, 15, check, w[15], MBX_ECORRUPT);
	if (w[2] > mapped)
		return blame(-1, 2, mapped, w[2], MBX_ENOSPC);
	if (!is_power(w[6], 4, 4096))
		return blame(-1, 6, LINE, w[6], MBX_ECORRUPT);
	if (!is_power(w[7], w[6], 65536))
		return blame(-1, 7, PAGE, w[7], MBX_ECORRUPT);
	if (!w[3])
		return blame(-1, 3, 1, 0, MBX_ECORRUPT);
	for (i = 8; i < 10; i++)
		if (!can_be_section(w[i], w[2]))
			return blame(-1, i, w[2] - 64u, w[i], MBX_ECORRUPT);
	return 0;
}

static int differs(const struct layout *s, uint32_t i, int channel,
		   uint32_t word)
{
	uint32_t theirs = 4u * i < mapped ? later(i) : ~s->word[i];

	if (theirs == s->word[i])
		return 0;
	blame(channel, word, s->word[i], theirs, 0);
	return 1;
}

/* Of an entry: is this word a place? Those are told of last. */
static int is_place(uint32_t word)
{
	return word == 6 || word == 10 || word == 11 || word == 14 ||
	       word == 15;
}

static int differ_entries(const struct layout *s, int places)
{
	uint32_t i, k, text = 16u + 16u * COUNT, bytes;

	for (i = 0; i < COUNT; i++) {
		for (k = 0; k < 16; k++)
			if (is_place(k) == places &&
			    differs(s, 16u + 16u * i + k, (int)i, k))
				return 1;
		bytes = (uint32_t)strlen(channels[i].is.type);
		if (!bytes || places)
			continue;
		for (k = 0; k <= bytes; k += 4)
			if (differs(s, text++, (int)i, 5))
				return 1;
	}
	return 0;
}

static int spec_differs(const struct layout *s)
{
	uint32_t i;

	if (differs(s, 5, -1, 5) || differ_entries(s, 0))
		return 1;
	for (i = 4; i < 15; i++)
		if (i != 13 && differs(s, i, -1, i))
			return 1;
	return differ_entries(s, 1);
}

/* What attaching and observing come to before their first store. */
static int spec_observe(struct layout *s)
{
	int err;

	if (mapped < 64u)
		return blame(-1, 2, mapped, 64, MBX_ENOSPC);
	if (first(0) != MBX_MAGIC)
		err = blame(-1, 0, MBX_MAGIC, first(0),
			    first(0) ? MBX_ENOTREGION : MBX_EAGAIN);
	else
		err = spec_super();
	if (!err) {
		spec_layout(s, first(6), first(7), first(2), first(3), 0);
		if (spec_differs(s))
			err = MBX_EMISMATCH;
		else if (s->end > first(2))
			err = blame(-1, 2, s->end, first(2), MBX_ECORRUPT);
	}
	if (err && (later(0) != first(0) || later(3) != first(3)))
		return MBX_EAGAIN;
	return err;
}

static struct store want[16];
static uint32_t want_count;

static void expect(uint32_t word, uint32_t v)
{
	want[want_count++] = (struct store){ word, v, 0 };
}

/* The stores of a life's beginning. */
static void spec_life(const struct layout *s, uint32_t block, uint32_t state)
{
	expect(block, 0);
	expect(block + 2u, 0);
	expect(block + 1u,
	       mem[block + 1u].raw + 1u + !(mem[block + 1u].raw + 1u));
	expect(block + 5u, first(3));
	expect(block + 6u, s->word[4]);
	expect(block + 7u, MBX_CODE_VERSION);
	expect(block + 8u, 0xb007);
	expect(block + 9u, MBX_WAKE_FUTEX);
	expect(block + 10u, 4711);
	expect(block, state);
}

static int spec_attach(struct layout *s, uint32_t side)
{
	int err = spec_observe(s);
	uint32_t block = first(8u + side) / 4u;

	if (err == MBX_EMISMATCH)
		spec_life(s, block, MBX_SIDE_INCOMPATIBLE);
	if (err)
		return err;
	spec_life(s, block, MBX_SIDE_ATTACHING);
	if (later(0) == MBX_MAGIC && later(3) == first(3))
		return 0;
	if (later(0) == 0)
		expect(block, MBX_SIDE_DOWN);
	return MBX_EAGAIN;
}

/* ---- the calls against it ---- */

/* From memory of one size all begin alike: computed when that changes. */
static void init(struct mbx_link *l, uint32_t side)
{
	static struct mbx_link fresh[2];
	struct mbx_link_config c = { .base = (uintptr_t)mem,
				     .bytes = mapped,
				     .side = (enum mbx_side)side,
				     .channels = channels,
				     .count = COUNT,
				     .line_bytes = LINE,
				     .page_bytes = PAGE,
				     .wakeup = MBX_WAKE_FUTEX,
				     .boot_reason = 0xb007,
				     .owner = 4711 };

	calls++;
	if (!fresh[side].is.base || fresh[side].is.bytes != mapped)
		mbx_link_init(&fresh[side], &c);
	*l = fresh[side];
	want_count = 0;
}

static uint32_t off_of(const struct mbx_word *w)
{
	return (uint32_t)((uintptr_t)w - (uintptr_t)mem);
}

/* The ends stand where the layout says, and only where there is one. */
static void check_ends(const struct mbx_link *l, const struct layout *s)
{
	uint32_t i, loads_before = load_count;
	struct mbx_queue_place q;
	struct mbx_slots_place p;

	for (i = 0; i < COUNT; i++) {
		const uint32_t *e = s->word + 16u + 16u * i;
		int slots = e[7] != 0, back = (e[4] & 255u) == MBX_KIND_CALL;

		if (mbx_link_queue(l, i, &q) != (slots ? MBX_ENOTSUP : 0) ||
		    (!slots &&
		     (off_of(q.tx) != e[10] || off_of(q.rx) != e[11] ||
		      off_of(q.ring) != e[10] + up(8, s->line) ||
		      q.max_bytes != e[8] || q.ring_bytes != e[9] ||
		      q.full != (e[4] >> 16 & 255u))))
			fail("queue's place", i, s->line);
		if (mbx_link_slots(l, i, &p) != (slots ? 0 : MBX_ENOTSUP) ||
		    (slots && (off_of(p.ctl) != e[10] ||
			       off_of(p.slot) != e[10] + up(12, s->line) ||
			       p.max_bytes != e[8] || p.slots != e[7])))
			fail("slots' place", i, s->line);
		if (mbx_link_back(l, i, &q) != (back ? 0 : MBX_ENOTSUP) ||
		    (back && (off_of(q.tx) != e[14] || off_of(q.rx) != e[15] ||
			      off_of(q.ring) != e[14] + up(8, s->line) ||
			      q.max_bytes != e[12] || q.ring_bytes != e[13])))
			fail("replies' place", i, s->line);
	}
	if (mbx_link_queue(l, COUNT, &q) != MBX_ENOENT ||
	    load_count != loads_before)
		fail("a channel that is none", 0, 0);
}

/* Each once; what the superblock says once more, for comparison. */
static void check_loads(uint32_t block)
{
	uint32_t i, k, most;

	for (i = 0; i < load_count; i++) {
		k = loaded[i];
		most = k == 5 ? 3 : k < 16 ? 2 : 1;
		if (k == block + 1u || k == block + 3u)
			most++;
		if (seen[k] > most)
			fail("word, loaded so often", k, seen[k]);
	}
}

static void check_result(const char *call, int ret, int spec,
			 const struct mbx_why *is)
{
	if (ret != spec)
		fail(call, (uint32_t)ret, (uint32_t)spec);
	if (ret == 0 || ret == MBX_EAGAIN)
		return;
	if (is->channel != why.channel || is->word != why.word)
		fail("why: channel, word", (uint32_t)is->channel, is->word);
	if (is->ours != why.ours || is->theirs != why.theirs)
		fail("why: ours, theirs", is->ours, is->theirs);
}

static unsigned long results[4]; /* attached, again, mismatch, other */

static void attach(uint32_t side)
{
	struct layout s;
	struct mbx_link l;
	uint32_t i, block;
	int ret, spec;

	init(&l, side);
	spec = spec_attach(&s, side);
	block = want_count ? want[0].word : WORDS;
	ret = mbx_link_attach(&l);
	check_result("attach", ret, spec, &l.why);
	if (store_count != want_count)
		fail("stores of attach", store_count, want_count);
	for (i = 0; i < want_count; i++)
		if (stores[i].word != want[i].word ||
		    stores[i].value != want[i].value)
			fail("store of attach: word, value", stores[i].word,
			     stores[i].value);
	check_loads(block);
	if (ret == 0 && (l.instance != first(3) || l.session != want[2].value))
		fail("instance, session", l.instance, l.session);
	if (ret == 0)
		check_ends(&l, &s);
	results[ret == 0	       ? 0
		: ret == MBX_EAGAIN    ? 1
		: ret == MBX_EMISMATCH ? 2
				       : 3]++;
	undo_stores();
}

static void observe(void)
{
	struct layout s;
	struct mbx_link l;
	int ret, spec;

	init(&l, MBX_HOST);
	spec = spec_observe(&s);
	ret = mbx_link_observe(&l);
	check_result("observe", ret, spec, &l.why);
	if (store_count)
		fail("an observer stores", stores[0].word, stores[0].value);
	check_loads(WORDS);
	if (ret == 0)
		check_ends(&l, &s);
	undo_stores();
}

/* All as this side would have formatted it, L and A and size, too? */
static int spec_adopts(struct layout *ours)
{
	return first(0) == MBX_MAGIC && spec_super() == 0 &&
	       !spec_differs(ours) && first(2) == mapped;
}

static void check_formatted(const struct layout *s)
{
	uint32_t i;

	if (stores[0].word || stores[0].value || stores[1].word != 3 ||
	    stores[1].value != s->word[3])
		fail("formats: magic, then instance", stores[0].word,
		     stores[1].word);
	if (stores[store_count - 1].word || stores[2].value == MBX_MAGIC ||
	    stores[store_count - 1].value != MBX_MAGIC)
		fail("formats: magic last", stores[store_count - 1].word, 0);
	for (i = 0; i < s->end / 4u; i++)
		if (mem[i].raw != (i < s->words ? s->word[i] : 0))
			fail("formatted: word, value", i, mem[i].raw);
	for (i = 0; i + 1u < store_count; i++)
		if (stores[i].word >= s->end / 4u ||
		    (i && !stores[i].word && stores[i].value))
			fail("formats: store behind the end, or early magic",
			     stores[i].word, stores[i].value);
}

/* The side's next look, @now_us. Returns whether it is to be asked again. */
static int format_once(struct mbx_link *l, uint32_t side, uint32_t now_us,
		       int patience)
{
	uint32_t instance = first(3), peer;
	struct layout ours;
	int ret, spec = 0;

	spec_layout(&ours, LINE, PAGE, mapped, 1, side);
	if (spec_adopts(&ours)) {
		spec = 1;
	} else if (patience && spec_super() == 0) {
		peer = mem[first(8u + !side) / 4u].raw;
		if (peer == MBX_SIDE_ATTACHING || peer == MBX_SIDE_UP)
			spec = MBX_EAGAIN;
	}
	if (first(0) == 0 || first(0) == MBX_MAGIC)
		ours.word[3] = instance + 1u + !(instance + 1u);
	ours.word[15] = fnv1a(0x811c9dc5u, ours.word + 1, 14);
	ret = mbx_link_format(l, now_us);
	if (ret != spec)
		fail("format", (uint32_t)ret, (uint32_t)spec);
	if (ret == 1 ? store_count
		     : ret && (store_count != 1 || stores[0].word ||
			       stores[0].value))
		fail("stores of format", store_count, stores[0].word);
	if (ret == 0)
		check_formatted(&ours);
	return ret == MBX_EAGAIN;
}

static unsigned long formatted, adopted;

/* A peer that does not let go: it is waited for, half a second. */
static void format(uint32_t side)
{
	uint32_t start = (uint32_t)calls * 0x9e3779b1u, taken = mem[0].raw;
	struct mbx_link l;

	init(&l, side);
	if (format_once(&l, side, start, 1)) {
		undo_stores();
		mem[0].raw = 0;
		if (!format_once(&l, side, start + 499999u, 1))
			fail("format is in a hurry", 0, 0);
		undo_stores();
		if (format_once(&l, side, start + 500000u, 0))
			fail("format waits too long", 0, 0);
	}
	adopted += !store_count;
	formatted += store_count > 1;
	undo_stores();
	mem[0].raw = taken;
}

/* ---- what is wrong ---- */

/* The superblock's check, right for what its first loads find. */
static void right_check(void)
{
	uint32_t w[16], i;

	for (i = 0; i < 16; i++)
		w[i] = first(i);
	change(15, fnv1a(0x811c9dc5u, w + 1, 14));
}

static void all_calls(void)
{
	attach(MBX_HOST);
	attach(MBX_REMOTE);
	observe();
	format(MBX_HOST);
	format(MBX_REMOTE);
}

static struct set values_of(uint32_t right, uint32_t bytes)
{
	struct set s = { 0 };
	uint32_t i;

	add_range(&s, right - 8u, right + 8u);
	add_range(&s, 0u - 4u, 8);
	for (i = 0; i < 32; i++) {
		add(&s, 1u << i);
		add(&s, ~(1u << i));
		add(&s, right ^ 1u << i);
		add(&s, (1u << i) - 4u);
	}
	for (i = 0; i <= 8; i++) {
		add(&s, bytes - 68u + i);
		add(&s, bytes - 4u + i);
	}
	add(&s, MBX_MAGIC);
	add(&s, __builtin_bswap32(right));
	return s;
}

static void each_word(const struct layout *is)
{
	struct set s;
	uint32_t i, k;
	int fix, when;

	for (i = 0; i < is->words; i++) {
		s = values_of(is->word[i], mapped);
		for (k = 0; k < s.count; k++)
			for (fix = 0; fix <= (i < 15); fix++) {
				change(i, s.value[k]);
				if (fix)
					right_check();
				all_calls();
				undo();
			}
		for (k = 0; i < 16 && k < s.count; k++)
			for (when = 0; when < 2; when++)
				for (fix = 0; fix < 2; fix++) {
					passing[0].word = i;
					passing[0].value = s.value[k];
					passing[0].first = when;
					passing_count = 1;
					if (fix)
						right_check();
					attach(MBX_HOST);
					attach(MBX_REMOTE);
					observe();
					undo();
				}
	}
}

static void each_pair(const struct layout *is, uint32_t most)
{
	uint32_t a, b, i, k;
	struct set of[16];

	for (a = 0; a < 15; a++) {
		struct set all = values_of(is->word[a], mapped);

		of[a].count = 0;
		for (i = 0; i < most; i++)
			add(&of[a], all.value[i * all.count / most]);
		add(&of[a], 0);
		add(&of[a], is->word[a] + 4u);
		add(&of[a], is->word[a] * 2u);
		add(&of[a], mapped - 64u);
	}
	for (a = 0; a < 15; a++)
		for (b = 0; b < a; b++)
			for (i = 0; i < of[a].count; i++)
				for (k = 0; k < of[b].count; k++) {
					change(a, of[a].value[i]);
					change(b, of[b].value[k]);
					right_check();
					all_calls();
					undo();
				}
}

/* Which one of two is told of? */
static void each_two(const struct layout *is)
{
	uint32_t a, b;

	for (a = 1; a < is->words; a++)
		for (b = 1; b < a; b++) {
			change(a, is->word[a] ^ 4u);
			change(b, is->word[b] ^ 4u);
			right_check();
			attach(a & 1u);
			undo();
		}
}

/* What a life finds of the last one's, and a formatter of its peer. */
static void each_side_word(const struct layout *is)
{
	struct set s = values_of(1, mapped);
	uint32_t side, i, k, broken;

	for (side = 0; side < 2; side++)
		for (i = 0; i < 16; i++)
			for (k = 0; k < s.count; k++)
				for (broken = 0; broken < 2; broken++) {
					change(is->section[side] / 4u + i,
					       s.value[k]);
					if (broken) /* other channels */
						change(16, 'x');
					all_calls();
					undo();
				}
}

/* Regions of all lines and alignments that can be; memory of all sizes. */
static void each_geometry(void)
{
	uint32_t line, align;
	struct layout s;

	for (line = 4; line <= 4096; line *= 2)
		for (align = line; align <= 65536; align *= 2) {
			mapped = 4u * WORDS;
			spec_layout(&s, line, align, mapped, 7, 1);
			put_region(&s);
			all_calls();
			change(2, s.end);
			right_check();
			all_calls();
			undo();
			change(2, s.end - 4u);
			right_check();
			all_calls();
			undo();
		}
}

static void each_size(void)
{
	uint32_t whole = mapped, bytes, early;

	for (bytes = 0; bytes < whole; bytes += 4)
		for (mapped = bytes; mapped <= bytes + 4u; mapped += 4)
			for (early = 0; early < 2; early++) {
				change(2, bytes);
				if (early) { /* so that only channels differ */
					change(8, 64);
					change(9, 64);
				}
				right_check();
				attach(MBX_HOST);
				attach(MBX_REMOTE);
				observe();
				undo();
			}
	mapped = whole;
}

/* What was given up is formatted, as if it were another's. */
static void discarded(uint32_t side)
{
	struct layout ours;
	struct mbx_link l;

	init(&l, side);
	if (mbx_link_attach(&l))
		fail("attach before discard", side, 0);
	mbx_link_discard(&l);
	if (stores[store_count - 1].word != off_of(&l.mine->state) / 4u ||
	    stores[store_count - 1].value != MBX_SIDE_DOWN)
		fail("discard leaves", stores[store_count - 1].word, 0);
	undo_stores();
	spec_layout(&ours, LINE, PAGE, mapped, first(3) + 1u, side);
	if (mbx_link_format(&l, 0))
		fail("format after discard", side, 0);
	check_formatted(&ours);
	undo_stores();
}

/* ---- the values that a set may not have ---- */

static const uint32_t sizes[] = { 2, 3, 6, 7, 8, 9, 10, 11, 12 };

static void try_value(uint32_t i, uint32_t v, uint32_t side)
{
	change(i, v);
	right_check();
	attach(side);
	undo();
}

static void dense(void)
{
	uint32_t i, v, a, b, c;

	for (i = 0; i < sizeof(sizes) / 4u; i++) {
		for (v = 0; v < 1u << 17; v++)
			try_value(sizes[i], v, v & 1u);
		for (a = 0; a < 32; a++)
			for (b = 0; b <= a; b++)
				for (c = 0; c <= b; c++)
					try_value(sizes[i],
						  1u << a | 1u << b | 1u << c,
						  c & 1u);
	}
}

static void sweep(uint32_t word)
{
	uint32_t v = 0;

	do
		try_value(word, v, v & 1u);
	while (++v);
	printf("word %u: 2^32 values, ", word);
}

int main(int argc, char **argv)
{
	uint32_t i, pairs = 4, do_dense = 0, word = 0;
	struct layout is;

	for (i = 1; i < (uint32_t)argc; i++) {
		sscanf(argv[i], "pairs=%u", &pairs);
		sscanf(argv[i], "dense=%u", &do_dense);
		sscanf(argv[i], "sweep=%u", &word);
	}
	spec_layout(&is, LINE, PAGE, 0, 7, MBX_REMOTE);
	mapped = up(is.end, 64) + 64u;
	spec_layout(&is, LINE, PAGE, mapped, 7, MBX_REMOTE);
	put_region(&is);
	if (word) {
		sweep(word);
	} else {
		each_word(&is);
		each_pair(&is, pairs);
		each_two(&is);
		each_side_word(&is);
		each_size();
		discarded(MBX_HOST);
		discarded(MBX_REMOTE);
		if (do_dense)
			dense();
		each_geometry();
	}
	printf("%lu attached, %lu again, %lu mismatch, %lu other errors; "
	       "%lu formatted, %lu adopted\n",
	       results[0], results[1], results[2], results[3], formatted,
	       adopted);
	return 0;
}
