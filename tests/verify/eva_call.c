/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frama-C's Eva: neither end of a call channel leaves rings, blocks and buffers,
 * whatever its loads return: all 2^32 values of each, ids and args too. After any
 * number of calls, in any order, each with each length: states are followed until
 * no call leads to a new one.
 */
#ifndef REQ
#define REQ 16u
#define REP 20u
#endif

#define MBX_WORD_HEADER "verify/eva_words.h"

#include <string.h>
#define __builtin_memcpy memcpy

#include <mbx/call.h>

#include "../../common/copy.c"
#include "../../common/queue.c"
#include "../../common/queue_open.c"
#include "../../common/call.c"

#if PART == 0 /* the caller */
#define OUT REQ
#define IN  REP
#else
#define OUT REP
#define IN  REQ
#endif
#define MAX(ring)     ((ring)-8u)
#define PAYLOAD(ring) (MAX(ring) - HEAD)

/* Each part alone, so that a step out of one is not a step into another */
static struct mbx_word out_tx[2], out_rx[3], out_ring[OUT / 4u];
static struct mbx_word in_tx[2], in_rx[3], in_ring[IN / 4u];
static const struct mbx_queue_place out_at = { .ring = out_ring,
					       .tx = out_tx,
					       .rx = out_rx,
					       .ring_bytes = OUT,
					       .max_bytes = MAX(OUT) };
static const struct mbx_queue_place in_at = { .ring = in_ring,
					      .tx = in_tx,
					      .rx = in_rx,
					      .ring_bytes = IN,
					      .max_bytes = MAX(IN) };

static uint32_t any(void)
{
	return any_of(0, 0xffffffffu);
}

/* Each value up to @last by itself, and all behind it together. */
static uint32_t each(uint32_t first, uint32_t last)
{
	for (; first <= last; first++)
		if (maybe())
			return first;
	return any_of(first, 0xffffffffu);
}

static uint32_t header(uint32_t max)
{
	if (maybe())
		return each(MBX_HDR_MSG, MBX_HDR_MSG + max);
	return maybe() ? 0 : any_of(1, MBX_HDR_MSG - 1u);
}

static uint32_t control(const struct mbx_word *w)
{
	uint32_t i;

	if (w == out_rx)
		return each(0, OUT - 1u);
	if (w == in_rx)
		return each(0, IN - 1u);
	for (i = 0; i < OUT / 4u; i++)
		if (w == &out_ring[i])
			return header(MAX(OUT));
	for (i = 0; i < IN / 4u; i++)
		if (w == &in_ring[i])
			return header(MAX(IN));
	return any();
}

/*
 * What is not read in this state, or only to be counted or blamed, may be
 * anything: fewer states differ.
 */
static void forget(struct mbx_tx *tx, struct mbx_rx *rx)
{
	tx->full = tx->bad = rx->wait = rx->bad = any();
	if (!tx->open)
		tx->open_pos = tx->open_limit = any();
	if (rx->end)
		rx->next = any();
}

static const uint8_t sent[PAYLOAD(OUT)];

/* The last @cap bytes of a buffer for all that can come, or all of them. */
static uint8_t *lent(uint8_t *buf, uint32_t cap)
{
	return cap < PAYLOAD(IN) ? buf + PAYLOAD(IN) - cap : buf;
}

#if PART == 0
static struct mbx_caller c;

static void forget_all(void)
{
	c.id = c.deadline_us = c.peer_session = c.stale = any();
	forget(&c.tx, &c.rx);
}

static int attach(void)
{
	int err = mbx_caller_attach(&c, &out_at, &in_at, any());

	forget_all();
	return err;
}

static void send(void)
{
	mbx_caller_start(&c, sent, each(0, PAYLOAD(OUT)), any(), any(), any());
	forget_all();
}

static void take(void)
{
	uint32_t cap = each(0, PAYLOAD(IN));
	uint8_t buf[PAYLOAD(IN)];
	int n, status;

	n = mbx_caller_poll(&c, lent(buf, cap), cap, &status, any(), any());
	//@ check fits: n < 0 || n <= cap;
	forget_all();
}
#else
static struct mbx_server s;

static int attach(void)
{
	int err = mbx_server_attach(&s, &in_at, &out_at);

	forget(&s.tx, &s.rx);
	return err;
}

static void send(void)
{
	struct mbx_request req = { any(), any() };

	mbx_server_reply(&s, &req, (int)any(), sent, each(0, PAYLOAD(OUT)));
	forget(&s.tx, &s.rx);
}

static void take(void)
{
	uint32_t cap = each(0, PAYLOAD(IN));
	uint8_t buf[PAYLOAD(IN)];
	struct mbx_request req;
	int n;

	n = mbx_server_take(&s, &req, lent(buf, cap), cap);
	//@ check fits: n < 0 || n <= cap;
	forget(&s.tx, &s.rx);
}
#endif

int main(void)
{
	if (attach() < 0)
		return 0;
	for (;;)
		if (maybe())
			send();
		else
			take();
}
