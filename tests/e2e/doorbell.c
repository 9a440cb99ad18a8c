/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sleep handshake of both sides, a million times over, without a net: the
 * firmware is built without its tick (MBX_TICK_HZ=0) and sleeps until the
 * doorbell; this host arms and polls its descriptor, with no timer but that for
 * a hang. A single ring that is lost, on either side, is the end.
 *
 * A pseudo-random pause before each ping makes it meet the firmware awake,
 * asleep, and on all the steps between the two.
 *
 * Usage: mbx sim --fw ECHO -- doorbell SLEEPS	goes on until the firmware was
 *						woken so many times
 */
#include <mbx/mbx.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define HANG_MS 20000

static unsigned long asleep, host_sleeps;
static uint32_t worst_us, seed = 1;

static void fail(const char *what, uint32_t round)
{
	fprintf(stderr, "doorbell: round %u: %s: %s\n", round, what,
		mbx_errmsg());
	exit(1);
}

static uint32_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((uint64_t)now.tv_sec * 1000000u +
			  (uint64_t)now.tv_nsec / 1000u);
}

static uint32_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* Up to about the time that the firmware takes to fall asleep, and more. */
static void pause_a_little(void)
{
	uint32_t since = now_us(), us = next_random() % 12;

	while (now_us() - since < us)
		;
}

/* Sleep on the descriptor until there is a pong, and nothing else wakes us. */
static uint32_t wait_pong(struct mbx *m, struct mbx_end *pong, uint32_t round)
{
	struct pollfd p = { .fd = mbx_fd(m), .events = POLLIN };
	uint32_t answer;
	int n;

	for (;;) {
		n = mbx_recv(pong, &answer, sizeof(answer), 0);
		if (n == (int)sizeof(answer))
			return answer;
		if (n != MBX_EAGAIN)
			fail("no pong", round);
		if (mbx_poll(m) < 0)
			fail("cannot poll", round);
		n = mbx_arm(m);
		if (n < 0)
			fail("cannot arm", round);
		if (n)
			continue;
		host_sleeps++;
		if (poll(&p, 1, HANG_MS) != 1)
			fail("a ring was lost: nothing for 20 s", round);
	}
}

int main(int argc, char **argv)
{
	struct mbx_options options = { .timeout_ms = HANG_MS,
				       .liveness_ms = 10 * HANG_MS };
	unsigned long sleeps = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	uint32_t round, took, channel;
	struct mbx_stream_stats s;
	struct mbx_end *ping, *pong;
	struct mbx *m;

	if (!sleeps) {
		fprintf(stderr, "usage: mbx sim -- doorbell SLEEPS\n");
		return 2;
	}
	if (mbx_open(&m, NULL, &options) || mbx_wait_peer(m, HANG_MS) ||
	    mbx_end_open(m, "ping", &ping) || mbx_end_open(m, "pong", &pong))
		fail("cannot begin", 0);
	channel = (uint32_t)mbx_channel_find(m, "ping");
	for (round = 1; asleep < sleeps; round++) {
		pause_a_little();
		if (mbx_stream_stats(m, channel, 0, &s))
			fail("cannot look", round);
		asleep += s.waits;
		took = now_us();
		if (mbx_send(ping, &round, sizeof(round), 0))
			fail("cannot send", round);
		if (wait_pong(m, pong, round) != round)
			fail("another round's pong", round);
		took = now_us() - took;
		if (took > worst_us)
			worst_us = took;
		if (isatty(STDERR_FILENO) && round % 10000 == 0)
			fprintf(stderr, "\r%lu of %lu", asleep, sleeps);
	}
	printf("%u pings, no ring lost: the firmware was asleep at %lu of them, "
	       "the host at %lu of the pongs; slowest %.1f ms\n",
	       round - 1, asleep, host_sleeps, worst_us / 1000.0);
	mbx_close(m);
	return 0;
}
