/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware whose calls are counted, by counter.c under QEMU: what stands
 * between begin() and end(), which includes loading the call's arguments. The
 * first case is nothing at all, to be subtracted from the others. Each case runs
 * REPEAT times, of which each must give the same count. The names go out by
 * semihosting, one line a count, in the same order.
 *
 * Both ends of each channel are in this one program; only one end's calls are
 * counted at a time. Exits with failure if any data comes out wrong.
 */
#include "bare.h"
#include <mbx/link.h>

#define REPEAT	   3
#define RING	   4096u
#define SMALL_RING 120u
#define LONGEST	   256u
#define QUEUED	   8
#define TIMEOUT_US 1000u

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(UP, "up", MBX_QUEUE(MBX_R2H, 64, 8, MBX_FAIL, "u32 a, u32 b")) \
	CHANNEL(DOWN, "down", MBX_QUEUE(MBX_H2R, 64, 8, MBX_FAIL, ""))         \
	CHANNEL(STATE, "state", MBX_STATE(MBX_R2H, 64, 4, "u32 v[16]"))        \
	CHANNEL(LOG, "log", MBX_LOG(MBX_R2H, 64, 8))                           \
	CHANNEL(CALL, "call", MBX_CALL(MBX_H2R, 16, 16, 2, "u32 a -> u32 b"))
MBX_DECLARE_CHANNELS(channels, CHANNELS);

static struct mbx_word shared[16384 / 4]
	__attribute__((section(".shared"), aligned(64)));
static uint32_t src[LONGEST / 4 + 1], dst[LONGEST / 4 + 1];
static int wrong;

__attribute__((noinline)) static void begin(void)
{
	__asm__ volatile("@ begin"); /* or the two are made one function */
}

__attribute__((noinline)) static void end(void)
{
	__asm__ volatile("@ end");
}

static void name(const char *what, uint32_t bytes)
{
	bare_print(what);
	bare_print(",");
	bare_print_number(bytes);
	bare_print("\n");
}

#define COUNT(what, bytes, call)                                               \
	do {                                                                   \
		name(what, bytes);                                             \
		begin();                                                       \
		call;                                                          \
		end();                                                         \
	} while (0)

static void expect(int ok)
{
	if (!ok)
		wrong = 1;
}

static void expect_same(uint32_t from, uint32_t bytes)
{
	const uint8_t *a = (const uint8_t *)src, *b = (const uint8_t *)dst;
	uint32_t i;

	for (i = from; i < from + bytes; i++)
		expect(a[i] == b[i]);
}

static void fresh_bytes(uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < LONGEST / 4; i++) {
		src[i] = (seed + i) * 2654435761u;
		dst[i] = 0;
	}
}

static void clear_region(void)
{
	uint32_t i;

	for (i = 0; i < sizeof(shared) / 4; i++)
		shared[i].raw = 0;
}

/* ---- copies: not counted, but right at every length and alignment ---- */

static void copy_of(uint32_t bytes, uint32_t skew)
{
	uint8_t *to = (uint8_t *)dst + skew, *from = (uint8_t *)src + skew;
	uint32_t i, words = MBX_ROUND4(bytes) / 4u;

	fresh_bytes(bytes);
	for (i = 0; i < LONGEST / 4; i++)
		shared[i].raw = ~0u;
	mbx_copy_in(&shared[1], from, bytes);
	expect(shared[0].raw == ~0u && shared[words + 1u].raw == ~0u);
	/* the rest of the last word is stored as 0 */
	expect(bytes % 4u == 0 || shared[words].raw >> bytes % 4u * 8u == 0);
	mbx_copy_out(to, &shared[1], bytes);
	expect_same(skew, bytes);
	for (i = skew + bytes; i < LONGEST; i++)
		expect(((uint8_t *)dst)[i] == 0);
	for (i = 0; i < skew; i++)
		expect(((uint8_t *)dst)[i] == 0);
}

static void copies(void)
{
	uint32_t bytes, skew;

	for (bytes = 0; bytes <= 70; bytes++)
		for (skew = 0; skew < 4; skew++)
			copy_of(bytes, skew);
}

/* ---- queue ---- */

static struct mbx_tx tx;
static struct mbx_rx rx;

static struct mbx_queue_place new_ring(uint32_t bytes)
{
	struct mbx_queue_place at = { .tx = &shared[0],
				      .rx = &shared[16],
				      .ring = &shared[32],
				      .ring_bytes = bytes,
				      .max_bytes = bytes / 4u };

	clear_region();
	expect(mbx_tx_attach(&tx, &at) == 0 && mbx_rx_attach(&rx, &at) == 0);
	return at;
}

/* Both ends attached, and a look at the other's position taken. */
static void warm_ring(void)
{
	new_ring(RING);
	expect(mbx_tx_send(&tx, src, 4) == 0);
	expect(mbx_rx_recv(&rx, dst, LONGEST) == 4);
}

static void queue_of(uint32_t bytes, uint32_t skew)
{
	uint8_t *from = (uint8_t *)src + skew, *to = (uint8_t *)dst + skew;
	const char *send = skew ? "send unaligned" : "send";
	const char *recv = skew ? "recv unaligned" : "recv";
	int i, n;

	warm_ring();
	for (i = 0; i < REPEAT; i++) {
		fresh_bytes((uint32_t)i);
		COUNT(send, bytes, n = mbx_tx_send(&tx, from, bytes));
		expect(n == 0);
		COUNT(recv, bytes, n = mbx_rx_recv(&rx, to, LONGEST));
		expect(n == (int)bytes);
		expect_same(skew, bytes);
	}
}

static void queue_batch(void)
{
	int i, n;

	warm_ring();
	for (i = 0; i < REPEAT; i++) {
		COUNT("put, first", 16, n = mbx_tx_put(&tx, src, 16));
		expect(n == 0);
		mbx_tx_flush(&tx);
	}
	for (i = 0; i < REPEAT; i++) {
		expect(mbx_tx_put(&tx, src, 16) == 0);
		COUNT("put, next", 16, n = mbx_tx_put(&tx, src, 16));
		expect(n == 0);
		COUNT("flush", 0, mbx_tx_flush(&tx));
	}
}

static void queue_zero_copy(void)
{
	struct mbx_word mbx_shared *at;
	int i, n;

	warm_ring();
	for (i = 0; i < REPEAT; i++) {
		COUNT("claim", 16, n = mbx_tx_claim(&tx, 16, &at));
		expect(n == 0);
		COUNT("commit", 16, n = mbx_tx_commit(&tx, 16));
		expect(n == 0);
		COUNT("peek", 16, n = mbx_rx_peek(&rx, &at));
		expect(n == 16);
		COUNT("release", 16, mbx_rx_release(&rx));
	}
}

static void queue_slow(void)
{
	struct mbx_queue_place at;
	int i, n, k;

	for (i = 0; i < REPEAT; i++) {
		/* the first send looks where the consumer is */
		at = new_ring(SMALL_RING);
		COUNT("send, look for room", 16, n = mbx_tx_send(&tx, src, 16));
		expect(n == 0);
		/* of 120 bytes 104 are used: too short a tail for the next */
		for (k = 0; k < 3; k++)
			expect(mbx_tx_send(&tx, src, 24) == 0);
		for (k = 0; k < 4; k++)
			expect(mbx_rx_recv(&rx, dst, LONGEST) > 0);
		COUNT("send, padding", 16, n = mbx_tx_send(&tx, src, 16));
		expect(n == 0);
		COUNT("recv, padding", 16, n = mbx_rx_recv(&rx, dst, LONGEST));
		expect(n == 16);
		while (mbx_tx_send(&tx, src, 16) == 0)
			;
		COUNT("send, full", 16, n = mbx_tx_send(&tx, src, 16));
		expect(n == MBX_EAGAIN);
		while (mbx_rx_recv(&rx, dst, LONGEST) > 0)
			;
		COUNT("recv, empty", 0, n = mbx_rx_recv(&rx, dst, LONGEST));
		expect(n == MBX_EAGAIN);
		COUNT("notify", 0, n = mbx_tx_notify(&tx));
		expect(n == 0);
		COUNT("attach producer", 0, n = mbx_tx_attach(&tx, &at));
		expect(n == 0);
		COUNT("attach consumer", 0, n = mbx_rx_attach(&rx, &at));
		expect(n == 0);
		at = new_ring(RING);
		for (k = 0; k < QUEUED; k++)
			expect(mbx_tx_send(&tx, src, 16) == 0);
		COUNT("attach producer, 8 queued", 0,
		      n = mbx_tx_attach(&tx, &at));
		expect(n == 0);
	}
}

/* ---- slots ---- */

static void slots_of(uint32_t bytes)
{
	struct mbx_slots_place at = { .ctl = &shared[0],
				      .slot = &shared[16],
				      .slots = 4,
				      .max_bytes = LONGEST };
	struct mbx_writer w;
	struct mbx_reader r;
	struct mbx_record rec;
	int i, n;

	clear_region();
	mbx_writer_attach(&w, &at);
	mbx_reader_attach(&r, &at);
	for (i = 0; i < REPEAT; i++) {
		fresh_bytes((uint32_t)i);
		COUNT("state write", bytes,
		      n = mbx_writer_write(&w, 0, src, bytes, 1));
		expect(n == 0);
		COUNT("state read", bytes,
		      n = mbx_reader_newest(&r, dst, LONGEST, &rec));
		expect(n == (int)bytes);
		expect_same(0, bytes);
		COUNT("log write", bytes,
		      n = mbx_writer_write(&w, MBX_LOG_INFO, src, bytes, 1));
		expect(n == 0);
		COUNT("log read", bytes,
		      n = mbx_reader_next(&r, dst, LONGEST, &rec));
		expect(n == (int)bytes);
	}
	for (i = 0; i < REPEAT; i++) {
		COUNT("log read, empty", 0,
		      n = mbx_reader_next(&r, dst, LONGEST, &rec));
		expect(n == MBX_EAGAIN);
	}
}

/* ---- link and calls ---- */

static struct mbx_link host, remote;

static void init(struct mbx_link *l, enum mbx_side side)
{
	struct mbx_link_config config = { .side = side,
					  .channels = channels,
					  .count = channels_count,
					  .bytes = sizeof(shared) };

	config.base = (uintptr_t)shared;
	mbx_link_init(l, &config);
}

static void link_life(void)
{
	uint32_t events;
	int i, n;

	for (i = 0; i < REPEAT; i++) {
		clear_region();
		COUNT("link init, 5 channels", 0, init(&remote, MBX_REMOTE));
		COUNT("link format, 5 channels", 0,
		      n = mbx_link_format(&remote, 0));
		expect(n == 0);
		COUNT("link attach, 5 channels", 0,
		      n = mbx_link_attach(&remote));
		expect(n == 0);
		init(&host, MBX_HOST);
		expect(mbx_link_attach(&host) == 0);
		mbx_link_poll(&host, 0);
		mbx_link_poll(&remote, 0);
		mbx_link_poll(&host, 0);
		COUNT("link poll", 0, events = mbx_link_poll(&remote, 0));
		expect(events == 0 && remote.peer_session != 0);
	}
}

static void calls(void)
{
	struct mbx_queue_place req, rep;
	struct mbx_caller caller;
	struct mbx_server server;
	struct mbx_request request;
	int i, n, status;

	expect(mbx_link_queue(&host, CALL, &req) == 0 &&
	       mbx_link_back(&host, CALL, &rep) == 0);
	for (i = 0; i < REPEAT; i++) {
		expect(mbx_caller_attach(&caller, &req, &rep, 1) == 0);
		expect(mbx_server_attach(&server, &req, &rep) == 0);
		COUNT("call start", 16,
		      n = mbx_caller_start(&caller, src, 16, TIMEOUT_US, 0, 1));
		expect(n == 0);
		COUNT("call take", 16,
		      n = mbx_server_take(&server, &request, dst, 16));
		expect(n == 16);
		COUNT("call reply", 16,
		      n = mbx_server_reply(&server, &request, 0, dst, 16));
		expect(n == 0);
		COUNT("call poll", 16,
		      n = mbx_caller_poll(&caller, dst, 16, &status, 0, 1));
		expect(n == 16);
		clear_region();
	}
}

int main(void)
{
	static const uint32_t sizes[] = { 16, 64, 256 };
	uint32_t i;

	for (i = 0; i < REPEAT; i++)
		COUNT("nothing", 0, (void)0);
	copies();
	for (i = 0; i < 3; i++)
		queue_of(sizes[i], 0);
	queue_of(16, 1);
	queue_of(18, 0);
	queue_batch();
	queue_zero_copy();
	queue_slow();
	for (i = 0; i < 2; i++)
		slots_of(sizes[i]);
	link_life();
	calls();
	return wrong;
}
