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
#include "queue_tx.h"

/* Called from several places, each of which GCC would rather have its own. */
#define once static __attribute__((noinline))

#define IN_HAND 1u
#define SLEEPS	1u /* bit 0 of tx_block.full and rx_block.wait ... */
#define ONE	2u /* ... and what is counted above it */

/*
 * Where the next header is behind one that was found at @pos: 0 behind padding,
 * which nothing else leads to; @pos if the header is impossible, as padding at 0
 * is. No sum wraps: a message is not that long.
 */
static uint32_t behind(const struct mbx_queue_place *at, uint32_t pos,
		       uint32_t h)
{
	uint32_t n = h - MBX_HDR_MSG, next = pos + record_bytes(n);

	if (n <= at->max_bytes && next < at->ring_bytes)
		return next;
	return h - MBX_HDR_PAD + 4u + pos == at->ring_bytes ? 0 : pos;
}

/*
 * Once round the ring from @start, does @a come before @b? Where one of them has
 * gone through 0, so has its distance.
 */
MBX_INLINE int is_before(uint32_t start, uint32_t a, uint32_t b)
{
	return a - start < b - start;
}

uint32_t mbx_queue_step(uint32_t h, uint32_t pos, uint32_t size)
{
	struct mbx_queue_place at;
	uint32_t next;

	at.ring_bytes = at.max_bytes = size;
	next = behind(&at, pos, h);
	return next || !pos ? next - pos : size - pos;
}

/* Is what was loaded as the read offset, with its in-hand bit, none? */
MBX_INLINE int is_no_offset(const struct mbx_queue_place *at, uint32_t raw)
{
	return (raw & 2u) || raw >= at->ring_bytes;
}

/* Raise or lower a sleeper's flag; *@said is what its word says. */
MBX_INLINE void set_flag(struct mbx_word mbx_shared *word, uint32_t *said,
			 int on)
{
	*said = (*said & ~SLEEPS) | (on ? SLEEPS : 0);
	mbx_st(word, *said);
}

/*
 * What begins a life of either end. Returns the read offset with its in-hand
 * bit; or MBX_EPROTO with the value in *@bad.
 */
once int take_up(struct mbx_queue_place *mine, const struct mbx_queue_place *at,
		 uint32_t *bad)
{
	uint32_t raw;

	*mine = *at;
	*bad = 0;
	/*
	 * A life before this one saw the consumer's position up to some value;
	 * seeing an older one now would put the write offset onto messages not
	 * read yet. The barrier keeps this load behind whatever told us that
	 * the earlier life is over.
	 */
	mbx_order_all();
	raw = mbx_ld(at->rx); /* who overwrites loads it once more (A1) */
	if (!is_no_offset(at, raw))
		return (int)raw;
	*bad = raw;
	return MBX_EPROTO;
}

int mbx_tx_attach(struct mbx_tx *tx, const struct mbx_queue_place *at)
{
	int ret = take_up(&tx->at, at, &tx->bad);
	uint32_t read = (uint32_t)ret & ~IN_HAND, pos = read, next, h;

	tx->more = mbx_tx_make_room;
	tx->open = tx->open_pos = tx->open_limit = 0;
	/* of an error: no consumer's position fits, whatever it says later */
	tx->seen = tx->pos = tx->limit = pos;
	if (ret < 0)
		return ret;
	while ((h = mbx_ld(mbx_word_at(at->ring, pos))) != 0) {
		next = behind(at, pos, h);
		if (!is_before(read, pos, next)) { /* or all round */
			tx->bad = h;
			return MBX_EPROTO;
		}
		pos = next;
	}
	tx->pos = tx->limit = pos;
	tx->full = mbx_ld(at->tx);
	set_flag(at->tx, &tx->full, 0);
	return 0;
}

/* No room, even now: what the channel's policy makes of it. */
MBX_INLINE int is_full(struct mbx_tx *tx)
{
	uint32_t full = tx->full;
	int ret = MBX_EAGAIN;

	if (tx->at.full == MBX_DROP)
		ret = 1;
	else if (full & SLEEPS)
		return ret; /* it tries again and again: counted once */
	tx->full = full += ONE;
	mbx_st(tx->at.tx, full);
	return ret;
}

int mbx_tx_make_room(struct mbx_tx *tx, uint32_t need)
{
	uint32_t pos = tx->pos, end, limit, raw, read;

	raw = mbx_ld_acquire(tx->at.rx); /* (A1) */
	read = raw & ~IN_HAND;
	/* it can only have gone forward, and not past what was published */
	if (is_no_offset(&tx->at, raw) || is_before(tx->seen, pos, read)) {
		tx->bad = raw;
		return MBX_EPROTO;
	}
	tx->seen = read;
	limit = read - 4u;
	if (read <= pos) {
		end = tx->at.ring_bytes - 4u;
		if (end - pos >= need || read == 0) {
			limit = end;
		} else {
			/*
			 * The tail is too short: padding is published now, by
			 * itself (P2). Only together with its record, a long
			 * message could wait for ever for room on both sides.
			 */
			mbx_st(tx->at.ring, 0);
			mbx_st_release(mbx_word_at(tx->at.ring, pos),
				       MBX_HDR_PAD + (end - pos));
			tx->pos = pos = 0;
		}
	}
	tx->limit = limit;
	return limit - pos >= need ? 0 : is_full(tx);
}

/* No room at once, or something to be done first. */
slow_path int send_slowly(struct mbx_tx *tx, const void *msg, uint32_t bytes)
{
	int err = MBX_EMSGSIZE;

	if (bytes <= tx->at.max_bytes)
		err = tx->more(tx, record_bytes(bytes));
	return err ? err : mbx_tx_send(tx, msg, bytes); /* which is a jump */
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
	set_flag(tx->at.tx, &tx->full, on);
	if (!on)
		return 0;
	mbx_order_all(); /* (W2), pairs with the one in mbx_rx_notify() */
	/* an impossible value is another one, too */
	return (mbx_ld(tx->at.rx) & ~IN_HAND) != tx->seen;
}

int mbx_rx_attach(struct mbx_rx *rx, const struct mbx_queue_place *at)
{
	int ret = take_up(&rx->at, at, &rx->bad);
	struct mbx_word mbx_shared *wait = mbx_word_at(at->rx, 4);

	rx->pos = 0;
	rx->end = at->ring_bytes;
	if (ret < 0)
		return ret;
	rx->pos = (uint32_t)ret & ~IN_HAND;
	rx->wait = mbx_ld(wait);
	set_flag(wait, &rx->wait, 0);
	return ret & (int)IN_HAND;
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
once int odd_header(struct mbx_rx *rx, uint32_t h)
{
	uint32_t next;

	if (!rx->end)
		return MBX_EBUSY;
	if (h == 0)
		return MBX_EAGAIN;
	next = behind(&rx->at, rx->pos, h);
	if (next == rx->pos) {
		rx->bad = h;
		rx->wait += ONE;
		mbx_st(mbx_word_at(rx->at.rx, 4), rx->wait);
		return MBX_EPROTO;
	}
	if (next)
		return MBX_EMSGSIZE;
	give_back(rx, 0);
	return 0;
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
	if (rx->end)
		return;
	give_back(rx, rx->next);
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
