/* SPDX-License-Identifier: BSD-2-Clause */
#include <mbx/call.h>

#define HEAD ((uint32_t)sizeof(struct mbx_call_head))

/* The two words before the payload travel as data, so in the region's order. */
MBX_INLINE void put_head(struct mbx_word mbx_shared *at, uint32_t id,
			 uint32_t arg)
{
	mbx_st_data(at, mbx_le32(id));
	mbx_st_data(mbx_word_at(at, 4), mbx_le32(arg));
}

int mbx_caller_attach(struct mbx_caller *c, const struct mbx_queue_place *req,
		      const struct mbx_queue_place *rep, uint32_t session)
{
	int err = mbx_tx_attach(&c->tx, req);

	if (err < 0)
		return err;
	err = mbx_rx_attach(&c->rx, rep);
	if (err < 0)
		return err;
	/*
	 * Far from where earlier lives began, however many calls they made:
	 * multiples of 2^32 divided by the golden ratio keep their distance.
	 */
	c->id = session * 0x9e3779b1u;
	c->stale = 0;
	c->open = 0;
	return 0;
}

int mbx_caller_start(struct mbx_caller *c, const void *req, uint32_t bytes,
		     uint32_t timeout_us, uint32_t now_us,
		     uint32_t peer_session)
{
	struct mbx_word mbx_shared *at;
	int err;

	if (peer_session == 0)
		return MBX_ENOTCONN;
	if (c->open)
		return MBX_EBUSY;
	if (timeout_us == 0 || timeout_us >= 0x80000000u)
		return MBX_EINVAL;
	if (bytes > c->tx.at.max_bytes - HEAD)
		return MBX_EMSGSIZE;
	err = mbx_tx_claim(&c->tx, HEAD + bytes, &at);
	if (err)
		return err < 0 ? err : MBX_EAGAIN;
	put_head(at, ++c->id, timeout_us);
	mbx_payload_in(mbx_word_at(at, HEAD), req, bytes, c->tx.at.memory);
	c->deadline_us = now_us + timeout_us;
	c->peer_session = peer_session;
	c->open = 1;
	return mbx_tx_commit(&c->tx, HEAD + bytes);
}

/* The oldest reply if it is the one waited for; others are thrown away. */
static int take_reply(struct mbx_caller *c, void *rep, uint32_t cap,
		      int *status)
{
	struct mbx_word mbx_shared *at;
	uint32_t tries = c->rx.at.ring_bytes / (4u + HEAD) + 1u, bytes;
	int n;

	for (; tries; tries--) {
		n = mbx_rx_peek(&c->rx, &at);
		if (n < 0)
			return n;
		bytes = (uint32_t)n;
		if (bytes >= HEAD && mbx_le32(mbx_ld_data(at)) == c->id) {
			if (bytes - HEAD > cap)
				return MBX_EMSGSIZE;
			*status = (int)mbx_le32(
				mbx_ld_data(mbx_word_at(at, 4)));
			mbx_payload_out(rep, mbx_word_at(at, HEAD),
					bytes - HEAD, c->rx.at.memory);
			mbx_rx_release(&c->rx);
			return (int)(bytes - HEAD);
		}
		c->stale++;
		mbx_rx_release(&c->rx);
	}
	return MBX_EAGAIN;
}

int mbx_caller_poll(struct mbx_caller *c, void *rep, uint32_t cap, int *status,
		    uint32_t now_us, uint32_t peer_session)
{
	int n;

	if (!c->open)
		return MBX_EINVAL;
	n = take_reply(c, rep, cap, status);
	if (n == MBX_EAGAIN && peer_session != c->peer_session)
		n = MBX_ECONNRESET;
	if ((n == MBX_EAGAIN || n == MBX_EMSGSIZE) &&
	    now_us - c->deadline_us < 0x80000000u)
		n = MBX_ETIMEDOUT;
	if (n != MBX_EAGAIN && n != MBX_EMSGSIZE)
		c->open = 0;
	return n;
}

int mbx_server_attach(struct mbx_server *s, const struct mbx_queue_place *req,
		      const struct mbx_queue_place *rep)
{
	int err = mbx_tx_attach(&s->tx, rep);

	return err < 0 ? err : mbx_rx_attach(&s->rx, req);
}

int mbx_server_take(struct mbx_server *s, struct mbx_request *req, void *buf,
		    uint32_t cap)
{
	struct mbx_word mbx_shared *room;
	struct mbx_word mbx_shared *at;
	uint32_t bytes;
	int n;

	/* an open claim is the room kept for the answer still owed */
	n = mbx_tx_claim(&s->tx, s->tx.at.max_bytes, &room);
	if (n > 0 || n == MBX_EAGAIN)
		return MBX_ENOSPC;
	if (n)
		return n;
	n = mbx_rx_peek(&s->rx, &at);
	bytes = (uint32_t)n;
	if (n >= 0 && bytes < HEAD) {
		mbx_rx_release(&s->rx); /* no honest caller; not answerable */
		n = MBX_EPROTO;
	} else if (n >= 0 && bytes - HEAD > cap) {
		n = MBX_EMSGSIZE;
	}
	if (n < 0) {
		mbx_tx_abort(&s->tx);
		return n;
	}
	req->id = mbx_le32(mbx_ld_data(at));
	req->timeout_us = mbx_le32(mbx_ld_data(mbx_word_at(at, 4)));
	mbx_payload_out(buf, mbx_word_at(at, HEAD), bytes - HEAD,
			s->rx.at.memory);
	return (int)(bytes - HEAD);
}

int mbx_server_reply(struct mbx_server *s, const struct mbx_request *req,
		     int status, const void *rep, uint32_t bytes)
{
	struct mbx_word mbx_shared *at = mbx_word_at(s->tx.at.ring,
						     s->tx.pos + 4u);
	int err;

	if (!s->tx.open)
		return MBX_EINVAL;
	if (bytes > s->tx.at.max_bytes - HEAD)
		return MBX_EMSGSIZE;
	put_head(at, req->id, (uint32_t)status);
	mbx_payload_in(mbx_word_at(at, HEAD), rep, bytes, s->tx.at.memory);
	err = mbx_tx_commit(&s->tx, HEAD + bytes);
	mbx_rx_release(&s->rx);
	return err;
}
