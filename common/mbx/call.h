/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls: request and reply over a pair of queues, with an id and a deadline.
 *
 * The caller has one call open at a time on a channel; the server answers one
 * request after the other. Ids make late replies of calls that timed out, and those
 * to a caller's earlier life, fall away (and be counted in caller.stale).
 * Each struct belongs to one context at a time, thread or ISR: mbx takes no locks.
 * Common to all functions: never block, never notify (use mbx_tx_notify() on
 * .tx and mbx_rx_notify() on .rx after those that say so).
 */
#ifndef MBX_CALL_H
#define MBX_CALL_H

#include <mbx/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mbx_caller {
	struct mbx_tx tx;      /* requests */
	struct mbx_rx rx;      /* replies */
	uint32_t id;	       /* of the last call made */
	uint32_t deadline_us;  /* of the open call, on the caller's clock */
	uint32_t peer_session; /* whom it was asked of */
	uint32_t stale;	       /* replies that nobody waited for */
	int open;
};

struct mbx_server {
	struct mbx_rx rx; /* requests */
	struct mbx_tx tx; /* replies */
};

/* A request taken by mbx_server_take(). */
struct mbx_request {
	uint32_t id;
	uint32_t timeout_us; /* what the caller gives it, from its sending */
};

/*
 * Take up the caller's end. @session is the link's own: it makes the ids of
 * this life differ from those of earlier ones. Who takes up an end more than
 * once in a life sets c->id behind the ids used so far before the first call.
 *
 * Returns 0, or MBX_EPROTO as mbx_tx_attach() and mbx_rx_attach().
 */
int mbx_caller_attach(struct mbx_caller *c, const struct mbx_queue_place *req,
		      const struct mbx_queue_place *rep, uint32_t session);

/*
 * Send a request; notify c->tx afterwards. @peer_session is that of the link's
 * peer now, 0 when it is not there. @timeout_us is below 2^31.
 *
 * Returns 0, or
 *   MBX_ENOTCONN	@peer_session is 0
 *   MBX_EBUSY		a call is open already
 *   MBX_EINVAL		@timeout_us is 0 or too large
 *   MBX_EMSGSIZE, MBX_EAGAIN, MBX_EPROTO as mbx_tx_send()
 */
int mbx_caller_start(struct mbx_caller *c, const void *req, uint32_t bytes,
		     uint32_t timeout_us, uint32_t now_us,
		     uint32_t peer_session);

/*
 * Look for the reply; call it again while it says MBX_EAGAIN, each time the
 * doorbell rings or time has passed. Anything but MBX_EAGAIN and MBX_EMSGSIZE
 * ends the call. Notify c->rx afterwards.
 *
 * Returns the reply's length in bytes, with the server's status in *@status
 * (0, or a negative number of the server's choosing), or
 *   MBX_EAGAIN		not there yet
 *   MBX_ETIMEDOUT	the deadline has passed
 *   MBX_ECONNRESET	the peer went away or restarted since the request
 *   MBX_EINVAL		no call is open
 *   MBX_EMSGSIZE	the reply is longer than @cap; it stays till the deadline
 *   MBX_EPROTO		the reply queue holds what cannot be
 */
int mbx_caller_poll(struct mbx_caller *c, void *rep, uint32_t cap, int *status,
		    uint32_t now_us, uint32_t peer_session);

/*
 * Take up the server's end.
 *
 * Returns 0; or 1 when the first request was in hand when the previous life
 * ended; or MBX_EPROTO as mbx_tx_attach() and mbx_rx_attach().
 */
int mbx_server_attach(struct mbx_server *s, const struct mbx_queue_place *req,
		      const struct mbx_queue_place *rep);

/*
 * Take the oldest request, if its reply will find room; it stays in the queue
 * until mbx_server_reply(), so a server that dies in between sees it again.
 *
 * Returns its length in bytes, or
 *   MBX_EAGAIN		none
 *   MBX_ENOSPC		no room for a reply, so none was looked for: notify s->tx
 *			(as after a full mbx_tx_send()) and wait for room there
 *   MBX_EMSGSIZE	longer than @cap; it stays
 *   MBX_EBUSY		the last one is not answered yet
 *   MBX_EPROTO		a queue holds what cannot be
 */
int mbx_server_take(struct mbx_server *s, struct mbx_request *req, void *buf,
		    uint32_t cap);

/*
 * Answer the request taken, and release it; notify s->tx and s->rx afterwards.
 *
 * Returns 0, or
 *   MBX_EINVAL		no request was taken
 *   MBX_EMSGSIZE	@bytes exceeds the reply's max; nothing was sent
 */
int mbx_server_reply(struct mbx_server *s, const struct mbx_request *req,
		     int status, const void *rep, uint32_t bytes);

#ifdef __cplusplus
}
#endif
#endif
