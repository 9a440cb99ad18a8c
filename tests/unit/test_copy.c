/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payloads between a region and an application, by words and by Linux's wide
 * copies: every length and alignment gives the same bytes and touches no others.
 */
#define MBX_PORT_HEADER "port_linux.h"

#include "host.h"

#define LONGEST 300u
#define MARK	0xa5

static struct mbx_word region[LONGEST / 4 + 16] __attribute__((aligned(64)));
static uint8_t app[LONGEST + 64] __attribute__((aligned(64)));

static uint8_t byte_of(uint32_t i)
{
	return (uint8_t)(i * 7u + (i >> 8) + 1u);
}

static void in(uint32_t bytes, uint32_t word, uint32_t from,
	       enum mbx_memory memory)
{
	const uint8_t *r = (const uint8_t *)region;
	uint32_t start = 4 * word, end = start + MBX_ROUND4(bytes), i;

	memset(region, MARK, sizeof(region));
	for (i = 0; i < bytes; i++)
		app[from + i] = byte_of(i);
	mbx_payload_in(&region[word], app + from, bytes, memory);
	for (i = 0; i < sizeof(region); i++) {
		uint8_t want = i < start || i >= end ? MARK
			       : i - start < bytes   ? byte_of(i - start)
						     : 0;

		if (r[i] != want)
			fail_msg("in: %u bytes from %u to word %u: at %u",
				 bytes, from, word, i);
	}
}

static void out(uint32_t bytes, uint32_t word, uint32_t to,
		enum mbx_memory memory)
{
	uint8_t *r = (uint8_t *)region;
	uint32_t i;

	memset(app, MARK, sizeof(app));
	memset(region, 0x11, sizeof(region));
	for (i = 0; i < bytes; i++)
		r[4 * word + i] = byte_of(i);
	mbx_payload_out(app + to, &region[word], bytes, memory);
	for (i = 0; i < sizeof(app); i++) {
		uint8_t want = i - to < bytes ? byte_of(i - to) : MARK;

		if (app[i] != want)
			fail_msg("out: %u bytes from word %u to %u: at %u",
				 bytes, word, to, i);
	}
}

static void every(enum mbx_memory memory)
{
	uint32_t bytes, word, other;

	for (bytes = 0; bytes <= LONGEST; bytes++)
		for (word = 0; word < 5; word++)
			for (other = 0; other < 17; other++) {
				in(bytes, word, other, memory);
				out(bytes, word, other, memory);
			}
}

static void test_copy_by_words_is_exact(void **state)
{
	(void)state;
	every(MBX_MEMORY_DEVICE);
}

static void test_copy_in_pieces_is_exact(void **state)
{
	(void)state;
	every(MBX_MEMORY_NORMAL);
}

static void test_copy_takes_pieces_of_normal_memory_only(void **state)
{
	uint32_t n;

	(void)state;
	for (n = 0; n <= LONGEST; n++) {
		assert_int_equal(
			mbx_port_copy_in(region, app, n, MBX_MEMORY_DEVICE), 0);
		assert_int_equal(
			mbx_port_copy_out(app, region, n, MBX_MEMORY_DEVICE),
			0);
		assert_int_equal(
			mbx_port_copy_in(region, app, n, MBX_MEMORY_NORMAL),
			n & ~15u);
		assert_int_equal(
			mbx_port_copy_out(app, region, n, MBX_MEMORY_NORMAL),
			n & ~15u);
	}
}

/* The kind that a region was opened as arrives where payloads are copied. */
static void test_copy_goes_by_the_region_s_kind(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx_queue_place at;
	struct mbx_slots_place slots;
	struct mbx_region r;
	struct mbx *m;
	int kind;

	(void)state;
	assert_mbx(mbx_region_open(&r, "anon:64K", 0, 0), 0);
	assert_int_equal(r.memory, MBX_MEMORY_NORMAL);
	for (kind = MBX_MEMORY_DEVICE; kind <= MBX_MEMORY_NORMAL; kind++) {
		r.memory = kind;
		assert_mbx(mbx_open_at(&m, &r, &o), 0);
		assert_int_equal(mbx_link_queue(mbx_get_link(m), UP, &at), 0);
		assert_int_equal(at.memory, kind);
		assert_int_equal(mbx_link_back(mbx_get_link(m), ADD, &at), 0);
		assert_int_equal(at.memory, kind);
		assert_int_equal(mbx_link_slots(mbx_get_link(m), VALUE, &slots),
				 0);
		assert_int_equal(slots.memory, kind);
		mbx_close(m);
	}
	mbx_region_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_by_words_is_exact),
		cmocka_unit_test(test_copy_in_pieces_is_exact),
		cmocka_unit_test(test_copy_takes_pieces_of_normal_memory_only),
		cmocka_unit_test(test_copy_goes_by_the_region_s_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
