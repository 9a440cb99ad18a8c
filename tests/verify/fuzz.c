/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: both sides of a whole link, and all their ends, against a peer that
 * chooses. The input is a list of calls, and for each shared load whether it
 * returns what is in memory or a value of the input's own. AddressSanitizer and
 * UBSan watch; besides, each call answers with what it promises, in a bounded
 * number of accesses, and stores in its own section only.
 */
#include <mbx/link.h>

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "verify/content_words.h"

#define MAX   24u
#define BYTES 2048u
#define BOUND 2000u /* attach compares every word of directory and texts */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { H2R, R2H, STATE, LOG, CALL, CHANNELS };

static const struct mbx_channel channels[] = {
	{ "h2r", MBX_QUEUE(MBX_H2R, MAX, 3, MBX_FAIL, "") },
	{ "r2h", MBX_QUEUE(MBX_R2H, MAX, 3, MBX_DROP, "u8 x[]") },
	{ "state", MBX_STATE(MBX_R2H, MAX, 2, "") },
	{ "log", MBX_LOG(MBX_H2R, MAX, 4) },
	{ "call", MBX_CALL(MBX_H2R, MAX - 8, MAX - 8, 2, "") },
};

static struct side {
	struct mbx_link link;
	struct mbx_tx tx;
	struct mbx_rx rx;
	struct mbx_writer writer;
	struct mbx_reader reader;
	struct mbx_caller caller;
	struct mbx_server server;
	int up;
} sides[2], *me;

static uint8_t *region; /* of its very own size, for AddressSanitizer */
static uint8_t *buffers[MAX + 2u]; /* so are these */
static const uint8_t *input;
static size_t left;
static uint32_t accesses, now;
static int formatting, hostile;

static uint32_t next_byte(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

/* A value that hurts, or any at all. */
static uint32_t next_value(void)
{
	static const uint32_t like[] = { 0, MBX_HDR_MSG, MBX_HDR_PAD,
					 MBX_SLOT_WRITTEN };
	uint32_t kind = next_byte(), v = next_byte();

	if (kind & 4u)
		v |= next_byte() << 8 | next_byte() << 16 | next_byte() << 24;
	return like[kind & 3u] + v - (kind & 8u ? 16u : 0);
}

uint32_t content_load(const struct mbx_word *w, int data)
{
	uint32_t v = w->raw;

	if (++accesses > BOUND)
		abort();
	(void)data;
	if (hostile && left && next_byte() & 1u)
		return next_value();
	return v;
}

void content_store(struct mbx_word *w, uint32_t v, int data)
{
	uint32_t off = (uint32_t)((uintptr_t)w - (uintptr_t)region);
	uint32_t section = me->link.section[me->link.is.side];

	if (++accesses > BOUND)
		abort();
	(void)data;
	if (!formatting && me->link.instance && off < section)
		abort();
	w->raw = v;
}

static void check(int ret)
{
	if (ret > (int)MAX || (ret < 0 && !strcmp(mbx_strerror(ret), "")))
		abort();
}

static int good(int err)
{
	check(err);
	return err >= 0;
}

static void start(void)
{
	struct mbx_link_config c = {
		.base = (uintptr_t)region,
		.bytes = BYTES,
		.side = me == &sides[0] ? MBX_HOST : MBX_REMOTE,
		.channels = channels,
		.count = CHANNELS,
	};
	int host = c.side == MBX_HOST, ok;
	struct mbx_queue_place a, b;
	struct mbx_slots_place w, r;

	mbx_link_init(&me->link, &c);
	if (!host) {
		formatting = 1;
		if (mbx_link_format(&me->link, now) == MBX_EAGAIN)
			mbx_link_format(&me->link, now += 500000u);
		formatting = 0;
	}
	me->up = 0;
	if (!good(mbx_link_attach(&me->link)))
		return;
	ok = !mbx_link_slots(&me->link, host ? LOG : STATE, &w) &&
	     !mbx_link_slots(&me->link, host ? STATE : LOG, &r) &&
	     !mbx_link_queue(&me->link, host ? H2R : R2H, &a) &&
	     !mbx_link_queue(&me->link, host ? R2H : H2R, &b);
	if (!ok)
		abort();
	mbx_writer_attach(&me->writer, &w);
	mbx_reader_attach(&me->reader, &r);
	if (!good(mbx_tx_attach(&me->tx, &a)) ||
	    !good(mbx_rx_attach(&me->rx, &b)))
		return;
	mbx_link_queue(&me->link, CALL, &a);
	mbx_link_back(&me->link, CALL, &b);
	me->up = good(
		host ? mbx_caller_attach(&me->caller, &a, &b, me->link.session)
		     : mbx_server_attach(&me->server, &a, &b));
}

static void use_queue(uint32_t what, uint8_t *buf, uint32_t n)
{
	struct mbx_word *data;

	switch (what & 7u) {
	case 0:
		check(mbx_tx_send(&me->tx, buf, n));
		break;
	case 1:
		check(mbx_tx_put(&me->tx, buf, n));
		break;
	case 2:
		mbx_tx_flush(&me->tx);
		check(mbx_tx_notify(&me->tx));
		break;
	case 3:
		if (mbx_tx_claim(&me->tx, n, &data) == 0) {
			mbx_copy_in(data, buf, n);
			check(mbx_tx_commit(&me->tx, n ? n - 1u : 0));
		}
		break;
	case 4:
		check(mbx_tx_want_room(&me->tx, (int)(n & 1u)));
		break;
	case 5:
		check(mbx_rx_recv(&me->rx, buf, n));
		check(mbx_rx_notify(&me->rx));
		break;
	case 6: {
		int got = mbx_rx_peek(&me->rx, &data);

		check(got);
		if (got >= 0 && got <= (int)n)
			mbx_copy_out(buf, data, (uint32_t)got);
		if (n & 1u)
			mbx_rx_release(&me->rx);
		break;
	}
	default:
		check(mbx_rx_want_data(&me->rx, (int)(n & 1u)));
		break;
	}
}

static void use_others(uint32_t what, uint8_t *buf, uint32_t n)
{
	struct mbx_record rec;
	struct mbx_request req;
	int got, status;

	switch (what & 7u) {
	case 0:
		check(mbx_writer_write(&me->writer, what, buf, n, now));
		break;
	case 1:
		check(mbx_reader_newest(&me->reader, buf, n, &rec));
		break;
	case 2:
		check(mbx_reader_next(&me->reader, buf, n, &rec));
		break;
	case 3:
		mbx_reader_skip(&me->reader);
		break;
	case 4:
		if (mbx_link_poll(&me->link, now += n * 99999u) & ~31u)
			abort();
		me->up = me->link.instance != 0;
		break;
	case 5:
		mbx_link_detach(&me->link);
		me->up = 0;
		break;
	default:
		if (me == &sides[0]) {
			check(mbx_caller_start(&me->caller, buf, n, 1000, now,
					       me->link.peer_session));
			check(mbx_caller_poll(&me->caller, buf, n, &status, now,
					      me->link.peer_session));
			break;
		}
		got = mbx_server_take(&me->server, &req, buf, n);
		check(got);
		if (got >= 0)
			check(mbx_server_reply(&me->server, &req, 0, buf, n));
		break;
	}
}

/* Two lives that have met, to begin with: always the same, so made once. */
static void honest_begin(void)
{
	static struct side met[2];
	static uint8_t formatted[BYTES];
	uint32_t i;

	if (region) {
		memcpy(sides, met, sizeof(sides));
		memcpy(region, formatted, BYTES);
		return;
	}
	region = calloc(1, BYTES);
	for (i = 0; i < MAX + 2u; i++)
		buffers[i] = malloc(i);
	for (i = 0; i < 8; i++) {
		me = &sides[!(i & 1u)];
		accesses = 0;
		if (i < 2)
			start();
		else
			mbx_link_poll(&me->link, 0);
	}
	if (!sides[0].up || !sides[1].up || !sides[0].link.peer_session)
		abort();
	memcpy(met, sides, sizeof(met));
	memcpy(formatted, region, BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t *buf;

	now = 0;
	hostile = 0;
	honest_begin();
	input = data;
	left = bytes;
	hostile = 1;
	while (left) {
		uint32_t op = next_byte(), n = next_byte() % (MAX + 2u);

		me = &sides[op & 1u];
		accesses = 0;
		buf = buffers[n]; /* lent for this call only */
		ASAN_UNPOISON_MEMORY_REGION(buf, n);
		memset(buf, 7, n);
		if (!me->up)
			start();
		else if (op & 2u)
			use_queue(op >> 2, buf, n);
		else
			use_others(op >> 2, buf, n);
		ASAN_POISON_MEMORY_REGION(buf, n);
	}
	return 0;
}
