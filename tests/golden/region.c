/* SPDX-License-Identifier: BSD-2-Clause */
#include "region.h"

#include <mbx/link.h>

#define HOST_TIME   1000u	/* us, when the host's first life begins */
#define REMOTE_TIME 0xfffffff5u /* its clock wraps in the middle of things */
#define SECOND_LIFE 50000000u	/* us later */
#define FIELDS(n)   (sizeof(n) / sizeof(*(n)))

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(CMD, "cmd",                                                    \
		MBX_QUEUE(MBX_H2R, 20, 3, MBX_BLOCK, "u32 op, x8 data[]"))     \
	CHANNEL(EVENTS, "events", MBX_QUEUE(MBX_R2H, 13, 2, MBX_DROP, ""))     \
	CHANNEL(SENSOR, "sensor",                                              \
		MBX_STATE(MBX_R2H, 12, 2, "u32 n, i16 v[3], x8 f, char u"))    \
	CHANNEL(SETPOINT, "setpoint", MBX_STATE(MBX_H2R, 5, 4, ""))            \
	CHANNEL(LOG, "log", MBX_LOG(MBX_R2H, 22, 4))                           \
	CHANNEL(RPC, "rpc", MBX_CALL(MBX_H2R, 6, 9, 2, "char q[] -> char a[]"))
MBX_DECLARE_CHANNELS(golden, CHANNELS);

/* Stop at the first thing that is not as it should be. */
#define must(truth) ((truth) ? (void)0 : not_true(__LINE__, #truth))

uint32_t region_channels(void)
{
	return golden_count;
}

/* ---- the region's words ---- */

uint32_t region_word(uintptr_t base, uint32_t off)
{
	const volatile uint8_t *b = (const volatile uint8_t *)(base + off);

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

void set_region_word(uintptr_t base, uint32_t off, uint32_t v)
{
	volatile uint8_t *b = (volatile uint8_t *)(base + off);
	int i;

	for (i = 0; i < 4; i++, v >>= 8)
		b[i] = (uint8_t)v;
}

/* ---- payloads: byte i of message s is 16 * s + i ---- */

static const uint8_t *payload(uint8_t s, uint32_t bytes)
{
	static uint8_t buf[32];
	uint32_t i;

	for (i = 0; i < bytes; i++)
		buf[i] = (uint8_t)(16u * s + i);
	return buf;
}

static int is_payload(const uint8_t *buf, uint8_t s, uint32_t bytes)
{
	return __builtin_memcmp(buf, payload(s, bytes), bytes) == 0;
}

/* ---- both sides ---- */

struct sides {
	struct mbx_link host, remote;
	uint32_t age; /* us since either side's first life began */
};

static struct mbx_link_config config_of(uintptr_t base, enum mbx_side side)
{
	struct mbx_link_config c = {
		.base = base,
		.bytes = REGION_BYTES,
		.side = side,
		.channels = golden,
		.count = golden_count,
		.line_bytes = 16,
		.page_bytes = 64,
		.wakeup = side == MBX_HOST ? MBX_WAKE_FUTEX : MBX_WAKE_DOORBELL,
		.boot_reason = side == MBX_HOST ? 0 : 0xb007,
		.owner = side == MBX_HOST ? 4321 : 0,
	};

	return c;
}

static void init(struct sides *s, uintptr_t base, uint32_t age)
{
	struct mbx_link_config host = config_of(base, MBX_HOST),
			       remote = config_of(base, MBX_REMOTE);

	s->age = age;
	mbx_link_init(&s->host, &host);
	mbx_link_init(&s->remote, &remote);
	must(s->host.end_off <= REGION_BYTES);
}

static uint32_t remote_time(struct sides *s)
{
	return REMOTE_TIME + ++s->age;
}

static void bring_up(struct sides *s)
{
	must(mbx_link_attach(&s->remote) == 0);
	must(mbx_link_poll(&s->remote, remote_time(s)) == 0);
	must(mbx_link_attach(&s->host) == 0);
	must(mbx_link_poll(&s->host, HOST_TIME + s->age) == 0);
	must(mbx_link_poll(&s->remote, remote_time(s)) == MBX_EVENT_UP);
	must(mbx_link_poll(&s->host, HOST_TIME + s->age) == MBX_EVENT_UP);
}

static struct mbx_queue_place queue(const struct mbx_link *l, uint32_t index)
{
	struct mbx_queue_place at;

	must(mbx_link_queue(l, index, &at) == 0);
	return at;
}

static struct mbx_queue_place back(const struct mbx_link *l, uint32_t index)
{
	struct mbx_queue_place at;

	must(mbx_link_back(l, index, &at) == 0);
	return at;
}

static struct mbx_slots_place slots(const struct mbx_link *l, uint32_t index)
{
	struct mbx_slots_place at;

	must(mbx_link_slots(l, index, &at) == 0);
	return at;
}

static void send(struct mbx_tx *tx, uint8_t s, uint32_t bytes, int expect)
{
	must(mbx_tx_send(tx, payload(s, bytes), bytes) == expect);
}

static void recv_one(struct mbx_rx *rx, uint8_t s, uint32_t bytes)
{
	uint8_t buf[32];

	must(mbx_rx_recv(rx, buf, sizeof(buf)) == (int)bytes);
	must(is_payload(buf, s, bytes));
}

/* ---- what the region holds: put there, and taken back out ---- */

/* Lengths that are no multiple of 4, padding at the wrap, a sleeper. */
static void make_cmd(struct sides *s)
{
	struct mbx_queue_place at = queue(&s->host, CMD),
			       there = queue(&s->remote, CMD);
	struct mbx_tx tx;
	struct mbx_rx rx;

	must(at.ring_bytes == 100);
	must(mbx_tx_attach(&tx, &at) == 0);
	must(mbx_rx_attach(&rx, &there) == 0);
	send(&tx, 1, 7, 0);
	send(&tx, 2, 13, 0);
	send(&tx, 3, 20, 0);
	recv_one(&rx, 1, 7);
	recv_one(&rx, 2, 13);
	recv_one(&rx, 3, 20);
	must(mbx_rx_want_data(&rx, 1) == 0);
	send(&tx, 4, 19, 0); /* to 80 of 100 */
	send(&tx, 5, 18, 0); /* behind padding, at 0 */
	send(&tx, 6, 1, 0);
	send(&tx, 7, 0, 0);
	must(tx.pos == 36 && mbx_tx_notify(&tx) == 1);
}

static void read_cmd(struct sides *s)
{
	struct mbx_queue_place at = queue(&s->host, CMD),
			       there = queue(&s->remote, CMD);
	uint8_t buf[32];
	struct mbx_tx tx;
	struct mbx_rx rx;

	must(mbx_tx_attach(&tx, &at) == 0 && tx.pos == 36);
	must(mbx_rx_attach(&rx, &there) == 0);
	recv_one(&rx, 4, 19);
	recv_one(&rx, 5, 18);
	recv_one(&rx, 6, 1);
	recv_one(&rx, 7, 0);
	must(mbx_rx_recv(&rx, buf, sizeof(buf)) == MBX_EAGAIN);
	send(&tx, 8, 11, 0);
	recv_one(&rx, 8, 11);
}

/* A batch, a claim cut short, a message dropped, one in the reader's hand. */
static void make_events(struct sides *s)
{
	struct mbx_queue_place at = queue(&s->remote, EVENTS),
			       there = queue(&s->host, EVENTS);
	struct mbx_word mbx_shared *data;
	struct mbx_tx tx;
	struct mbx_rx rx;

	must(mbx_tx_attach(&tx, &at) == 0);
	must(mbx_rx_attach(&rx, &there) == 0);
	must(mbx_tx_put(&tx, payload(1, 9), 9) == 0);
	must(mbx_tx_put(&tx, payload(2, 11), 11) == 0);
	must(mbx_rx_want_data(&rx, 0) == 0); /* nothing to be seen yet */
	mbx_tx_flush(&tx);
	must(mbx_tx_claim(&tx, 13, &data) == 0);
	mbx_copy_in(data, payload(3, 3), 3);
	must(mbx_tx_commit(&tx, 3) == 0);
	send(&tx, 4, 13, 0);
	send(&tx, 5, 1, 1); /* dropped, and counted */
	must(mbx_tx_want_room(&tx, 1) == 0);
	must(mbx_rx_peek(&rx, &data) == 9);
}

static void read_events(struct sides *s)
{
	struct mbx_queue_place at = queue(&s->remote, EVENTS),
			       there = queue(&s->host, EVENTS);
	struct mbx_word mbx_shared *data;
	uint8_t buf[16];
	struct mbx_tx tx;
	struct mbx_rx rx;

	must(mbx_rx_attach(&rx, &there) == 1); /* it was in hand */
	must(mbx_rx_notify(&rx) == 1);	       /* the producer wants room */
	must(mbx_tx_attach(&tx, &at) == 0);
	must(tx.full == 2 && mbx_rx_notify(&rx) == 0);
	must(mbx_rx_peek(&rx, &data) == 9);
	mbx_copy_out(buf, data, 9);
	must(is_payload(buf, 1, 9));
	mbx_rx_release(&rx);
	recv_one(&rx, 2, 11);
	recv_one(&rx, 3, 3);
	recv_one(&rx, 4, 13);
	must(mbx_rx_recv(&rx, buf, sizeof(buf)) == MBX_EAGAIN);
}

static void make_slots(struct sides *s)
{
	static const uint8_t level[] = { MBX_LOG_ERROR, MBX_LOG_WARNING,
					 MBX_LOG_INFO,	MBX_LOG_DEBUG,
					 MBX_LOG_INFO,	MBX_LOG_ERROR };
	struct mbx_slots_place at = slots(&s->remote, SENSOR);
	struct mbx_writer w;
	uint8_t i;

	mbx_writer_attach(&w, &at);
	for (i = 1; i <= 5; i++)
		must(mbx_writer_write(&w, 0, payload(i, 12), 12,
				      remote_time(s)) == 0);
	at = slots(&s->remote, LOG);
	mbx_writer_attach(&w, &at);
	for (i = 1; i <= FIELDS(level); i++)
		must(mbx_writer_write(&w, level[i - 1], payload(i, 16u + i),
				      16u + i, remote_time(s)) == 0);
	must(mbx_writer_write(&w, 0, payload(7, 23), 23, 0) == MBX_EMSGSIZE);
}

/* By anybody: host, remote, or an observer who may not write. */
static void read_slots(const struct mbx_link *l)
{
	struct mbx_slots_place at = slots(l, SENSOR);
	struct mbx_record rec;
	struct mbx_reader r;
	uint8_t buf[32], i;

	mbx_reader_attach(&r, &at);
	must(mbx_reader_newest(&r, buf, sizeof(buf), &rec) == 12);
	must(is_payload(buf, 5, 12) && rec.number == 5 && rec.missed == 1);

	at = slots(l, SETPOINT);
	mbx_reader_attach(&r, &at);
	must(mbx_reader_newest(&r, buf, 5, &rec) == MBX_ENODATA);

	at = slots(l, LOG);
	mbx_reader_attach(&r, &at);
	for (i = 3; i <= 6; i++) { /* 1 and 2 are overwritten */
		must(mbx_reader_next(&r, buf, sizeof(buf), &rec) == 16 + i);
		must(is_payload(buf, i, 16u + i) && rec.number == i);
		must(rec.missed == 0);
	}
	must(rec.level == MBX_LOG_ERROR);
	must(rec.stamp_us < HOST_TIME); /* behind the wrap of its clock */
	must(mbx_reader_next(&r, buf, sizeof(buf), &rec) == MBX_EAGAIN);
}

/* Serve the oldest request, expected to be @s, by its payload and one byte. */
static void serve(struct mbx_server *server, uint8_t s, uint32_t bytes)
{
	struct mbx_request req;
	uint8_t buf[16];

	must(mbx_server_take(server, &req, buf, sizeof(buf)) == (int)bytes);
	must(is_payload(buf, s, bytes) && req.timeout_us == 100);
	must(mbx_server_reply(server, &req, -s, payload(s, bytes + 1u),
			      bytes + 1u) == 0);
}

static void attach_rpc(struct sides *s, struct mbx_caller *c,
		       struct mbx_server *server)
{
	struct mbx_queue_place req = queue(&s->host, RPC),
			       rep = back(&s->host, RPC);

	must(mbx_caller_attach(c, &req, &rep, s->host.session) == 0);
	req = queue(&s->remote, RPC);
	rep = back(&s->remote, RPC);
	must(mbx_server_attach(server, &req, &rep) == 0);
}

static void call(struct sides *s, struct mbx_caller *c, uint8_t n,
		 uint32_t bytes)
{
	must(mbx_caller_start(c, payload(n, bytes), bytes, 100, HOST_TIME,
			      s->host.peer_session) == 0);
}

/* One call done, one answered too late, one not looked at yet. */
static void make_rpc(struct sides *s)
{
	uint32_t up = s->host.peer_session;
	struct mbx_server server;
	struct mbx_caller c;
	uint8_t buf[16];
	int status;

	attach_rpc(s, &c, &server);
	call(s, &c, 1, 5);
	must(mbx_caller_poll(&c, buf, 16, &status, HOST_TIME, up) ==
	     MBX_EAGAIN);
	serve(&server, 1, 5);
	must(mbx_caller_poll(&c, buf, 16, &status, HOST_TIME, up) == 6);
	must(is_payload(buf, 1, 6) && status == -1);
	call(s, &c, 2, 6);
	must(mbx_caller_poll(&c, buf, 16, &status, HOST_TIME + 100, up) ==
	     MBX_ETIMEDOUT);
	serve(&server, 2, 6);
	call(s, &c, 3, 1);
}

static void read_rpc(struct sides *s)
{
	uint32_t up = s->host.peer_session;
	struct mbx_server server;
	struct mbx_caller c;
	uint8_t buf[16];
	int status;

	attach_rpc(s, &c, &server);
	serve(&server, 3, 1); /* of the caller's earlier life */
	call(s, &c, 4, 3);
	must(mbx_caller_poll(&c, buf, 16, &status, HOST_TIME, up) ==
	     MBX_EAGAIN);
	must(c.stale == 2); /* the replies to 2 and 3 */
	serve(&server, 4, 3);
	must(mbx_caller_poll(&c, buf, 16, &status, HOST_TIME, up) == 4);
	must(is_payload(buf, 4, 4) && status == -4);
}

void make_region(uintptr_t base)
{
	struct sides s;
	uint32_t off;

	/* what formatting does not reach stays as it is */
	for (off = 0; off < REGION_BYTES; off += 4u)
		set_region_word(base, off, 0x5a5a5a5au);
	init(&s, base, 0);
	must(mbx_link_format(&s.remote, remote_time(&s)) == 0);
	bring_up(&s);
	make_cmd(&s);
	make_events(&s);
	make_slots(&s);
	make_rpc(&s);
	must(mbx_link_poll(&s.remote, remote_time(&s)) == 0);
	must(mbx_link_poll(&s.host, HOST_TIME + s.age) == 0);
}

void read_region(uintptr_t base)
{
	struct sides s;

	init(&s, base, SECOND_LIFE);
	protect_region(base, 1);
	must(mbx_link_observe(&s.host) == 0);
	read_slots(&s.host);
	protect_region(base, 0);
	must(mbx_link_format(&s.remote, remote_time(&s)) == 1);
	bring_up(&s);
	must(s.host.session == 2 && s.remote.session == 2);
	must(s.host.instance == 1);
	read_slots(&s.host);
	read_slots(&s.remote);
	read_cmd(&s);
	read_events(&s);
	read_rpc(&s);
}
