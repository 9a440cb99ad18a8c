/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue: variable-size messages, one producer, one consumer, zero copy.
 *
 * The ring, its record headers and the recovery of either side are described
 * in LAYOUT.md. Both structs are private memory of the caller; nothing in them
 * is shared. Common to all functions here:
 *
 * - never block, never notify: publish a batch, then ask ..._notify() once;
 * - one context at a time for each struct: thread or ISR, whichever the
 *   application makes the producer or consumer; no locks inside;
 * - the number of shared accesses is bounded: one for each payload word, and 2
 *   control words for a message that finds its place at once, 7 at most (attach
 *   of a producer: 4, and one for each record in the ring);
 * - each shared word is loaded at most once a call.
 * In the last two mbx_tx_put_many() is as many calls as it puts messages.
 */
#ifndef MBX_QUEUE_H
#define MBX_QUEUE_H

#include <mbx/channel.h>
#include <mbx/err.h>
#include <mbx/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a queue stands: made by mbx_link_queue(), or by hand in a test. */
struct mbx_queue_place {
	struct mbx_word mbx_shared *ring;
	struct mbx_word mbx_shared *tx; /* struct mbx_tx_block */
	struct mbx_word mbx_shared *rx; /* struct mbx_rx_block */
	uint32_t ring_bytes;		/* a multiple of 4, at least 12 */
	uint32_t max_bytes;		/* at most ring_bytes - 8 */
	uint8_t full;			/* enum mbx_full */
	uint8_t memory; /* enum mbx_memory, where the port asks for it */
};

/* The producer's end. */
struct mbx_tx {
	struct mbx_queue_place at;
	uint32_t pos;	/* where the next header goes */
	uint32_t limit; /* records may reach here without a look */
	uint32_t seen;	/* the consumer's position when last loaded */
	uint32_t full;	/* what tx_block.full says */
	uint32_t bad;	/* the value behind the last MBX_EPROTO */
	/* how to go on at the limit: look for room, or end what is open */
	int (*more)(struct mbx_tx *tx, uint32_t need);
	uint32_t open;	   /* batch: its first header; claim: bytes + 1; or 0 */
	uint32_t open_pos; /* batch: as pos, which stays at that header; ... */
	uint32_t open_limit; /* ... as limit, which then is at pos */
};

/* The consumer's end. */
struct mbx_rx {
	struct mbx_queue_place at;
	uint32_t pos;  /* where the next header is looked for */
	uint32_t end;  /* the ring's size; 0 while a message is in hand */
	uint32_t next; /* behind the message in hand */
	uint32_t wait; /* what rx_block.wait says */
	uint32_t bad;  /* the value behind the last MBX_EPROTO */
};

/*
 * For tools that follow a ring's records: the bytes of the record whose header
 * @h was found at @pos of a ring of @size bytes; 0 if that cannot be. @pos +
 * the result is at most @size, and only for padding equal to it.
 */
uint32_t mbx_queue_step(uint32_t h, uint32_t pos, uint32_t size);

/*
 * Take up the producer's end, of a new ring or where an earlier life died.
 *
 * Returns 0, or
 *   MBX_EPROTO	the consumer's position or a record is impossible; @tx->bad has
 *		the value, and @tx is of no other use
 */
int mbx_tx_attach(struct mbx_tx *tx, const struct mbx_queue_place *at);

/*
 * Copy one message into the ring and make it visible. @bytes is
 * 0..max_bytes; @msg may be NULL when @bytes is 0. Closes an open batch.
 *
 * Returns 0, or 1 when the channel's policy is MBX_DROP and there was no room
 * (the message is gone, and counted), or
 *   MBX_EMSGSIZE	@bytes exceeds max_bytes
 *   MBX_EAGAIN		no room until the consumer takes something (counted);
 *			notify all the same: padding, or the batch so far, may
 *			have become visible, and the room hang on its taking
 *   MBX_EBUSY		a claim is open: commit or abort it first
 *   MBX_EPROTO		the consumer's position is impossible; nothing of the
 *			message was written
 */
int mbx_tx_send(struct mbx_tx *tx, const void *msg, uint32_t bytes);

/*
 * As mbx_tx_send(), but the message stays invisible until mbx_tx_flush(), the
 * next mbx_tx_send() or mbx_tx_claim(), or until the ring is full: accepted means
 * flushed.
 */
int mbx_tx_put(struct mbx_tx *tx, const void *msg, uint32_t bytes);

/*
 * As mbx_tx_put() of @count messages of @bytes each, which stand one behind the
 * other at @msgs: as many as there is room for. Costs the least for each.
 *
 * Returns how many were put, fewer than @count when there was no more room, 0
 * also when an MBX_DROP channel dropped the first; or as mbx_tx_put(). Bounded by
 * @count.
 */
int mbx_tx_put_many(struct mbx_tx *tx, const void *msgs, uint32_t bytes,
		    uint32_t count);

/* Make all that was put visible, at once. Nothing to do when nothing was. */
void mbx_tx_flush(struct mbx_tx *tx);

/*
 * Zero copy: a place for a message of up to @bytes, in the ring itself. The
 * caller fills it, by whole aligned words where the region is Device memory,
 * and calls mbx_tx_commit() with the true length or mbx_tx_abort(). One claim
 * at a time; an open batch is flushed first. Until the commit the peer sees
 * nothing, whatever happens. Stores the place in *@data.
 *
 * Returns as mbx_tx_send(); with 1 (MBX_DROP) there is no place either.
 */
int mbx_tx_claim(struct mbx_tx *tx, uint32_t bytes,
		 struct mbx_word mbx_shared **data);

/*
 * Make the claimed message visible with @bytes, at most what was claimed.
 *
 * Returns 0, or
 *   MBX_EINVAL		no claim is open
 *   MBX_EMSGSIZE	@bytes exceeds the claim, which stays open
 */
int mbx_tx_commit(struct mbx_tx *tx, uint32_t bytes);

/* Give a claim back; as if it had never been. Nothing to do without one. */
void mbx_tx_abort(struct mbx_tx *tx);

/*
 * After publishing, and after MBX_EAGAIN: 1 if the consumer sleeps and wants its
 * doorbell rung, else 0. A full barrier and one shared load.
 */
int mbx_tx_notify(struct mbx_tx *tx);

/*
 * Before sleeping until there is room: @on = 1 says so to the consumer, which
 * then rings at its next release; @on = 0 takes it back. Returns 1 if the
 * consumer has moved meanwhile (do not sleep: try again), else 0.
 */
int mbx_tx_want_room(struct mbx_tx *tx, int on);

/*
 * Take up the consumer's end.
 *
 * Returns 0; or 1 when the first message was in hand (peeked, not released)
 * when the previous life ended, and so will come a second time; or
 *   MBX_EPROTO	this end's own stored position is impossible; @rx->bad has the
 *		value, and @rx is of no other use
 */
int mbx_rx_attach(struct mbx_rx *rx, const struct mbx_queue_place *at);

/*
 * Copy the oldest message to @buf and release it. If this side dies after that
 * the message is gone with it; one that must be handled even then is peeked,
 * handled, and released.
 *
 * Returns its length in bytes (0 is a message), or
 *   MBX_EAGAIN		the queue is empty
 *   MBX_EMSGSIZE	it is longer than @cap; it stays, and peek shows it
 *   MBX_EBUSY		a peeked message is in hand: release it first
 *   MBX_EPROTO		the ring holds what no honest producer writes (counted);
 *			the position stays, and so will the error
 */
int mbx_rx_recv(struct mbx_rx *rx, void *buf, uint32_t cap);

/*
 * Zero copy: look at the oldest message in the ring itself and mark it as in
 * hand; it stays until mbx_rx_release(). Peeking again gives the same one. A
 * hostile peer can change the bytes while you look: copy, then check. Stores
 * the place in *@data.
 *
 * Returns its length in bytes, or MBX_EAGAIN, MBX_EPROTO as mbx_rx_recv().
 */
int mbx_rx_peek(struct mbx_rx *rx, struct mbx_word mbx_shared **data);

/* Done with the peeked message: its room is the producer's again. */
void mbx_rx_release(struct mbx_rx *rx);

/*
 * After taking, and before sleeping when there was nothing to take (padding may
 * have been skipped): 1 if the producer waits for room and wants its doorbell.
 */
int mbx_rx_notify(struct mbx_rx *rx);

/*
 * Before sleeping until there is a message: @on = 1 raises the waiting flag,
 * @on = 0 lowers it. Returns 1 if there is something in the ring (do not
 * sleep), else 0.
 */
int mbx_rx_want_data(struct mbx_rx *rx, int on);

#ifdef __cplusplus
}
#endif
#endif
