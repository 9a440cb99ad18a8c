/* SPDX-License-Identifier: BSD-2-Clause */
/* Frama-C: a queue's two ends, any content, any calls in any order. */
#define MBX_WORD_HEADER "verify/eva_words.h"

#include <string.h>
#define __builtin_memcpy memcpy

#include "../../common/copy.c"
#include "../../common/queue.c"
#include "../../common/queue_open.c"

#ifndef RING
#define RING 32u
#endif
#define MAX (RING - 8u)

/* Each part alone, so that a step out of one is not a step into another */
static struct mbx_word tx_block[2], rx_block[3], ring[RING / 4u];
static uint8_t msg[MAX];

static uint32_t any(uint32_t below)
{
	return (uint32_t)Frama_C_unsigned_int_interval(0, below - 1u);
}

/* Tell apart all values of what an end knows, behind its place. */
static void tell_apart(const void *end, uint32_t bytes)
{
	const uint32_t *w = end;
	uint32_t i;

	for (i = sizeof(struct mbx_queue_place) / 4u; i < bytes / 4u; i++) {
		//@ split w[i];
	}
}

static void use_tx(struct mbx_tx *tx)
{
	struct mbx_word *data;
	uint32_t bytes = any(MAX + 2u);

	//@ split bytes;
	switch (any(8)) {
	case 0:
		mbx_tx_send(tx, msg, bytes);
		break;
	case 1:
		mbx_tx_put(tx, msg, bytes);
		break;
	case 2:
		mbx_tx_flush(tx);
		break;
	case 3:
		if (mbx_tx_claim(tx, bytes, &data) == 0)
			mbx_copy_in(data, msg, bytes);
		break;
	case 4:
		mbx_tx_commit(tx, bytes);
		break;
	case 5:
		mbx_tx_abort(tx);
		break;
	case 6:
		mbx_tx_notify(tx);
		break;
	default:
		mbx_tx_want_room(tx, (int)any(2));
		break;
	}
}

static void use_rx(struct mbx_rx *rx)
{
	struct mbx_word *data;
	uint32_t cap = any(MAX + 1u);
	int n;

	switch (any(5)) {
	case 0:
		n = mbx_rx_recv(rx, msg, cap);
		//@ check n <= (int)(MAX);
		break;
	case 1:
		n = mbx_rx_peek(rx, &data);
		if (n >= 0)
			mbx_copy_out(msg, data, (uint32_t)n);
		break;
	case 2:
		mbx_rx_release(rx);
		break;
	case 3:
		mbx_rx_notify(rx);
		break;
	default:
		mbx_rx_want_data(rx, (int)any(2));
		break;
	}
}

int main(void)
{
	struct mbx_queue_place at = { ring, tx_block, rx_block,
				      RING, MAX,      (uint8_t)any(3) };
	struct mbx_tx tx;
	struct mbx_rx rx;
	uint32_t i;

	if (any(2)) {
		if (mbx_tx_attach(&tx, &at))
			return 0;
		for (i = 0; i < CALLS; i++) {
			tell_apart(&tx, sizeof(tx));
			use_tx(&tx);
		}
	} else {
		if (mbx_rx_attach(&rx, &at) < 0)
			return 0;
		for (i = 0; i < CALLS; i++) {
			tell_apart(&rx, sizeof(rx));
			use_rx(&rx);
		}
	}
	return 0;
}
