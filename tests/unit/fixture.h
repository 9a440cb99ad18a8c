/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the unit tests of common/ share: cmocka, a seeded generator, memory
 * between guards, and channels by hand without a link around them.
 */
#ifndef MBX_TESTS_FIXTURE_H
#define MBX_TESTS_FIXTURE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, MAP_ANONYMOUS */
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <mbx/link.h>

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

#ifndef UNDER_QEMU
#define UNDER_QEMU 0
#endif

/* Enough of a workload for the plain build, less where each access costs. */
#define ROUNDS(n)                                                              \
	((n) / (UNDER_QEMU ? 8u : UNDER_TSAN ? 4u : UNDER_ASAN ? 4u : 1u))

/* As long as tests/run lets any of them run: valgrind on a busy computer. */
#define HANG_SECONDS  600u
#define GUARD_WORDS   4u
#define GUARD	      0xa5c3f096u
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A test that does not come to its end is a failure, not a pause. */
#define run_group(name, tests, setup)                                          \
	(alarm(HANG_SECONDS),                                                  \
	 cmocka_run_group_tests_name(name, tests, setup, NULL))

/* xorshift32: the same on every machine, so that a failure comes again. */
static inline uint32_t rnd(uint32_t *seed)
{
	uint32_t x = *seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *seed = x;
}

static inline uint32_t rnd_below(uint32_t *seed, uint32_t n)
{
	return (uint32_t)((uint64_t)rnd(seed) * n >> 32);
}

static inline uint32_t peek_word(const struct mbx_word *w)
{
	return __atomic_load_n(&w->raw, __ATOMIC_RELAXED);
}

static inline void poke_word(struct mbx_word *w, uint32_t v)
{
	__atomic_store_n(&w->raw, v, __ATOMIC_RELAXED);
}

/* The bytes of the message number @id: any two differ from the first byte on */
static inline void fill_message(uint8_t *buf, uint32_t id, uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i < bytes; i++)
		buf[i] = (uint8_t)(id * 37u + i * 11u + (id >> 8) + 1u);
}

static inline int is_message(const uint8_t *buf, uint32_t id, uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i < bytes; i++)
		if (buf[i] != (uint8_t)(id * 37u + i * 11u + (id >> 8) + 1u))
			return 0;
	return 1;
}

/* ---- a queue by hand, its three parts between guard words ---- */

#define MAX_RING 4096u

struct queue_memory {
	struct mbx_word g0[GUARD_WORDS], tx[2];
	struct mbx_word g1[GUARD_WORDS], rx[3];
	struct mbx_word g2[GUARD_WORDS], ring[MAX_RING / 4 + GUARD_WORDS];
};

static inline void set_guard(struct mbx_word *g)
{
	uint32_t i;

	for (i = 0; i < GUARD_WORDS; i++)
		poke_word(&g[i], GUARD + i);
}

static inline int guard_holds(const struct mbx_word *g)
{
	uint32_t i;

	for (i = 0; i < GUARD_WORDS; i++)
		if (peek_word(&g[i]) != GUARD + i)
			return 0;
	return 1;
}

/*
 * An empty ring whose two sides stand at @start. All other words hold what
 * looks like a header: the worst that may be left over from earlier rounds.
 */
static inline struct mbx_queue_place queue_place(struct queue_memory *m,
						 uint32_t ring_bytes,
						 uint32_t max, uint8_t full,
						 uint32_t start)
{
	struct mbx_queue_place at = { .ring = m->ring,
				      .tx = m->tx,
				      .rx = m->rx,
				      .ring_bytes = ring_bytes,
				      .max_bytes = max,
				      .full = full };
	uint32_t i;

	memset(m, 0, sizeof(*m));
	set_guard(m->g0);
	set_guard(m->g1);
	set_guard(m->g2);
	set_guard(m->ring + ring_bytes / 4);
	for (i = 0; i < ring_bytes / 4; i++)
		poke_word(&m->ring[i], MBX_HDR_MSG + 4u);
	poke_word(&m->ring[start / 4], 0);
	poke_word(&m->rx[0], start);
	return at;
}

static inline void assert_guards(const struct queue_memory *m,
				 const struct mbx_queue_place *at)
{
	assert_true(guard_holds(m->g0));
	assert_true(guard_holds(m->g1));
	assert_true(guard_holds(m->g2));
	assert_true(guard_holds(m->ring + at->ring_bytes / 4));
}

/* ---- a region that ends where the process may not reach ---- */

struct guarded {
	uint8_t *base;
	uint32_t bytes;
	uint8_t *map;
	size_t map_bytes;
};

/* @bytes of zeros; the first one behind them is on a page without access. */
static inline struct guarded guarded_new(uint32_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t whole = (bytes + page - 1) & ~(page - 1);
	struct guarded g = { .bytes = bytes, .map_bytes = whole + 2 * page };

	g.map = mmap(NULL, g.map_bytes, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(g.map, MAP_FAILED);
	assert_int_equal(mprotect(g.map + page, whole, PROT_READ | PROT_WRITE),
			 0);
	g.base = g.map + page + whole - bytes;
	return g;
}

static inline void guarded_free(struct guarded *g)
{
	assert_int_equal(munmap(g->map, g->map_bytes), 0);
}

#endif
