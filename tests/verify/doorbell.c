/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes, or one and firmware, sleep and wake by a doorbell that drops,
 * delays, doubles or makes up rings (bell.c): nothing waits for ever, nothing is
 * lost. Small rings, and either side now faster and now slower, so that each
 * waits for data and for room.
 *
 * Usage: doorbell MESSAGES [FIRMWARE]	the path of "echo" for board linux
 */
#include "verify/traffic.h"

#include "verify/bell.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SOCKET	"bell.socket" /* in the folder where it was started */
#define MAX	48u
#define FOREVER 3600000

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(THERE, "up", MBX_QUEUE(MBX_H2R, MAX, 2, MBX_BLOCK, ""))        \
	CHANNEL(BACK, "down", MBX_QUEUE(MBX_R2H, MAX, 2, MBX_BLOCK, ""))       \
	CHANNEL(ASKED, "ask", MBX_CALL(MBX_H2R, MAX, MAX, 2, ""))
MBX_DECLARE_CHANNELS(channels, CHANNELS);

static struct bell *bell;
static uint32_t wanted;
static const char *echo;
static char host_bell[128], remote_bell[128];

static void whole(int n, const uint8_t *buf, uint32_t number)
{
	uint32_t life, is;

	if (n < 0 || !is_message(buf, n, &life, &is) || is != number) {
		fprintf(stderr, "message %u: %d: %s\n", number, n,
			mbx_errmsg());
		kill(0, SIGKILL);
	}
	__atomic_fetch_add(&bell->messages, 1, __ATOMIC_RELAXED);
}

static void good(int err)
{
	if (err < 0) {
		fprintf(stderr, "%d: %s\n", err, mbx_errmsg());
		kill(0, SIGKILL);
	}
}

/* By send, by a batch of one or two, or by claim. */
static void send_one(struct mbx_end *e, uint32_t number)
{
	uint8_t buf[MAX];
	uint32_t n = make_message(buf, MAX, 1, number);
	void *at;

	dawdle();
	switch (any(3)) {
	case 0:
		good(mbx_send(e, buf, n, FOREVER));
		break;
	case 1:
		good(mbx_put(e, buf, n, FOREVER));
		if (any(2) || number + 1 == wanted)
			good(mbx_flush(e));
		break;
	default:
		good(mbx_claim(e, n, &at, FOREVER));
		memcpy(at, buf, n);
		good(mbx_commit(e, n));
	}
}

static void take_one(struct mbx_end *e, uint32_t number)
{
	uint8_t buf[MAX];
	const void *at;
	int n;

	dawdle();
	if (any(2)) {
		n = mbx_recv(e, buf, MAX, FOREVER);
	} else {
		n = mbx_peek(e, &at, FOREVER);
		good(n);
		memcpy(buf, at, (size_t)n);
		good(mbx_release(e));
	}
	whole(n, buf, number);
}

static struct mbx_end *end_of(struct mbx *m, const char *name)
{
	struct mbx_end *e = NULL;

	good(mbx_end_open(m, name, &e));
	return e;
}

static struct mbx *open_side(const char *region, int side)
{
	struct mbx_options o = { .side = side ? MBX_REMOTE : MBX_HOST,
				 .format = side,
				 .channels = channels,
				 .count = channels_count,
				 .timeout_ms = FOREVER,
				 .liveness_ms = 1000000,
				 .doorbell = side ? remote_bell : host_bell };
	struct mbx *m = NULL;

	good(mbx_open(&m, region, &o));
	good(mbx_wait_peer(m, FOREVER));
	return m;
}

/* The remote: takes, serves, sends. */
static void remote(const char *region)
{
	struct mbx *m = open_side(region, 1);
	struct mbx_end *up = end_of(m, "up"), *ask = end_of(m, "ask");
	struct mbx_end *down = end_of(m, "down");
	struct mbx_request request;
	uint8_t buf[MAX];
	uint32_t i;
	int n;

	random_state = 77;
	for (i = 0; i < wanted; i++)
		take_one(up, i);
	for (i = 0; i < wanted; i++) {
		n = mbx_serve(ask, buf, MAX, &request, FOREVER);
		whole(n, buf, i);
		dawdle();
		good(mbx_reply(ask, &request, 0, buf, (size_t)n));
	}
	for (i = 0; i < wanted; i++)
		send_one(down, i);
	/* until the host has taken all: it says so */
	n = mbx_recv(up, buf, MAX, FOREVER);
	good(n);
	mbx_close(m);
}

/* As a program that has its own poll(), whose wake-up is the doorbell only. */
static void take_by_poll(struct mbx *m, struct mbx_end *e)
{
	struct pollfd p = { .fd = mbx_fd(m), .events = POLLIN };
	uint8_t buf[MAX];
	uint32_t i = 0;
	int n;

	while (i < wanted) {
		n = mbx_arm(m);
		good(n);
		if (n == 0)
			good(poll(&p, 1, 50) < 0 && errno != EINTR ? MBX_EIO
								   : 0);
		good(mbx_poll(m));
		while (i < wanted &&
		       (n = mbx_recv(e, buf, MAX, 0)) != MBX_EAGAIN)
			whole(n, buf, i++);
		dawdle();
	}
}

static void host(const char *region)
{
	struct mbx *m = open_side(region, 0);
	struct mbx_end *up = end_of(m, "up"), *ask = end_of(m, "ask");
	uint8_t buf[MAX], reply[MAX];
	uint32_t i, n;

	bell->traffic = 1;
	for (i = 0; i < wanted; i++)
		send_one(up, i);
	for (i = 0; i < wanted; i++) {
		n = make_message(buf, MAX, 1, i);
		dawdle();
		whole(mbx_call(ask, buf, n, reply, MAX, NULL, 2000000), reply,
		      i);
	}
	take_by_poll(m, end_of(m, "down"));
	bell->traffic = 0;
	good(mbx_send(up, "", 0, FOREVER));
	mbx_close(m);
}

/* ---- with firmware, which echoes ---- */

/* Until nothing has moved for a while: the echo waits for room, too. */
static uint32_t send_what_fits(struct mbx_end *e, uint32_t number)
{
	uint32_t n, tries = 0;
	uint8_t buf[MAX];
	int err;

	while (number < wanted && tries < 3) {
		n = make_message(buf, MAX, 1, number);
		err = mbx_send(e, buf, n, 0); /* here, no wait is short */
		if (err == MBX_EAGAIN) {
			usleep(500);
			tries++;
			continue;
		}
		good(err);
		tries = 0;
		number++;
	}
	return number;
}

static void with_firmware(const char *region)
{
	struct mbx_options o = { .timeout_ms = FOREVER, .doorbell = host_bell };
	struct mbx_end *ping, *pong;
	uint32_t sent = 0, got = 0;
	struct mbx *m = NULL;

	good(mbx_open(&m, region, &o));
	good(mbx_wait_peer(m, FOREVER));
	ping = end_of(m, "ping");
	pong = end_of(m, "pong");
	bell->traffic = 1;
	while (got < wanted) {
		/* up to as many as the rings hold, then as many as there are */
		uint32_t burst = any(4) ? 1 + any(12) : 0;

		if (!burst)
			sent = send_what_fits(ping, sent);
		while (sent < wanted && burst--)
			send_one(ping, sent++);
		good(mbx_flush(ping));
		while (got < sent)
			take_one(pong, got++);
	}
	bell->traffic = 0;
	mbx_close(m);
}

/*
 * Two processes of the host: the first one dies with its doorbell, and the other
 * goes on with that. Firmware that sleeps until it is rung has to hear of it.
 */
static void dies_with_the_bell(const char *region)
{
	struct mbx_options o = { .timeout_ms = FOREVER, .doorbell = host_bell };
	struct mbx *m = NULL;

	good(mbx_open(&m, region, &o));
	good(mbx_wait_peer(m, FOREVER));
	bell->messages = 1; /* here I am */
	for (;;)
		mbx_wait(m, 10);
}

static void taking_over(const char *region)
{
	struct mbx_options o = { .timeout_ms = FOREVER, .doorbell = host_bell };
	struct mbx_end *ping, *pong;
	struct mbx *m = NULL;
	uint32_t i;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dies_with_the_bell(region);
	}
	while (!__atomic_load_n(&bell->messages, __ATOMIC_ACQUIRE))
		usleep(1000);
	good(mbx_open(&m, region, &o));
	good(mbx_wait_peer(m, FOREVER));
	ping = end_of(m, "ping");
	pong = end_of(m, "pong");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (!(mbx_poll(m) & MBX_EVENT_DOWN))
		usleep(1000);
	good(mbx_wait_peer(m, FOREVER));
	usleep(50000); /* it has fallen asleep */
	bell->traffic = 1;
	for (i = 0; i < 100; i++) {
		send_one(ping, i);
		good(mbx_flush(ping));
		take_one(pong, i);
	}
	bell->traffic = 0;
	mbx_close(m);
}

static void board(const char *region)
{
	setenv("MBX_REGION", region, 1);
	setenv("MBX_BOARD_SOCKET", remote_bell, 1);
	execl(echo, echo, (char *)NULL);
	child_check(!"the firmware could be started");
}

/* ---- all faults ---- */

static const char *const faults[BELL_FAULTS] = {
	"none", "dropped", "silent", "late", "double", "spurious"
};

static void run(const char *kind, enum bell_fault fault, uint32_t count,
		void (*other)(const char *), void (*this)(const char *))
{
	int file = memfd_create("region", 0), status;
	char name[40];
	pid_t pid;

	*bell = (struct bell){ .fault = fault };
	/* where each may take a tick, fewer */
	wanted = fault == BELL_DROPS || fault == BELL_NEVER ? count / 10
							    : count;
	snprintf(name, sizeof(name), "file:/proc/%d/fd/%d", getpid(), file);
	if (ftruncate(file, 65536))
		exit(1);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		other(name);
		_exit(0);
	}
	this(name);
	if (other == board)
		kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	close(file);
	printf("%s, %s: %u messages, %u rings, %u waits, %u faults, %u missed\n",
	       kind, faults[fault], bell->messages, bell->rings, bell->waits,
	       bell->faults, bell->missed);
	if (status)
		exit(1);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 0;
	int a = eventfd(0, 0), b = eventfd(0, 0);
	enum bell_fault f;

	if (!count)
		return 2;
	setpgid(0, 0);
	signal(SIGPIPE, SIG_IGN);
	bell = bell_make();
	for (f = 0; f < BELL_FAULTS; f++) {
		strcpy(host_bell, "futex");
		strcpy(remote_bell, "futex");
		run("futex", f, count, remote, host);
		snprintf(host_bell, sizeof(host_bell), "eventfd:%d,%d", a, b);
		snprintf(remote_bell, sizeof(remote_bell), "eventfd:%d,%d", b,
			 a);
		run("eventfd", f, count, remote, host);
		if (argc < 3)
			continue;
		echo = argv[2];
		strcpy(remote_bell, SOCKET);
		strcpy(host_bell, "socket:" SOCKET);
		run("firmware", f, count, board, with_firmware);
		run("taken over", f, count, board, taking_over);
	}
	return 0;
}
