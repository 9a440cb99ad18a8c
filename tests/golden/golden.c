/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The golden region: one small region with something of everything in it,
 * written the same to the byte by every build of common/, and read back from
 * the file that an earlier build wrote.
 *
 *	golden --write FILE	make the region and save it as hex
 *	golden --check FILE	make it and compare; then read FILE's back
 *	golden --at-zero FILE	the same, with the region at address 0
 *
 * The file has one line for each eight words: offset, then their values. It
 * changes only with the layout's version: see common/LAYOUT.md. Both sides run
 * here, in one thread, on clocks that the program sets.
 */
#include <mbx/link.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_BYTES 0x5c0u
#define LINE_WORDS   8u
#define HOST_TIME    1000u	 /* us, when the host's first life begins */
#define REMOTE_TIME  0xfffffff5u /* its clock wraps in the middle of things */
#define SECOND_LIFE  50000000u	 /* us later */
#define FIELDS(n)    (sizeof(n) / sizeof(*(n)))

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
#define must(truth) ((truth) ? (void)0 : die(__LINE__, #truth))

static _Noreturn void die(int line, const char *what)
{
	fprintf(stderr, "golden.c:%d: not true: %s\n", line, what);
	exit(1);
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
	return memcmp(buf, payload(s, bytes), bytes) == 0;
}

/* ---- the region's words ---- */

/* By bytes, so that a core of either byte order must mean the same by it. */
static uint32_t region_word(uintptr_t base, uint32_t off)
{
	const volatile uint8_t *b = (const volatile uint8_t *)(base + off);

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

static void set_region_word(uintptr_t base, uint32_t off, uint32_t v)
{
	volatile uint8_t *b = (volatile uint8_t *)(base + off);
	int i;

	for (i = 0; i < 4; i++, v >>= 8)
		b[i] = (uint8_t)v;
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

static void make_region(uintptr_t base)
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

/* A new life of both sides, in a region that somebody else has filled. */
static void read_region(uintptr_t base)
{
	struct sides s;

	init(&s, base, SECOND_LIFE);
	must(mprotect((void *)base, REGION_BYTES, PROT_READ) == 0);
	must(mbx_link_observe(&s.host) == 0);
	read_slots(&s.host);
	must(mprotect((void *)base, REGION_BYTES, PROT_READ | PROT_WRITE) == 0);
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

/* ---- the region as text ---- */

static void line_of(uintptr_t base, uint32_t off, char line[96])
{
	uint32_t i;
	int n = sprintf(line, "%04x:", (unsigned int)off);

	for (i = 0; i < LINE_WORDS; i++)
		n += sprintf(line + n, " %08x",
			     (unsigned int)region_word(base, off + 4u * i));
	strcpy(line + n, "\n");
}

static FILE *open_or_die(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

static void save(uintptr_t base, const char *path)
{
	FILE *f = open_or_die(path, "w");
	char line[96];
	uint32_t off;

	for (off = 0; off < REGION_BYTES; off += 4u * LINE_WORDS) {
		line_of(base, off, line);
		fputs(line, f);
	}
	must(fclose(f) == 0);
}

/* The saved region's lines, compared with the one at @base; 0 if the same. */
static int compare(uintptr_t base, const char *path)
{
	FILE *f = open_or_die(path, "r");
	char ours[96], theirs[96];
	int differ = 0;
	uint32_t off;

	for (off = 0; off < REGION_BYTES; off += 4u * LINE_WORDS) {
		line_of(base, off, ours);
		if (!fgets(theirs, sizeof(theirs), f))
			theirs[0] = 0;
		if (strcmp(ours, theirs) == 0)
			continue;
		differ++;
		fprintf(stderr, "golden %s",
			theirs[0] ? theirs : "ends here\n");
		fprintf(stderr, "made   %s", ours);
	}
	must(fgetc(f) == EOF);
	fclose(f);
	return differ;
}

static void load(uintptr_t base, const char *path)
{
	FILE *f = open_or_die(path, "r");
	unsigned int at, v;
	uint32_t off;

	for (off = 0; off < REGION_BYTES; off += 4u) {
		if (off % (4u * LINE_WORDS) == 0)
			must(fscanf(f, "%x:", &at) == 1 && at == off);
		must(fscanf(f, "%x", &v) == 1);
		set_region_word(base, off, v);
	}
	fclose(f);
}

/* Memory at @where (0: at address 0; otherwise only a wish: anywhere). */
static uintptr_t map(int at_zero)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (at_zero ? MAP_FIXED : 0);
	void *p = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, flags, -1,
		       0);

	if (p == MAP_FAILED) {
		perror(at_zero ? "no memory at address 0" : "mmap");
		exit(at_zero ? 77 : 1);
	}
	must(!at_zero == ((uintptr_t)p != 0));
	return (uintptr_t)p;
}

int main(int argc, char **argv)
{
	int at_zero = argc == 3 && !strcmp(argv[1], "--at-zero");
	uintptr_t base;

	if (argc != 3 || (!at_zero && strcmp(argv[1], "--check") &&
			  strcmp(argv[1], "--write"))) {
		fprintf(stderr,
			"usage: golden --write|--check|--at-zero FILE\n");
		return 2;
	}
	base = map(at_zero);
	make_region(base);
	if (!strcmp(argv[1], "--write")) {
		save(base, argv[2]);
	} else if (compare(base, argv[2])) {
		fprintf(stderr, "golden: not the bytes of %s\n", argv[2]);
		return 1;
	}
	load(base, argv[2]);
	read_region(base);
	printf("golden: %s, region at %#lx, %u channels read back\n", argv[1],
	       (unsigned long)base, (unsigned int)golden_count);
	return 0;
}
