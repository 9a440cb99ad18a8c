/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbx, at both levels: common/'s functions, as firmware uses them, and libmbx's,
 * which look after the link, wake a sleeping peer, and explain their errors.
 */
#include "../../child.h"
#include "loops.h"

#include <mbx/mbx.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 5000

/* The channels that carry the traffic; those of growth follow. */
enum { THERE, BACK, EXTRA };

/* What this process has open, of the kinds that the row needs. */
static struct mbx *m;
static struct mbx_end *out, *in;
static struct mbx_tx tx;
static struct mbx_rx rx;
static struct mbx_writer writer;
static struct mbx_reader reader;

/* ---- the region ---- */

static struct mbx_channel queue(const struct bench *b, uint8_t direction)
{
	uint32_t depth = bench_depth(b->bytes);
	struct mbx_channel c = { NULL, MBX_QUEUE(direction, b->bytes, depth,
						 MBX_BLOCK, "") };

	if (b->ring_bytes && direction == MBX_H2R)
		c.is.fwd.bytes = b->ring_bytes;
	return c;
}

static struct mbx_channel slots(const struct bench *b)
{
	uint32_t depth = bench_depth(b->bytes);
	struct mbx_channel state = { NULL,
				     MBX_STATE(MBX_H2R, b->bytes, 4, "") };
	struct mbx_channel log = { NULL, MBX_LOG(MBX_H2R, b->bytes, depth) };

	return b->suite == BENCH_STATE ? state : log;
}

static const struct mbx_channel *declare(const struct bench *b, uint32_t *count)
{
	uint32_t n = b->channels > EXTRA ? b->channels : EXTRA, i;
	struct mbx_channel *c = calloc(n, sizeof(*c));
	char(*name)[16] = calloc(n, sizeof(*name));

	if (!c || !name)
		abort();
	for (i = 0; i < n; i++) {
		struct mbx_channel small = { NULL, MBX_QUEUE(i & 1, 16, 2,
							     MBX_BLOCK, "") };

		snprintf(name[i], sizeof(name[i]), "c%u", (unsigned int)i);
		c[i] = small;
		if (i == THERE)
			c[i] = b->suite == BENCH_STATE || b->suite == BENCH_LOG
				       ? slots(b)
				       : queue(b, MBX_H2R);
		if (i == BACK)
			c[i] = queue(b, MBX_R2H);
		c[i].name = name[i];
	}
	*count = n;
	return c;
}

static size_t memory(const struct bench *b)
{
	struct mbx_link_config config = { .base = 4096,
					  .bytes = MBX_MAX_REGION };
	struct mbx_link link;

	config.channels = declare(b, &config.count);
	mbx_link_init(&link, &config);
	return link.end_off;
}

static int open_region(struct bench *b)
{
	struct mbx_options o = {
		.side = b->side ? MBX_REMOTE : MBX_HOST,
		.format = b->side == 0,
		.doorbell = "futex",
		.timeout_ms = WAIT_MS,
	};
	char name[64];
	int err;

	o.channels = declare(b, &o.count);
	snprintf(name, sizeof(name), "file:/proc/self/fd/%d", b->fd);
	err = mbx_open(&m, name, &o);
	return err ? err : mbx_wait_peer(m, WAIT_MS);
}

/* ---- those that look on ---- */

static void look_on(const struct bench *b, int ready)
{
	struct mbx_options o = { .observe = 1, .timeout_ms = WAIT_MS };
	struct mbx_stream_stats stats;
	struct mbx *seen;
	cpu_set_t all;
	char name[64];

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	snprintf(name, sizeof(name), "file:/proc/self/fd/%d", b->fd);
	if (mbx_open(&seen, name, &o) || write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		mbx_poll(seen);
		mbx_stream_stats(seen, THERE, 0, &stats);
		usleep(100000);
	}
}

static const char *start_observers(const struct bench *b)
{
	int ready[2];
	uint32_t i;
	char c;

	if (pipe(ready))
		return "pipe";
	for (i = 0; i < b->observers; i++) {
		pid_t pid = fork_bound();

		if (pid < 0)
			return "fork";
		if (pid == 0)
			look_on(b, ready[1]);
	}
	close(ready[1]);
	for (i = 0; i < b->observers; i++)
		if (read(ready[0], &c, 1) != 1)
			return "an observer could not look on";
	return NULL;
}

/* ---- opening what the row needs ---- */

static const char *attach_api(struct bench *b)
{
	uint32_t i;

	if (open_region(b) || mbx_end_open(m, b->side ? "c1" : "c0", &out) ||
	    mbx_end_open(m, b->side ? "c0" : "c1", &in))
		return mbx_errmsg();
	for (i = EXTRA; i < mbx_channel_count(m); i++) {
		struct mbx_end *idle;

		if (mbx_end_open(m, mbx_channel_at(m, i)->name, &idle))
			return mbx_errmsg();
	}
	return b->side && b->observers ? start_observers(b) : NULL;
}

static const char *attach_common(struct bench *b)
{
	struct mbx_queue_place to, from;
	const struct mbx_link *link;

	if (open_region(b))
		return mbx_errmsg();
	link = mbx_get_link(m);
	if (mbx_link_queue(link, b->side ? BACK : THERE, &to) ||
	    mbx_link_queue(link, b->side ? THERE : BACK, &from) ||
	    mbx_tx_attach(&tx, &to) || mbx_rx_attach(&rx, &from))
		return "queues can't be attached";
	return b->side && b->observers ? start_observers(b) : NULL;
}

static const char *attach_slots(struct bench *b)
{
	struct mbx_slots_place at;

	if (open_region(b))
		return mbx_errmsg();
	if (mbx_link_slots(mbx_get_link(m), THERE, &at))
		return "slots can't be attached";
	mbx_writer_attach(&writer, &at);
	mbx_reader_attach(&reader, &at);
	return NULL;
}

static const char *attach_one(struct bench *b)
{
	if (open_region(b) || mbx_end_open(m, "c0", b->side ? &in : &out))
		return mbx_errmsg();
	return NULL;
}

/* ---- queue, common/ ---- */

static uint32_t tx_send(struct bench *b, const void *from, uint32_t bytes,
			uint32_t count)
{
	(void)b;
	return mbx_tx_send(&tx, from, bytes) ? 0 : count;
}

static uint32_t tx_recv(struct bench *b, void *to, uint32_t bytes,
			uint32_t count)
{
	(void)b;
	return mbx_rx_recv(&rx, to, bytes) == (int)bytes ? count : 0;
}
BENCH_ROUND_TRIPS(tx)
BENCH_STREAMS(tx, 1)

static uint32_t put_send(struct bench *b, const void *from, uint32_t bytes,
			 uint32_t count)
{
	const uint8_t *p = from;
	uint32_t i;

	(void)b;
	for (i = 0; i < count && !mbx_tx_put(&tx, p, bytes); i++)
		p += bytes;
	mbx_tx_flush(&tx);
	return i;
}

static uint32_t one_recv(struct bench *b, void *to, uint32_t bytes,
			 uint32_t count)
{
	(void)count;
	return tx_recv(b, to, bytes, 1);
}

static void put_feed(struct bench *b, uint64_t n)
{
	bench_feed_loop(b, n, b->bytes, b->batch, put_send);
}

static uint32_t many_send(struct bench *b, const void *from, uint32_t bytes,
			  uint32_t count)
{
	int n = mbx_tx_put_many(&tx, from, bytes, count);

	(void)b;
	mbx_tx_flush(&tx);
	return n < 0 ? 0 : (uint32_t)n;
}

static void many_feed(struct bench *b, uint64_t n)
{
	bench_feed_loop(b, n, b->bytes, b->batch, many_send);
}

static uint64_t put_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	return bench_drain_loop(b, n, warm, b->bytes, 1, one_recv);
}

/* ---- queue, libmbx, looking again and again ---- */

static uint32_t api_send(struct bench *b, const void *from, uint32_t bytes,
			 uint32_t count)
{
	(void)b;
	return mbx_send(out, from, bytes, 0) ? 0 : count;
}

static uint32_t api_recv(struct bench *b, void *to, uint32_t bytes,
			 uint32_t count)
{
	(void)b;
	return mbx_recv(in, to, bytes, 0) == (int)bytes ? count : 0;
}
BENCH_ROUND_TRIPS(api)
BENCH_STREAMS(api, 1)

/* ---- the same, asleep while there is nothing ---- */

static uint32_t waits_send(struct bench *b, const void *from, uint32_t bytes,
			   uint32_t count)
{
	(void)b;
	return mbx_send(out, from, bytes, WAIT_MS) ? 0 : count;
}

static uint32_t waits_recv(struct bench *b, void *to, uint32_t bytes,
			   uint32_t count)
{
	(void)b;
	return mbx_recv(in, to, bytes, WAIT_MS) == (int)bytes ? count : 0;
}
BENCH_ROUND_TRIPS(waits)
BENCH_STREAMS(waits, 1)

/* Each message long enough after the last that the peer is fast asleep. */
static void sleeper_ping(struct bench *b, uint64_t n, uint64_t *ticks)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		bench_let_sleep();
		bench_ping_loop(b, 1, ticks + i, b->bytes, waits_send,
				waits_recv);
	}
}

static uint32_t api_put(struct bench *b, const void *from, uint32_t bytes,
			uint32_t count)
{
	const uint8_t *p = from;
	uint32_t i;

	(void)b;
	for (i = 0; i < count && !mbx_put(out, p, bytes, WAIT_MS); i++)
		p += bytes;
	mbx_flush(out);
	return i;
}

static void api_put_feed(struct bench *b, uint64_t n)
{
	bench_feed_loop(b, n, b->bytes, b->batch, api_put);
}

static uint32_t api_many(struct bench *b, const void *from, uint32_t bytes,
			 uint32_t count)
{
	int n = mbx_put_many(out, from, bytes, count, WAIT_MS);

	(void)b;
	mbx_flush(out);
	return n < 0 ? 0 : (uint32_t)n;
}

static void api_many_feed(struct bench *b, uint64_t n)
{
	bench_feed_loop(b, n, b->bytes, b->batch, api_many);
}

/* ---- in place: made in the ring, and added up there ---- */

BENCH_INLINE void make(void *at, uint32_t bytes, uint64_t number)
{
	uint64_t w = (number & 0xffffffffu) * 0x100000001u;
	uint8_t *p = __builtin_assume_aligned(at, 4);
	uint32_t i;

	for (i = 0; i < bytes; i += 8)
		memcpy(p + i, &w, 8);
}

BENCH_INLINE uint64_t read_all(const void *at, uint32_t bytes, uint64_t number)
{
	const uint8_t *p = __builtin_assume_aligned(at, 4);
	uint64_t sum = 0, w;
	uint32_t i;

	for (i = 0; i < bytes; i += 8) {
		memcpy(&w, p + i, 8);
		sum += w;
	}
	return sum != (number & 0xffffffffu) * 0x100000001u * (bytes / 8);
}

static void claim_feed(struct bench *b, uint64_t n)
{
	struct mbx_word *at;
	uint64_t i;

	for (i = 0; i < n; i++) {
		while (mbx_tx_claim(&tx, b->bytes, &at))
			;
		make(at, b->bytes, i);
		mbx_tx_commit(&tx, b->bytes);
	}
}

static uint64_t claim_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	uint64_t start = 0, i;
	struct mbx_word *at;

	for (i = 0; i < n; i++) {
		if (i == warm)
			start = bench_ticks();
		while (mbx_rx_peek(&rx, &at) != (int)b->bytes)
			;
		b->wrong += read_all(at, b->bytes, i);
		mbx_rx_release(&rx);
	}
	return bench_ticks() - start;
}

static void api_claim_feed(struct bench *b, uint64_t n)
{
	uint64_t i;
	void *at;

	for (i = 0; i < n; i++) {
		while (mbx_claim(out, b->bytes, &at, WAIT_MS))
			;
		make(at, b->bytes, i);
		mbx_commit(out, b->bytes);
	}
}

static uint64_t api_claim_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	uint64_t start = 0, i;
	const void *at;

	for (i = 0; i < n; i++) {
		if (i == warm)
			start = bench_ticks();
		while (mbx_peek(in, &at, WAIT_MS) != (int)b->bytes)
			;
		b->wrong += read_all(at, b->bytes, i);
		mbx_release(in);
	}
	return bench_ticks() - start;
}

/* ---- state: one writes, the other reads the newest, both without pause ---- */

static uint8_t value[BENCH_BUFFER];
static uint32_t first_number; /* of this run's values */

static void state_write(struct bench *b, uint32_t number, int api)
{
	bench_stamp(value, number);
	bench_stamp(value + b->bytes - 4, number);
	if (api)
		mbx_set(out, value, b->bytes);
	else
		mbx_writer_write(&writer, 0, value, b->bytes, number);
}

static int state_read(struct bench *b, int api)
{
	struct mbx_record r;

	return api ? mbx_get(in, value, b->bytes, NULL, NULL)
		   : mbx_reader_newest(&reader, value, b->bytes, &r);
}

BENCH_INLINE void state_feed_how(struct bench *b, uint64_t n, int api)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		state_write(b, first_number + (uint32_t)i + 1, api);
	first_number += (uint32_t)n;
}

BENCH_INLINE uint64_t state_drain_how(struct bench *b, uint64_t n, int api)
{
	uint32_t number, last = first_number;

	while (last != first_number + (uint32_t)n) {
		if (state_read(b, api) != (int)b->bytes)
			continue;
		memcpy(&number, value, sizeof(number));
		b->taken++;
		b->wrong += bench_differs(value + b->bytes - 4, number) ||
			    (int32_t)(number - last) < 0;
		last = number;
	}
	first_number += (uint32_t)n;
	return 0;
}

static void state_feed(struct bench *b, uint64_t n)
{
	state_feed_how(b, n, 0);
}

static uint64_t state_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	(void)warm;
	return state_drain_how(b, n, 0);
}

static void api_state_feed(struct bench *b, uint64_t n)
{
	state_feed_how(b, n, 1);
}

static uint64_t api_state_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	(void)warm;
	return state_drain_how(b, n, 1);
}

/* ---- log: what the reader gets and what it misses are all there were ---- */

static void log_feed(struct bench *b, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		bench_stamp(value, first_number + i);
		mbx_writer_write(&writer, MBX_LOG_INFO, value, b->bytes, 0);
	}
	first_number += (uint32_t)n;
}

static uint64_t log_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	struct mbx_record r;
	uint64_t seen = 0;

	(void)warm;
	while (seen < n) {
		if (mbx_reader_next(&reader, value, b->bytes, &r) !=
		    (int)b->bytes)
			continue;
		b->taken++;
		seen += 1 + r.missed;
		b->wrong += bench_differs(value, first_number + seen - 1);
	}
	b->wrong += seen != n;
	first_number += (uint32_t)n;
	return 0;
}

static void api_log_feed(struct bench *b, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		mbx_log(out, MBX_LOG_INFO, "%064u", first_number + (uint32_t)i);
	(void)b;
	first_number += (uint32_t)n;
}

static uint64_t api_log_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	struct mbx_record r;
	char line[65] = "";
	uint64_t seen = 0;

	(void)warm;
	while (seen < n) {
		if (mbx_log_read(in, line, 64, &r, 0) != 64)
			continue;
		b->taken++;
		seen += 1 + r.missed;
		b->wrong += strtoul(line, NULL, 10) != first_number + seen - 1;
	}
	b->wrong += seen != n;
	first_number += (uint32_t)n;
	return 0;
}

#define SUITE(name) (1u << BENCH_##name)

const struct bench_peer bench_mbx[] = {
	{ .name = "mbx_tx_send",
	  .suites = SUITE(ROUND_TRIP) | SUITE(THROUGHPUT) | SUITE(GROWTH),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_common,
	  .ping = tx_ping,
	  .pong = tx_pong,
	  .feed = tx_feed,
	  .drain = tx_drain },
	{ .name = "mbx_send",
	  .suites = SUITE(ROUND_TRIP) | SUITE(THROUGHPUT) | SUITE(GROWTH),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_api,
	  .ping = api_ping,
	  .pong = api_pong,
	  .feed = api_feed,
	  .drain = api_drain },
	{ .name = "mbx_send waiting",
	  .suites = SUITE(BLOCKING) | SUITE(THROUGHPUT),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_api,
	  .ping = waits_ping,
	  .pong = waits_pong,
	  .feed = waits_feed,
	  .drain = waits_drain },
	{ .name = "mbx_send to a sleeper",
	  .suites = SUITE(BLOCKING),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_api,
	  .ping = sleeper_ping,
	  .pong = waits_pong },
	{ .name = "mbx_tx_put",
	  .suites = SUITE(BATCHED),
	  .memory = memory,
	  .attach = attach_common,
	  .feed = put_feed,
	  .drain = put_drain },
	{ .name = "mbx_tx_put_many",
	  .suites = SUITE(BATCHED),
	  .memory = memory,
	  .attach = attach_common,
	  .feed = many_feed,
	  .drain = put_drain },
	{ .name = "mbx_put",
	  .suites = SUITE(BATCHED),
	  .memory = memory,
	  .attach = attach_api,
	  .feed = api_put_feed,
	  .drain = waits_drain },
	{ .name = "mbx_put_many",
	  .suites = SUITE(BATCHED),
	  .memory = memory,
	  .attach = attach_api,
	  .feed = api_many_feed,
	  .drain = waits_drain },
	{ .name = "mbx_tx_claim",
	  .suites = SUITE(IN_PLACE),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_common,
	  .feed = claim_feed,
	  .drain = claim_drain },
	{ .name = "mbx_claim",
	  .suites = SUITE(IN_PLACE),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_api,
	  .feed = api_claim_feed,
	  .drain = api_claim_drain },
	{ .name = "mbx_writer_write",
	  .suites = SUITE(STATE),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_slots,
	  .feed = state_feed,
	  .drain = state_drain },
	{ .name = "mbx_set",
	  .suites = SUITE(STATE),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_one,
	  .feed = api_state_feed,
	  .drain = api_state_drain },
	{ .name = "mbx_writer_write",
	  .suites = SUITE(LOG),
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_slots,
	  .feed = log_feed,
	  .drain = log_drain },
	{ .name = "mbx_log",
	  .suites = SUITE(LOG),
	  .only_bytes = 64,
	  .batch = 1,
	  .memory = memory,
	  .attach = attach_one,
	  .feed = api_log_feed,
	  .drain = api_log_drain },
	{ .name = NULL },
};
