/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frama-C's Eva: neither end of a call channel leaves rings, blocks and buffers,
 * whatever the loads return: from every place that attach can find, each call
 * with each length, and all 2^32 values of each load. Those that could be a read
 * offset or a header are looked at one by one, all others together.
 */
#ifndef RING
#define RING 16u
#endif
#define MAX (RING - 8u)

#define MBX_WORD_HEADER "verify/eva_words.h"

#include <mbx/layout.h>
#include <string.h>
#define __builtin_memcpy memcpy

#include "../../common/copy.c"
#include "../../common/queue.c"
#include "../../common/queue_open.c"
#include "../../common/call.c"

/* Each part alone, so that a step out of one is not a step into another */
static struct mbx_word tx_block[2][2], rx_block[2][3];
static struct mbx_word req_ring[RING / 4u], rep_ring[RING / 4u];
static uint8_t msg[MAX];

/* Each value of a record that fits, and what is between those. */
static uint32_t header(void)
{
	uint32_t n;

	for (n = 0; n < RING; n++)
		if (maybe())
			return MBX_HDR_MSG + n;
	for (n = 0; n < RING; n += 4u)
		if (maybe())
			return MBX_HDR_PAD + n;
	if (maybe())
		return 0;
	if (maybe())
		return any_of(1, MBX_HDR_MSG - 1u);
	if (maybe())
		return any_of(MBX_HDR_MSG + RING, MBX_HDR_PAD - 1u);
	return any_of(MBX_HDR_PAD, 0xffffffffu);
}

static uint32_t offset(void)
{
	uint32_t n;

	for (n = 0; n < RING; n++)
		if (maybe())
			return n;
	return any_of(RING, 0xffffffffu);
}

static uint32_t control(const struct mbx_word *w)
{
	uint32_t i;

	for (i = 0; i < RING / 4u; i++)
		if (w == &req_ring[i] || w == &rep_ring[i])
			return header();
	if (w == &rx_block[0][0] || w == &rx_block[1][0])
		return offset();
	return any_of(0, 0xffffffffu);
}

static void caller(const struct mbx_queue_place *req,
		   const struct mbx_queue_place *rep, uint32_t bytes)
{
	struct mbx_caller c;
	uint8_t *lent = msg + MAX - bytes; /* and nothing behind it */
	int status;

	if (mbx_caller_attach(&c, req, rep, 1) < 0)
		return;
	mbx_caller_start(&c, lent, bytes, 1000, 0, 1);
	mbx_caller_poll(&c, lent, bytes, &status, any_of(0, 0xffffffffu),
			any_of(0, 0xffffffffu));
}

static void server(const struct mbx_queue_place *req,
		   const struct mbx_queue_place *rep, uint32_t bytes)
{
	uint8_t *lent = msg + MAX - bytes;
	struct mbx_request r;
	struct mbx_server s;

	if (mbx_server_attach(&s, req, rep) < 0)
		return;
	if (mbx_server_take(&s, &r, lent, bytes) >= 0)
		mbx_server_reply(&s, &r, 0, lent, bytes);
}

int main(void)
{
	struct mbx_queue_place req = { .tx = tx_block[0],
				       .rx = rx_block[0],
				       .ring = req_ring,
				       .ring_bytes = RING,
				       .max_bytes = MAX };
	struct mbx_queue_place rep = { .tx = tx_block[1],
				       .rx = rx_block[1],
				       .ring = rep_ring,
				       .ring_bytes = RING,
				       .max_bytes = MAX };
	uint32_t bytes;

	for (bytes = 0; bytes <= MAX; bytes++) {
#if PART == 0
		caller(&req, &rep, bytes);
		(void)server;
#else
		server(&req, &rep, bytes);
		(void)caller;
#endif
	}
	return 0;
}
