/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A doorbell with faults, linked between the library (or firmware) and its own
 * by the linker's --wrap.
 *
 * While there is traffic no clock ends a wait: neither the library's look every
 * 50 ms nor the board's tick (but QEMU's, where no ring comes). Once both sides
 * sleep nothing happens any more. If no ring got lost that is the bug that is
 * looked for. If some did, time passes, which wakes a side: so it passes only
 * then, however slow the computer is.
 *
 * Nor does what is needless hide what is missing: a ring for a side that is awake
 * is left out, and at the worst moments a side waits for the other to fall
 * asleep, so that no later message brings another ring.
 */
#include "internal.h"

#include "bell.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOK_US	   50000u /* the longest wait that a lost ring may cost */
#define ENDLESS_US 3600000000u

static struct bell *bell = &(struct bell){ .fault = BELL_WELL };
static int me;

struct bell *bell_make(void)
{
	static char fd[12];

	snprintf(fd, sizeof(fd), "%d", memfd_create("bell", 0));
	if (ftruncate(atoi(fd), sizeof(*bell)))
		abort();
	setenv("MBX_TEST_BELL", fd, 1);
	return mmap(NULL, sizeof(*bell), PROT_READ | PROT_WRITE, MAP_SHARED,
		    atoi(fd), 0);
}

/* What ends a wait */
static void time_is_over(int number)
{
	(void)number;
}

void bell_join(struct bell *shared, int side)
{
	struct sigaction tick = { .sa_handler = time_is_over };

	sigaction(SIGUSR1, &tick, NULL);
	bell = shared;
	me = side;
	bell->side[me].pid = getpid();
}

void bell_stand_for(pid_t emulator)
{
	bell->side[me].emulator = emulator;
}

/* Firmware, which was made by exec(): by the number of a descriptor */
static void __attribute__((constructor)) join_as_firmware(void)
{
	const char *fd = getenv("MBX_TEST_BELL");

	if (fd)
		bell_join(mmap(NULL, sizeof(*bell), PROT_READ | PROT_WRITE,
			       MAP_SHARED, atoi(fd), 0),
			  MBX_REMOTE);
}

static uint32_t look(const uint32_t *what)
{
	return __atomic_load_n(what, __ATOMIC_SEQ_CST);
}

static void count(uint32_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_SEQ_CST);
}

static int chance(unsigned int in)
{
	static unsigned int state = 1;

	state = state * 1103515245u + 12345u;
	return (state >> 16) % in == 0;
}

static void __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", me == MBX_HOST ? "host" : "remote");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ", after %u messages\n", look(&bell->messages));
	kill(0, SIGKILL);
}

/* ---- who sleeps ---- */

int bell_loses(const struct bell *b)
{
	return b->fault == BELL_DROPS || b->fault == BELL_NEVER;
}

int bell_waits_for_time(const struct bell *b)
{
	return bell_loses(b) || !look(&b->traffic);
}

static int in_endless_wait(const struct bell *b, int side)
{
	return look(&b->side[side].sleeps) & 1u;
}

/*
 * How often a thread was switched off, and 1, if it sleeps or has ended; else 0.
 * One that was rung does not sleep any more, even while it waits for a processor.
 */
static unsigned long thread_asleep(pid_t pid, const char *thread, int *ended)
{
	unsigned long by_itself = 0, by_others = 0;
	char path[300], line[256], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, thread);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "voluntary_ctxt_switches: %lu", &by_itself);
		sscanf(line, "nonvoluntary_ctxt_switches: %lu", &by_others);
	}
	if (f)
		fclose(f);
	*ended |= state == 'Z';
	return state == 'S' || state == 'Z' ? by_itself + by_others + 1 : 0;
}

/* The same, of all threads together. */
static unsigned long process_asleep(pid_t pid, int *ended)
{
	unsigned long one = 1, all = 0;
	struct dirent *thread;
	char path[32];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads) {
		*ended = errno == ENOENT && pid;
		return (unsigned long)*ended;
	}
	while (one && (thread = readdir(threads))) {
		if (thread->d_name[0] == '.')
			continue;
		one = thread_asleep(pid, thread->d_name, ended);
		all += one;
	}
	closedir(threads);
	return one ? all : 0;
}

/*
 * The same, of a side with its emulator: in a wait without an end, or in any if
 * time is what wakes
 */
static unsigned long side_asleep(const struct bell *b, int is)
{
	const struct bell_side *side = &b->side[is];
	unsigned long emulator = 0, all;
	int ended = 0;

	all = process_asleep(side->pid, &ended);
	if (!all ||
	    !(ended || bell_waits_for_time(b) || in_endless_wait(b, is)))
		return 0;
	if (side->emulator)
		emulator = process_asleep(side->emulator, &ended);
	return side->emulator && !emulator ? 0 : all + emulator;
}

int bell_sleeps(const struct bell *b, int side)
{
	return b->side[side].emulator ? side_asleep(b, side) != 0
				      : in_endless_wait(b, side);
}

/*
 * Twice, and none of all the threads has moved between: so there was a moment at
 * which all slept, and who sleeps wakes nobody.
 */
int bell_all_sleep(const struct bell *b)
{
	unsigned long host, remote;

	if (!bell_waits_for_time(b) && !in_endless_wait(b, MBX_HOST) &&
	    !in_endless_wait(b, MBX_REMOTE))
		return 0; /* which costs less to see */
	host = side_asleep(b, MBX_HOST);
	remote = host ? side_asleep(b, MBX_REMOTE) : 0;
	return remote && side_asleep(b, MBX_HOST) == host &&
	       side_asleep(b, MBX_REMOTE) == remote;
}

void bell_tick(const struct bell *b)
{
	int first = chance(2), both = chance(2);

	if (in_endless_wait(b, first))
		kill(b->side[first].pid, SIGUSR1);
	if (both && in_endless_wait(b, !first))
		kill(b->side[!first].pid, SIGUSR1);
}

/* ---- the worst moments ---- */

/* All was done that can be done without this side. */
static void until_the_other_sleeps(void)
{
	int tries;

	if (!bell->traffic || chance(2))
		return;
	for (tries = 0; tries < 20 && !bell_sleeps(bell, !me); tries++)
		usleep(100);
}

/* The flag goes up and is looked past, or this side is awake. */
static void wants(int on)
{
	__atomic_store_n(&bell->side[me].wants, (uint32_t)on, __ATOMIC_SEQ_CST);
}

/* ---- waits ---- */

/* Is there a wait at all? It was asked for one of @us. */
static int falls_asleep(int64_t us)
{
	if (!bell->side[me].emulator)
		count(&bell->waits);
	if (us < 0 || us > LOOK_US)
		fail("a wait of %lld us, for which a ring may get lost",
		     (long long)us);
	if (bell->fault == BELL_SPURIOUS && !chance(2)) {
		count(&bell->faults);
		wants(0);
		return 0;
	}
	if (bell->traffic)
		count(&bell->side[me].sleeps);
	return 1;
}

static int is_endless(void)
{
	return in_endless_wait(bell, me);
}

static void wakes(void)
{
	if (is_endless())
		count(&bell->side[me].sleeps);
	wants(0);
}

void __real_mbxi_bell_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			   int count, uint32_t us);
void __wrap_mbxi_bell_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			   int n, uint32_t us);
void __wrap_mbxi_bell_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			   int n, uint32_t us)
{
	if (!falls_asleep(us))
		return;
	__real_mbxi_bell_wait(b, watch, n, is_endless() ? ENDLESS_US : us);
	wakes();
}

/* The board of firmware that is a process, and programs with a poll() */
int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	int ready, why;

	if (!falls_asleep((int64_t)ms * 1000))
		return 0;
	ready = __real_poll(fds, n, is_endless() ? -1 : ms);
	why = errno;
	wakes();
	errno = why;
	return ready;
}

/* The thread behind mbxi_bell_fd(), which looks ten times a second */
long __real_syscall(long number, long a, long b, long c, long d, long e,
		    long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e,
		    long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_futex_waitv && bell->traffic && !bell_loses(bell))
		d = 0; /* its time */
	return __real_syscall(number, a, b, c, d, e, f);
}

void __real_mbxi_bell_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
			  int count);
void __wrap_mbxi_bell_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
			  int n);
void __wrap_mbxi_bell_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
			  int n)
{
	until_the_other_sleeps();
	__real_mbxi_bell_arm(b, watch, n);
}

int __real_mbx_tx_want_room(struct mbx_tx *tx, int on);
int __wrap_mbx_tx_want_room(struct mbx_tx *tx, int on);
int __wrap_mbx_tx_want_room(struct mbx_tx *tx, int on)
{
	int moved;

	if (on)
		until_the_other_sleeps();
	wants(on);
	moved = __real_mbx_tx_want_room(tx, on);
	if (on)
		until_the_other_sleeps();
	return moved;
}

int __real_mbx_rx_want_data(struct mbx_rx *rx, int on);
int __wrap_mbx_rx_want_data(struct mbx_rx *rx, int on);
int __wrap_mbx_rx_want_data(struct mbx_rx *rx, int on)
{
	int there;

	if (on)
		until_the_other_sleeps();
	wants(on);
	there = __real_mbx_rx_want_data(rx, on);
	if (on)
		until_the_other_sleeps();
	return there;
}

/* ---- rings ---- */

int bell_faulty(int side)
{
	const struct bell_side *to = &bell->side[side];

	/*
	 * A flag that was raised before and not lowered yet. The other side
	 * looks for what this ring means after it has said so again. Firmware
	 * in an emulator does not say.
	 */
	if (bell->traffic && !to->emulator && !look(&to->wants))
		return 0;
	count(&bell->rings);
	switch (bell->fault) {
	case BELL_DROPS:
		if (chance(2))
			break;
		count(&bell->faults);
		return 0;
	case BELL_NEVER:
		count(&bell->faults);
		return 0;
	case BELL_LATE:
		count(&bell->faults);
		usleep(chance(8) ? 2000 : 50);
		break;
	case BELL_DOUBLES:
		count(&bell->faults);
		return 2;
	default:
		break;
	}
	return 1;
}

void __real_mbxi_bell_ring(struct mbxi_bell *b, const struct mbx_word *word);
void __wrap_mbxi_bell_ring(struct mbxi_bell *b, const struct mbx_word *word);

/* Rung for no message, but to be heard: a peer that sleeps wakes. */
static void knock(struct mbxi_bell *b)
{
	const struct bell_side *other = &bell->side[!me];
	uint32_t sleeps = look(&other->sleeps);

	__real_mbxi_bell_ring(b, NULL);
	if (sleeps & 1u && side_asleep(bell, !me) &&
	    sleeps == look(&other->sleeps))
		fail("the other side is rung and sleeps on");
}

void __wrap_mbxi_bell_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	int n;

	if (!word && !bell_loses(bell)) {
		knock(b);
		return;
	}
	/* to an emulator they pass a process that does it */
	for (n = bell->side[!me].emulator ? 1 : bell_faulty(!me); n; n--)
		__real_mbxi_bell_ring(b, word);
}

void __real_mbx_port_ring(void) __attribute__((weak)); /* firmware's */
void __wrap_mbx_port_ring(void);
void __wrap_mbx_port_ring(void)
{
	int n;

	for (n = bell_faulty(!me); n; n--)
		__real_mbx_port_ring();
}
