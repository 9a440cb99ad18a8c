/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes, or one and firmware (in QEMU: relay.c), sleep and wake by a
 * doorbell that drops, delays, doubles or makes up rings (bell.c): nothing waits
 * for ever, nothing is lost. Small rings, and either side now faster and now
 * slower, so that each waits for data and for room. A third process looks on:
 * when both sleep, that is the end, or it lets time pass.
 *
 * Usage: doorbell MESSAGES FIRMWARE	the path of "echo" for board linux
 *        doorbell MESSAGES BUILD BOARD	the build directory, and QEMU's board
 */
#include "verify/traffic.h"

#include "child.h"
#include "verify/bell.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SOCKET	"bell.socket" /* in the folder where it was started */
#define MAX	48u
#define FOREVER 3600000
#define RAM	(16 << 20) /* QEMU's board has so much */

/*
 * Without a message. Between two there are 100 us, and QEMU sleeps at each: so
 * its board's own tick has come a hundred times.
 */
#define TICKS 20000

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(THERE, "up", MBX_QUEUE(MBX_H2R, MAX, 2, MBX_BLOCK, ""))        \
	CHANNEL(BACK, "down", MBX_QUEUE(MBX_R2H, MAX, 2, MBX_BLOCK, ""))       \
	CHANNEL(ASKED, "ask", MBX_CALL(MBX_H2R, MAX, MAX, 2, ""))
MBX_DECLARE_CHANNELS(channels, CHANNELS);

static struct bell *bell;
static uint32_t wanted; /* messages */
static const char *echo, *build, *board;
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

/*
 * The sender goes on when the receiver says that it has this one: after bursts of
 * 1, 2, 3 and 10, so that a ring is now and then the last one for a while.
 */
static int ends_burst(uint32_t number)
{
	uint32_t n = number % 16u;

	return n == 0 || n == 1 || n == 3 || n == 6 || number + 1 == wanted;
}

/*
 * By send, by a batch, which ends with the burst if not before, or by claim; some
 * in one way, so that batches fill the ring.
 */
static void send_one(struct mbx_end *e, uint32_t number)
{
	static uint32_t how;
	uint8_t buf[MAX];
	uint32_t n = make_message(buf, MAX, 1, number);
	void *at;

	dawdle();
	if (any(4) == 0)
		how = any(3);
	switch (how) {
	case 0:
		good(mbx_send(e, buf, n, FOREVER));
		break;
	case 1:
		good(mbx_put(e, buf, n, FOREVER));
		if (any(8) == 0 || ends_burst(number))
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

static void send_all(struct mbx_end *e, struct mbx_end *back)
{
	char none;
	uint32_t i;

	for (i = 0; i < wanted; i++) {
		send_one(e, i);
		if (ends_burst(i))
			good(mbx_recv(back, &none, 1, FOREVER));
	}
}

static void acknowledge(struct mbx_end *back, uint32_t number)
{
	if (ends_burst(number))
		good(mbx_send(back, "", 0, FOREVER));
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

	bell_join(bell, side);
	good(mbx_open(&m, region, &o));
	good(mbx_wait_peer(m, FOREVER));
	return m;
}

/* The remote: takes, serves, sends. */
static void remote(const char *region)
{
	struct mbx *m = open_side(region, MBX_REMOTE);
	struct mbx_end *up = end_of(m, "up"), *ask = end_of(m, "ask");
	struct mbx_end *down = end_of(m, "down");
	struct mbx_request request;
	uint8_t buf[MAX];
	uint32_t i;
	int n;

	random_state = 77;
	for (i = 0; i < wanted; i++) {
		take_one(up, i);
		acknowledge(down, i);
	}
	for (i = 0; i < wanted; i++) {
		n = mbx_serve(ask, buf, MAX, &request, FOREVER);
		whole(n, buf, i);
		dawdle();
		good(mbx_reply(ask, &request, 0, buf, (size_t)n));
	}
	send_all(down, up);
	mbx_close(m);
}

/* As a program that has its own poll(), whose wake-up is the doorbell only. */
static void take_by_poll(struct mbx *m, struct mbx_end *e, struct mbx_end *back)
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
		       (n = mbx_recv(e, buf, MAX, 0)) != MBX_EAGAIN) {
			whole(n, buf, i);
			acknowledge(back, i++);
		}
		dawdle();
	}
}

static void host(const char *region)
{
	struct mbx *m = open_side(region, MBX_HOST);
	struct mbx_end *up = end_of(m, "up"), *ask = end_of(m, "ask");
	struct mbx_end *down = end_of(m, "down");
	uint8_t buf[MAX], reply[MAX];
	uint32_t i, n;

	bell->traffic = 1;
	send_all(up, down);
	for (i = 0; i < wanted; i++) {
		n = make_message(buf, MAX, 1, i);
		dawdle();
		whole(mbx_call(ask, buf, n, reply, MAX, NULL, 2000000), reply,
		      i);
	}
	take_by_poll(m, down, up);
	mbx_close(m);
}

/* ---- with firmware, which echoes ---- */

/* Until nothing has moved for a while: the echo waits for room, too. */
static uint32_t send_what_fits(struct mbx_end *e, uint32_t number)
{
	uint32_t tries = 0;
	uint8_t buf[MAX];
	int err;

	while (number < wanted && tries < 3) {
		make_message_of(buf, MAX, 1, number);
		err = mbx_send(e, buf, MAX, 0); /* here, no wait is short */
		if (err == MBX_EAGAIN) {
			usleep(200);
			tries++;
			continue;
		}
		good(err);
		tries = 0;
		number++;
	}
	return number;
}

static struct mbx *open_echo(const char *region)
{
	struct mbx_options o = { .timeout_ms = FOREVER,
				 .liveness_ms = 1000000,
				 .doorbell = host_bell };
	struct mbx *m = NULL;

	good(mbx_open(&m, region, &o));
	good(mbx_wait_peer(m, FOREVER));
	return m;
}

static void with_firmware(const char *region)
{
	struct mbx_end *ping, *pong;
	uint32_t sent = 0, got = 0;
	struct mbx *m;

	bell_join(bell, MBX_HOST);
	m = open_echo(region);
	ping = end_of(m, "ping");
	pong = end_of(m, "pong");
	wanted *= 4; /* of which few fill both rings */
	bell->traffic = 1;
	while (got < wanted) {
		/* up to as many as the rings hold, then as many as there are */
		uint32_t burst = any(2) ? 1 + any(20) : 0;

		if (!burst)
			sent = send_what_fits(ping, sent);
		while (sent < wanted && burst--)
			send_one(ping, sent++);
		good(mbx_flush(ping));
		while (got < sent)
			take_one(pong, got++);
	}
	mbx_close(m);
}

/*
 * Two processes of the host: the first one dies with its doorbell, and the other
 * goes on with that. Firmware that sleeps until it is rung has to hear of it.
 */
static void dies_with_the_bell(const char *region)
{
	struct mbx *m = open_echo(region);

	bell->messages = 1; /* here I am */
	for (;;)
		mbx_wait(m, 10);
}

static void taking_over(const char *region)
{
	struct mbx_end *ping, *pong;
	struct mbx *m;
	uint32_t i;
	pid_t pid = fork_bound();

	if (pid == 0)
		dies_with_the_bell(region);
	while (!__atomic_load_n(&bell->messages, __ATOMIC_ACQUIRE))
		usleep(1000);
	bell_join(bell, MBX_HOST);
	m = open_echo(region);
	ping = end_of(m, "ping");
	pong = end_of(m, "pong");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	bell->traffic = !bell_loses(bell); /* no tick will wake the echo */
	while (bell->traffic && !bell_sleeps(bell, MBX_REMOTE))
		usleep(1000);
	while (!(mbx_poll(m) & MBX_EVENT_DOWN))
		usleep(1000);
	good(mbx_wait_peer(m, FOREVER));
	bell->traffic = 1;
	for (i = 0; i < 100; i++) {
		send_one(ping, i);
		good(mbx_flush(ping));
		take_one(pong, i);
	}
	mbx_close(m);
}

/* ---- firmware: a process, or on an emulated board ---- */

static void process(const char *region)
{
	setenv("MBX_REGION", region, 1);
	setenv("MBX_BOARD_SOCKET", remote_bell, 1);
	execl(echo, echo, (char *)NULL);
	child_check(!"the firmware could be started");
}

/* Only its doorbell wakes it, or, where no ring comes, only its tick does. */
static void emulated(const char *region)
{
	char mbx[4096], relay[4096], fw[4096];

	snprintf(mbx, sizeof(mbx), "%s/mbx", build);
	snprintf(relay, sizeof(relay), "%s/verify/relay", build);
	snprintf(fw, sizeof(fw), "%s/%s%s/dozy.elf", build,
		 bell->fault == BELL_NEVER ? "" : "notick/", board);
	execl(mbx, mbx, "sim", "--board", board, "--fw", fw, "--region", region,
	      "--dir", ".", "--", relay, (char *)NULL);
	child_check(!"the emulator could be started");
}

/* ---- all faults ---- */

static const char *const faults[BELL_FAULTS] = { "none",    "late",
						 "double",  "spurious",
						 "dropped", "silent" };

static pid_t start(void (*side)(const char *), const char *region)
{
	pid_t pid;

	pid = fork_bound();
	if (pid == 0) {
		side(region);
		_exit(0);
	}
	return pid;
}

static void __attribute__((noreturn, format(printf, 2, 3)))
over(const char *kind, const char *what, ...)
{
	va_list ap;

	fprintf(stderr, "%s, %s: ", kind, faults[bell->fault]);
	va_start(ap, what);
	vfprintf(stderr, what, ap);
	va_end(ap);
	fprintf(stderr, ", after %u messages\n", bell->messages);
	kill(0, SIGKILL);
	abort();
}

static void ended_well(const char *kind, pid_t ended, int status)
{
	if (ended < 0 || status)
		over(kind, "a process ended with status 0x%x",
		     (unsigned)status);
}

/* Until the process has ended: when both sleep, time passes, or never will. */
static void watch_until_the_end_of(pid_t pid, const char *kind)
{
	uint32_t messages = 0, ticks = 0;
	int status, timed, all_sleep;
	pid_t ended;

	for (;;) {
		usleep(100);
		timed = bell_waits_for_time(bell);
		all_sleep = bell_all_sleep(bell);
		ended = waitpid(pid, &status, WNOHANG);
		if (ended) /* which looks like sleep */
			break;
		if (!all_sleep)
			continue;
		if (!timed)
			over(kind,
			     "both sides sleep, and no ring is under way");
		bell_tick(bell);
		if (messages != bell->messages)
			ticks = 0;
		messages = bell->messages;
		if (ticks++ == TICKS)
			over(kind, "time passes, and nothing moves");
	}
	ended_well(kind, ended, status);
}

/* Until rings get to it: none is sent again. */
static void wait_for_emulator(pid_t pid, const char *kind)
{
	int status;

	while (!bell->side[MBX_REMOTE].emulator) {
		if (waitpid(pid, &status, WNOHANG))
			over(kind, "mbx sim ended with status 0x%x",
			     (unsigned)status);
		usleep(1000);
	}
}

static void run(const char *kind, enum bell_fault fault, uint32_t count,
		void (*other)(const char *), void (*this)(const char *))
{
	int file = memfd_create("region", 0), is_firmware = other != remote;
	pid_t first, second;
	char name[64];
	int status;

	*bell = (struct bell){ .fault = fault };
	wanted = count;
	snprintf(name, sizeof(name), "file:/proc/%d/fd/%d", getpid(), file);
	if (ftruncate(file, other == emulated ? RAM : 65536))
		exit(1);
	first = start(other, name);
	if (other == emulated)
		wait_for_emulator(first, kind);
	second = start(this, name);
	watch_until_the_end_of(second, kind);
	if (is_firmware) {
		kill(first, SIGTERM);
		ended_well(kind, waitpid(first, &status, 0), status);
	} else {
		watch_until_the_end_of(first, kind);
	}
	close(file);
	printf("%s, %s: %u messages, %u rings, %u waits, %u faults\n", kind,
	       faults[fault], bell->messages, bell->rings, bell->waits,
	       bell->faults);
}

static void with_processes(enum bell_fault f, uint32_t count, int a, int b)
{
	strcpy(host_bell, "futex");
	strcpy(remote_bell, "futex");
	run("futex", f, count, remote, host);
	snprintf(host_bell, sizeof(host_bell), "eventfd:%d,%d", a, b);
	snprintf(remote_bell, sizeof(remote_bell), "eventfd:%d,%d", b, a);
	run("eventfd", f, count, remote, host);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 2 ? (uint32_t)atoi(argv[1]) : 0;
	int a = eventfd(0, 0), b = eventfd(0, 0);
	enum bell_fault f;

	if (!count)
		return 2;
	build = echo = argv[2];
	board = argv[3];
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	bell = bell_make();
	for (f = 0; f < BELL_FAULTS; f++) {
		if (!board)
			with_processes(f, count, a, b);
		strcpy(remote_bell, SOCKET);
		strcpy(host_bell, "socket:" SOCKET);
		run(board ? board : "firmware", f, count,
		    board ? emulated : process, with_firmware);
		run("taken over", f, count, board ? emulated : process,
		    taking_over);
	}
	return 0;
}
