/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the producer's end share. The letters: see queue.c. */
#ifndef MBX_QUEUE_TX_H
#define MBX_QUEUE_TX_H

#include <mbx/queue.h>

#define unlikely(x) __builtin_expect(!!(x), 0)
#define likely(x)   __builtin_expect(!!(x), 1)
/*
 * What a fast path leaves to another function costs it no saved registers, and
 * some bytes: not where size is what counts.
 */
#ifdef __OPTIMIZE_SIZE__
#define slow_path static
#else
#define slow_path static __attribute__((noinline))
#endif

/* Bytes of the record of a message: header and payload, in whole words. */
MBX_INLINE uint32_t record_bytes(uint32_t bytes)
{
	return (bytes + 7u) & ~3u;
}

/* Payload at @at + 4, and the 0 behind it. */
MBX_INLINE void fill_record(const struct mbx_tx *tx,
			    struct mbx_word mbx_shared *at, const void *msg,
			    uint32_t bytes)
{
	mbx_st(mbx_word_at(at, record_bytes(bytes)), 0);
	mbx_payload_in(mbx_word_at(at, 4), msg, bytes, tx->at.memory);
}

/*
 * tx->more while nothing is open: see to it that a record of @need bytes fits
 * between tx->pos and tx->limit. Loads the consumer's position once; no loop.
 *
 * Returns 0, or as mbx_tx_send().
 */
int mbx_tx_make_room(struct mbx_tx *tx, uint32_t need);

#endif
