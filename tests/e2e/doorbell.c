/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sleep handshake, many times over: wait until the firmware has said that
 * it sleeps, send a ping, and block on the doorbell until its pong is there.
 *
 * A wake-up that is lost on the firmware's way to sleep is repaired by its
 * tick, so it shows only as a late pong: with firmware built with
 * CFLAGS=-DMBX_TICK_HZ=2, a quarter of a second late on average, where a busy
 * machine delays by milliseconds. The last line tells how many were how late.
 *
 * Usage: doorbell REGION SOCKET [ROUNDS]	with the demo firmware behind them
 *
 * Exits 0 if every pong was right and came within 3 s.
 */
#include <mbx/mbx.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../firmware/apps/demo/demo.h"

#define PATIENCE_US 3000000

static const int64_t late_us[] = { 1000, 5000, 100000 };
static unsigned long late[3];
static int64_t worst_us;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(const char *what, unsigned long round)
{
	fprintf(stderr, "doorbell: round %lu: %s: %s\n", round, what,
		mbx_errmsg());
	exit(1);
}

static void wait_for_sleep(struct mbx *m, uint32_t ping, unsigned long round)
{
	int64_t since = now_us();
	struct mbx_stream_stats s;

	do {
		if (mbx_stream_stats(m, ping, 0, &s))
			fail("cannot look at \"ping\"", round);
		if (now_us() - since > PATIENCE_US)
			fail("the firmware does not sleep", round);
	} while (!s.waits);
}

static void one_round(struct mbx_end *ping, struct mbx_end *pong,
		      unsigned long round)
{
	unsigned long answer = 0;
	int64_t took = now_us();
	size_t i;

	if (mbx_send(ping, &round, sizeof(round), 0))
		fail("cannot send", round);
	if (mbx_recv(pong, &answer, sizeof(answer), PATIENCE_US / 1000) !=
	    (int)sizeof(answer))
		fail("no pong", round);
	if (answer != round)
		fail("another round's pong", round);
	took = now_us() - took;
	for (i = 0; i < 3; i++)
		late[i] += took > late_us[i];
	if (took > worst_us)
		worst_us = took;
}

int main(int argc, char **argv)
{
	unsigned long round,
		rounds = argc > 3 ? strtoul(argv[3], NULL, 0) : 100000;
	struct mbx_end *ping, *pong;
	struct mbx_options options = { .channels = demo_channels,
				       .count = demo_channels_count,
				       .timeout_ms = PATIENCE_US / 1000 };
	char bell[128];
	struct mbx *m;

	if (argc < 3) {
		fprintf(stderr, "usage: doorbell REGION SOCKET [ROUNDS]\n");
		return 2;
	}
	snprintf(bell, sizeof(bell), "socket:%s", argv[2]);
	options.doorbell = bell;
	if (mbx_open(&m, argv[1], &options) || mbx_wait_peer(m, 3000) ||
	    mbx_end_open(m, "ping", &ping) || mbx_end_open(m, "pong", &pong))
		fail("cannot begin", 0);
	for (round = 1; round <= rounds; round++) {
		wait_for_sleep(m, DEMO_PING, round);
		one_round(ping, pong, round);
	}
	printf("%lu rounds, later than 1 ms: %lu, 5 ms: %lu, 100 ms: %lu; "
	       "worst %.1f ms\n",
	       rounds, late[0], late[1], late[2], (double)worst_us / 1000);
	mbx_close(m);
	return 0;
}
