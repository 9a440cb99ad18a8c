/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A doorbell with faults, linked between the library (or firmware) and its own
 * by the linker's --wrap. Unless rings get lost, nothing else ends a wait here:
 * the library's look every 50 ms and the board's tick are taken away, and who
 * sleeps for seconds while there is traffic has missed a ring.
 */
#include "internal.h"

#include "bell.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LONG_US 2000000u

static struct bell *bell = &(struct bell){ .fault = BELL_WELL };

/* Of a process that was made by exec(): by the number of a descriptor */
static void __attribute__((constructor)) find_bell(void)
{
	const char *fd = getenv("MBX_TEST_BELL");

	if (fd)
		bell = mmap(NULL, sizeof(*bell), PROT_READ | PROT_WRITE,
			    MAP_SHARED, atoi(fd), 0);
}

struct bell *bell_make(void)
{
	static char fd[12];

	snprintf(fd, sizeof(fd), "%d", memfd_create("bell", 0));
	if (ftruncate(atoi(fd), sizeof(*bell)))
		abort();
	setenv("MBX_TEST_BELL", fd, 1);
	find_bell();
	return bell;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int chance(unsigned int in)
{
	static unsigned int state = 1;

	state = state * 1103515245u + 12345u;
	return (state >> 16) % in == 0;
}

static void count(uint32_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

/* Before a ring: how many of it there will be. */
static int faulty(void)
{
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

static int spurious(void)
{
	if (bell->fault != BELL_SPURIOUS || chance(2))
		return 0;
	count(&bell->faults);
	return 1;
}

static void slept(uint64_t since)
{
	if (!bell->traffic || now_us() - since < LONG_US)
		return;
	count(&bell->missed);
	if (bell->missed <= BELL_MISSED)
		return;
	fprintf(stderr, "%u rings were missed\n", bell->missed);
	kill(0, SIGKILL);
}

static int loses(void)
{
	return bell->fault == BELL_DROPS || bell->fault == BELL_NEVER;
}

void __real_mbxi_bell_ring(struct mbxi_bell *b, const struct mbx_word *word);
void __wrap_mbxi_bell_ring(struct mbxi_bell *b, const struct mbx_word *word);
void __wrap_mbxi_bell_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	int n;

	for (n = faulty(); n; n--)
		__real_mbxi_bell_ring(b, word);
}

void __real_mbxi_bell_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			   int count, uint32_t us);
void __wrap_mbxi_bell_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			   int n, uint32_t us);
void __wrap_mbxi_bell_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			   int n, uint32_t us)
{
	uint64_t since = now_us();

	count(&bell->waits);
	if (spurious())
		return;
	__real_mbxi_bell_wait(b, watch, n, loses() ? us : LONG_US);
	slept(since);
}

/* The worst moments are made longer: between a look and what relies on it. */
void __real_mbxi_bell_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
			  int count);
void __wrap_mbxi_bell_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
			  int n);
void __wrap_mbxi_bell_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
			  int n)
{
	if (chance(8))
		usleep(200);
	__real_mbxi_bell_arm(b, watch, n);
}

int __real_mbx_tx_want_room(struct mbx_tx *tx, int on);
int __wrap_mbx_tx_want_room(struct mbx_tx *tx, int on);
int __wrap_mbx_tx_want_room(struct mbx_tx *tx, int on)
{
	int moved;

	if (on && chance(4)) /* meanwhile all may be taken, and nobody rung */
		usleep(1000);
	moved = __real_mbx_tx_want_room(tx, on);
	if (on && chance(8))
		usleep(200);
	return moved;
}

/* The board of firmware that is a process: firmware/boards/linux/port.c */
void __real_mbx_port_ring(void) __attribute__((weak)); /* firmware's */
void __wrap_mbx_port_ring(void);
void __wrap_mbx_port_ring(void)
{
	int n;

	for (n = faulty(); n; n--)
		__real_mbx_port_ring();
}

int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	uint64_t since = now_us();
	int ready;

	count(&bell->waits);
	if (spurious())
		return 0;
	ready = __real_poll(fds, n, loses() ? ms : (int)(LONG_US / 1000));
	slept(since);
	return ready;
}
