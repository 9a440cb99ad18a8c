/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of mbx/port.h for firmware that runs as a Linux process, where
 * a debugger, sanitizers and tests reach it.
 *
 *	MBX_REGION		the region's name, as in mbx/mbx.h
 *	MBX_BOARD_SOCKET	optional: the path of the doorbell
 *
 * The doorbell is what QEMU makes of a UART: a unix socket that the host
 * connects to, one at a time, on which a byte each way is a ring. SIGTERM and
 * SIGINT are the power switch.
 */
#define _GNU_SOURCE
#include "board.h"

#include <mbx/mbx.h>
#include <mbx/port.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 10

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listener = -1;
static int host = -1;
static struct mbx_region region;

void board_stop(const char *why)
{
	fprintf(stderr, "mbx: linux stopped: %s\n", why);
	if (listener >= 0)
		unlink(address.sun_path);
	exit(1);
}

static void stop_for_errno(const char *what)
{
	char why[192];

	snprintf(why, sizeof(why), "MBX_BOARD_SOCKET=%s: %s: %s",
		 address.sun_path, what, strerror(errno));
	board_stop(why);
}

static void switch_off(int signal)
{
	(void)signal;
	if (listener >= 0)
		unlink(address.sun_path);
	_exit(0);
}

/* A socket file that nobody listens on any more: of a killed process. */
static int is_left_over(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	err = connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (err)
		err = errno;
	close(fd);
	return err == ECONNREFUSED;
}

static void listen_for_host(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err, tries;

	if (strlen(path) >= sizeof(address.sun_path))
		board_stop("MBX_BOARD_SOCKET is too long for a socket's path");
	strcpy(address.sun_path, path);
	/* the process of the last life may be about to end, and to clean up */
	for (tries = 0; tries < 100; tries++) {
		err = bind(fd, (struct sockaddr *)&address, sizeof(address));
		if (!err || errno != EADDRINUSE)
			break;
		if (is_left_over())
			unlink(path);
		else
			usleep(10000);
	}
	if (err && errno == EADDRINUSE)
		stop_for_errno("another process listens there");
	if (err || listen(fd, 1))
		stop_for_errno("cannot listen");
	listener = fd;
}

/* Said as a board says it; then it faults again, and ends as processes do. */
static void report_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	uintptr_t off = at - (uintptr_t)region.base;

	(void)number;
	(void)context;
	if (off < region.bytes)
		fprintf(stderr,
			"mbx: linux stopped: fault, address region+%#zx\n",
			(size_t)off);
	else
		fprintf(stderr, "mbx: linux stopped: fault, address %#zx\n",
			(size_t)at);
	if (listener >= 0)
		unlink(address.sun_path);
}

/* Power on: before main(), as on a board. */
static void __attribute__((constructor)) power_on(void)
{
	const char *path = getenv("MBX_BOARD_SOCKET");
	struct sigaction off = { .sa_handler = switch_off };
	struct sigaction fault = { .sa_sigaction = report_fault,
				   .sa_flags = SA_SIGINFO | (int)SA_RESETHAND };

	sigaction(SIGTERM, &off, NULL);
	sigaction(SIGINT, &off, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	if (path)
		listen_for_host(path);
}

uintptr_t mbx_port_region(uint32_t *bytes)
{
	if (mbx_region_open(&region, NULL, 0, MBX_MAX_REGION))
		board_stop(mbx_errmsg());
	*bytes = (uint32_t)region.bytes;
	return (uintptr_t)region.base;
}

void board_protect(uint32_t from, uint32_t to)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	uint8_t *base = region.base;

	from &= ~(page - 1u);
	to = (to + page - 1u) & ~(page - 1u);
	if (mprotect(base, region.bytes, PROT_READ) ||
	    mprotect(base + from, to - from, PROT_READ | PROT_WRITE))
		board_stop("board_protect: mprotect failed");
}

uint32_t mbx_port_boot_reason(void)
{
	return 0;
}

uint32_t mbx_port_time_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)now.tv_sec * 1000000u + (uint32_t)now.tv_nsec / 1000u;
}

/* A socket that takes no more has rings enough in it. */
void mbx_port_ring(void)
{
	if (host >= 0)
		send(host, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Take some rings. A host that has gone makes room for the next one. */
static void take_rings(void)
{
	char bytes[256];
	ssize_t n = recv(host, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		return;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(host);
	host = -1;
}

/*
 * No race here: a ring between the question and the poll() is a byte in the
 * socket, which poll() sees. One host at a time: while one is connected, the
 * next waits in the listener's queue.
 */
void mbx_port_sleep(int (*idle)(void *), void *arg)
{
	struct pollfd wait = { host >= 0 ? host : listener, POLLIN, 0 };

	if (!idle(arg))
		return;
	if (poll(&wait, 1, TICK_MS) <= 0)
		return;
	if (host >= 0)
		take_rings();
	else
		host = accept4(listener, NULL, NULL,
			       SOCK_NONBLOCK | SOCK_CLOEXEC);
}
