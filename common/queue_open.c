/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches and claims: messages begun and not visible yet. While one is open, the
 * limit is put onto the position, so that the fast path of mbx_tx_send() needs
 * no test of its own, and tx->more leads here. Who uses neither links nothing of
 * this file.
 */
#include "queue_tx.h"

#define BEGUN UINT32_MAX /* a batch without a message yet */

/* Is a claim open? Otherwise tx->open is the first header of a batch, or 0. */
MBX_INLINE int is_claim(const struct mbx_tx *tx)
{
	return tx->open && tx->open < MBX_HDR_MSG;
}

/*
 * Closed are the fast path of mbx_tx_send(), and, by an @open_pos at the limit,
 * that of mbx_tx_put(). @pos is where what is open begins.
 */
static void close_fast_path(struct mbx_tx *tx, uint32_t pos, uint32_t open_pos,
			    int (*more)(struct mbx_tx *tx, uint32_t need))
{
	tx->more = more;
	tx->open_pos = open_pos;
	tx->open_limit = tx->limit;
	tx->limit = tx->pos = pos;
}

static void open_fast_path(struct mbx_tx *tx, uint32_t pos)
{
	tx->more = mbx_tx_make_room;
	tx->pos = pos;
	tx->limit = tx->open_pos = tx->open_limit;
}

static int room(struct mbx_tx *tx, uint32_t need)
{
	return tx->limit - tx->pos >= need ? 0 : tx->more(tx, need);
}

/*
 * The header at @first, where the batch begins, is stored last: (P1) for all of
 * it. Until then nobody looks behind the 0 there: one 0 more will do, behind the
 * last record.
 */
static void publish(struct mbx_tx *tx, uint32_t first)
{
	mbx_st(mbx_word_at(tx->at.ring, tx->pos), 0);
	mbx_st_release(mbx_word_at(tx->at.ring, first), tx->open);
	tx->open = 0;
}

/* tx->more of a batch: it ends. */
static int flush(struct mbx_tx *tx, uint32_t need)
{
	uint32_t first = tx->pos;

	open_fast_path(tx, tx->open_pos);
	publish(tx, first);
	return room(tx, need);
}

/* tx->more of a claim */
static int refuse(struct mbx_tx *tx, uint32_t need)
{
	(void)tx, (void)need;
	return MBX_EBUSY;
}

void mbx_tx_flush(struct mbx_tx *tx)
{
	if (tx->open >= MBX_HDR_MSG)
		flush(tx, 0);
}

/* A batch begins, or has no room to go on where it is. */
slow_path int put_slowly(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	int goes_on = tx->open >= MBX_HDR_MSG, err;
	uint32_t first = tx->pos;

	if (bytes > tx->at.max_bytes)
		return MBX_EMSGSIZE;
	if (goes_on)
		open_fast_path(tx, tx->open_pos);
	err = room(tx, record_bytes(bytes));
	if (err && err != MBX_EPROTO && goes_on)
		publish(tx, first); /* or both sides wait for ever */
	if (err && tx->open < MBX_HDR_MSG)
		return err;
	if (!goes_on) {
		first = tx->pos;
		tx->open = BEGUN;
	}
	close_fast_path(tx, first, tx->pos, flush);
	return err ? err : mbx_tx_put(tx, msg, bytes); /* which is a jump */
}

int mbx_tx_put(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	uint32_t need = record_bytes(bytes), pos = tx->open_pos;
	struct mbx_word mbx_shared *at;

	if (unlikely(bytes > tx->at.max_bytes) ||
	    unlikely(tx->open_limit - pos < need))
		return put_slowly(tx, msg, bytes);
	at = mbx_word_at(tx->at.ring, pos);
	tx->open_pos = pos + need;
	mbx_payload_in(mbx_word_at(at, 4), msg, bytes, tx->at.memory);
	if (tx->open == BEGUN)
		tx->open = MBX_HDR_MSG + bytes; /* held back */
	else
		mbx_st(at, MBX_HDR_MSG + bytes);
	return 0;
}

int mbx_tx_put_many(struct mbx_tx *tx, const void *msgs, uint32_t bytes,
		    uint32_t count)
{
	uint32_t need = record_bytes(bytes), done = 0, pos;
	const uint8_t *msg = msgs;
	struct mbx_word mbx_shared *at;
	int err;

	while (done < count) {
		err = mbx_tx_put(tx, msg, bytes);
		if (err)
			return done || err == 1 ? (int)done : err;
		/* nothing but the messages is stored on the way */
		for (pos = tx->open_pos;
		     ++done < count && tx->open_limit - pos >= need;
		     pos += need) {
			msg += bytes;
			at = mbx_word_at(tx->at.ring, pos);
			mbx_payload_in(mbx_word_at(at, 4), msg, bytes,
				       tx->at.memory);
			mbx_st(at, MBX_HDR_MSG + bytes);
		}
		tx->open_pos = pos;
		msg += bytes;
	}
	return (int)done;
}

int mbx_tx_claim(struct mbx_tx *tx, uint32_t bytes,
		 struct mbx_word mbx_shared **data)
{
	int err;

	if (bytes > tx->at.max_bytes)
		return MBX_EMSGSIZE;
	err = room(tx, record_bytes(bytes));
	if (err)
		return err;
	*data = mbx_word_at(tx->at.ring, tx->pos + 4u);
	tx->open = bytes + 1u;
	close_fast_path(tx, tx->pos, tx->limit, refuse);
	return 0;
}

int mbx_tx_commit(struct mbx_tx *tx, uint32_t bytes)
{
	uint32_t need = record_bytes(bytes);
	struct mbx_word mbx_shared *at;

	if (!is_claim(tx))
		return MBX_EINVAL;
	if (bytes >= tx->open)
		return MBX_EMSGSIZE;
	mbx_tx_abort(tx); /* the claim ends here; its payload is cleaned */
	at = mbx_word_at(tx->at.ring, tx->pos);
	mbx_st(mbx_word_at(at, need), 0);
	tx->pos += need;
	mbx_st_release(at, MBX_HDR_MSG + bytes); /* (P1) */
	return 0;
}

void mbx_tx_abort(struct mbx_tx *tx)
{
	struct mbx_word mbx_shared *data;

	if (!is_claim(tx))
		return;
	/*
	 * All of the claim: a line left dirty behind the message could be
	 * evicted into whatever stands there after the next formatting.
	 */
	data = mbx_word_at(tx->at.ring, tx->pos + 4u);
	mbx_port_clean((void mbx_force *)(uintptr_t)data, tx->open - 1u);
	tx->open = 0;
	open_fast_path(tx, tx->pos);
}
