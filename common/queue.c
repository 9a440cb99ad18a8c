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
#define IN_HAND 1u
#define SLEEPS	1u /* bit 0 of tx_block.full and rx_block.wait ... */
#define ONE	2u /* ... and what is counted above it */

/* Bytes of the record of a message: header and payload, in whole words. */
MBX_INLINE uint32_t record_bytes(uint32_t bytes)
{
	return (bytes + 7u) & ~3u;
}

/*
 * Where the next header is behind one that was found at @pos; the ring's size
 * behind padding, which nothing else ends at; 0 if the header is impossible. No
 * sum wraps: a message is not that long.
 */
MBX_INLINE uint32_t behind(uint32_t pos, uint32_t h, uint32_t size,
			   uint32_t max_bytes)
{
	uint32_t n = h - MBX_HDR_MSG, next = pos + record_bytes(n);

	if (n <= max_bytes && next < size)
		return next;
	return pos && h == MBX_HDR_PAD + (size - pos - 4u) ? size : 0;
}

uint32_t mbx_queue_step(uint32_t h, uint32_t pos, uint32_t size)
{
	uint32_t next = behind(pos, h, size, size);

	return next ? next - pos : 0;
}

static uint32_t behind_in(const struct mbx_queue_place *at, uint32_t pos,
			  uint32_t h)
{
	return behind(pos, h, at->ring_bytes, at->max_bytes);
}

/*
 * (A1) The read offset, fetched once, to *@read. Returns 1 if the message there
 * is in hand, else 0; or MBX_EPROTO with the value in *@bad.
 */
static int load_read(const struct mbx_queue_place *at, uint32_t *read,
		     uint32_t *bad)
{
	uint32_t raw = mbx_ld_acquire(mbx_word_at(at->rx, 0));

	if (raw & 2u || raw >= at->ring_bytes) {
		*bad = raw;
		return MBX_EPROTO;
	}
	*read = raw & ~IN_HAND;
	return (int)(raw & IN_HAND);
}

/* Raise or lower a sleeper's flag; *@said is what its word says. */
MBX_INLINE void set_flag(struct mbx_word mbx_shared *word, uint32_t *said,
			 int on)
{
	*said = (*said & ~SLEEPS) | (on ? SLEEPS : 0);
	mbx_st(word, *said);
}

/* What begins a life of either end. Returns as load_read(). */
static __attribute__((noinline)) int take_up(struct mbx_queue_place *mine,
					     const struct mbx_queue_place *at,
					     uint32_t *pos, uint32_t *bad)
{
	/*
	 * A life before this one saw the consumer's position up to some value;
	 * seeing an older one now would put the write offset onto messages not
	 * read yet. The barrier keeps this load behind whatever told us that
	 * the earlier life is over.
	 */
	mbx_order_all();
	*mine = *at;
	*pos = *bad = 0; /* harmless too should somebody go on in spite of it */
	return load_read(mine, pos, bad);
}

int mbx_tx_attach(struct mbx_tx *tx, const struct mbx_queue_place *at)
{
	uint32_t left = at->ring_bytes, pos, next, h;
	int ret = take_up(&tx->at, at, &tx->seen, &tx->bad);

	tx->pos = tx->limit = pos = tx->seen;
	tx->open = 0;
	if (ret < 0)
		return ret;
	while ((h = mbx_ld(mbx_word_at(at->ring, pos))) != 0) {
		next = behind_in(at, pos, h);
		if (!next || next - pos >= left) { /* not all round */
			tx->bad = h;
			return MBX_EPROTO;
		}
		left -= next - pos;
		pos = next == at->ring_bytes ? 0 : next;
	}
	tx->pos = tx->limit = pos;
	tx->full = mbx_ld(at->tx);
	set_flag(at->tx, &tx->full, 0);
	return 0;
}

/*
 * Room for a record of @need bytes at tx->pos, within the limit left in
 * tx->limit; or MBX_EAGAIN, or MBX_EPROTO. Loads the consumer's position once;
 * no loop.
 */
MBX_INLINE int make_room(struct mbx_tx *tx, uint32_t need)
{
	struct mbx_word mbx_shared *ring = tx->at.ring;
	uint32_t pos = tx->pos, tail = tx->at.ring_bytes - 4u - pos, read;
	int in_hand = load_read(&tx->at, &read, &tx->bad);

	if (in_hand < 0)
		return MBX_EPROTO;
	/*
	 * From seen to read to pos and back to seen is once round the ring, or
	 * nowhere: one of the three steps leads to a lower offset, or none.
	 * Is read not where it can be, it is two. (A step's top bit says so.)
	 */
	if (((read - tx->seen) ^ (pos - read) ^ (pos - tx->seen)) >> 31) {
		tx->bad = read | (uint32_t)in_hand;
		return MBX_EPROTO;
	}
	tx->seen = read;
	if (read <= pos && (tail >= need || read == 0)) {
		tx->limit = pos + tail;
	} else {
		if (read <= pos) {
			/*
			 * The tail is too short: padding is published now, by
			 * itself (P2). Only together with its record, a long
			 * message could wait for ever for room on both sides.
			 */
			mbx_st(ring, 0);
			mbx_st_release(mbx_word_at(ring, pos),
				       MBX_HDR_PAD + tail);
			tx->pos = pos = 0;
		}
		tx->limit = read - 4u;
	}
	return tx->limit - pos >= need ? 0 : MBX_EAGAIN;
}

/* Open is the first header of a batch, or a claim's bytes + 1. */
MBX_INLINE int is_batch(const struct mbx_tx *tx)
{
	return tx->open >= MBX_HDR_MSG;
}

/* The first header of a batch is stored last: (P1) for all of it. */
MBX_INLINE void publish_batch(struct mbx_tx *tx)
{
	mbx_st_release(tx->first, tx->open);
	tx->open = 0;
}

/* While a batch or a claim is open: no way past before_record(). */
static void close_fast_path(struct mbx_tx *tx)
{
	tx->spare_limit = tx->limit;
	tx->limit = tx->pos;
}

/*
 * See to it that there is room, or say why there is none; what is open and not
 * @joined ends. A batch or a claim puts the limit onto the position, so that the
 * fast path of mbx_tx_send() needs no test of its own and comes here.
 */
static int before_record(struct mbx_tx *tx, uint32_t bytes, int joined)
{
	uint32_t need = record_bytes(bytes);
	int err, drop = tx->at.full == MBX_DROP;

	if (bytes > tx->at.max_bytes)
		return MBX_EMSGSIZE;
	if (tx->open) {
		if (!is_batch(tx))
			return MBX_EBUSY;
		tx->limit = tx->spare_limit;
		if (!joined)
			publish_batch(tx);
	}
	if (tx->limit - tx->pos >= need)
		return 0;
	err = make_room(tx, need);
	if (err != MBX_EAGAIN)
		return err;
	/* one that waits for room tries again and again: counted once */
	if (drop || !(tx->full & SLEEPS)) {
		tx->full += ONE;
		mbx_st(tx->at.tx, tx->full);
	}
	return drop ? 1 : MBX_EAGAIN;
}

/* No room at once, or something to be done first. */
slow_path int send_slowly(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	int err = before_record(tx, bytes, 0);

	return err ? err : mbx_tx_send(tx, msg, bytes); /* which is a jump */
}

/* Payload at @at + 4, and the 0 behind it. */
MBX_INLINE void fill_record(const struct mbx_tx *tx,
			    struct mbx_word mbx_shared *at, const void *msg,
			    uint32_t bytes)
{
	mbx_st(mbx_word_at(at, record_bytes(bytes)), 0);
	mbx_payload_in(mbx_word_at(at, 4), msg, bytes, tx->at.memory);
}

int mbx_tx_send(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	uint32_t need = record_bytes(bytes), pos = tx->pos;
	struct mbx_word mbx_shared *at;

	if (unlikely(bytes > tx->at.max_bytes) ||
	    unlikely(tx->limit - pos < need))
		return send_slowly(tx, msg, bytes);
	at = mbx_word_at(tx->at.ring, pos);
	tx->pos = pos + need;
	fill_record(tx, at, msg, bytes);
	/*
	 * (P1) A consumer that sees the header also sees the payload and the 0
	 * behind it. Pairs with (A2).
	 */
	mbx_st_release(at, MBX_HDR_MSG + bytes);
	return 0;
}

int mbx_tx_put(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	struct mbx_word mbx_shared *at;
	int err = before_record(tx, bytes, 1);

	if (err == MBX_EMSGSIZE || err == MBX_EBUSY)
		return err;
	if (!err) {
		at = mbx_word_at(tx->at.ring, tx->pos);
		tx->pos += record_bytes(bytes);
		fill_record(tx, at, msg, bytes);
		if (tx->open) {
			mbx_st(at, MBX_HDR_MSG + bytes);
		} else {
			tx->first = at;
			tx->open = MBX_HDR_MSG + bytes;
		}
	} else if (tx->open && err != MBX_EPROTO) {
		publish_batch(tx); /* or both sides wait for ever */
	}
	if (tx->open)
		close_fast_path(tx);
	return err;
}

void mbx_tx_flush(struct mbx_tx *tx)
{
	if (!is_batch(tx))
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
	tx->open = bytes + 1u;
	close_fast_path(tx);
	return 0;
}

int mbx_tx_commit(struct mbx_tx *tx, uint32_t bytes)
{
	uint32_t need = record_bytes(bytes);
	struct mbx_word mbx_shared *at;

	if (!tx->open || is_batch(tx))
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

	if (!tx->open || is_batch(tx))
		return;
	/*
	 * All of the claim: a line left dirty behind the message could be
	 * evicted into whatever stands there after the next formatting.
	 */
	data = mbx_word_at(tx->at.ring, tx->pos + 4u);
	mbx_port_clean((void mbx_force *)(uintptr_t)data, tx->open - 1u);
	tx->open = 0;
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
	uint32_t read, bad;

	set_flag(tx->at.tx, &tx->full, on);
	if (!on)
		return 0;
	mbx_order_all(); /* (W2), pairs with the one in mbx_rx_notify() */
	return load_read(&tx->at, &read, &bad) < 0 || read != tx->seen;
}

int mbx_rx_attach(struct mbx_rx *rx, const struct mbx_queue_place *at)
{
	/* our own word: the acquire pairs with the release of the life before */
	int ret = take_up(&rx->at, at, &rx->pos, &rx->bad);

	rx->next = 0;
	rx->end = at->ring_bytes;
	if (ret < 0)
		return ret;
	rx->wait = mbx_ld(mbx_word_at(at->rx, 4));
	set_flag(mbx_word_at(at->rx, 4), &rx->wait, 0);
	return ret;
}

/* (R1) The producer's licence to overwrite all before @next. Pairs with A1. */
MBX_INLINE void give_back(struct mbx_rx *rx, uint32_t next)
{
	rx->pos = next;
	mbx_st_release(rx->at.rx, next);
}

/*
 * The header is not that of a plain message that fits, or one is in hand: 0
 * when padding was skipped (look again), else what to return.
 */
static int odd_header(struct mbx_rx *rx, uint32_t h)
{
	uint32_t next;

	if (!rx->end)
		return MBX_EBUSY;
	if (h == 0)
		return MBX_EAGAIN;
	next = behind_in(&rx->at, rx->pos, h);
	if (next == rx->at.ring_bytes) {
		give_back(rx, 0);
		return 0;
	}
	if (next)
		return MBX_EMSGSIZE;
	rx->bad = h;
	rx->wait += ONE;
	mbx_st(mbx_word_at(rx->at.rx, 4), rx->wait);
	return MBX_EPROTO;
}

/*
 * Is a message of @n bytes one that fits, by its declaration and its place? No
 * sum wraps, for the first says that @n is not large.
 */
MBX_INLINE int fits(const struct mbx_rx *rx, uint32_t n, uint32_t next)
{
	return likely(n <= rx->at.max_bytes) && likely(next < rx->end);
}

/* At most twice: padding at offset 0 is impossible. */
slow_path int recv_again(struct mbx_rx *rx, void *buf, uint32_t cap, uint32_t h)
{
	int err = odd_header(rx, h);

	return err ? err : mbx_rx_recv(rx, buf, cap); /* which is a jump */
}

int mbx_rx_recv(struct mbx_rx *rx, void *buf, uint32_t cap)
{
	uint32_t pos = rx->pos, h, n, next;
	struct mbx_word mbx_shared *at = mbx_word_at(rx->at.ring, pos);

	h = mbx_ld_acquire(at); /* (A2) pairs with P1 and P2; loaded once */
	n = h - MBX_HDR_MSG;
	next = pos + record_bytes(n);
	if (unlikely(n > cap) || !fits(rx, n, next))
		return recv_again(rx, buf, cap, h);
	mbx_payload_out(buf, mbx_word_at(at, 4), n, rx->at.memory);
	give_back(rx, next);
	return (int)n;
}

int mbx_rx_peek(struct mbx_rx *rx, struct mbx_word mbx_shared **data)
{
	struct mbx_word mbx_shared *at = mbx_word_at(rx->at.ring, rx->pos);
	uint32_t h = mbx_ld_acquire(at), n = h - MBX_HDR_MSG; /* (A2) */
	uint32_t next = rx->pos + record_bytes(n);
	int err;

	rx->end = rx->at.ring_bytes; /* peeking again is fine */
	rx->next = 0;
	if (!fits(rx, n, next)) {
		err = odd_header(rx, h);
		return err ? err : mbx_rx_peek(rx, data);
	}
	/*
	 * In hand: should this side die before the release, the next life knows
	 * that it sees this message for the second time.
	 */
	mbx_st_release(rx->at.rx, rx->pos | IN_HAND);
	rx->next = next;
	rx->end = 0; /* closes the fast path of mbx_rx_recv() */
	*data = mbx_word_at(at, 4);
	mbx_port_invalidate((void mbx_force *)(uintptr_t)*data, n);
	return (int)n;
}

void mbx_rx_release(struct mbx_rx *rx)
{
	if (!rx->next)
		return;
	give_back(rx, rx->next);
	rx->next = 0;
	rx->end = rx->at.ring_bytes;
}

int mbx_rx_notify(struct mbx_rx *rx)
{
	/* (W2) the read offset must be visible before the flag is looked at */
	mbx_order_all();
	return (int)(mbx_ld(mbx_word_at(rx->at.tx, 0)) & 1u);
}

int mbx_rx_want_data(struct mbx_rx *rx, int on)
{
	set_flag(mbx_word_at(rx->at.rx, 4), &rx->wait, on);
	mbx_order_all(); /* (W1) */
	return mbx_ld(mbx_word_at(rx->at.ring, rx->pos)) != 0;
}
