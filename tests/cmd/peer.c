/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage: peer HOW, with the region in MBX_REGION
 * A remote that serves "mbx ping" and "mbx cksum" as HOW says, and not well: see
 * tests/peers.sh. It ends with the host, or when nothing comes for 10 seconds.
 */
#include <mbx/mbx.h>

#include "cksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct mbx *m;
static struct mbx_end *ping, *pong, *data, *sum;
static const char *how;

static int is(const char *name)
{
	return strcmp(how, name) == 0;
}

static void must(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "peer: %s: %s\n", what, mbx_errmsg());
	exit(1);
}

#define ODD_CHANNELS(CHANNEL)                                                  \
	CHANNEL(ODD, "odd",                                                    \
		MBX_QUEUE(MBX_H2R, 16, 2, MBX_BLOCK, "struct p p"))            \
	CHANNEL(LINES, "lines", MBX_LOG(MBX_R2H, 16, 4))
MBX_DECLARE_CHANNELS(odd_channels, ODD_CHANNELS);

/* What "mbx create" makes none of: words of the program's own, or nothing. */
static void make(uint32_t count)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = odd_channels,
				 .count = count };
	struct mbx_end *lines;

	must(mbx_open(&m, NULL, &o), "create");
	if (count) {
		must(mbx_end_open(m, "lines", &lines), "lines");
		must(mbx_log(lines, (enum mbx_level)9, "nine"), "lines");
	}
	mbx_close(m);
}

static void begin(void)
{
	struct mbx_options o = { .side = MBX_REMOTE, .timeout_ms = 10000 };

	must(mbx_open(&m, NULL, &o), "open");
	must(mbx_end_open(m, "ping", &ping), "ping");
	must(mbx_end_open(m, "pong", &pong), "pong");
	must(mbx_end_open(m, "data", &data), "data");
	must(mbx_end_open(m, "sum", &sum), "sum");
}

static void reply(const uint8_t *buf, int n)
{
	must(mbx_send(pong, buf, (size_t)n, 1000), "pong");
}

/* The first one is kept until the second has come, or another is made of it. */
static void serve_ping(void)
{
	static uint8_t kept[64];
	static int kept_bytes = -1;
	uint8_t buf[64];
	int n = mbx_recv(ping, buf, sizeof(buf), 0);

	if (n < 0)
		return;
	if (is("twice"))
		reply(buf, n);
	if (is("truncates"))
		must(ftruncate(mbx_get_region(m)->fd, 0), "truncate");
	if (is("contents"))
		buf[n - 1] ^= 1;
	if (is("short"))
		n = 3;
	if (is("future"))
		buf[0] += 5;
	if (is("late") || is("late-and-wrong")) {
		if (kept_bytes < 0) {
			memcpy(kept, buf, sizeof(kept));
			kept_bytes = n;
			return;
		}
		if (is("late-and-wrong"))
			kept[n - 1] ^= 1;
		if (kept_bytes)
			reply(kept, kept_bytes);
		kept_bytes = 0;
	}
	reply(buf, n);
}

/* With a message in hand, that is. */
static void die_holding(void)
{
	const void *held;
	int i;

	for (i = 0; i < 1000; i++) {
		mbx_poll(m);
		if (mbx_peek(ping, &held, 0) >= 0)
			_exit(0);
		usleep(10000);
	}
	exit(1);
}

static uint32_t pieces;

static void send_sum(uint32_t crc, uint32_t bytes)
{
	uint32_t words[2] = { mbx_le32(crc), mbx_le32(bytes) };

	if (is("miscounts") && bytes > 8)
		words[1] = mbx_le32(bytes - 1);

	must(mbx_send(sum, words, is("short-sum") ? 4 : 8, 1000), "sum");
}

static void serve_data(void)
{
	static struct cksum c;
	static int fresh = 1;
	uint8_t buf[1024];
	int n = mbx_recv(data, buf, sizeof(buf), 0);

	if (n < 0)
		return;
	if (fresh)
		cksum_start(&c);
	fresh = n == 0;
	if (n > 0)
		cksum_add(&c, buf, (uint32_t)n);
	pieces++;
	if (n == 0 && !is("silent"))
		send_sum(is("wrong-sum") ? 1 : cksum_value(&c), c.bytes);
	if (is("leaves") && pieces == 2)
		exit(0);
	if ((is("restarts") && pieces == 2) || (is("restarts-often"))) {
		mbx_close(m);
		begin();
		fresh = 1;
	}
}

int main(int argc, char **argv)
{
	how = argc > 1 ? argv[1] : "";
	if (is("odd") || is("empty")) {
		make(is("odd") ? odd_channels_count : 0);
		return 0;
	}
	begin();
	if (is("holds"))
		die_holding();
	if (is("asleep")) /* calls no mbx function, for longer than is patient */
		sleep(30);
	while (mbx_wait_peer(m, 10000) == 0) {
		if ((is("leftover") || is("wrong-sum")) && !pieces++) {
			reply((const uint8_t *)"left over", 9);
			send_sum(7, 7);
		}
		if (!is("deaf"))
			serve_ping();
		serve_data();
		mbx_wait(m, 20);
	}
	return 0;
}
