/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loops that every peer runs, to be inlined with its own send and receive:
 *
 *	uint32_t send(struct bench *b, const void *from, uint32_t bytes,
 *		      uint32_t count);		messages taken, 0: full
 *	uint32_t recv(struct bench *b, void *to, uint32_t bytes,
 *		      uint32_t count);		messages given, 0: empty
 *
 * Messages carry their number in the first four bytes, and it is checked.
 */
#ifndef MBX_BENCH_LOOPS_H
#define MBX_BENCH_LOOPS_H

#include "bench.h"

#include <string.h>
#include <time.h>

#define BENCH_INLINE static inline __attribute__((always_inline))
/* The compiler may not assume anything about what @p points to. */
#define BENCH_OPAQUE(p) __asm__ volatile("" : : "r"(p) : "memory")

typedef uint32_t bench_send_fn(struct bench *b, const void *from,
			       uint32_t bytes, uint32_t count);
typedef uint32_t bench_recv_fn(struct bench *b, void *to, uint32_t bytes,
			       uint32_t count);

#define BENCH_BUFFER 131072u
#define BENCH_ALIGN  64

BENCH_INLINE uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
	unsigned int low, high;

	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high) : : "rcx", "memory");
	return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* Awake for longer than the peer needs to fall asleep. */
BENCH_INLINE void bench_let_sleep(void)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000000000L +
		       (now.tv_nsec - from.tv_nsec) <
	       20000);
}

BENCH_INLINE void bench_stamp(uint8_t *message, uint64_t number)
{
	uint32_t n = (uint32_t)number;

	memcpy(message, &n, sizeof(n));
}

BENCH_INLINE uint64_t bench_differs(const uint8_t *message, uint64_t number)
{
	uint32_t n;

	memcpy(&n, message, sizeof(n));
	return n != (uint32_t)number;
}

BENCH_INLINE void bench_ping_loop(struct bench *b, uint64_t n, uint64_t *ticks,
				  uint32_t bytes, bench_send_fn *send,
				  bench_recv_fn *recv)
{
	static uint8_t out[BENCH_BUFFER] __attribute__((aligned(BENCH_ALIGN)));
	static uint8_t in[BENCH_BUFFER] __attribute__((aligned(BENCH_ALIGN)));
	uint64_t i, start;

	for (i = 0; i < n; i++) {
		bench_stamp(out, i);
		BENCH_OPAQUE(out);
		start = bench_ticks();
		while (!send(b, out, bytes, 1))
			;
		while (!recv(b, in, bytes, 1))
			;
		ticks[i] = bench_ticks() - start;
		BENCH_OPAQUE(in);
		b->wrong += bench_differs(in, i);
	}
}

BENCH_INLINE void bench_pong_loop(struct bench *b, uint64_t n, uint32_t bytes,
				  bench_send_fn *send, bench_recv_fn *recv)
{
	static uint8_t buf[BENCH_BUFFER] __attribute__((aligned(BENCH_ALIGN)));
	uint64_t i;

	for (i = 0; i < n; i++) {
		while (!recv(b, buf, bytes, 1))
			;
		BENCH_OPAQUE(buf);
		while (!send(b, buf, bytes, 1))
			;
	}
}

/*
 * Small messages are stamped well before they are sent: a load of 16 bytes
 * right behind a store of 4 of them waits for the store.
 */
BENCH_INLINE uint32_t bench_ahead(uint32_t bytes, uint32_t batch)
{
	return bytes > 256 ? batch : batch < 8 ? 16 : 2 * batch;
}

/* @n is a multiple of @batch. */
BENCH_INLINE void bench_feed_loop(struct bench *b, uint64_t n, uint32_t bytes,
				  uint32_t batch, bench_send_fn *send)
{
	static uint8_t out[BENCH_BUFFER] __attribute__((aligned(BENCH_ALIGN)));
	uint32_t ahead = bench_ahead(bytes, batch), j, slot = 0, sent;
	uint64_t i;

	for (j = 0; j < ahead; j++)
		bench_stamp(out + (size_t)j * bytes, j);
	for (i = 0; i < n; i += batch) {
		uint8_t *at = out + (size_t)slot * bytes;

		BENCH_OPAQUE(at);
		for (sent = 0; sent < batch;)
			sent += send(b, at + (size_t)sent * bytes, bytes,
				     batch - sent);
		for (j = 0; j < batch; j++)
			bench_stamp(at + (size_t)j * bytes, i + ahead + j);
		slot = slot + batch == ahead ? 0 : slot + batch;
	}
}

BENCH_INLINE uint64_t bench_drain_loop(struct bench *b, uint64_t n,
				       uint64_t warm, uint32_t bytes,
				       uint32_t batch, bench_recv_fn *recv)
{
	static uint8_t in[BENCH_BUFFER] __attribute__((aligned(BENCH_ALIGN)));
	uint64_t i = 0, start = bench_ticks(), end = warm;

	for (;;) {
		while (i < end) {
			uint32_t want = end - i < batch ? (uint32_t)(end - i)
							: batch;
			uint32_t got = recv(b, in, bytes, want), j;

			BENCH_OPAQUE(in);
			for (j = 0; j < got; j++)
				b->wrong += bench_differs(
					in + (size_t)j * bytes, i + j);
			i += got;
		}
		if (end == n)
			return bench_ticks() - start;
		start = bench_ticks();
		end = n;
	}
}

/* The four functions of a peer whose messages may have any size. */
#define BENCH_ROUND_TRIPS(name)                                                \
	static void name##_ping(struct bench *b, uint64_t n, uint64_t *ticks)  \
	{                                                                      \
		bench_ping_loop(b, n, ticks, b->bytes, name##_send,            \
				name##_recv);                                  \
	}                                                                      \
	static void name##_pong(struct bench *b, uint64_t n)                   \
	{                                                                      \
		bench_pong_loop(b, n, b->bytes, name##_send, name##_recv);     \
	}

/* @batch: 1, or b->batch */
#define BENCH_STREAMS(name, batch)                                             \
	static void name##_feed(struct bench *b, uint64_t n)                   \
	{                                                                      \
		bench_feed_loop(b, n, b->bytes, batch, name##_send);           \
	}                                                                      \
	static uint64_t name##_drain(struct bench *b, uint64_t n,              \
				     uint64_t warm)                            \
	{                                                                      \
		return bench_drain_loop(b, n, warm, b->bytes, batch,           \
					name##_recv);                          \
	}

/* Run @f with the message's size as a constant, for peers that need one. */
#define BENCH_BY_SIZE(b, f)                                                    \
	switch ((b)->bytes) {                                                  \
	case 16:                                                               \
		f(16);                                                         \
		break;                                                         \
	case 64:                                                               \
		f(64);                                                         \
		break;                                                         \
	case 256:                                                              \
		f(256);                                                        \
		break;                                                         \
	case 4096:                                                             \
		f(4096);                                                       \
		break;                                                         \
	default:                                                               \
		f(65536);                                                      \
	}

#endif
