/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches and claims: messages begun and not visible yet. While one is open, the
 * limit is put onto the position, so that the fast path of mbx_tx_send() needs
 * no test of its own, and tx->more leads here. Who uses neither links nothing of
 * this file.
 */
#include "queue_tx.h"

/* Is a claim open? Otherwise tx->open is the first header of a batch, or 0. */
MBX_INLINE int is_claim(const struct mbx_tx *tx)
{
	return tx->open && tx->open < MBX_HDR_MSG;
}

static void close_fast_path(struct mbx_tx *tx,
			    int (*more)(struct mbx_tx *tx, uint32_t need))
{
	tx->more = more;
	tx->spare_limit = tx->limit;
	tx->limit = tx->pos;
}

static void open_fast_path(struct mbx_tx *tx)
{
	tx->more = mbx_tx_make_room;
	tx->limit = tx->spare_limit;
}

static int room(struct mbx_tx *tx, uint32_t need)
{
	return tx->limit - tx->pos >= need ? 0 : tx->more(tx, need);
}

/* The first header of a batch is stored last: (P1) for all of it. */
static void publish(struct mbx_tx *tx)
{
	mbx_st_release(tx->first, tx->open);
	tx->open = 0;
}

/* tx->more of a batch: it ends. */
static int flush(struct mbx_tx *tx, uint32_t need)
{
	open_fast_path(tx);
	publish(tx);
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

int mbx_tx_put(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	uint32_t need = record_bytes(bytes);
	struct mbx_word mbx_shared *at;
	int err;

	if (bytes > tx->at.max_bytes)
		return MBX_EMSGSIZE;
	if (is_claim(tx))
		return MBX_EBUSY;
	if (tx->open)
		open_fast_path(tx); /* it goes on */
	err = room(tx, need);
	if (!err) {
		at = mbx_word_at(tx->at.ring, tx->pos);
		tx->pos += need;
		fill_record(tx, at, msg, bytes);
		if (tx->open) {
			mbx_st(at, MBX_HDR_MSG + bytes);
		} else {
			tx->first = at;
			tx->open = MBX_HDR_MSG + bytes;
		}
	} else if (tx->open && err != MBX_EPROTO) {
		publish(tx); /* or both sides wait for ever */
	}
	if (tx->open)
		close_fast_path(tx, flush);
	return err;
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
	close_fast_path(tx, refuse);
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
	open_fast_path(tx);
}
