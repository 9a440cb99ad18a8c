/* SPDX-License-Identifier: BSD-2-Clause */
/* The Armv7 MPU's regions, read back as the architecture manual defines them. */
#include "host.h"

#include "pmsav7.h"

#define MOST 16

/* Does the region, as written to the registers, hold @address? */
static int holds(const struct pmsav7_region *r, uint32_t address)
{
	uint32_t log2 = (r->size >> 1 & 31u) + 1u;
	uint32_t off = r->size >> 8 & 0xffu, at = address - r->base;

	assert_true(r->size & 1u);
	assert_true(log2 >= 5 && log2 < 32);
	assert_int_equal(r->base & ((1u << log2) - 1u), 0);
	assert_true(log2 >= 8 || off == 0);
	if (at >> log2)
		return 0;
	return log2 < 8 || !(off >> (at >> (log2 - 3u)) & 1u);
}

static int any_holds(const struct pmsav7_region *r, int n, uint32_t address)
{
	int i;

	for (i = 0; i < n; i++)
		if (holds(&r[i], address))
			return 1;
	return 0;
}

/* Returns how many regions it took. */
static int check(uint32_t from, uint32_t to, uint32_t low, uint32_t high,
		 uint32_t step)
{
	struct pmsav7_region r[MOST];
	int n = pmsav7_cover(from, to, r, MOST);
	uint32_t at;

	assert_true(n >= 0);
	for (at = low; at < high; at += step)
		assert_int_equal(any_holds(r, n, at), at >= from && at < to);
	return n;
}

static void test_cover_is_exact_for_every_range_of_32_bytes(void **state)
{
	uint32_t base = 0x21000000, from, to;

	(void)state;
	for (from = 0; from <= 2048; from += 32)
		for (to = from; to <= 2048; to += 32)
			check(base + from, base + to, base - 32, base + 2080,
			      32);
}

static void test_sections_of_pages_in_64_kib_take_at_most_four(void **state)
{
	uint32_t base = 0x3ed80000, from, to;

	(void)state;
	for (from = 0; from < 65536; from += 4096)
		for (to = from + 4096; to <= 65536; to += 4096)
			assert_true(check(base + from, base + to, base - 4096,
					  base + 69632, 4096) <= 4);
}

static void test_ranges_at_the_ends_of_memory_are_covered(void **state)
{
	(void)state;
	check(0, 32, 0, 1024, 32);
	check(0, 0x80000000, 0, 0xfff00000, 0x100000);
	check(0xffff0000, 0xffffffe0, 0xfffe0000, 0xffffffe0, 32);
}

static void test_cover_refuses_what_no_region_can_do(void **state)
{
	struct pmsav7_region r[MOST] = { { 0 } };

	(void)state;
	assert_int_equal(pmsav7_cover(16, 64, r, MOST), -1);
	assert_int_equal(pmsav7_cover(0, 40, r, MOST), -1);
	/* one for the line before 4 KiB, one for what follows */
	assert_int_equal(pmsav7_cover(4064, 8192, r, 1), -1);
	assert_int_equal(r[1].size, 0);
	assert_int_equal(pmsav7_cover(64, 64, r, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_cover_is_exact_for_every_range_of_32_bytes),
		cmocka_unit_test(
			test_sections_of_pages_in_64_kib_take_at_most_four),
		cmocka_unit_test(test_ranges_at_the_ends_of_memory_are_covered),
		cmocka_unit_test(test_cover_refuses_what_no_region_can_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
