/* SPDX-License-Identifier: BSD-2-Clause */
/* State and log: one writer, readers that come late, are slow, or distrust. */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>

#define MAX_SLOTS 8u
#define MAX_VALUE 64u

struct slots_memory {
	struct mbx_word g0[GUARD_WORDS], ctl[3];
	struct mbx_word g1[GUARD_WORDS],
		slot[MAX_SLOTS * (8u + MAX_VALUE) / 4 + GUARD_WORDS];
};

static struct slots_memory mem, before;

static uint32_t stride_words(const struct mbx_slots_place *at)
{
	return 2u + MBX_ROUND4(at->max_bytes) / 4u;
}

static struct mbx_slots_place slots_place(uint32_t slots, uint32_t max)
{
	struct mbx_slots_place at = { .ctl = mem.ctl,
				      .slot = mem.slot,
				      .slots = slots,
				      .max_bytes = max };

	memset(&mem, 0, sizeof(mem));
	set_guard(mem.g0);
	set_guard(mem.g1);
	set_guard(mem.slot + slots * stride_words(&at));
	return at;
}

/* As if @number records had been written long ago. */
static struct mbx_slots_place slots_at(uint32_t slots, uint32_t max,
				       uint32_t number)
{
	struct mbx_slots_place at = slots_place(slots, max);

	poke_word(&mem.ctl[0], number);
	poke_word(&mem.ctl[1], number);
	return at;
}

static void assert_slot_guards(const struct mbx_slots_place *at)
{
	assert_true(guard_holds(mem.g0));
	assert_true(guard_holds(mem.g1));
	assert_true(guard_holds(mem.slot + at->slots * stride_words(at)));
}

static uint8_t buf[MAX_VALUE + 8];

/* The record after the last one; its bytes, stamp and level tell its number. */
static void write_next(struct mbx_writer *w)
{
	uint32_t number = w->number + 1u;
	uint32_t bytes = number % (w->at.max_bytes + 1u);

	fill_message(buf, number, bytes);
	assert_int_equal(
		mbx_writer_write(w, number % 8u, buf, bytes, number * 3u), 0);
	assert_int_equal(w->number, number);
}

static void assert_record(int n, const struct mbx_record *rec, uint32_t number,
			  uint32_t missed, uint32_t max)
{
	assert_int_equal(n, number % (max + 1u));
	assert_int_equal(rec->number, number);
	assert_int_equal(rec->missed, missed);
	assert_int_equal(rec->stamp_us, number * 3u);
	assert_int_equal(rec->level, number % 8u);
	assert_true(is_message(buf, number, (uint32_t)n));
}

/* ---- semantics ---- */

static void test_newest_before_any_write_says_enodata(void **state)
{
	struct mbx_slots_place at = slots_place(4, 16);
	struct mbx_reader r;
	struct mbx_record rec;

	(void)state;
	mbx_reader_attach(&r, &at);
	assert_int_equal(mbx_reader_newest(&r, buf, 16, &rec), MBX_ENODATA);
	assert_int_equal(mbx_reader_next(&r, buf, 16, &rec), MBX_EAGAIN);
}

static void test_write_longer_than_max_says_emsgsize_and_stores_nothing(
	void **state)
{
	struct mbx_slots_place at = slots_place(2, 5);
	struct mbx_writer w;

	(void)state;
	mbx_writer_attach(&w, &at);
	before = mem;
	assert_int_equal(mbx_writer_write(&w, 0, buf, 6, 0), MBX_EMSGSIZE);
	assert_memory_equal(&before, &mem, sizeof(mem));
	assert_int_equal(mbx_writer_write(&w, 0, NULL, 0, 0), 0);
}

static void test_next_across_number_wrap_reads_each_once(void **state)
{
	uint32_t slots, start, i;
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	for (slots = 2; slots <= MAX_SLOTS; slots *= 2)
		for (start = 0u - 12u; start != 4; start++) {
			struct mbx_slots_place at = slots_at(slots, 13, start);

			mbx_writer_attach(&w, &at);
			mbx_reader_attach(&r, &at);
			for (i = 0; i < 3 * slots + 12; i++) {
				write_next(&w);
				assert_record(
					mbx_reader_next(&r, buf, 13, &rec),
					&rec, start + 1u + i, 0, 13);
				assert_int_equal(
					mbx_reader_next(&r, buf, 13, &rec),
					MBX_EAGAIN);
			}
			assert_slot_guards(&at);
		}
}

static void test_next_overtaken_by_any_count_misses_just_those(void **state)
{
	uint32_t start, lag, i;
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	for (start = 0u - 20u; start != 4; start++)
		for (lag = 1; lag < 20; lag++) {
			struct mbx_slots_place at = slots_at(4, 8, start);
			uint32_t lost = lag > 4 ? lag - 4 : 0;

			mbx_writer_attach(&w, &at);
			mbx_reader_attach(&r, &at);
			for (i = 0; i < lag; i++)
				write_next(&w);
			for (i = lost; i < lag; i++)
				assert_record(mbx_reader_next(&r, buf, 8, &rec),
					      &rec, start + 1u + i,
					      i == lost ? lost : 0, 8);
			assert_int_equal(mbx_reader_next(&r, buf, 8, &rec),
					 MBX_EAGAIN);
		}
}

static void test_newest_counts_those_passed_over(void **state)
{
	struct mbx_slots_place at = slots_at(2, 4, 0u - 3u);
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;
	uint32_t lag, i;

	(void)state;
	mbx_writer_attach(&w, &at);
	mbx_reader_attach(&r, &at);
	for (lag = 1; lag < 7; lag++) {
		for (i = 0; i < lag; i++)
			write_next(&w);
		assert_record(mbx_reader_newest(&r, buf, 4, &rec), &rec,
			      w.number, lag - 1u, 4);
		/* once more: the same, and nothing missed */
		assert_record(mbx_reader_newest(&r, buf, 4, &rec), &rec,
			      w.number, 0, 4);
	}
}

static void test_attach_late_starts_at_the_oldest_still_there(void **state)
{
	uint32_t start, written, i;
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	for (start = 0; start < 2; start++)
		for (written = 0; written < 12; written++) {
			struct mbx_slots_place at = slots_place(4, 8);
			uint32_t first = written > 4 ? written - 4 : 0;

			mbx_writer_attach(&w, &at);
			for (i = 0; i < written; i++)
				write_next(&w);
			mbx_reader_attach(&r, &at);
			for (i = first; i < written; i++)
				assert_record(mbx_reader_next(&r, buf, 8, &rec),
					      &rec, i + 1u, 0, 8);
			assert_int_equal(mbx_reader_next(&r, buf, 8, &rec),
					 MBX_EAGAIN);
		}
}

static void test_skip_forgets_what_is_there(void **state)
{
	struct mbx_slots_place at = slots_at(4, 8, 0u - 2u);
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	mbx_writer_attach(&w, &at);
	mbx_reader_attach(&r, &at);
	write_next(&w);
	write_next(&w);
	mbx_reader_skip(&r);
	assert_int_equal(mbx_reader_next(&r, buf, 8, &rec), MBX_EAGAIN);
	write_next(&w);
	assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec, 1, 0, 8);
}

static void test_read_into_short_buffer_leaves_the_record(void **state)
{
	struct mbx_slots_place at = slots_at(4, 8, 6);
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	mbx_writer_attach(&w, &at);
	mbx_reader_attach(&r, &at);
	write_next(&w);
	memset(buf, 0x77, sizeof(buf));
	assert_int_equal(mbx_reader_next(&r, buf, 6, &rec), MBX_EMSGSIZE);
	assert_int_equal(mbx_reader_newest(&r, buf, 6, &rec), MBX_EMSGSIZE);
	assert_int_equal(buf[0], 0x77);
	assert_record(mbx_reader_next(&r, buf, 7, &rec), &rec, 7, 0, 8);
}

static void test_new_writer_goes_on_behind_the_last_record(void **state)
{
	struct mbx_slots_place at = slots_at(4, 8, 0u - 1u);
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	mbx_writer_attach(&w, &at);
	mbx_reader_attach(&r, &at);
	write_next(&w);
	memset(&w, 0xff, sizeof(w));
	mbx_writer_attach(&w, &at);
	write_next(&w);
	assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec, 0, 0, 8);
	assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec, 1, 0, 8);
}

/* The writer died between begin and end: begin is one ahead, the slot torn. */
static void tear_next(const struct mbx_writer *w)
{
	uint32_t slot = (w->number + 1u) % w->at.slots * stride_words(&w->at);

	poke_word(&mem.ctl[0], w->number + 1u);
	poke_word(&mem.slot[slot], 0xdead);
	poke_word(&mem.slot[slot + 1], ~0u);
}

static void test_log_of_a_torn_writer_gives_all_but_the_oldest(void **state)
{
	uint32_t start, i;
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r, late;

	(void)state;
	for (start = 0u - 12u; start != 4; start++) {
		struct mbx_slots_place at = slots_at(4, 8, start);

		mbx_writer_attach(&w, &at);
		mbx_reader_attach(&r, &at);
		for (i = 0; i < 4; i++)
			write_next(&w);
		tear_next(&w);
		mbx_reader_attach(&late, &at);
		for (i = 2; i <= 4; i++) {
			assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec,
				      start + i, i == 2, 8);
			assert_int_equal(mbx_reader_next(&late, buf, 8, &rec),
					 (start + i) % 9u);
		}
		assert_record(mbx_reader_newest(&r, buf, 8, &rec), &rec,
			      start + 4u, 0, 8);
		/* the next life writes that number again, whole */
		mbx_writer_attach(&w, &at);
		write_next(&w);
		assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec,
			      start + 5u, 0, 8);
	}
}

/* In the first round the torn slot must not pass for an old record. */
static void test_attach_beside_an_unfinished_record_starts_exactly(void **state)
{
	uint32_t slots, whole, i;
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	for (slots = 2; slots <= MAX_SLOTS; slots *= 2)
		for (whole = 0; whole < 3 * slots; whole++) {
			struct mbx_slots_place at = slots_place(slots, 8);
			uint32_t first = whole < slots ? 0 : whole + 1 - slots;

			mbx_writer_attach(&w, &at);
			for (i = 0; i < whole; i++)
				write_next(&w);
			tear_next(&w);
			mbx_reader_attach(&r, &at);
			mbx_writer_attach(&w, &at);
			for (i = first; i < whole; i++)
				assert_record(mbx_reader_next(&r, buf, 8, &rec),
					      &rec, i + 1u, 0, 8);
			assert_int_equal(mbx_reader_next(&r, buf, 8, &rec),
					 MBX_EAGAIN);
			write_next(&w);
			assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec,
				      whole + 1u, 0, 8);
		}
}

static void test_state_of_a_torn_writer_keeps_its_last_value(void **state)
{
	struct mbx_slots_place at = slots_at(2, 8, 0u - 1u);
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;

	(void)state;
	mbx_writer_attach(&w, &at);
	write_next(&w);
	tear_next(&w);
	mbx_reader_attach(&r, &at);
	assert_int_equal(mbx_reader_newest(&r, buf, 8, &rec), 0);
	assert_int_equal(rec.number, 0);
}

static void test_bytes_behind_the_record_are_stored_as_zero(void **state)
{
	struct mbx_slots_place at = slots_place(2, 7);
	struct mbx_writer w;

	(void)state;
	mbx_writer_attach(&w, &at);
	memset(buf, 0xff, sizeof(buf));
	poke_word(&mem.slot[4 + 2], ~0u);
	assert_int_equal(mbx_writer_write(&w, 0, buf, 1, 0), 0);
	assert_int_equal(peek_word(&mem.slot[4 + 2]), mbx_le32(0xff));
}

/* ---- hostile ---- */

static void test_impossible_length_says_eproto_and_copies_nothing(void **state)
{
	static const uint32_t infos[] = {
		0,
		MBX_SLOT_WRITTEN | 9,
		MBX_SLOT_WRITTEN | 0xffffffu,
		MBX_SLOT_WRITTEN | 0x0f000009u,
		~0u,
		8,
		1,
		0x0f000004u,
		0x7fffffffu,
	};
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;
	uint32_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(infos); i++) {
		struct mbx_slots_place at = slots_at(4, 8, 3);

		mbx_writer_attach(&w, &at);
		mbx_reader_attach(&r, &at);
		write_next(&w);
		write_next(&w);
		poke_word(&mem.slot[1], infos[i]); /* record 4's */
		memset(buf, 0x77, sizeof(buf));
		before = mem;
		assert_int_equal(mbx_reader_next(&r, buf, 8, &rec), MBX_EPROTO);
		for (k = 0; k < sizeof(buf); k++)
			assert_int_equal(buf[k], 0x77);
		/* the next call goes on with the record after it */
		assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec, 5, 0, 8);
		poke_word(&mem.ctl[1], 4);
		poke_word(&before.ctl[1], 4);
		assert_int_equal(mbx_reader_newest(&r, buf, 8, &rec),
				 MBX_EPROTO);
		assert_memory_equal(&before, &mem, sizeof(mem));
	}
}

/* A later minor version may give them a meaning. */
static void test_reserved_bits_of_info_are_ignored(void **state)
{
	struct mbx_slots_place at = slots_at(4, 8, 0);
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;
	uint32_t bit;

	(void)state;
	mbx_writer_attach(&w, &at);
	mbx_reader_attach(&r, &at);
	for (bit = 28; bit < 31; bit++) {
		struct mbx_word *info;

		write_next(&w);
		info = &mem.slot[(w.number & 3u) * 4u + 1u];
		poke_word(info, peek_word(info) | mbx_le32(1u << bit));
		assert_record(mbx_reader_next(&r, buf, 8, &rec), &rec, w.number,
			      0, 8);
	}
}

static void test_begin_behind_end_says_eproto(void **state)
{
	static const uint32_t back[] = { 1, 2, 4, 5, 100, 0x7fffffffu };
	struct mbx_record rec;
	struct mbx_writer w;
	struct mbx_reader r;
	uint32_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(back); i++) {
		struct mbx_slots_place at = slots_at(4, 8, 0u - 3u);

		mbx_writer_attach(&w, &at);
		mbx_reader_attach(&r, &at);
		for (k = 0; k < 5; k++)
			write_next(&w);
		poke_word(&mem.ctl[0], w.number - back[i]);
		assert_int_equal(mbx_reader_newest(&r, buf, 8, &rec),
				 MBX_EPROTO);
	}
}

static void test_any_content_is_read_within_bounds(void **state)
{
	uint32_t i, k, seed = 4711, seen[3] = { 0, 0, 0 };
	struct mbx_record rec;
	struct mbx_reader r;

	(void)state;
	for (i = 0; i < ROUNDS(40000); i++) {
		struct mbx_slots_place at = slots_place(
			2u << rnd_below(&seed, 3), 12);
		uint8_t small[13 + 4];
		int n;

		for (k = 0; k < at.slots * stride_words(&at); k++)
			poke_word(&mem.slot[k],
				  rnd_below(&seed, 2)
					  ? rnd(&seed)
					  : MBX_SLOT_WRITTEN |
						    rnd_below(&seed, 16));
		poke_word(&mem.ctl[0], rnd_below(&seed, 20));
		poke_word(&mem.ctl[1], rnd_below(&seed, 20));
		before = mem;
		mbx_reader_attach(&r, &at);
		if (rnd_below(&seed, 8) == 0)
			r.next = rnd(&seed);
		for (k = 0; k < 24; k++) {
			memset(small, 0x77, sizeof(small));
			n = k & 1 ? mbx_reader_next(&r, small, 11, &rec)
				  : mbx_reader_newest(&r, small, 11, &rec);
			assert_true(n <= 11);
			assert_int_equal(small[11], 0x77);
			assert_true(n >= 0 || n == MBX_EAGAIN ||
				    n == MBX_EPROTO || n == MBX_EMSGSIZE ||
				    n == MBX_ENODATA);
			seen[n >= 0 ? 0 : n == MBX_EPROTO ? 1 : 2]++;
		}
		assert_memory_equal(&before, &mem, sizeof(mem));
	}
	assert_true(seen[0] > 100 && seen[1] > 100 && seen[2] > 100);
}

/* ---- two threads ---- */

struct pair {
	struct mbx_slots_place at;
	uint32_t records, done, last;
	int paced;
};

static void *write_all(void *arg)
{
	struct pair *p = arg;
	struct mbx_writer w;
	uint8_t value[MAX_VALUE];
	uint32_t i;

	mbx_writer_attach(&w, &p->at);
	for (i = 1; i <= p->records; i++) {
		/* paced: nothing that may still be read is overwritten */
		while (p->paced &&
		       i - __atomic_load_n(&p->done, __ATOMIC_ACQUIRE) >=
			       p->at.slots)
			sched_yield();
		fill_message(value, w.number + 1u, p->at.max_bytes);
		mbx_writer_write(&w, 0, value, p->at.max_bytes, i);
	}
	__atomic_store_n(&p->last, 1, __ATOMIC_RELEASE);
	return NULL;
}

static uint32_t first_record(const struct pair *p)
{
	return 1u - p->records / 2u;
}

/* The value before the first record is there already, so there is always one */
static void start_writer(struct pair *p, pthread_t *t, uint32_t slots,
			 uint32_t records, int paced)
{
	struct mbx_writer first;

	p->records = records;
	p->at = slots_at(slots, 32, first_record(p) - 1u);
	p->paced = paced;
	p->done = p->last = 0;
	mbx_writer_attach(&first, &p->at);
	fill_message(buf, first.number, 32);
	first.number--;
	assert_int_equal(mbx_writer_write(&first, 0, buf, 32, 0), 0);
	assert_int_equal(pthread_create(t, NULL, write_all, p), 0);
}

static void test_log_of_running_writer_accounts_for_every_record(void **state)
{
	uint32_t slots, sum, bad;
	struct mbx_record rec;
	struct mbx_reader r;
	struct pair p;
	pthread_t t;

	(void)state;
	for (slots = 2; slots <= 8; slots *= 4) {
		/*
		 * Plain payload words race with a writer that overtakes, by
		 * design (the record is thrown away): not under TSan.
		 */
		start_writer(&p, &t, slots, ROUNDS(400000), UNDER_TSAN);
		mbx_reader_attach(&r, &p.at);
		r.next = first_record(&p);
		for (sum = bad = 0; sum < p.records;) {
			int n = mbx_reader_next(&r, buf, 32, &rec);

			if (n == MBX_EAGAIN) {
				sched_yield();
				continue;
			}
			sum += 1u + rec.missed;
			bad += n != 32 || rec.stamp_us != sum ||
			       !is_message(buf, rec.number, 32);
			__atomic_store_n(&p.done, sum, __ATOMIC_RELEASE);
		}
		pthread_join(t, NULL);
		assert_int_equal(bad, 0);
		assert_int_equal(sum, p.records);
		assert_int_equal(mbx_reader_next(&r, buf, 32, &rec),
				 MBX_EAGAIN);
	}
}

static void test_state_of_running_writer_is_never_torn(void **state)
{
	uint32_t got = 0, bad = 0, last = 0;
	struct mbx_record rec;
	struct mbx_reader r;
	struct pair p;
	pthread_t t;
	int over;

	(void)state;
	start_writer(&p, &t, 4, ROUNDS(400000), UNDER_TSAN);
	mbx_reader_attach(&r, &p.at);
	do {
		int n;

		over = (int)__atomic_load_n(&p.last, __ATOMIC_ACQUIRE);
		n = mbx_reader_newest(&r, buf, 32, &rec);
		if (n == MBX_EAGAIN)
			continue;
		bad += n != 32 || !is_message(buf, rec.number, 32) ||
		       rec.stamp_us < last;
		last = rec.stamp_us;
		got++;
		__atomic_store_n(&p.done, last, __ATOMIC_RELEASE);
	} while (!over);
	pthread_join(t, NULL);
	assert_int_equal(bad, 0);
	assert_true(got > 0);
	assert_int_equal(last, p.records);
}

/* Record 0 is one of the past as soon as numbers have gone round. */
static void test_blank_slot_of_a_record_told_of_says_eproto(void **state)
{
	struct mbx_slots_place at = slots_at(4, 8, 0);
	struct mbx_reader r;
	struct mbx_record rec;

	(void)state;
	mbx_reader_attach(&r, &at);
	r.next = 0;
	assert_int_equal(mbx_reader_next(&r, buf, 8, &rec), MBX_EPROTO);
}

static void test_numbers_half_round_apart_are_told_by_one_rule(void **state)
{
	struct mbx_slots_place at = slots_at(4, 8, 6);
	struct mbx_writer w;
	struct mbx_reader r;
	struct mbx_record rec;

	(void)state;
	mbx_writer_attach(&w, &at);
	write_next(&w);
	mbx_reader_attach(&r, &at);
	r.next = 7u - 0x80000000u;
	assert_int_equal(mbx_reader_newest(&r, buf, 8, &rec), 7);
	assert_int_equal(rec.missed, 0x80000000u);
	poke_word(&mem.ctl[0], 7u + 0x80000000u);
	assert_int_equal(mbx_reader_newest(&r, buf, 8, &rec), MBX_EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_before_any_write_says_enodata),
		cmocka_unit_test(
			test_blank_slot_of_a_record_told_of_says_eproto),
		cmocka_unit_test(
			test_numbers_half_round_apart_are_told_by_one_rule),
		cmocka_unit_test(
			test_write_longer_than_max_says_emsgsize_and_stores_nothing),
		cmocka_unit_test(test_next_across_number_wrap_reads_each_once),
		cmocka_unit_test(
			test_next_overtaken_by_any_count_misses_just_those),
		cmocka_unit_test(test_newest_counts_those_passed_over),
		cmocka_unit_test(
			test_attach_late_starts_at_the_oldest_still_there),
		cmocka_unit_test(test_skip_forgets_what_is_there),
		cmocka_unit_test(test_read_into_short_buffer_leaves_the_record),
		cmocka_unit_test(
			test_new_writer_goes_on_behind_the_last_record),
		cmocka_unit_test(
			test_log_of_a_torn_writer_gives_all_but_the_oldest),
		cmocka_unit_test(
			test_attach_beside_an_unfinished_record_starts_exactly),
		cmocka_unit_test(
			test_state_of_a_torn_writer_keeps_its_last_value),
		cmocka_unit_test(
			test_bytes_behind_the_record_are_stored_as_zero),
		cmocka_unit_test(
			test_impossible_length_says_eproto_and_copies_nothing),
		cmocka_unit_test(test_reserved_bits_of_info_are_ignored),
		cmocka_unit_test(test_begin_behind_end_says_eproto),
		cmocka_unit_test(test_any_content_is_read_within_bounds),
		cmocka_unit_test(
			test_log_of_running_writer_accounts_for_every_record),
		cmocka_unit_test(test_state_of_running_writer_is_never_torn),
	};

	return run_group("slots", tests, NULL);
}
