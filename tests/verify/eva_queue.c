/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frama-C's Eva: a queue's two ends do not leave ring, blocks and buffers,
 * whatever their loads return. From every pair of offsets that attach can find,
 * with nothing, a batch or a claim open, each call with each length, and all
 * 2^32 values of each load.
 */
#ifndef RING
#define RING 16u
#endif
#define MAX (RING - 8u)

#define MBX_WORD_HEADER "verify/eva_words.h"

#include <string.h>
#define __builtin_memcpy memcpy

#include <mbx/queue.h>

#include "../../common/copy.c"
#include "../../common/queue.c"
#include "../../common/queue_open.c"

/* What a load returns: all from the one to the other. */
struct values {
	uint32_t from, to;
};

static struct values only(uint32_t v)
{
	return (struct values){ v, v };
}

/* The read offset: tests of low bits are followed one by one. */
#define OFFSETS (RING + 1u)
static struct values offset(uint32_t k)
{
	return k < RING ? only(k) : (struct values){ RING, 0xffffffffu };
}

/* A header: so are lengths. The last ones are padding, too. */
#define HEADERS (MAX + 4u)
#define OTHERS	(HEADERS - 1u)
static struct values header(uint32_t k)
{
	if (k <= MAX)
		return only(MBX_HDR_MSG + k);
	if (k == MAX + 1u)
		return only(0);
	if (k == MAX + 2u)
		return (struct values){ 1, MBX_HDR_MSG - 1u };
	return (struct values){ MBX_HDR_MSG + MAX + 1u, 0xffffffffu };
}

/* What the next control words are; those behind them are anything. */
static struct values given[4];
static uint32_t given_count, given_at;

static uint32_t control(const struct mbx_word *w)
{
	(void)w;
	if (given_at < given_count) {
		struct values v = given[given_at++];

		return any_of(v.from, v.to);
	}
	return any_of(0, 0xffffffffu);
}

static void give(struct values first)
{
	given_at = 0;
	given_count = 1;
	given[0] = first;
}

static void give_two(struct values first, struct values second)
{
	give(first);
	given_count = 2;
	given[1] = second;
}

/* Each part alone, so that a step out of one is not a step into another */
static struct mbx_word tx_block[2], rx_block[3], ring[RING / 4u];
static const struct mbx_queue_place at = { .ring = ring,
					   .tx = tx_block,
					   .rx = rx_block,
					   .ring_bytes = RING,
					   .max_bytes = MAX };

static uint8_t msg[MAX];

/* A producer whose records end at @pos, with the consumer at @read. */
static int producer_at(struct mbx_tx *tx, uint32_t read, uint32_t pos)
{
	uint32_t first = pos < read ? 0 : read, n = 0;

	given_at = 0;
	given[n++] = only(read);
	if (pos < read)
		given[n++] = only(MBX_HDR_PAD + (RING - read - 4u));
	if (pos != first)
		given[n++] = only(MBX_HDR_MSG + pos - first - 4u);
	given[n++] = only(0);
	given_count = n;
	return mbx_tx_attach(tx, &at);
}

#define MANY 2u
static uint8_t many[MANY * (MAX + 1u)];

enum open { NOTHING, BATCH, CLAIM };

/* With something open or not. */
static int producer_with(struct mbx_tx *tx, uint32_t read, uint32_t pos,
			 enum open open)
{
	struct mbx_word *data;

	if (producer_at(tx, read, pos))
		return 1;
	give(only(read));
	if (open == BATCH)
		return mbx_tx_put(tx, msg, 1);
	return open == CLAIM ? mbx_tx_claim(tx, 1, &data) : 0;
}

static void call_tx(const struct mbx_tx *from, uint32_t call, uint32_t bytes,
		    struct values read)
{
	struct mbx_tx tx = *from;
	struct mbx_word *data;

	give(read);
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

/* Twice it is looked at here, if it was possible. */
static void call_many(const struct mbx_tx *from, uint32_t bytes, uint32_t read)
{
	uint32_t again;

	for (again = 0; again < (read % 4u ? 1u : OFFSETS); again++) {
		struct mbx_tx tx = *from;

		give_two(offset(read), offset(again));
		mbx_tx_put_many(&tx, many, bytes, MANY);
	}
}

static void call_rx(uint32_t pos, uint32_t cap, struct values first,
		    struct values second)
{
	struct mbx_word *data;
	struct mbx_rx rx;
	int n;

	give(only(pos));
	if (mbx_rx_attach(&rx, &at) < 0)
		return;
	give_two(first, second);
	n = mbx_rx_recv(&rx, msg, cap);
	//@ check fits: n <= (int)(cap);
	give(only(pos));
	mbx_rx_attach(&rx, &at);
	give_two(first, second);
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

	for (first = 0; first < HEADERS; first++)
		/* a second header is looked at behind padding only */
		for (second = 0; second < (first == OTHERS ? HEADERS : 1u);
		     second++)
			call_rx(pos, cap, header(first), header(second));
}

static void all_of_tx(const struct mbx_tx *tx)
{
	uint32_t call, bytes, read;

	for (bytes = 0; bytes <= MAX + 1u; bytes++)
		for (read = 0; read < OFFSETS; read++) {
			for (call = 0; call < 6; call++)
				call_tx(tx, call, bytes, offset(read));
			call_many(tx, bytes, read);
		}
}

int main(void)
{
	uint32_t read, pos, open, bytes;
	struct mbx_tx tx;

	for (read = 0; read < OFFSETS; read++) {
		give(offset(read)); /* and all records are anything */
		mbx_tx_attach(&tx, &at);
	}
	for (read = 0; read < RING; read += 4u)
		for (pos = 0; pos < RING; pos += 4u)
			for (open = NOTHING; open <= CLAIM; open++)
				if (!producer_with(&tx, read, pos,
						   (enum open)open))
					all_of_tx(&tx);
	for (pos = 0; pos < RING; pos += 4u)
		for (bytes = 0; bytes <= MAX; bytes++)
			all_of_rx(pos, bytes);
	return 0;
}
