/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue. LAYOUT.md, section "Queue", has the shared format, the argument
 * for each order and the crash story; the letters here are those there.
 *
 *   P1, P2  release of a header          pairs with  A2  acquire of a header
 *   R1      release of the read offset   pairs with  A1  acquire of it
 *   W1, W2  barrier between publishing and looking at the sleeper's flag,
 *           pairs with the same barrier of the sleeper (flag, then look)
 *
 * What holds whenever a call returns:
 *   - the word at the (published) write offset is 0;
 *   - the write offset equals the read offset only when the ring is empty: a
 *     record leaves at least one word of gap;
 *   - no message record ends at the ring's end; only padding leads back to 0.
 */
#include <mbx/queue.h>

#define unlikely(x) __builtin_expect(!!(x), 0)
#define IN_HAND	    1u

/* Bytes of the record of a message: header and payload, in whole words. */
MBX_INLINE uint32_t record_bytes(uint32_t bytes)
{
	return (bytes + 7u) & ~3u;
}

uint32_t mbx_queue_step(uint32_t h, uint32_t pos, uint32_t size)
{
	uint32_t room = size - pos - 4u, n = h - MBX_HDR_MSG;

	if (n <= room) {
		n = record_bytes(n);
		return n > room ? 0 : n;
	}
	if (h == MBX_HDR_PAD + room)
		return pos ? room + 4u : 0;
	return 0;
}

/* (A1) A read offset, fetched once, to *raw; without the mark, ~0 if bad. */
static uint32_t load_read(const struct mbx_queue_place *at, uint32_t *raw)
{
	uint32_t r = mbx_ld_acquire(mbx_word_at(at->rx, 0));

	*raw = r;
	r &= ~IN_HAND;
	return (r & 3u) || r >= at->ring_bytes ? ~0u : r;
}

static int impossible(struct mbx_tx *tx, uint32_t value)
{
	tx->bad = value;
	return MBX_EPROTO;
}

int mbx_tx_attach(struct mbx_tx *tx, const struct mbx_queue_place *at)
{
	uint32_t size = at->ring_bytes, left = size, pos, raw, h, n;

	/*
	 * A life before this one saw the consumer's position up to some value;
	 * seeing an older one now would put the write offset onto messages not
	 * read yet. The barrier keeps this load behind whatever told us that
	 * the earlier life is over.
	 */
	mbx_order_all();
	/* harmless too should somebody use it in spite of an error */
	tx->at = *at;
	tx->pos = tx->limit = tx->seen = tx->hold = tx->claimed = tx->bad = 0;
	pos = load_read(at, &raw);
	if (pos == ~0u)
		return impossible(tx, raw);
	tx->seen = pos;
	for (;;) {
		h = mbx_ld(mbx_word_at(at->ring, pos));
		if (h == 0)
			break;
		n = mbx_queue_step(h, pos, size);
		/* never all the way round; pos + n is size for padding only */
		if (n == 0 || n >= left ||
		    (pos + n != size && h - MBX_HDR_MSG > at->max_bytes))
			return impossible(tx, h);
		left -= n;
		pos += n;
		if (pos == size)
			pos = 0;
	}
	tx->pos = tx->limit = pos;
	tx->full = mbx_ld(mbx_word_at(at->tx, 0)) & ~1u;
	mbx_st(mbx_word_at(at->tx, 0), tx->full);
	return 0;
}

/*
 * The slow path: make room for a record of @need bytes at tx->pos, within the
 * limit left in tx->limit. Loads the consumer's position once; no loop.
 */
static int make_room(struct mbx_tx *tx, uint32_t need)
{
	struct mbx_word mbx_shared *ring = tx->at.ring;
	uint32_t size = tx->at.ring_bytes, pos = tx->pos, limit, read, moved,
		 written, raw;

	read = load_read(&tx->at, &raw);
	if (read == ~0u)
		return impossible(tx, raw);
	moved = read - tx->seen + (read < tx->seen ? size : 0);
	written = pos - tx->seen + (pos < tx->seen ? size : 0);
	if (moved > written)
		return impossible(tx, raw);
	tx->seen = read;

	if (read > pos) {
		limit = read - 4u;
	} else {
		limit = size - 4u;
		if (limit - pos < need && read != 0) {
			uint32_t pad = MBX_HDR_PAD + (size - pos - 4u);

			/*
			 * The tail is too short: padding is published now, by
			 * itself (P2). Only together with its record, a long
			 * message could wait for ever for room on both sides.
			 * Inside a batch the first header publishes it.
			 */
			mbx_st(ring, 0);
			if (tx->hold)
				mbx_st(mbx_word_at(ring, pos), pad);
			else
				mbx_st_release(mbx_word_at(ring, pos), pad);
			tx->pos = pos = 0;
			limit = read - 4u;
		}
	}
	tx->limit = limit;
	return limit - pos >= need ? 0 : MBX_EAGAIN;
}

/* The first header of a batch is stored last: (P1) for the whole batch. */
static void publish_batch(struct mbx_tx *tx)
{
	mbx_st_release(mbx_word_at(tx->at.ring, tx->hold_off), tx->hold);
	tx->hold = 0;
}

/* While a batch or a claim is open: no way past before_record(). */
static void close_fast_path(struct mbx_tx *tx)
{
	tx->spare_limit = tx->limit;
	tx->limit = tx->pos;
}

/* No room: flush (or both sides wait for ever), count, apply the policy. */
static int no_room(struct mbx_tx *tx)
{
	if (tx->hold)
		publish_batch(tx);
	/* one that waits for room tries again and again: counted once */
	if (tx->at.full == MBX_DROP || !(tx->full & 1u)) {
		tx->full += 2u;
		mbx_st(mbx_word_at(tx->at.tx, 0), tx->full);
	}
	return tx->at.full == MBX_DROP ? 1 : MBX_EAGAIN;
}

/*
 * A batch or a claim puts the limit onto the position, so that the fast path
 * of mbx_tx_send() needs no test of its own and comes here.
 */
static int before_record(struct mbx_tx *tx, uint32_t bytes, int in_batch)
{
	uint32_t need = record_bytes(bytes);
	int err;

	if (bytes > tx->at.max_bytes)
		return MBX_EMSGSIZE;
	if (tx->claimed)
		return MBX_EBUSY;
	if (!in_batch)
		mbx_tx_flush(tx);
	else if (tx->hold)
		tx->limit = tx->spare_limit;
	if (tx->limit - tx->pos >= need)
		return 0;
	err = make_room(tx, need);
	if (err == MBX_EAGAIN)
		return no_room(tx);
	if (err && tx->hold)
		close_fast_path(tx);
	return err;
}

/* Payload and the 0 behind it; the header is the caller's to publish. */
MBX_INLINE uint32_t fill_record(struct mbx_tx *tx, const void *msg,
				uint32_t bytes)
{
	uint32_t pos = tx->pos, next = pos + record_bytes(bytes);

	mbx_st(mbx_word_at(tx->at.ring, next), 0);
	mbx_payload_in(mbx_word_at(tx->at.ring, pos + 4u), msg, bytes,
		       tx->at.memory);
	tx->pos = next;
	return pos;
}

int mbx_tx_send(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	uint32_t pos;

	if (unlikely(bytes > tx->at.max_bytes) ||
	    unlikely(tx->limit - tx->pos < record_bytes(bytes))) {
		int err = before_record(tx, bytes, 0);

		if (err)
			return err;
	}
	pos = fill_record(tx, msg, bytes);
	/*
	 * (P1) A consumer that sees the header also sees the payload and the 0
	 * behind it. Pairs with (A2).
	 */
	mbx_st_release(mbx_word_at(tx->at.ring, pos), MBX_HDR_MSG + bytes);
	return 0;
}

int mbx_tx_put(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	uint32_t pos;
	int err = before_record(tx, bytes, 1);

	if (err)
		return err;
	pos = fill_record(tx, msg, bytes);
	if (tx->hold) {
		mbx_st(mbx_word_at(tx->at.ring, pos), MBX_HDR_MSG + bytes);
	} else {
		tx->hold_off = pos;
		tx->hold = MBX_HDR_MSG + bytes;
	}
	close_fast_path(tx);
	return 0;
}

void mbx_tx_flush(struct mbx_tx *tx)
{
	if (!tx->hold)
		return;
	tx->limit = tx->spare_limit;
	publish_batch(tx);
}

int mbx_tx_claim(struct mbx_tx *tx, uint32_t bytes,
		 struct mbx_word mbx_shared **data)
{
	int err = before_record(tx, bytes, 0);

	if (err)
		return err;
	*data = mbx_word_at(tx->at.ring, tx->pos + 4u);
	tx->claimed = bytes + 1u;
	close_fast_path(tx);
	return 0;
}

int mbx_tx_commit(struct mbx_tx *tx, uint32_t bytes)
{
	uint32_t pos = tx->pos, next = pos + record_bytes(bytes);
	struct mbx_word mbx_shared *ring = tx->at.ring;

	if (!tx->claimed)
		return MBX_EINVAL;
	if (bytes >= tx->claimed)
		return MBX_EMSGSIZE;
	mbx_tx_abort(tx); /* the claim ends here; its payload is cleaned */
	mbx_st(mbx_word_at(ring, next), 0);
	tx->pos = next;
	/* (P1) */
	mbx_st_release(mbx_word_at(ring, pos), MBX_HDR_MSG + bytes);
	return 0;
}

void mbx_tx_abort(struct mbx_tx *tx)
{
	struct mbx_word mbx_shared *data;

	if (!tx->claimed)
		return;
	/*
	 * All of the claim: a line left dirty behind the message could be
	 * evicted into whatever stands there after the next formatting.
	 */
	data = mbx_word_at(tx->at.ring, tx->pos + 4u);
	mbx_port_clean((void mbx_force *)(uintptr_t)data, tx->claimed - 1u);
	tx->claimed = 0;
	tx->limit = tx->spare_limit;
}

int mbx_tx_notify(struct mbx_tx *tx)
{
	/*
	 * (W1) The header must be visible before the flag is looked at: the
	 * consumer raises its flag, passes the same barrier, and looks at the
	 * header once more. One of the two sees the other's store.
	 */
	mbx_order_all();
	return (int)(mbx_ld(mbx_word_at(tx->at.rx, 4)) & 1u);
}

int mbx_tx_want_room(struct mbx_tx *tx, int on)
{
	uint32_t raw;

	tx->full = (tx->full & ~1u) | (on ? 1u : 0u);
	mbx_st(mbx_word_at(tx->at.tx, 0), tx->full);
	if (!on)
		return 0;
	mbx_order_all(); /* (W2), pairs with the one in mbx_rx_notify() */
	return load_read(&tx->at, &raw) != tx->seen;
}

int mbx_rx_attach(struct mbx_rx *rx, const struct mbx_queue_place *at)
{
	uint32_t read, raw;

	mbx_order_all();
	rx->at = *at;
	rx->pos = rx->next = 0;
	/* our own word: the acquire pairs with the release of the life before */
	read = load_read(at, &raw);
	rx->bad = read == ~0u ? raw : 0;
	if (read == ~0u)
		return MBX_EPROTO;
	rx->pos = read;
	rx->wait = mbx_ld(mbx_word_at(at->rx, 4)) & ~1u;
	mbx_st(mbx_word_at(at->rx, 4), rx->wait);
	return (int)(raw & IN_HAND);
}

/* (R1) The producer's licence to overwrite all before @next. Pairs with A1. */
MBX_INLINE void give_back(struct mbx_rx *rx, uint32_t next)
{
	rx->pos = next;
	mbx_st_release(mbx_word_at(rx->at.rx, 0), next);
}

/*
 * The header is not that of a plain message that fits: 0 when padding was
 * skipped (look again), else what to return.
 */
static int odd_header(struct mbx_rx *rx, uint32_t h)
{
	uint32_t n;

	if (h == 0)
		return MBX_EAGAIN;
	n = mbx_queue_step(h, rx->pos, rx->at.ring_bytes);
	if (n != 0 && rx->pos + n == rx->at.ring_bytes) {
		give_back(rx, 0);
		return 0;
	}
	if (n != 0 && h - MBX_HDR_MSG <= rx->at.max_bytes)
		return MBX_EMSGSIZE;
	rx->bad = h;
	rx->wait += 2u;
	mbx_st(mbx_word_at(rx->at.rx, 4), rx->wait);
	return MBX_EPROTO;
}

/*
 * Find the oldest message of at most @cap bytes; its length, or an error. Goes
 * round at most twice: padding at offset 0 is impossible.
 */
MBX_INLINE int next_message(struct mbx_rx *rx, uint32_t cap, uint32_t *next)
{
	uint32_t size = rx->at.ring_bytes, h, n;
	int err;

	for (;;) {
		/* (A2) pairs with P1 and P2; the one load of this header */
		h = mbx_ld_acquire(mbx_word_at(rx->at.ring, rx->pos));
		n = h - MBX_HDR_MSG;
		if (n <= cap && n <= size - rx->pos - 4u) {
			*next = rx->pos + record_bytes(n);
			if (*next != size)
				return (int)n;
		}
		err = odd_header(rx, h);
		if (err)
			return err;
	}
}

int mbx_rx_recv(struct mbx_rx *rx, void *buf, uint32_t cap)
{
	uint32_t next = 0;
	int n;

	if (rx->next)
		return MBX_EBUSY;
	if (cap > rx->at.max_bytes)
		cap = rx->at.max_bytes;
	n = next_message(rx, cap, &next);
	if (n < 0)
		return n;
	mbx_payload_out(buf, mbx_word_at(rx->at.ring, rx->pos + 4u),
			(uint32_t)n, rx->at.memory);
	give_back(rx, next);
	return n;
}

int mbx_rx_peek(struct mbx_rx *rx, struct mbx_word mbx_shared **data)
{
	int n = next_message(rx, rx->at.max_bytes, &rx->next);
	struct mbx_word mbx_shared *at;

	if (n < 0) {
		rx->next = 0;
		return n;
	}
	/*
	 * In hand: should this side die before the release, the next life knows
	 * that it sees this message for the second time.
	 */
	mbx_st_release(mbx_word_at(rx->at.rx, 0), rx->pos | IN_HAND);
	at = mbx_word_at(rx->at.ring, rx->pos + 4u);
	mbx_port_invalidate((void mbx_force *)(uintptr_t)at, (uint32_t)n);
	*data = at;
	return n;
}

void mbx_rx_release(struct mbx_rx *rx)
{
	if (!rx->next)
		return;
	give_back(rx, rx->next);
	rx->next = 0;
}

int mbx_rx_notify(struct mbx_rx *rx)
{
	/* (W2) the read offset must be visible before the flag is looked at */
	mbx_order_all();
	return (int)(mbx_ld(mbx_word_at(rx->at.tx, 0)) & 1u);
}

int mbx_rx_want_data(struct mbx_rx *rx, int on)
{
	rx->wait = (rx->wait & ~1u) | (on ? 1u : 0u);
	mbx_st(mbx_word_at(rx->at.rx, 4), rx->wait);
	mbx_order_all(); /* (W1) */
	return mbx_ld(mbx_word_at(rx->at.ring, rx->pos)) != 0;
}
