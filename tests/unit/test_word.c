/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shipped words, on a core whose cache nothing but the port's hooks moves,
 * byte by byte: what is stored is cleaned behind it, what is loaded is
 * invalidated before, and nothing else is.
 */
#define MBX_PORT_HEADER "unit/cache_port.h"
#define CACHE_COPIES

#include "fixture.h"

#include "../../common/copy.c"

#define BYTES	128u
#define START	32u
#define LONGEST 41u
#define CACHED	0x55 /* what is in the cache, and not in memory */
#define STORED	0xaa /* what is in memory, and not in the cache */

static struct mbx_word cache[BYTES / 4];
static uint8_t memory[BYTES];
static struct mbx_word *const at = &cache[START / 4];

static uint32_t offset(const void *addr, uint32_t bytes)
{
	uint32_t off = (uint32_t)((uintptr_t)addr - (uintptr_t)cache);

	assert_true(off <= BYTES && bytes <= BYTES - off);
	return off;
}

void cache_clean(const void *addr, uint32_t bytes)
{
	memcpy(memory + offset(addr, bytes), addr, bytes);
}

void cache_invalidate(const void *addr, uint32_t bytes)
{
	uint32_t off = offset(addr, bytes);

	memcpy((uint8_t *)cache + off, memory + off, bytes);
}

static void forget(void)
{
	memset(cache, CACHED, sizeof(cache));
	memset(memory, STORED, sizeof(memory));
}

/* @bytes of @want at START, and @mark all around */
static void assert_bytes(const void *now, const void *want, uint32_t bytes,
			 int mark)
{
	uint8_t all[BYTES];

	memset(all, mark, BYTES);
	memcpy(all + START, want, bytes);
	assert_memory_equal(now, all, BYTES);
}

static void test_word_stored_is_cleaned_alone(void **state)
{
	(void)state;
	forget();
	mbx_st(at, 0x64636261);
	assert_bytes(memory, "abcd", 4, STORED);
	forget();
	mbx_st_release(at, 0x64636261);
	assert_bytes(memory, "abcd", 4, STORED);
}

static void test_word_loaded_is_invalidated_alone(void **state)
{
	(void)state;
	forget();
	memcpy(memory + START, "abcd", 4);
	assert_int_equal(mbx_ld(at), 0x64636261);
	assert_bytes(cache, "abcd", 4, CACHED);
	forget();
	memcpy(memory + START, "abcd", 4);
	assert_int_equal(mbx_ld_acquire(at), 0x64636261);
	assert_bytes(cache, "abcd", 4, CACHED);
}

/* @n bytes of @from, with zeros up to whole words */
static void assert_copied_in(const uint8_t *from, uint32_t n)
{
	uint8_t words[BYTES] = { 0 };

	memcpy(words, from, n);
	assert_bytes(cache, words, MBX_ROUND4(n), CACHED);
	assert_bytes(memory, from, n, STORED);
}

static void test_copy_in_is_cleaned_alone(void **state)
{
	uint8_t from[LONGEST];
	uint32_t n;

	(void)state;
	fill_message(from, 1, LONGEST);
	for (n = 0; n <= LONGEST; n++) {
		forget();
		mbx_copy_in(at, from, n);
		assert_copied_in(from, n);
		forget();
		mbx_payload_in(at, from, n, MBX_MEMORY_NORMAL);
		assert_copied_in(from, n);
	}
}

static void test_copy_out_is_invalidated_alone(void **state)
{
	uint8_t from[LONGEST], to[LONGEST + 1];
	uint32_t n;

	(void)state;
	fill_message(from, 1, LONGEST);
	for (n = 0; n <= LONGEST; n++) {
		forget();
		memcpy(memory + START, from, n);
		memset(to, 0, sizeof(to));
		mbx_copy_out(to, at, n);
		assert_bytes(cache, from, n, CACHED);
		assert_memory_equal(to, from, n);
		assert_int_equal(to[n], 0);
		forget();
		memcpy(memory + START, from, n);
		memset(to, 0, sizeof(to));
		mbx_payload_out(to, at, n, MBX_MEMORY_NORMAL);
		assert_bytes(cache, from, n, CACHED);
		assert_memory_equal(to, from, n);
		assert_int_equal(to[n], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_word_stored_is_cleaned_alone),
		cmocka_unit_test(test_word_loaded_is_invalidated_alone),
		cmocka_unit_test(test_copy_in_is_cleaned_alone),
		cmocka_unit_test(test_copy_out_is_invalidated_alone),
	};

	return run_group("word", tests, NULL);
}
