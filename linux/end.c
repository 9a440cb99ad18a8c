/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends of channels: opening with an owner, and the traffic, with timeouts. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define LOG_LOOK_US 10000u
#define LOOKS	    50	    /* before going to sleep */
#define CALL_MAX_MS 2000000 /* a request has 31 bits for microseconds */

/* The channels count in 32 bits; what is longer never fits anyway. */
static uint32_t clamp(size_t bytes)
{
	return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static const char *const kind_names[] = { "?", "queue", "state", "log",
					  "call" };

/* ---- opening ---- */

static void choose_role(struct mbx_end *e)
{
	int side = (int)e->m->link.is.side;
	bool writes = e->channel->is.direction == side && !e->m->observer;

	switch (e->channel->is.kind) {
	case MBX_KIND_QUEUE:
		e->role = writes ? END_SENDER : END_RECEIVER;
		break;
	case MBX_KIND_CALL:
		e->role = writes ? END_CALLER : END_SERVER;
		break;
	default:
		e->role = writes ? END_WRITER : END_READER;
	}
}

/* Where the end stands, and whose word says who owns it. */
static int find_places(struct mbx_end *e, struct mbx_queue_place *q,
		       struct mbx_queue_place *back, struct mbx_slots_place *s)
{
	const struct mbx_link *l = &e->m->link;

	if (e->role == END_WRITER || e->role == END_READER)
		return mbx_link_slots(l, e->index, s);
	if (e->channel->is.kind == MBX_KIND_CALL) {
		int err = mbx_link_back(l, e->index, back);

		if (err)
			return err;
	}
	return mbx_link_queue(l, e->index, q);
}

/*
 * Where a caller's ids begin. Callers of one side follow one another within
 * its life, in many processes: a reply to one that gave up must not be taken
 * for the next one's.
 */
static uint32_t new_ids(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = mbxi_now_us() ^ (uint32_t)getpid() << 16;
	return seed;
}

static int attach_end(struct mbx_end *e)
{
	struct mbx_queue_place q = { 0 }, back = { 0 };
	struct mbx_slots_place s = { 0 };
	int err = find_places(e, &q, &back, &s);

	if (err)
		return err;
	switch (e->role) {
	case END_SENDER:
		return mbx_tx_attach(&e->tx, &q);
	case END_RECEIVER:
		return mbx_rx_attach(&e->rx, &q);
	case END_CALLER:
		return mbx_caller_attach(&e->caller, &q, &back, new_ids());
	case END_SERVER:
		return mbx_server_attach(&e->server, &q, &back);
	case END_WRITER:
		mbx_writer_attach(&e->writer, &s);
		return 0;
	case END_READER:
		mbx_reader_attach(&e->reader, &s);
		if (e->channel->is.kind == MBX_KIND_STATE)
			mbx_reader_skip(&e->reader);
		return 0;
	}
	return MBX_ENOTSUP;
}

static uint32_t lock_off(const struct mbx_end *e)
{
	return (uint32_t)((uintptr_t)e->owner - e->m->link.is.base);
}

/*
 * The lock comes before the first store into the end's words: an end has one
 * owner in all processes of this side.
 */
static int take_ownership(struct mbx_end *e)
{
	struct mbx_queue_place q = { 0 }, back = { 0 };
	struct mbx_slots_place s = { 0 };
	const struct mbx_end *other;
	struct mbx_word *owner;
	bool free = true;
	int err;

	if (e->role == END_READER)
		return 0;
	err = find_places(e, &q, &back, &s);
	if (err)
		return err;
	if (e->role == END_WRITER)
		owner = mbx_word_at(s.ctl, 8);
	else if (e->role == END_SENDER || e->role == END_CALLER)
		owner = mbx_word_at(q.tx, 4);
	else
		owner = mbx_word_at(q.rx, 8);
	for (other = e->m->ends; other; other = other->next)
		free = free && other->owner != owner;
	e->owner = owner;
	if (free && mbxi_lock_take(e->m, lock_off(e)))
		return 0;
	err = mbxi_lock_kept(e->m, lock_off(e));
	e->owner = NULL;
	if (err)
		return err;
	return mbxi_fail(MBX_EBUSY,
			 "channel \"%s\": this side's end is in use by process "
			 "%u; wait for it or stop it",
			 e->channel->name, mbx_ld(owner));
}

static int explain_proto(const struct mbx_end *e);

int mbx_end_open(struct mbx *m, const char *name, struct mbx_end **out)
{
	struct mbx_end *e;
	int index, err = mbxi_tick(m, false);

	*out = NULL;
	if (err)
		return err;
	index = mbx_channel_find(m, name);
	if (index < 0)
		return index;
	e = calloc(1, sizeof(*e));
	if (!e)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	e->m = m;
	e->index = (uint32_t)index;
	e->channel = mbx_channel_at(m, e->index);
	choose_role(e);
	if (m->observer && e->role != END_READER)
		err = mbxi_fail(MBX_EACCES,
				"channel \"%s\" is a %s: an observer reads "
				"states and logs only",
				name, kind_names[e->channel->is.kind]);
	if (!err)
		err = take_ownership(e);
	if (!err) {
		err = attach_end(e);
		e->first_again = err == 1;
		if (err == MBX_EPROTO)
			explain_proto(e);
	}
	if (err < 0) {
		if (e->owner)
			mbxi_lock_drop(m, lock_off(e));
		free(e);
		return err;
	}
	if (e->owner)
		mbx_st(e->owner, (uint32_t)getpid());
	e->next = m->ends;
	m->ends = e;
	*out = e;
	return 0;
}

void mbx_end_close(struct mbx_end *e)
{
	struct mbx_end **p;

	if (!e)
		return;
	for (p = &e->m->ends; *p != e; p = &(*p)->next)
		;
	*p = e->next;
	/* of a region that was formatted again nothing is ours any more */
	if (e->owner && mbxi_tick(e->m, true) == 0) {
		if (e->role == END_SENDER)
			mbx_flush(e);
		mbx_st(e->owner, 0);
	}
	if (e->owner)
		mbxi_lock_drop(e->m, lock_off(e));
	free(e);
}

/* ---- errors ---- */

static int explain_proto(const struct mbx_end *e)
{
	const struct mbx_rx *rx = e->role == END_RECEIVER ? &e->rx
				  : e->role == END_CALLER ? &e->caller.rx
				  : e->role == END_SERVER ? &e->server.rx
							  : NULL;
	const struct mbx_tx *tx = e->role == END_SENDER	  ? &e->tx
				  : e->role == END_CALLER ? &e->caller.tx
				  : e->role == END_SERVER ? &e->server.tx
							  : NULL;

	if (rx && rx->bad)
		return mbxi_fail(MBX_EPROTO,
				 "channel \"%s\": the peer wrote 0x%08x at "
				 "offset 0x%x of the ring, where no record can "
				 "start like that; restart the peer, or have "
				 "the region formatted again",
				 e->channel->name, rx->bad, rx->pos);
	if (tx && tx->bad)
		return mbxi_fail(MBX_EPROTO,
				 "channel \"%s\": the peer's read position "
				 "0x%08x is impossible; restart the peer, or "
				 "have the region formatted again",
				 e->channel->name, tx->bad);
	return mbxi_fail(MBX_EPROTO,
			 "channel \"%s\": a record that no honest writer "
			 "writes",
			 e->channel->name);
}

/* A text for what the channels themselves say without one. */
static int explain(const struct mbx_end *e, int err, size_t bytes)
{
	const char *name = e->channel->name;
	uint32_t max = e->role == END_SERVER ? e->channel->is.back.max_bytes
					     : e->channel->is.fwd.max_bytes;

	if (e->channel->is.kind == MBX_KIND_CALL)
		max -= 8;
	switch (err) {
	case MBX_EMSGSIZE:
		return mbxi_fail(err,
				 "channel \"%s\": %zu bytes do not fit: "
				 "messages have at most %u",
				 name, bytes, max);
	case MBX_EBUSY:
		return mbxi_fail(err,
				 "channel \"%s\": a claim, a peeked message or "
				 "a call is open: finish it first",
				 name);
	case MBX_EPROTO:
		return explain_proto(e);
	case MBX_EINVAL:
		return mbxi_fail(err,
				 "channel \"%s\": nothing is open that this "
				 "could finish",
				 name);
	case MBX_ENODATA:
		return mbxi_fail(err, "channel \"%s\": no value written yet",
				 name);
	}
	return mbxi_fail(err, "channel \"%s\": %s", name, mbx_strerror(err));
}

/* The same of what was to be taken into a buffer of @cap bytes. */
static int explain_taking(const struct mbx_end *e, int err, size_t cap)
{
	if (err == MBX_EMSGSIZE)
		return mbxi_fail(err,
				 "channel \"%s\": what is there is longer than "
				 "the buffer of %zu bytes, and stays",
				 e->channel->name, cap);
	return explain(e, err, 0);
}

/* Not inlined into every call, which then saves no registers for it. */
static __attribute__((noinline)) int wrong_use(const struct mbx_end *e, bool ok,
					       int timeout_ms, const char *to)
{
	static const char *const can[] = { "sent to",	"received from",
					   "written",	"read",
					   "called on", "served" };

	if (!ok)
		return mbxi_fail(MBX_ENOTSUP,
				 "channel \"%s\" is a %s that this side's end "
				 "can only be %s, not %s",
				 e->channel->name,
				 kind_names[e->channel->is.kind], can[e->role],
				 to);
	return mbxi_fail(MBX_EINVAL, "channel \"%s\": a timeout of %d ms",
			 e->channel->name, timeout_ms);
}

static inline int need_role(const struct mbx_end *e, bool ok, int timeout_ms,
			    const char *to)
{
	if (!ok || timeout_ms < 0)
		return wrong_use(e, ok, timeout_ms, to);
	return mbxi_looked(e->m) ? 0 : mbxi_tick(e->m, true);
}

/* ---- waiting ---- */

static void ring_if(struct mbx_end *e, int wanted, const struct mbx_word *word)
{
	if (wanted)
		mbxi_bell_ring(e->m->bell, word);
}

/* Ring after publishing on @tx: the consumer sleeps on its next header. */
static void notify_tx(struct mbx_end *e, struct mbx_tx *tx)
{
	uint32_t at = tx->at.ring_bytes;

	if (!mbx_tx_notify(tx))
		return;
	at = mbx_ld(mbx_word_at(tx->at.rx, 0)) & ~3u;
	mbxi_bell_ring(e->m->bell, at < tx->at.ring_bytes
					   ? mbx_word_at(tx->at.ring, at)
					   : NULL);
}

/* Ring after taking from @rx: the producer sleeps on our read position. */
static void notify_rx(struct mbx_end *e, struct mbx_rx *rx)
{
	ring_if(e, mbx_rx_notify(rx), rx->at.rx);
}

/* The same where nothing was there to take but perhaps padding, from @pos. */
static void notify_if_moved(struct mbx_end *e, struct mbx_rx *rx, uint32_t pos)
{
	if (rx->pos != pos)
		notify_rx(e, rx);
}

/*
 * A peer that is awake answers sooner than this process could fall asleep and
 * be woken, with a system call on either side. So look on for a microsecond or
 * two before that: true once there is a header at @word. Not in Device memory,
 * where each look goes out to the bus that the peer works on, too.
 */
static bool comes_at_once(const struct mbx_end *e, const struct mbx_word *word)
{
	int i;

	if (e->m->region.memory == MBX_MEMORY_DEVICE)
		return false;
	for (i = 0; i < LOOKS && !mbx_ld(word); i++) {
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
		__asm__ volatile("yield");
#endif
	}
	return i < LOOKS;
}

/* Sleep until @rx has something; 0, or MBX_EAGAIN when the time is over. */
static int sleep_for_data(struct mbx_end *e, struct mbx_rx *rx,
			  struct mbxi_patience *p)
{
	struct mbxi_watch watch = { mbx_word_at(rx->at.ring, rx->pos), 0 };
	uint32_t us = mbxi_left_us(p);

	if (!us)
		return MBX_EAGAIN;
	if (comes_at_once(e, watch.word))
		return 0;
	if (!mbx_rx_want_data(rx, 1))
		mbxi_bell_wait(e->m->bell, &watch, 1, us);
	mbx_rx_want_data(rx, 0);
	return 0;
}

/* The same for room on @tx. */
static int sleep_for_room(struct mbx_end *e, struct mbx_tx *tx,
			  struct mbxi_patience *p)
{
	struct mbxi_watch watch = { tx->at.rx, 0 };
	uint32_t us = mbxi_left_us(p);

	if (!us)
		return MBX_EAGAIN;
	if (mbx_tx_want_room(tx, 1))
		return 0;
	/* the word itself may carry the in-hand bit */
	watch.idle = mbx_ld(tx->at.rx);
	if ((watch.idle & ~1u) == tx->seen)
		mbxi_bell_wait(e->m->bell, &watch, 1, us);
	return 0;
}

static int no_peer(const struct mbx_end *e)
{
	return mbxi_fail(MBX_ENOTCONN,
			 "channel \"%s\": the peer is not there; start it, or "
			 "look at \"mbx info\"",
			 e->channel->name);
}

/* Wait for the peer to be up. 0, MBX_ENOTCONN, or the link's error. */
static int wait_up(struct mbx_end *e, struct mbxi_patience *p)
{
	int err = 0;

	while (!err && !e->m->link.peer_session) {
		if (!mbxi_left_us(p))
			return no_peer(e);
		mbxi_knock(e->m);
		err = mbxi_tick(e->m, true);
	}
	return err;
}

/* ---- queue, sending ---- */

enum how { SEND, PUT, CLAIM };

static inline int try_send(struct mbx_end *e, enum how how, const void *msg,
			   size_t bytes, struct mbx_word **data)
{
	if (!e->m->link.peer_session)
		return MBX_ENOTCONN;
	if (how == SEND)
		return mbx_tx_send(&e->tx, msg, clamp(bytes));
	if (how == PUT)
		return mbx_tx_put(&e->tx, msg, clamp(bytes));
	return mbx_tx_claim(&e->tx, clamp(bytes), data);
}

/* The first try said @err: wait for what is missing, and try again. */
static __attribute__((noinline)) int send_waiting(struct mbx_end *e,
						  enum how how, const void *msg,
						  size_t bytes,
						  struct mbx_word **data,
						  int timeout_ms, int err)
{
	struct mbxi_patience p = { timeout_ms, 0 };
	bool waited = false;
	int link = 0;

	for (;;) {
		/* a full ring has made the batch so far, or padding, visible */
		if (err == MBX_EAGAIN || err == 1)
			notify_tx(e, &e->tx);
		if (err == MBX_ENOTCONN) {
			link = wait_up(e, &p);
		} else if (err == MBX_EAGAIN &&
			   e->channel->is.full == MBX_BLOCK) {
			waited = true;
			if (sleep_for_room(e, &e->tx, &p) == MBX_EAGAIN)
				break;
			link = mbxi_tick(e->m, false);
		} else {
			break;
		}
		if (link)
			break;
		err = try_send(e, how, msg, bytes, data);
		if (!err)
			break;
	}
	if (waited && !e->m->dead)
		mbx_tx_want_room(&e->tx, 0);
	if (link || err >= 0)
		return link ? link : err;
	if (err == MBX_EAGAIN)
		return mbxi_fail_later(err,
				       "channel \"%s\" is full: the peer has "
				       "taken nothing for %d ms",
				       e->channel->name, timeout_ms);
	return explain(e, err, bytes);
}

static inline int send_how(struct mbx_end *e, enum how how, const void *msg,
			   size_t bytes, struct mbx_word **data, int timeout_ms)
{
	int err = need_role(e, e->role == END_SENDER, timeout_ms, "sent to");

	if (err)
		return err;
	err = try_send(e, how, msg, bytes, data);
	return err ? send_waiting(e, how, msg, bytes, data, timeout_ms, err)
		   : 0;
}

int mbx_send(struct mbx_end *e, const void *msg, size_t bytes, int timeout_ms)
{
	int err = send_how(e, SEND, msg, bytes, NULL, timeout_ms);

	if (!err)
		notify_tx(e, &e->tx);
	return err;
}

int mbx_put(struct mbx_end *e, const void *msg, size_t bytes, int timeout_ms)
{
	return send_how(e, PUT, msg, bytes, NULL, timeout_ms);
}

int mbx_put_many(struct mbx_end *e, const void *msgs, size_t bytes,
		 size_t count, int timeout_ms)
{
	uint32_t each = clamp(bytes),
		 all = count > INT32_MAX ? INT32_MAX : (uint32_t)count;
	int full = e->channel->is.full == MBX_DROP ? 1 : MBX_EAGAIN, n;
	const uint8_t *msg = msgs;
	uint32_t done = 0;

	if (!all)
		return 0;
	n = send_how(e, PUT, msg, bytes, NULL, timeout_ms);
	while (!n) {
		msg += bytes;
		if (++done == all)
			break;
		n = mbx_tx_put_many(&e->tx, msg, each, all - done);
		if (n > 0) {
			done += (uint32_t)n;
			msg += (size_t)n * bytes;
		}
		if (done == all)
			break;
		/* the next one has had its try, and was counted */
		n = send_waiting(e, PUT, msg, bytes, NULL, timeout_ms,
				 n < 0 ? n : full);
	}
	return done || n == 1 ? (int)done : n;
}

int mbx_flush(struct mbx_end *e)
{
	int err = need_role(e, e->role == END_SENDER, 0, "sent to");

	if (err)
		return err;
	mbx_tx_flush(&e->tx);
	notify_tx(e, &e->tx);
	return 0;
}

int mbx_claim(struct mbx_end *e, size_t bytes, void **data, int timeout_ms)
{
	struct mbx_word *at = NULL;
	int err = send_how(e, CLAIM, NULL, bytes, &at, timeout_ms);

	*data = at;
	return err;
}

int mbx_commit(struct mbx_end *e, size_t bytes)
{
	int err = need_role(e, e->role == END_SENDER, 0, "sent to");

	if (err)
		return err;
	err = mbx_tx_commit(&e->tx, clamp(bytes));
	if (err)
		return explain(e, err, bytes);
	notify_tx(e, &e->tx);
	return 0;
}

int mbx_abort(struct mbx_end *e)
{
	int err = need_role(e, e->role == END_SENDER, 0, "sent to");

	if (err)
		return err;
	mbx_tx_abort(&e->tx);
	notify_tx(e, &e->tx); /* of a batch that the claim made visible */
	return 0;
}

/* ---- queue, receiving ---- */

/* @buf is NULL for a peek. */
static inline int take(struct mbx_end *e, void *buf, uint32_t cap,
		       struct mbx_word **data)
{
	uint32_t pos = e->rx.pos;
	int n = buf ? mbx_rx_recv(&e->rx, buf, cap) : mbx_rx_peek(&e->rx, data);

	if (n < 0 || !buf)
		notify_if_moved(e, &e->rx, pos);
	return n;
}

/* Nothing there, or an error, @n: wait, and take what comes meanwhile. */
static __attribute__((noinline)) int take_waiting(struct mbx_end *e, void *buf,
						  size_t cap,
						  struct mbx_word **data,
						  int timeout_ms, int n)
{
	struct mbxi_patience p = { timeout_ms, 0 };

	while (n == MBX_EAGAIN && sleep_for_data(e, &e->rx, &p) == 0) {
		int err = mbxi_tick(e->m, false);

		if (err)
			return err;
		n = take(e, buf, clamp(cap), data);
	}
	if (n >= 0)
		return n;
	if (n == MBX_EMSGSIZE)
		return mbxi_fail(n,
				 "channel \"%s\": the next message has %u "
				 "bytes, the buffer %zu; it stays in the queue",
				 e->channel->name,
				 mbx_ld(mbx_word_at(e->rx.at.ring, e->rx.pos)) -
					 MBX_HDR_MSG,
				 cap);
	if (n != MBX_EAGAIN)
		return explain(e, n, 0);
	if (!e->m->link.peer_session)
		return no_peer(e);
	return mbxi_fail_later(n, "channel \"%s\": no message for %d ms",
			       e->channel->name, timeout_ms);
}

static inline int take_how(struct mbx_end *e, void *buf, size_t cap,
			   struct mbx_word **data, int timeout_ms)
{
	int n = need_role(e, e->role == END_RECEIVER, timeout_ms,
			  "received from");

	if (n)
		return n;
	n = take(e, buf, clamp(cap), data);
	if (n < 0)
		n = take_waiting(e, buf, cap, data, timeout_ms, n);
	if (n < 0)
		return n;
	e->again = e->first_again;
	if (buf)
		e->first_again = false;
	return n;
}

int mbx_recv(struct mbx_end *e, void *buf, size_t cap, int timeout_ms)
{
	char none;
	int n = take_how(e, buf ? buf : &none, buf ? cap : 0, NULL, timeout_ms);

	if (n >= 0)
		notify_rx(e, &e->rx);
	return n;
}

int mbx_peek(struct mbx_end *e, const void **data, int timeout_ms)
{
	struct mbx_word *at = NULL;
	int n = take_how(e, NULL, 0, &at, timeout_ms);

	*data = at;
	return n;
}

int mbx_release(struct mbx_end *e)
{
	int err = need_role(e, e->role == END_RECEIVER, 0, "received from");

	if (err)
		return err;
	if (!e->rx.end)
		e->first_again = false;
	mbx_rx_release(&e->rx);
	notify_rx(e, &e->rx);
	return 0;
}

int mbx_repeated(const struct mbx_end *e)
{
	return e->again;
}

/* ---- state and log ---- */

int mbx_set(struct mbx_end *e, const void *value, size_t bytes)
{
	bool ok = e->role == END_WRITER &&
		  e->channel->is.kind == MBX_KIND_STATE;
	int err = need_role(e, ok, 0, "written");

	if (err)
		return err;
	if (bytes != e->channel->is.fwd.max_bytes)
		return mbxi_fail(
			MBX_EMSGSIZE,
			"channel \"%s\": a value has %u bytes, not %zu",
			e->channel->name, e->channel->is.fwd.max_bytes, bytes);
	return mbx_writer_write(&e->writer, 0, value, (uint32_t)bytes,
				mbxi_now_us());
}

/* The writer's clock at its last heartbeat, less the record's stamp. */
static uint32_t age_of(const struct mbx_end *e, uint32_t stamp_us)
{
	const struct mbx_link *l = &e->m->link;
	uint32_t now = mbx_ld(mbx_link_word(
		l, l->section[e->channel->is.direction] +
			   (uint32_t)offsetof(struct mbx_side_block, time_us)));

	/* written since that heartbeat: a writer that lives beats more often */
	return stamp_us - now <= l->is.liveness_us ? 0 : now - stamp_us;
}

int mbx_get(struct mbx_end *e, void *buf, size_t cap, struct mbx_record *rec,
	    uint32_t *age_us)
{
	bool ok = e->role == END_READER &&
		  e->channel->is.kind == MBX_KIND_STATE;
	struct mbx_record r = { 0 };
	int n = need_role(e, ok, 0, "read as a state");

	if (n)
		return n;
	n = mbx_reader_newest(&e->reader, buf, clamp(cap), &r);
	if (n < 0)
		return explain_taking(e, n, cap);
	if (rec)
		*rec = r;
	if (age_us)
		*age_us = age_of(e, r.stamp_us);
	return n;
}

int mbx_log(struct mbx_end *e, enum mbx_level level, const char *fmt, ...)
{
	bool ok = e->role == END_WRITER && e->channel->is.kind == MBX_KIND_LOG;
	uint32_t max = e->channel->is.fwd.max_bytes;
	int n = need_role(e, ok, 0, "logged to");
	char line[4096];
	va_list ap;

	if (n)
		return n;
	if (max > sizeof(line) - 1)
		max = sizeof(line) - 1;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0)
		return mbxi_fail(MBX_EINVAL, "log format \"%s\" is not one",
				 fmt);
	if ((uint32_t)n > max) {
		if (max >= 3)
			memcpy(line + max - 3, "...", 3);
		n = (int)max;
	}
	return mbx_writer_write(&e->writer, (unsigned int)level, line,
				(uint32_t)n, mbxi_now_us());
}

int mbx_log_read(struct mbx_end *e, void *buf, size_t cap,
		 struct mbx_record *rec, int timeout_ms)
{
	bool ok = e->role == END_READER && e->channel->is.kind == MBX_KIND_LOG;
	int n = need_role(e, ok, timeout_ms, "read as a log");
	struct mbx_record r = { 0 };
	struct mbxi_patience p = { timeout_ms, 0 };

	if (n)
		return n;
	for (;;) {
		uint32_t us;

		n = mbx_reader_next(&e->reader, buf, clamp(cap), &r);
		us = mbxi_left_us(&p);
		if (n != MBX_EAGAIN || !us)
			break;
		usleep(us < LOG_LOOK_US ? us : LOG_LOOK_US);
		n = mbxi_tick(e->m, false);
		if (n)
			return n;
	}
	if (rec)
		*rec = r;
	return n < 0 ? explain_taking(e, n, cap) : n;
}

int mbx_skip(struct mbx_end *e)
{
	int err = need_role(e, e->role == END_READER, 0, "skipped");

	if (!err)
		mbx_reader_skip(&e->reader);
	return err;
}

/* ---- calls ---- */

int mbx_call_start(struct mbx_end *e, const void *req, size_t bytes,
		   int timeout_ms)
{
	int err = need_role(e, e->role == END_CALLER, timeout_ms, "called on");
	struct mbxi_patience p = { timeout_ms, 0 };
	uint32_t since;

	if (err)
		return err;
	if (timeout_ms == 0 || timeout_ms > CALL_MAX_MS)
		return mbxi_fail(MBX_EINVAL,
				 "channel \"%s\": a call's timeout is 1 to "
				 "%d ms, not %d",
				 e->channel->name, CALL_MAX_MS, timeout_ms);
	since = mbxi_now_us();
	err = wait_up(e, &p);
	if (err)
		return err;
	err = mbx_caller_start(&e->caller, req, clamp(bytes),
			       (uint32_t)timeout_ms * 1000u, since,
			       e->m->link.peer_session);
	if (!err || err == MBX_EAGAIN) /* padding may have become visible */
		notify_tx(e, &e->caller.tx);
	if (err == MBX_EAGAIN)
		return mbxi_fail(
			err,
			"channel \"%s\": the request queue is full; is "
			"the peer serving it?",
			e->channel->name);
	return err ? explain(e, err, bytes) : 0;
}

int mbx_call_poll(struct mbx_end *e, void *rep, size_t cap, int *status)
{
	int n = need_role(e, e->role == END_CALLER, 0, "called on"), s = 0;
	uint32_t pos = e->caller.rx.pos;
	char none;

	if (n)
		return n;
	n = mbx_caller_poll(&e->caller, rep ? rep : &none, rep ? clamp(cap) : 0,
			    &s, mbxi_now_us(), e->m->link.peer_session);
	notify_if_moved(e, &e->caller.rx, pos); /* stale replies count, too */
	if (n == MBX_EAGAIN)
		return n;
	if (n == MBX_ETIMEDOUT)
		return mbxi_fail(
			n,
			"channel \"%s\": no reply in time; the request "
			"may still be acted upon",
			e->channel->name);
	if (n == MBX_ECONNRESET)
		return mbxi_fail(
			n,
			"channel \"%s\": the peer went away during the "
			"call; it may or may not have acted",
			e->channel->name);
	if (n < 0)
		return explain_taking(e, n, cap);
	if (status)
		*status = s;
	else if (s < 0)
		return mbxi_fail(s, "channel \"%s\": the peer refused: %s (%d)",
				 e->channel->name, mbx_strerror(s), s);
	return n;
}

int mbx_call(struct mbx_end *e, const void *req, size_t bytes, void *rep,
	     size_t cap, int *status, int timeout_ms)
{
	int n = mbx_call_start(e, req, bytes, timeout_ms);
	struct mbxi_patience p = { timeout_ms, 0 };

	if (n)
		return n;
	while ((n = mbx_call_poll(e, rep, cap, status)) == MBX_EAGAIN)
		if (sleep_for_data(e, &e->caller.rx, &p) == MBX_EAGAIN)
			usleep(1000); /* the deadline is just passing */
	/* nobody is left to take it: the next call throws it away */
	if (n == MBX_EMSGSIZE)
		e->caller.open = 0;
	return n;
}

/* Take a request; MBX_ENOSPC: first there must be room for its reply. */
static int take_request(struct mbx_end *e, void *req, uint32_t cap,
			struct mbx_request *request)
{
	struct mbx_rx *rx = &e->server.rx;
	uint32_t pos = rx->pos;
	int n = mbx_server_take(&e->server, request, req, cap);

	e->no_room = n == MBX_ENOSPC;
	if (n == MBX_EPROTO && rx->pos != pos)
		e->first_again = false; /* it was released */
	notify_if_moved(e, rx, pos); /* padding, or what can't be a request */
	if (n == MBX_ENOSPC)
		notify_tx(e, &e->server.tx); /* that may be for padding */
	return n;
}

static int no_request(const struct mbx_end *e, int why, int timeout_ms)
{
	if (!e->m->link.peer_session)
		return no_peer(e);
	return mbxi_fail(MBX_EAGAIN,
			 why == MBX_ENOSPC
				 ? "channel \"%s\": no room to answer: the "
				   "peer has taken no reply for %d ms"
				 : "channel \"%s\": no request for %d ms",
			 e->channel->name, timeout_ms);
}

int mbx_serve(struct mbx_end *e, void *req, size_t cap,
	      struct mbx_request *request, int timeout_ms)
{
	int n = need_role(e, e->role == END_SERVER, timeout_ms, "served"), err;
	struct mbxi_patience p = { timeout_ms, 0 };
	bool waited = false;

	if (n)
		return n;
	for (;;) {
		n = take_request(e, req, clamp(cap), request);
		if (n != MBX_EAGAIN && n != MBX_ENOSPC)
			break;
		waited |= n == MBX_ENOSPC;
		if (n == MBX_ENOSPC ? sleep_for_room(e, &e->server.tx, &p)
				    : sleep_for_data(e, &e->server.rx, &p))
			break;
		err = mbxi_tick(e->m, false);
		if (err)
			return err;
	}
	if (waited)
		mbx_tx_want_room(&e->server.tx, 0);
	if (n == MBX_EAGAIN || n == MBX_ENOSPC)
		return no_request(e, n, timeout_ms);
	if (n < 0)
		return explain_taking(e, n, cap);
	e->again = e->first_again;
	return n;
}

int mbx_reply(struct mbx_end *e, const struct mbx_request *request, int status,
	      const void *rep, size_t bytes)
{
	int err = need_role(e, e->role == END_SERVER, 0, "served");

	if (err)
		return err;
	err = mbx_server_reply(&e->server, request, status, rep, clamp(bytes));
	if (err)
		return explain(e, err, bytes);
	e->first_again = false;
	notify_tx(e, &e->server.tx);
	notify_rx(e, &e->server.rx);
	return 0;
}
