/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK's rte_ring with elements of a fixed size, single producer and consumer,
 * in the pair's memory: it needs no EAL, huge page or root.
 */
#include "loops.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>

static struct rte_ring *out, *in;

static size_t ring_bytes(const struct bench *b)
{
	ssize_t n = rte_ring_get_memsize_elem(b->bytes, bench_depth(b->bytes));

	return n < 0 ? 0 : ((size_t)n + 127) & ~(size_t)127;
}

static size_t memory(const struct bench *b)
{
	return 2 * ring_bytes(b);
}

static struct rte_ring *ring(struct bench *b, int side)
{
	return (struct rte_ring *)(b->memory + (size_t)side * ring_bytes(b));
}

static const char *setup(struct bench *b)
{
	int i;

	for (i = 0; i < 2; i++)
		if (rte_ring_init(ring(b, i), "bench", bench_depth(b->bytes),
				  RING_F_SP_ENQ | RING_F_SC_DEQ))
			return "rte_ring_init() failed";
	return NULL;
}

static const char *attach(struct bench *b)
{
	out = ring(b, b->side);
	in = ring(b, !b->side);
	return NULL;
}

static uint32_t rte_send(struct bench *b, const void *from, uint32_t bytes,
			 uint32_t count)
{
	(void)b;
	return rte_ring_sp_enqueue_burst_elem(out, from, bytes, count, NULL);
}

static uint32_t rte_recv(struct bench *b, void *to, uint32_t bytes,
			 uint32_t count)
{
	(void)b;
	return rte_ring_sc_dequeue_burst_elem(in, to, bytes, count, NULL);
}

/* The element's size a constant, as in a program that has one. */
static void ping(struct bench *b, uint64_t n, uint64_t *ticks)
{
#define PING(size) bench_ping_loop(b, n, ticks, size, rte_send, rte_recv)
	BENCH_BY_SIZE(b, PING);
}

static void pong(struct bench *b, uint64_t n)
{
#define PONG(size) bench_pong_loop(b, n, size, rte_send, rte_recv)
	BENCH_BY_SIZE(b, PONG);
}

static void feed(struct bench *b, uint64_t n)
{
#define FEED(size) bench_feed_loop(b, n, size, 1, rte_send)
	BENCH_BY_SIZE(b, FEED);
}

static uint64_t drain(struct bench *b, uint64_t n, uint64_t warm)
{
	uint64_t ticks = 0;

#define DRAIN(size) (ticks = bench_drain_loop(b, n, warm, size, 1, rte_recv))
	BENCH_BY_SIZE(b, DRAIN);
	return ticks;
}

static void feed_bursts(struct bench *b, uint64_t n)
{
#define FEED_BURSTS(size) bench_feed_loop(b, n, size, b->batch, rte_send)
	BENCH_BY_SIZE(b, FEED_BURSTS);
}

static uint64_t drain_bursts(struct bench *b, uint64_t n, uint64_t warm)
{
	uint64_t ticks = 0;

#define DRAIN_BURSTS(size)                                                     \
	(ticks = bench_drain_loop(b, n, warm, size, b->batch, rte_recv))
	BENCH_BY_SIZE(b, DRAIN_BURSTS);
	return ticks;
}

const struct bench_peer bench_rte_ring[] = {
	{ .name = "rte_ring",
	  .suites = 1u << BENCH_ROUND_TRIP | 1u << BENCH_THROUGHPUT,
	  .batch = 1,
	  .memory = memory,
	  .setup = setup,
	  .attach = attach,
	  .ping = ping,
	  .pong = pong,
	  .feed = feed,
	  .drain = drain },
	{ .name = "rte_ring bursts of 32",
	  .suites = 1u << BENCH_BATCHED,
	  .batch = 32,
	  .memory = memory,
	  .setup = setup,
	  .attach = attach,
	  .feed = feed_bursts,
	  .drain = drain_bursts },
	{ .name = "rte_ring bursts of 4 KiB",
	  .suites = 1u << BENCH_BATCHED,
	  .memory = memory,
	  .setup = setup,
	  .attach = attach,
	  .feed = feed_bursts,
	  .drain = drain_bursts },
	{ .name = NULL },
};
