/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two sides of crash.c: what they call, by common/ alone or by libmbx, and
 * the oracle. The host sends, writes and calls; the remote owns the layout.
 *
 * Every message, value, line and request carries its id and is spelt by it, so
 * that a torn one shows. Ids of what is sent after a death begin at LATER.
 */
#include "../../linux/internal.h"

#include "crash.h"

#include <stdio.h>
#include <string.h>

#define MAX	 40u
#define VALUE	 24u
#define LINES	 4u
#define LATER	 0x1000u
#define LIVENESS 1000000u /* ms: nobody falls silent by being stepped */

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(Q, "q", MBX_QUEUE(MBX_H2R, MAX, 2, MBX_FAIL, ""))              \
	CHANNEL(S, "s", MBX_STATE(MBX_H2R, VALUE, 2, ""))                      \
	CHANNEL(L, "l", MBX_LOG(MBX_H2R, MAX, LINES))                          \
	CHANNEL(C, "c", MBX_CALL(MBX_H2R, VALUE, VALUE, 1, ""))
MBX_DECLARE_CHANNELS(channels, CHANNELS);

#define OTHER_CHANNELS(CHANNEL)                                                \
	CHANNEL(OTHER, "other", MBX_STATE(MBX_R2H, 4, 2, "u32 x"))
MBX_DECLARE_CHANNELS(other_channels, OTHER_CHANNELS);

/* One side's private memory: what dies with it. */
static struct life {
	enum mbx_side side;
	int marked; /* the first message taken was in hand before */
	int first_request, serves_again; /* the same of the server */
	uint32_t events;
	/* by common/ */
	struct mbx_link link;
	struct mbx_tx tx;
	struct mbx_rx rx;
	struct mbx_writer state, log;
	struct mbx_reader value, lines;
	struct mbx_caller caller;
	struct mbx_server server;
	/* by libmbx */
	struct mbx *m;
	struct mbx_end *q, *s, *l, *c;
} host, remote;

static int lib;
static enum mbx_memory memory;
static uint32_t clock_us = 1;
static uint32_t next_later = LATER;

static uint32_t lines_read; /* the last one this life of the remote saw */

static char buf[MAX];

/* ---- what is sent ---- */

static int spell(char *to, uint32_t id, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < 8; i++)
		to[i] = (char)('A' + (id >> 4 * i & 15u));
	for (; i < len; i++)
		to[i] = (char)('a' + (id * 7u + i * 3u + (id >> 4)) % 26u);
	return (int)len;
}

/* Its id; 0 if it is torn. */
static uint32_t id_of(const char *got, int n)
{
	char want[MAX];
	uint32_t id = 0, i;

	if (n < 8 || n > (int)MAX)
		return 0;
	for (i = 8; i-- > 0;)
		id = id << 4 | ((uint32_t)(got[i] - 'A') & 15u);
	spell(want, id, (uint32_t)n);
	return memcmp(want, got, (size_t)n) ? 0 : id;
}

static uint32_t message(uint32_t id)
{
	return (uint32_t)spell(buf, id, 8u + id * 11u % 33u);
}

static int is_message(uint32_t id, int n)
{
	return n == (int)(8u + id * 11u % 33u) && id_of(buf, n) == id;
}

/* ---- a life's beginning and end ---- */

static struct life *life_of(int side)
{
	return side == MBX_HOST ? &host : &remote;
}

static int open_ends(struct life *l)
{
	struct mbx_queue_place q, back;
	struct mbx_slots_place s, g;
	struct mbx_queue_place at;
	int marked = 0, ret;

	check(mbx_link_queue(&l->link, Q, &at) == 0);
	check(mbx_link_slots(&l->link, S, &s) == 0);
	check(mbx_link_slots(&l->link, L, &g) == 0);
	check(mbx_link_queue(&l->link, C, &q) == 0);
	check(mbx_link_back(&l->link, C, &back) == 0);
	if (l->side == MBX_HOST) {
		check(CALL(mbx_tx_attach(&l->tx, &at)) == 0);
		check(CALL((mbx_writer_attach(&l->state, &s), 0)) == 0);
		check(CALL((mbx_writer_attach(&l->log, &g), 0)) == 0);
		ret = CALL(mbx_caller_attach(&l->caller, &q, &back,
					     l->link.session));
		check(ret == 0);
	} else {
		marked = CALL(mbx_rx_attach(&l->rx, &at));
		check(marked >= 0);
		check(CALL((mbx_reader_attach(&l->value, &s), 0)) == 0);
		check(CALL((mbx_reader_attach(&l->lines, &g), 0)) == 0);
		ret = CALL(mbx_server_attach(&l->server, &q, &back));
		check(ret >= 0);
		l->serves_again = ret;
	}
	l->marked = marked;
	return 0;
}

static void begin_by_common(struct life *l, const struct mbx_channel *c,
			    uint32_t count)
{
	struct mbx_link_config config = { .base = (uintptr_t)region,
					  .bytes = REGION_BYTES,
					  .side = l->side,
					  .channels = c,
					  .count = count,
					  .line_bytes = 4,
					  .page_bytes = 64,
					  .liveness_us = LIVENESS * 1000u,
					  .memory = memory };
	int err;

	check(CALL(mbx_link_init_checked(&l->link, &config)) == 0);
	if (l->side == MBX_REMOTE) {
		while ((err = CALL(mbx_link_format(&l->link, clock_us))) ==
		       MBX_EAGAIN)
			clock_us += 100000u;
		check(err >= 0);
	}
	check(CALL(mbx_link_attach(&l->link)) == 0);
	if (c == channels)
		open_ends(l);
}

static void begin_by_lib(struct life *l, const struct mbx_channel *c,
			 uint32_t count)
{
	struct mbx_region r = { .base = region,
				.bytes = REGION_BYTES,
				.fd = -1,
				.memory = MBX_MEMORY_NORMAL,
				.kind = "anon" };
	struct mbx_options o = { .side = l->side,
				 .liveness_ms = LIVENESS,
				 .line_bytes = 4,
				 .page_bytes = 64 };
	int err;

	if (l->side == MBX_REMOTE) { /* the host goes by what stands there */
		o.format = 1;
		o.channels = c;
		o.count = count;
	}
	err = CALL(mbx_open_at(&l->m, &r, &o));
	if (err)
		fail("mbx_open_at: %s", mbx_errmsg());
	if (c != channels)
		return;
	check(CALL(mbx_end_open(l->m, "q", &l->q)) == 0);
	check(CALL(mbx_end_open(l->m, "s", &l->s)) == 0);
	check(CALL(mbx_end_open(l->m, "l", &l->l)) == 0);
	check(CALL(mbx_end_open(l->m, "c", &l->c)) == 0);
}

static void begin_with(struct life *l, enum mbx_side side,
		       const struct mbx_channel *c, uint32_t count)
{
	memset(l, 0, sizeof(*l));
	l->side = side;
	l->marked = -1;
	l->first_request = 1;
	if (side == MBX_REMOTE)
		lines_read = 0;
	if (lib)
		begin_by_lib(l, c, count);
	else
		begin_by_common(l, c, count);
}

static void begin(int side)
{
	begin_with(life_of(side), (enum mbx_side)side, channels,
		   channels_count);
}

static int poll(struct life *l)
{
	int events;

	if (lib)
		events = CALL(mbx_poll(l->m));
	else
		events = CALL((int)mbx_link_poll(&l->link, clock_us));
	if (events > 0)
		l->events |= (uint32_t)events;
	return events;
}

static const struct mbx_link *link_of(const struct life *l)
{
	return lib ? mbx_get_link(l->m) : &l->link;
}

static void end(struct life *l)
{
	if (lib) {
		CALL((mbx_close(l->m), 0));
		l->m = NULL;
	} else {
		CALL((mbx_link_detach(&l->link), 0));
	}
}

/* Both look at each other until nothing more can be new. */
static void settle(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		poll(&host);
		poll(&remote);
	}
}

/* ---- queue ---- */

/* Sends @id: 1, or 0 when there was no room or nobody. */
static int send_one(uint32_t id)
{
	uint32_t n = message(id);
	int err, pos = (int)host.tx.pos;

	if (lib) {
		err = CALL(mbx_send(host.q, buf, n, 0));
	} else {
		err = CALL(mbx_tx_send(&host.tx, buf, n));
		desk->padding |= (int)host.tx.pos < pos;
		desk->asleep |= (uint32_t)CALL(mbx_tx_notify(&host.tx));
	}
	if (err == 0)
		return 1;
	check(err == MBX_EAGAIN || (lib && err == MBX_ENOTCONN));
	desk->full++;
	return 0;
}

/* Takes one, to buf: its length, or 0. */
static int take_one(void)
{
	int n;

	if (lib) {
		n = CALL(mbx_recv(remote.q, buf, sizeof(buf), 0));
		if (n >= 0 && remote.marked < 0)
			remote.marked = mbx_repeated(remote.q);
	} else {
		n = CALL(mbx_rx_recv(&remote.rx, buf, sizeof(buf)));
		desk->asleep |= (uint32_t)CALL(mbx_rx_notify(&remote.rx));
	}
	if (n >= 0)
		return n;
	if (n == MBX_EBUSY)
		fail("take_one: busy");
	check(n == MBX_EAGAIN || (lib && n == MBX_ENOTCONN));
	return 0;
}

static void release(void)
{
	if (lib)
		check(CALL(mbx_release(remote.q)) == 0);
	else
		CALL((mbx_rx_release(&remote.rx), 0));
}

/* What is next to come out, if anything; of an old life, then of the new. */
static struct {
	uint32_t next, later;
	int first; /* this consumer has not taken anything yet */
} due;

/*
 * A consumer's first message, after the death of another: what that one had not
 * taken, marked if it was handed out by peek.
 */
static void check_first(uint32_t id)
{
	int marked = remote.marked == 1;

	due.first = 0;
	desk->repeats += (uint32_t)marked;
	if (desk->taking > desk->taken && id != desk->taking)
		due.next = desk->taking + 1u; /* it had been taken */
	if (marked)
		check(id == desk->taken + 1u && desk->hand != NO);
	else
		check(id != desk->taken + 1u || desk->hand != YES);
}

static void got(int n)
{
	uint32_t id = id_of(buf, n);

	if (!id || !is_message(id, n))
		fail("a torn message of %d bytes", n);
	if (due.first)
		check_first(id);
	if (id < LATER) {
		if (id != due.next || id > desk->making)
			fail("got %u, due %u, accepted %u, begun %u", id,
			     due.next, desk->accepted, desk->making);
		due.next++;
		return;
	}
	if (due.next <= desk->accepted)
		fail("lost: %u to %u", due.next, desk->accepted);
	due.next = LATER; /* the rest of the old life is not to come now */
	if (id != due.later)
		fail("got %u, due %u", id, due.later);
	due.later++;
}

static void drain(void)
{
	int n;

	while ((n = take_one()) > 0)
		got(n);
}

static void fill(void)
{
	while (send_one(next_later))
		next_later++;
}

/* ---- state and log ---- */

static void write_both(uint32_t id)
{
	int n = spell(buf, id, VALUE);

	if (lib) {
		check(CALL(mbx_set(host.s, buf, VALUE)) == 0);
		check(CALL(mbx_log(host.l, MBX_LOG_INFO, "%.*s", n, buf)) == 0);
	} else {
		check(CALL(mbx_writer_write(&host.state, 0, buf, VALUE, 7)) ==
		      0);
		check(CALL(mbx_writer_write(&host.log, MBX_LOG_INFO, buf, VALUE,
					    7)) == 0);
	}
}

/* A record that a dead writer had finished, or a new one wrote. */
static void check_record(int n, const struct mbx_record *rec, uint32_t written)
{
	uint32_t id = n >= 0 ? id_of(buf, n) : 0;

	if (!id || n != VALUE)
		fail("a torn record %u: %d", rec->number, n);
	if (id < LATER ? id != rec->number || id > desk->writing
		       : rec->number <= written)
		fail("record %u has %u; %u to %u were written", rec->number, id,
		     written, desk->writing);
}

static uint32_t read_value(void)
{
	struct mbx_record rec = { 0, 0, 0, 0 };
	uint32_t written = desk->written;
	int n;

	if (lib)
		n = CALL(mbx_get(remote.s, buf, sizeof(buf), &rec, NULL));
	else
		n = CALL(mbx_reader_newest(&remote.value, buf, sizeof(buf),
					   &rec));
	if (n == MBX_ENODATA) {
		check(!written);
		return 0;
	}
	check_record(n, &rec, written);
	check(rec.number >= written);
	return id_of(buf, n);
}

/* All lines: none unaccounted for, and only one of the last LINES is spoilt. */
static void read_lines(void)
{
	uint32_t written = desk->written, due_line = lines_read + 1u, first = 0;
	uint32_t before;
	struct mbx_record rec = { 0, 0, 0, 0 };
	int n;

	for (;;) {
		before = desk->written;
		if (lib)
			n = CALL(mbx_log_read(remote.l, buf, sizeof(buf), &rec,
					      0));
		else
			n = CALL(mbx_reader_next(&remote.lines, buf,
						 sizeof(buf), &rec));
		if (n == MBX_EAGAIN && desk->written == before)
			break;
		if (n == MBX_EAGAIN) /* overtaken */
			continue;
		check_record(n, &rec, written);
		if (lines_read)
			check(rec.number == lines_read + 1u + rec.missed);
		if (!first)
			first = rec.number;
		lines_read = rec.number;
	}
	check(lines_read >= written);
	check(first <= due_line || first + LINES <= lines_read + 2u);
}

/* ---- calls ---- */

/* The first request of this life: handed out before, and marked if it was. */
static void check_request(uint32_t id)
{
	int marked = lib ? mbx_repeated(remote.c) : remote.serves_again;

	remote.serves_again = 0;
	if (marked)
		check(desk->serving && id == desk->asked);
	else if (remote.first_request)
		check(id != desk->served || desk->served == desk->answered);
	remote.first_request = 0;
	desk->repeats += (uint32_t)marked;
}

/* Serve what is there: how many requests were answered. */
static int serve(void)
{
	struct mbx_request r;
	int n, count = 0;
	uint32_t id;

	for (;;) {
		desk->serving = 1;
		if (lib)
			n = CALL(mbx_serve(remote.c, buf, sizeof(buf), &r, 0));
		else
			n = CALL(mbx_server_take(&remote.server, &r, buf,
						 sizeof(buf)));
		if (n < 0)
			break;
		id = id_of(buf, n);
		check_request(id);
		if (!id || (id < LATER && id > desk->asking))
			fail("a request of %d bytes that nobody made: %u", n,
			     id);
		if (id < LATER && id > desk->served)
			desk->served = id;
		spell(buf, ~id, VALUE);
		if (lib)
			n = CALL(mbx_reply(remote.c, &r, -5, buf, VALUE));
		else
			n = CALL(mbx_server_reply(&remote.server, &r, -5, buf,
						  VALUE));
		check(n == 0);
		if (id < LATER && id > desk->answered)
			desk->answered = id;
		count++;
	}
	check(n == MBX_EAGAIN || n == MBX_ENOSPC || (lib && n == MBX_ENOTCONN));
	return count;
}

static int ask(uint32_t id)
{
	spell(buf, id, VALUE);
	if (!link_of(&host)->peer_session) /* libmbx would wait for it */
		return MBX_ENOTCONN;
	if (lib)
		return CALL(mbx_call_start(host.c, buf, VALUE, 1000000));
	return CALL(
		mbx_caller_start(&host.caller, buf, VALUE, 0x7fffffffu, 0, 1));
}

/* 1 if the answer to @id was there; any other one is wrong. */
static int hear(uint32_t id)
{
	int n, status = 0;

	if (lib)
		n = CALL(mbx_call_poll(host.c, buf, sizeof(buf), &status));
	else
		n = CALL(mbx_caller_poll(&host.caller, buf, sizeof(buf),
					 &status, 0, 1));
	if (n < 0)
		return n;
	if (status != -5 || n != VALUE || id_of(buf, n) != ~id)
		fail("a wrong answer to %u", id);
	return 1;
}

/* ---- the calls that are stepped ---- */

#define TIMES 6u

static void call_send(void)
{
	uint32_t i;

	for (i = 0; i < TIMES; i++) {
		desk->making = desk->accepted + 1u;
		if (send_one(desk->making)) {
			desk->accepted = desk->making;
			continue;
		}
		desk->making = desk->accepted;
		if (lib)
			continue;
		CALL(mbx_tx_want_room(&host.tx, 1));
		CALL(mbx_tx_want_room(&host.tx, 0));
	}
}

static void flush(void)
{
	if (lib)
		CALL(mbx_flush(host.q));
	else
		CALL((mbx_tx_flush(&host.tx), 0));
	desk->accepted = desk->making = desk->put;
}

static void call_put(void)
{
	uint32_t i, n;
	int err;

	desk->put = desk->accepted;
	for (i = 0; i < TIMES; i++) {
		n = message(desk->put + 1u);
		desk->making = desk->put + 1u;
		err = lib ? CALL(mbx_put(host.q, buf, n, 0))
			  : CALL(mbx_tx_put(&host.tx, buf, n));
		if (err == 0) {
			desk->put++;
		} else {
			check(err == MBX_EAGAIN || err == MBX_ENOTCONN);
			if (err == MBX_EAGAIN)
				desk->accepted = desk->put;
			desk->making = desk->put;
		}
		if (i % 3 == 2)
			flush();
	}
	flush();
}

/* Filled in by hand, as an application would. */
static int fill_in(void *at, uint32_t n)
{
	volatile uint32_t *to = at;
	uint32_t i, w;

	for (i = 0; i < n; i += 4) {
		memcpy(&w, buf + i, 4);
		to[i / 4] = w;
	}
	return 0;
}

static void call_claim(void)
{
	struct mbx_word mbx_shared *at;
	void *data;
	uint32_t i, n;
	int err;

	for (i = 0; i < TIMES; i++) {
		n = message(desk->accepted + 1u);
		if (lib) {
			err = CALL(mbx_claim(host.q, MAX, &data, 0));
		} else {
			err = CALL(mbx_tx_claim(&host.tx, MAX, &at));
			data = (void *)at;
		}
		check(err == 0 || err == MBX_EAGAIN || err == MBX_ENOTCONN);
		if (err)
			continue;
		CALL(fill_in(data, n));
		if (i % 3 == 1) {
			if (lib)
				CALL(mbx_abort(host.q));
			else
				CALL((mbx_tx_abort(&host.tx), 0));
			continue;
		}
		desk->making = desk->accepted + 1u;
		err = lib ? CALL(mbx_commit(host.q, n))
			  : CALL(mbx_tx_commit(&host.tx, n));
		check(err == 0);
		desk->accepted = desk->making;
	}
}

static void took(int n)
{
	if (!n) {
		desk->taking = desk->taken;
		return;
	}
	check(is_message(desk->taken + 1u, n));
	desk->taken = desk->taking;
}

static void call_recv(void)
{
	uint32_t i;

	for (i = 0; i < TIMES; i++) {
		desk->taking = desk->taken + 1u;
		took(take_one());
		if (lib)
			continue;
		CALL(mbx_rx_want_data(&remote.rx, 1));
		CALL(mbx_rx_want_data(&remote.rx, 0));
	}
}

static void call_peek(void)
{
	struct mbx_word mbx_shared *at;
	const void *data = NULL;
	uint32_t i;
	int n;

	for (i = 0; i < TIMES; i++) {
		desk->hand = MAYBE;
		if (lib) {
			n = CALL(mbx_peek(remote.q, &data, 0));
		} else {
			n = CALL(mbx_rx_peek(&remote.rx, &at));
			data = (const void *)at;
		}
		desk->hand = n >= 0 ? YES : NO;
		if (n < 0)
			continue;
		memcpy(buf, data, (size_t)n);
		check(is_message(desk->taken + 1u, n));
		desk->taking = desk->taken + 1u;
		desk->hand = MAYBE;
		release();
		desk->taken = desk->taking;
		desk->hand = NO;
	}
}

static void call_write(void)
{
	uint32_t i;

	for (i = 0; i < TIMES; i++) {
		desk->writing = desk->written + 1u;
		write_both(desk->writing);
		desk->written = desk->writing;
	}
}

static void call_read(void)
{
	uint32_t i;

	for (i = 0; i < 3; i++) {
		read_value();
		read_lines();
	}
}

static void call_ask(void)
{
	uint32_t i;
	int n;

	for (i = 0; i < 3; i++) {
		desk->asking = desk->asked + 1u;
		n = ask(desk->asking);
		if (n)
			desk->asking = desk->asked;
		else
			desk->asked = desk->asking;
		check(n == 0 || n == MBX_EAGAIN || n == MBX_EBUSY ||
		      n == MBX_ENOTCONN);
		n = hear(desk->asked);
		check(n == 1 || n == MBX_EAGAIN || n == MBX_ECONNRESET ||
		      n == MBX_EINVAL);
	}
}

static void call_serve(void)
{
	serve();
	serve();
}

static void call_live(struct life *l)
{
	uint32_t i;

	begin(l->side);
	for (i = 0; i < 3; i++)
		poll(l);
	end(l);
}

static void call_host_life(void)
{
	call_live(&host);
}

static void call_remote_life(void)
{
	call_live(&remote);
}

const struct act acts[] = {
	{ "send", MBX_HOST, QUEUE, call_send },
	{ "put, flush", MBX_HOST, QUEUE, call_put },
	{ "claim, commit, abort", MBX_HOST, QUEUE, call_claim },
	{ "recv", MBX_REMOTE, QUEUE, call_recv },
	{ "peek, release", MBX_REMOTE, QUEUE, call_peek },
	{ "write", MBX_HOST, PLAIN, call_write },
	{ "read", MBX_REMOTE, PLAIN, call_read },
	{ "call", MBX_HOST, PLAIN, call_ask },
	{ "serve", MBX_REMOTE, PLAIN, call_serve },
	{ "the host's life", MBX_HOST, LIFE, call_host_life },
	{ "the remote's life", MBX_REMOTE, LIFE, call_remote_life },
	{ "formatting zeros", MBX_REMOTE, FORMAT, call_remote_life },
	{ "formatting anew", MBX_REMOTE, FORMAT_ANEW, call_remote_life },
	{ NULL, 0, 0, NULL },
};

/* ---- before the calls ---- */

static void end_old_lives(void)
{
	if (host.m)
		mbx_close(host.m);
	if (remote.m)
		mbx_close(remote.m);
	memset(&host, 0, sizeof(host));
	memset(&remote, 0, sizeof(remote));
	host.side = MBX_HOST;
	remote.side = MBX_REMOTE;
}

static int send_accepted(void)
{
	desk->making = desk->accepted + 1u;
	if (send_one(desk->making)) {
		desk->accepted = desk->making;
		return 1;
	}
	desk->making = desk->accepted;
	return 0;
}

/* The queue as the situation has it. */
static void set_queue(const struct act *act, const struct situation *s)
{
	const struct mbx_queue_place *at = lib ? &host.q->tx.at : &host.tx.at;
	struct mbx_word mbx_shared *word;
	const void *data;
	uint32_t i;

	for (i = 0; i < s->warm; i++) {
		send_accepted();
		check(is_message(++desk->taken, take_one()));
	}
	for (i = 0; i < s->queued; i++)
		send_accepted();
	desk->taking = desk->taken;
	desk->put = desk->accepted;
	(void)at;
	if (s->asleep && act->actor == MBX_HOST)
		mbx_rx_want_data(lib ? &remote.q->rx : &remote.rx, 1);
	if (s->asleep && act->actor == MBX_REMOTE)
		mbx_tx_want_room(lib ? &host.q->tx : &host.tx, 1);
	if (!s->held)
		return;
	if (act->actor == MBX_REMOTE) { /* a batch is open */
		i = message(desk->accepted + 1u);
		if ((lib ? mbx_put(host.q, buf, i, 0)
			 : mbx_tx_put(&host.tx, buf, i)) == 0)
			desk->making = desk->put = desk->accepted + 1u;
	} else if ((lib ? mbx_peek(remote.q, &data, 0)
			: mbx_rx_peek(&remote.rx, &word)) >= 0) {
		desk->hand = YES;
	}
}

void set_up(const struct act *act, const struct situation *s)
{
	end_old_lives();
	lib = s->lib;
	memory = (enum mbx_memory)s->memory;
	memset(desk, 0, sizeof(*desk));
	memset(region, 0, REGION_BYTES);
	memset(&due, 0, sizeof(due));
	due.next = 1;
	due.later = next_later = LATER;
	clock_us = 1;
	if (act->kind == FORMAT)
		return;
	if (act->kind == FORMAT_ANEW) {
		begin_with(&remote, MBX_REMOTE, other_channels,
			   other_channels_count);
		begin_with(&host, MBX_HOST, other_channels,
			   other_channels_count);
		settle();
		return;
	}
	begin(MBX_REMOTE);
	begin(MBX_HOST);
	settle();
	set_queue(act, s);
	due.next = desk->taken + 1u;
	if (act->calls == call_serve) {
		check(ask(1) == 0);
		desk->asked = desk->asking = 1;
	}
	if (act->calls == call_read)
		call_write();
	host.events = remote.events = 0;
}

/* ---- afterwards ---- */

static void fresh(int side)
{
	begin(side);
	if (side == MBX_REMOTE)
		due.first = 1;
	else
		desk->put = desk->making;
}

/* What a side does by itself, whoever has died. */
static void alone(int side)
{
	if (side == MBX_HOST) {
		fill();
		return;
	}
	if (desk->hand == YES && !due.first) { /* it was this life's */
		release();
		desk->hand = NO;
		due.next++;
	}
	drain();
	read_value();
	read_lines();
}

static void check_up(const struct life *l, const struct life *peer)
{
	check(link_of(l)->peer_session);
	check(link_of(l)->peer_session == link_of(peer)->session);
}

/* Nobody is up for it that has not looked at it. */
static void check_not_up_yet(struct life *l)
{
	poll(l);
	poll(l);
	check(!l->link.peer_session);
}

/* The survivor was told, as far as it had known the one that died. */
static void check_told(const struct life *l, uint32_t knew)
{
	if (!knew)
		return;
	check(link_of(l)->peer_session != knew);
	check(l->events & MBX_EVENT_DOWN);
	check(l->events & MBX_EVENT_RESTARTED);
}

/* A stale answer may be in the way of the one that is waited for. */
static int hear_at_last(uint32_t id)
{
	uint32_t tries;
	int n = MBX_EAGAIN;

	for (tries = 0; tries < 4 && n == MBX_EAGAIN; tries++) {
		serve();
		n = hear(id);
	}
	return n;
}

static void call_again(void)
{
	uint32_t i, tries;
	int n;

	n = hear_at_last(desk->asked); /* if one was open */
	check(n == 1 || n == MBX_EINVAL || (lib && n == MBX_ECONNRESET));
	for (i = 0; i < 3; i++) {
		n = MBX_EAGAIN;
		for (tries = 0; tries < 2 && n; tries++) {
			n = ask(LATER + i);
			if (n)
				serve(); /* what nobody waits for any more */
		}
		check(n == 0);
		check(hear_at_last(LATER + i) == 1);
	}
}

/* Both are there: all goes on, and nothing of before is missing. */
static void both_go_on(void)
{
	uint32_t i;

	for (i = 0; i < 4; i++) {
		alone(MBX_HOST);
		alone(MBX_REMOTE);
		write_both(LATER + i);
		check(read_value() == LATER + i);
		read_lines();
	}
	check(due.later > LATER + 6u);
	check((lib ? remote.q->rx.wait : remote.rx.wait) >> 1 == 0);
	call_again();
}

/* A region that its formatter left: made good by the next, never damaged. */
static void recover_formatting(const struct act *act, int host_lives)
{
	struct mbx_link_config config = { .base = (uintptr_t)region,
					  .bytes = REGION_BYTES,
					  .side = MBX_HOST,
					  .channels = channels,
					  .count = channels_count };
	struct mbx_region file = { .base = region, .fd = -1, .guard = 1 };
	struct mbx_link look;
	uint32_t i;
	int err;

	/* nobody takes it for something else, which must be left alone */
	for (i = 0; i < REGION_BYTES && !region[i]; i++)
		;
	check(i == REGION_BYTES || mbx_region_holds(&file) == 1);
	check(mbx_link_init_checked(&look, &config) == 0);
	err = mbx_link_observe(&look);
	check(err == 0 || err == MBX_EAGAIN ||
	      (err == MBX_EMISMATCH && act->kind == FORMAT_ANEW));
	begin(MBX_REMOTE);
	if (act->kind == FORMAT_ANEW && host_lives) {
		err = poll(&host);
		check(lib ? err == MBX_ESTALE : err == MBX_EVENT_RESET);
	}
	begin(MBX_HOST);
	settle();
	check_up(&host, &remote);
	check_up(&remote, &host);
	both_go_on();
}

void recover(const struct act *act, int both, int other_first)
{
	int actor = act->actor, other = !actor;
	struct life *survivor = life_of(other);
	uint32_t knew;

	if (act->kind == FORMAT || act->kind == FORMAT_ANEW) {
		recover_formatting(act, !both);
		return;
	}
	due.next = desk->taken + 1u;
	knew = both ? 0 : link_of(survivor)->peer_session;
	if (both && other_first)
		fresh(other);
	if (other_first)
		alone(other);
	fresh(actor);
	if (both && !other_first)
		fresh(other);
	else if (!lib)
		check_not_up_yet(survivor);
	settle();
	check_up(&host, &remote);
	check_up(&remote, &host);
	check_told(survivor, knew);
	both_go_on();
}

/* ---- the other side's death, while the calls go on ---- */

static uint32_t turns;

void other_goes_on(const struct act *act)
{
	poll(life_of(!act->actor));
	if (turns++ >= TIMES) /* or a reader would read for ever */
		return;
	if (act->actor == MBX_HOST) {
		drain();
		desk->taken = desk->taking = due.next - 1u;
		read_value();
		read_lines();
		serve();
		return;
	}
	while (send_accepted())
		;
	call_write();
	if (ask(desk->asked + 1u) == 0)
		desk->asking = ++desk->asked;
	hear(desk->asked);
}

void other_reborn(const struct act *act)
{
	turns = 0;
	fresh(!act->actor);
	if (act->actor == MBX_REMOTE)
		desk->making = desk->put = desk->accepted;
	else
		drain();
	desk->hand = NO;
	other_goes_on(act);
}
