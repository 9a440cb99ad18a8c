/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The right answer for any content: state and log. A reader that wants any
 * number near those that matter; each try of each call, with each room for it,
 * finds every kind of end, of info and of begin with some of the other two, and
 * the tries around it end in all ways there are. Attach, too, and the writer.
 * What a call returns, copies, notes of the record, loads and stores is what
 * LAYOUT.md says, written down here again.
 *
 *   content_slots [slots=N] [max=BYTES]
 *   content_slots sweep=1	all 2^32 values of end, info, begin: one at a time
 */
#include "verify/content.h"

#define MAX_SLOTS  8u
#define MAX_BYTES  12u
#define STRIDE	   (8u + MBX_ROUND4(longest))
#define MAX_LOADS  40u
#define MAX_STORES 16u

#define BEGIN 0u
#define END   4u

enum part { BLOCK, SLOT };

struct access {
	enum part part;
	uint32_t off, value;
	uint32_t data; /* payload words loaded before it */
};

static struct mbx_word block[3], slot[MAX_SLOTS * (2u + MAX_BYTES / 4u)];
static uint32_t slots = 2, longest = 3;

static struct access loads[MAX_LOADS], stores[MAX_STORES];
static uint32_t load_count, store_count, data_loads, looked_at;

/* Every kind, some kinds: ends around the number wanted, begins around the end. */
static struct set ends, infos, begins, some_ends, some_infos, some_begins;
static uint32_t wanted, end_seen;
/* Which try this is, which one finds every kind, of which word. */
static uint32_t try, whole, which;
static int attaching; /* its tries are its info words */

enum { AN_END, AN_INFO, A_BEGIN, WORDS };

/* How the other tries end. */
enum outcome { GOOD, OVERTAKEN, IMPOSSIBLE, OUTCOMES, NONE };
static enum outcome outcome;

static int sweeping;
static uint32_t swept;

static struct access place_of(const struct mbx_word *w)
{
	struct access a = { BLOCK, 0, 0, data_loads };

	a.off = (uint32_t)((uintptr_t)w - (uintptr_t)block);
	if ((uintptr_t)w - (uintptr_t)block < sizeof(block) && !(a.off & 3u))
		return a;
	a.part = SLOT;
	a.off = (uint32_t)((uintptr_t)w - (uintptr_t)slot);
	if ((uintptr_t)w - (uintptr_t)slot >= slots * STRIDE || a.off & 3u)
		fail("access outside", a.off, slots * STRIDE);
	return a;
}

/* Bytes that tell where they are from. */
static uint8_t byte_at(uint32_t off)
{
	return (uint8_t)(off * 3u + 1u);
}

static uint32_t data_at(uint32_t off)
{
	return byte_at(off) | (uint32_t)byte_at(off + 1u) << 8 |
	       (uint32_t)byte_at(off + 2u) << 16 |
	       (uint32_t)byte_at(off + 3u) << 24;
}

/* Of a try that is not the one: end, info and begin that go together. */
static uint32_t value_of_outcome(uint32_t word)
{
	if (outcome == NONE)
		outcome = (enum outcome)choose(OUTCOMES);
	if (word == AN_END)
		return wanted + (outcome == OVERTAKEN ? slots + 1u : 1u);
	if (word == AN_INFO)
		return outcome == OVERTAKEN ? 1u : MBX_SLOT_WRITTEN + longest;
	return end_seen + (outcome == GOOD	  ? 0u
			   : outcome == OVERTAKEN ? slots
						  : 0u - slots);
}

static uint32_t value_of_any(uint32_t word)
{
	int all = attaching ? word != AN_INFO || try == whole : which == word;

	if (attaching && !all) /* only whether it is 0 counts */
		return choose(2) ? MBX_SLOT_WRITTEN : 0;
	if (word == AN_END)
		return wanted + pick(all ? &ends : &some_ends);
	if (word == AN_INFO)
		return pick(all ? &infos : &some_infos);
	return end_seen + pick(all ? &begins : &some_begins);
}

/* All as it should be, but for one word. */
static uint32_t value_of_sound(uint32_t word)
{
	if (word == which)
		return swept;
	if (word == AN_INFO)
		return MBX_SLOT_WRITTEN + 1u;
	return word == AN_END ? wanted : end_seen;
}

static uint32_t value_of(const struct access *a)
{
	uint32_t word = a->part == SLOT ? AN_INFO
			: a->off == END ? AN_END
					: A_BEGIN;
	uint32_t v;

	if (a->part == SLOT &&
	    a->off % STRIDE == 0) /* any, another each time */
		return (uint32_t)calls * 0x9e3779b1u + try;
	v = sweeping			? value_of_sound(word)
	    : attaching || try == whole ? value_of_any(word)
					: value_of_outcome(word);
	if (word == AN_END)
		end_seen = v;
	else if (word == (attaching ? AN_INFO : A_BEGIN))
		try++, outcome = NONE;
	return v;
}

uint32_t content_load(const struct mbx_word *w, int data)
{
	struct access a = place_of(w);

	if (data) {
		if (a.part != SLOT || a.off < looked_at + 8u ||
		    a.off >= looked_at + STRIDE)
			fail("payload of another slot", a.off, looked_at);
		data_loads++;
		return data_at(a.off);
	}
	if (load_count == MAX_LOADS)
		fail("too many loads", load_count, 0);
	if (a.part == SLOT)
		looked_at = a.off / STRIDE * STRIDE;
	a.value = value_of(&a);
	loads[load_count++] = a;
	return a.value;
}

void content_store(struct mbx_word *w, uint32_t v, int data)
{
	struct access a = place_of(w);

	a.value = v;
	a.data = (uint32_t)data;
	if (store_count == MAX_STORES)
		fail("too many stores", store_count, 0);
	stores[store_count++] = a;
}

static void make_values(void)
{
	static const uint32_t middle = 0x80000000u;
	uint32_t i, near = 2u * slots + 2u;

	add_range(&ends, 0u - near, near);
	add_range(&ends, middle - slots - 1u, middle + slots + 1u);
	add_range(&begins, 0u - near, near);
	add_range(&begins, middle - near, middle + near);
	for (i = 0; i < 32; i++) {
		add(&ends, 1u << i);
		add(&begins, 1u << i);
		add(&infos, 1u << i);
		add(&infos, ~(1u << i));
		add(&infos, (MBX_SLOT_WRITTEN + longest) ^ 1u << i);
	}
	add_range(&infos, 0, longest + 2u);
	add_range(&infos, MBX_SLOT_WRITTEN, MBX_SLOT_WRITTEN + longest + 6u);
	for (i = 0; i < 16; i++)
		add(&infos, MBX_SLOT_WRITTEN + (i << 24) + longest);
	add_range(&infos, 0u - 2u, 0u);
	/* the newest before, one new, as many as there are, more; far ahead */
	add_range(&some_ends, 0u - 1u, 1);
	add_range(&some_ends, slots - 1u, slots + 1u);
	add_range(&some_ends, middle - 1u, middle + 1u);
	add_range(&some_infos, 0, 1);
	add_range(&some_infos, MBX_SLOT_WRITTEN + longest - 1u,
		  MBX_SLOT_WRITTEN + longest + 1u);
	add(&some_infos, ~0u);
	add_range(&some_begins, 0u - 1u, 1);
	add_range(&some_begins, slots - 1u, slots + 1u);
	add_range(&some_begins, middle - 1u, middle + 1u);
}

/* ---- the specification ---- */

static uint32_t spec_at;      /* which load comes next */
static uint32_t spec_copied;  /* words, in all tries */
static uint32_t spec_touched; /* bytes of the buffer that a try may have */
static uint32_t spec_from;    /* where the last try's payload is */

/* The next load is of this word. */
static struct access loaded(enum part part, uint32_t off)
{
	if (spec_at == load_count || loads[spec_at].part != part ||
	    loads[spec_at].off != off)
		fail("load number, of", spec_at, off);
	return loads[spec_at++];
}

static uint32_t slot_off(uint32_t n)
{
	return n % slots * STRIDE;
}

static int spec_record(uint32_t n, uint32_t cap, struct mbx_record *rec)
{
	uint32_t stamp = loaded(SLOT, slot_off(n)).value;
	struct access info = loaded(SLOT, slot_off(n) + 4u);
	struct access begin = loaded(BLOCK, BEGIN);
	uint32_t bytes = info.value % 0x1000000u;
	int possible = info.value >> 31 && bytes <= longest;
	uint32_t ahead = begin.value - n;
	uint32_t words = possible && bytes <= cap ? (bytes + 3u) / 4u : 0;

	spec_from = slot_off(n) + 8u;
	spec_copied += words;
	if (begin.data - info.data != words)
		fail("payload is not copied between info and begin", bytes,
		     begin.data - info.data);
	if (words && bytes > spec_touched)
		spec_touched = bytes;
	if (ahead >= 0x80000000u)
		return MBX_EPROTO;
	if (ahead >= slots)
		return MBX_EAGAIN;
	rec->number = n;
	rec->stamp_us = stamp;
	rec->level = (uint8_t)(info.value >> 24 & 15u);
	if (info.value == 0 && n == 0)
		return MBX_ENODATA;
	if (!possible)
		return MBX_EPROTO;
	return bytes > cap ? MBX_EMSGSIZE : (int)bytes;
}

static int spec_next(uint32_t *next, uint32_t cap, struct mbx_record *rec)
{
	uint32_t end = loaded(BLOCK, END).value, n = *next;
	int ret;

	if (end - n == 0xffffffffu)
		return MBX_EAGAIN;
	if (end - n >= slots)
		n = end - slots + 1u;
	ret = spec_record(n, cap, rec);
	if (ret == MBX_EAGAIN && n != end)
		ret = spec_record(++n, cap, rec);
	if (ret == MBX_ENODATA)
		ret = MBX_EPROTO;
	if (ret >= 0 || ret == MBX_EPROTO) {
		rec->missed = n - *next;
		*next = n + 1u;
	}
	return ret;
}

static int spec_newest(uint32_t *next, uint32_t cap, struct mbx_record *rec)
{
	uint32_t end, tries = 0;
	int ret;

	do {
		end = loaded(BLOCK, END).value;
		ret = spec_record(end, cap, rec);
	} while (ret == MBX_EAGAIN && ++tries < 4);
	if (ret < 0)
		return ret;
	/* one it has seen before misses none */
	rec->missed = end - *next <= 0x80000000u ? end - *next : 0;
	*next = end + 1u;
	return ret;
}

static uint32_t spec_attach(void)
{
	uint32_t end = loaded(BLOCK, END).value, n = 0, first, oldest;

	while (n < slots && loaded(SLOT, slot_off(end - n) + 4u).value)
		n++;
	first = end - n + 1u;
	/* what is being written now leaves those behind it */
	oldest = loaded(BLOCK, BEGIN).value - slots + 1u;
	/* half way round, which one is older cannot be told: either will do */
	return oldest - first <= 0x80000000u ? oldest : first;
}

/* ---- each call against it ---- */

static const struct mbx_slots_place *place(void)
{
	static struct mbx_slots_place at;

	at.ctl = block;
	at.slot = slot;
	at.slots = slots;
	at.max_bytes = longest;
	return &at;
}

static void begin_call(void)
{
	load_count = store_count = data_loads = depth = 0;
	try = looked_at = 0;
	outcome = NONE;
	spec_at = spec_copied = spec_touched = 0;
	calls++;
}

/* Nothing was loaded or stored that the specification does not know of. */
static void end_call(uint32_t bound)
{
	if (load_count != spec_at || data_loads != spec_copied || store_count)
		fail("accesses", load_count + data_loads, store_count);
	if (load_count + data_loads > bound)
		fail("more accesses than promised", load_count, data_loads);
}

static void check_buffer(const uint8_t *buf, uint32_t size, int ret)
{
	uint32_t n = ret > 0 ? (uint32_t)ret : 0, i;

	for (i = 0; i < size; i++)
		if (i < n ? buf[i] != byte_at(spec_from + i)
			  : i >= spec_touched && buf[i] != 0xee)
			fail("buffer", i, buf[i]);
}

static void read_one(int newest, uint32_t cap)
{
	struct mbx_record rec = { 1, 2, 3, 4 }, spec_rec = rec;
	uint32_t next = wanted, words = (longest + 3u) / 4u;
	struct mbx_reader r = { *place(), wanted };
	uint8_t buf[MAX_BYTES + 4u];
	int ret, spec;

	begin_call();
	memset(buf, 0xee, sizeof(buf));
	ret = newest ? mbx_reader_newest(&r, buf, cap, &rec)
		     : mbx_reader_next(&r, buf, cap, &rec);
	spec = newest ? spec_newest(&next, cap, &spec_rec)
		      : spec_next(&next, cap, &spec_rec);
	if (ret != spec)
		fail(newest ? "newest" : "next", (uint32_t)ret, (uint32_t)spec);
	if (r.next != next)
		fail("the number wanted next", r.next, next);
	end_call(newest ? 4u * (4u + words) : 7u + 2u * words);
	check_buffer(buf, sizeof(buf), ret);
	if (ret < 0)
		return;
	if (rec.number != spec_rec.number || rec.stamp_us != spec_rec.stamp_us)
		fail("number, stamp", rec.number, rec.stamp_us);
	if (rec.missed != spec_rec.missed || rec.level != spec_rec.level)
		fail("missed, level", rec.missed, rec.level);
}

static void all_of_call(int newest)
{
	uint32_t tries = newest ? 4 : 2, cap;

	for (cap = 0; cap <= longest + 1u; cap++)
		for (whole = 0; whole < tries; whole++)
			for (which = AN_END; which < WORDS; which++) {
				known = 0;
				do
					read_one(newest, cap);
				while (next_choices());
			}
}

static void all_of_reader(void)
{
	static const uint32_t around[] = { 0, 0x80000000u };
	unsigned long before = calls;
	uint32_t i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; k <= 2u * slots + 2u; k++) {
			wanted = around[i] + k - slots - 1u;
			all_of_call(0);
			all_of_call(1);
		}
	printf("slots=%u max=%u: %lu reads", slots, longest, calls - before);
}

static void attach(int skip)
{
	struct mbx_reader r;
	uint32_t next;

	begin_call();
	memset(&r, 0, sizeof(r));
	if (skip) {
		mbx_reader_skip(memcpy(&r.at, place(), sizeof(r.at)));
		next = loaded(BLOCK, END).value + 1u;
	} else {
		mbx_reader_attach(&r, place());
		next = spec_attach();
	}
	if (r.next != next)
		fail(skip ? "skip" : "reader_attach", r.next, next);
	end_call(2u + slots);
}

/* Every kind of end and begin, and of one of the slots' info words. */
static void all_of_attach(void)
{
	unsigned long before = calls;

	attaching = 1;
	wanted = 0;
	for (whole = 0; whole < slots; whole++) {
		known = 0;
		do
			attach(0);
		while (next_choices());
	}
	known = 0;
	do
		attach(1);
	while (next_choices());
	printf(", %lu attaches", calls - before);
}

/* ---- writer ---- */

static uint32_t spec_word(const uint8_t *from, uint32_t bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | from[bytes];
	return v;
}

static void expect_store(uint32_t i, enum part part, uint32_t off, uint32_t v,
			 uint32_t data)
{
	if (i >= store_count || stores[i].part != part ||
	    stores[i].off != off || stores[i].value != v ||
	    stores[i].data != data)
		fail("store number, of", i, off);
}

static void write_one(uint32_t number, unsigned int level, uint32_t bytes)
{
	static const uint8_t from[MAX_BYTES + 4u] = { 1, 2,   3,  254, 5,  6, 7,
						      8, 129, 10, 11,  12, 13 };
	struct mbx_writer w = { *place(), number };
	uint32_t now = (uint32_t)calls * 0x9e3779b1u, n = number + 1u, i, left;
	int ret;

	begin_call();
	ret = mbx_writer_write(&w, level, from, bytes, now);
	if (ret != (bytes > longest ? MBX_EMSGSIZE : 0))
		fail("write", (uint32_t)ret, bytes);
	if (w.number != (ret ? number : n) || load_count || data_loads)
		fail("the writer's number", w.number, load_count);
	if (ret) {
		if (store_count)
			fail("too long, but stored", bytes, store_count);
		return;
	}
	expect_store(0, BLOCK, BEGIN, n, 0);
	expect_store(1, SLOT, slot_off(n), now, 0);
	expect_store(2, SLOT, slot_off(n) + 4u,
		     MBX_SLOT_WRITTEN | (uint32_t)level << 24 | bytes, 0);
	for (i = 0; i < bytes; i += 4) {
		left = bytes - i < 4u ? bytes - i : 4u;
		expect_store(3u + i / 4u, SLOT, slot_off(n) + 8u + i,
			     spec_word(from + i, left), 1);
	}
	expect_store(3u + (bytes + 3u) / 4u, BLOCK, END, n, 0);
	if (store_count != 4u + (bytes + 3u) / 4u)
		fail("stores of a write", store_count, bytes);
}

static void attach_writer(void)
{
	struct mbx_writer w;

	begin_call();
	memset(&w, 0, sizeof(w));
	mbx_writer_attach(&w, place());
	if (w.number != loaded(BLOCK, END).value)
		fail("writer_attach", w.number, 0);
	end_call(1);
}

static void all_of_writer(void)
{
	unsigned long before = calls;
	uint32_t number, i, bytes, level;

	wanted = known = 0;
	do
		attach_writer();
	while (next_choices());
	for (i = 0; i < ends.count; i++)
		for (level = 0; level < 16; level++)
			for (bytes = 0; bytes <= longest + 1u; bytes++) {
				number = ends.value[i];
				write_one(number, level, bytes);
			}
	printf(", %lu writes\n", calls - before);
}

static void sweep(void)
{
	static const char *const names[] = { "end", "info", "begin" };
	unsigned long good;

	wanted = slots + 1u;
	sweeping = 1;
	for (which = AN_END; which < WORDS; which++) {
		good = swept = 0;
		do {
			read_one(which == AN_END, longest);
			good += load_count <= 4;
		} while (++swept);
		printf("%s: 2^32 values, %lu at the first try; ", names[which],
		       good);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	uint32_t i, do_sweep = 0;

	for (i = 1; i < (uint32_t)argc; i++) {
		sscanf(argv[i], "slots=%u", &slots);
		sscanf(argv[i], "max=%u", &longest);
		sscanf(argv[i], "sweep=%u", &do_sweep);
	}
	make_values();
	if (do_sweep) {
		sweep();
		return 0;
	}
	all_of_reader();
	all_of_attach();
	all_of_writer();
	return 0;
}
