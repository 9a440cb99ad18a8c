/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frama-C's Eva: a queue's two ends do not leave ring, blocks and buffers,
 * whatever their loads return. From every pair of offsets that attach can find,
 * with nothing, a batch or a claim open, each call with each length, and all
 * 2^32 values of each load: the small ones of the first load one by one, as
 * tests of low bits are followed only so, all others at once.
 */
#ifndef RING
#define RING 16u
#endif
#define MAX (RING - 8u)

#define MBX_WORD_HEADER "verify/eva_words.h"

#include <string.h>
#define __builtin_memcpy memcpy

#include <mbx/layout.h>

#include "../../common/copy.c"
#include "../../common/queue.c"
#include "../../common/queue_open.c"

/* Values that are near something: each a class; and what is between them. */
#define NEAR	(RING + 1u)
#define CLASSES (3u * NEAR + 3u)
#define IS(v)                                                                  \
	((v) >= MBX_HDR_PAD   ? (v)-MBX_HDR_PAD + 2u * NEAR                    \
	 : (v) >= MBX_HDR_MSG ? (v)-MBX_HDR_MSG + NEAR                         \
			      : (v))

static uint32_t given[4], given_count, given_at;

static uint32_t of_class(uint32_t k)
{
	if (k < NEAR)
		return k;
	if (k < 2u * NEAR)
		return MBX_HDR_MSG + k - NEAR;
	if (k < 3u * NEAR)
		return MBX_HDR_PAD + k - 2u * NEAR;
	if (k == 3u * NEAR)
		return any_of(NEAR, MBX_HDR_MSG - 1u);
	if (k == 3u * NEAR + 1u)
		return any_of(MBX_HDR_MSG + NEAR, MBX_HDR_PAD - 1u);
	return any_of(MBX_HDR_PAD + NEAR, 0xffffffffu);
}

/* The first ones of a call are of the classes given. */
static uint32_t control(const struct mbx_word *w)
{
	(void)w;
	if (given_at < given_count)
		return of_class(given[given_at++]);
	return any_of(0, 0xffffffffu);
}

/* Each part alone, so that a step out of one is not a step into another */
static struct mbx_word tx_block[2], rx_block[3], ring[RING / 4u];
static uint8_t msg[MAX];
static struct mbx_queue_place at;

enum open { NOTHING, BATCH, CLAIM };

static void give(uint32_t first, uint32_t second)
{
	given_at = 0;
	given_count = 2;
	given[0] = first;
	given[1] = second;
}

/* A producer whose records end at @pos, with the consumer at @read. */
static int producer_at(struct mbx_tx *tx, uint32_t read, uint32_t pos,
		       enum open open)
{
	struct mbx_word *data;
	uint32_t n = 0;

	given_at = 0;
	given[n++] = read;
	if (pos < read && read)
		given[n++] = IS(MBX_HDR_PAD + (RING - read - 4u));
	if (pos != (pos < read ? 0 : read))
		given[n++] = IS(MBX_HDR_MSG + pos - (pos < read ? 0 : read) -
				4u);
	given[n++] = 0;
	given_count = n;
	if (mbx_tx_attach(tx, &at))
		return 1;
	given[0] = read;
	given_at = 0;
	given_count = 1;
	if (open == BATCH)
		return mbx_tx_put(tx, msg, 1);
	return open == CLAIM ? mbx_tx_claim(tx, 1, &data) : 0;
}

static void call_tx(const struct mbx_tx *from, uint32_t call, uint32_t bytes,
		    uint32_t first)
{
	struct mbx_tx tx = *from;
	struct mbx_word *data;

	give(first, 0);
	switch (call) {
	case 0:
		mbx_tx_send(&tx, msg, bytes);
		break;
	case 1:
		mbx_tx_put(&tx, msg, bytes);
		break;
	case 2:
		if (mbx_tx_claim(&tx, bytes, &data) == 0)
			mbx_copy_in(data, msg, bytes);
		break;
	case 3:
		mbx_tx_commit(&tx, bytes);
		break;
	case 4:
		mbx_tx_flush(&tx);
		mbx_tx_notify(&tx);
		break;
	default:
		mbx_tx_abort(&tx);
		mbx_tx_want_room(&tx, (int)bytes & 1);
		break;
	}
}

static void call_rx(uint32_t pos, uint32_t cap, uint32_t first, uint32_t second)
{
	struct mbx_word *data;
	struct mbx_rx rx;
	int n;

	give(pos, 0);
	if (mbx_rx_attach(&rx, &at) < 0)
		return;
	give(first, second);
	n = mbx_rx_recv(&rx, msg, cap);
	//@ check fits: n <= (int)(cap);
	give(pos, 0);
	mbx_rx_attach(&rx, &at);
	give(first, second);
	n = mbx_rx_peek(&rx, &data);
	if (n >= 0)
		mbx_copy_out(msg, data, (uint32_t)n);
	mbx_rx_release(&rx);
	mbx_rx_notify(&rx);
	mbx_rx_want_data(&rx, 1);
}

static void all_of_rx(uint32_t pos, uint32_t cap)
{
	uint32_t first, second;

	for (first = 0; first < CLASSES; first++) {
		/* a second header is looked at behind padding only */
		int padding = pos && first == IS(MBX_HDR_PAD + RING - pos - 4u);

		for (second = 0; second < (padding ? CLASSES : 1u); second++)
			call_rx(pos, cap, first, second);
	}
}

static void all_of_tx(const struct mbx_tx *tx)
{
	uint32_t call, bytes, first;

	for (call = 0; call < 6; call++)
		for (bytes = 0; bytes <= MAX + 1u; bytes++)
			for (first = 0; first < CLASSES; first++)
				call_tx(tx, call, bytes, first);
}

int main(void)
{
	uint32_t read, pos, open, bytes, first;
	struct mbx_tx tx;

	at.ring = ring;
	at.tx = tx_block;
	at.rx = rx_block;
	at.ring_bytes = RING;
	at.max_bytes = MAX;
	for (first = 0; first < CLASSES; first++) {
		given[0] = first;
		given_at = 0;
		given_count = 1; /* and all records are anything */
		mbx_tx_attach(&tx, &at);
	}
	for (read = 0; read < RING; read += 4u)
		for (pos = 0; pos < RING; pos += 4u)
			for (open = NOTHING; open <= CLAIM; open++)
				if (!producer_at(&tx, read, pos,
						 (enum open)open))
					all_of_tx(&tx);
	for (pos = 0; pos < RING; pos += 4u)
		for (bytes = 0; bytes <= MAX; bytes++)
			all_of_rx(pos, bytes);
	return 0;
}
