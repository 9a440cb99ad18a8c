/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A UART with faults: passes each byte between the host's doorbell and that of
 * firmware in QEMU, as bell.c says, which takes this process for the firmware.
 * When it wakes without a byte it makes one up.
 *
 * Usage: mbx sim --dir . -- relay	listens at "bell.socket" in that folder
 */
#include "internal.h"

#include "verify/bell.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTENER "bell.socket"

static int line[2] = { -1, -1 }; /* to each side, by enum mbx_side */

static void switch_off(int number)
{
	(void)number;
	unlink(LISTENER);
	_exit(0);
}

static int made_socket(int (*make)(int, const struct sockaddr *, socklen_t),
		       const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, path);
	if (make(fd, (struct sockaddr *)&at, sizeof(at)))
		_exit(1);
	return fd;
}

static void ring(int side)
{
	int n;

	for (n = bell_faulty(side); n; n--)
		send(line[side], "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A host may go, and the next one come. */
static void take_from(int side)
{
	char byte;

	if (read(line[side], &byte, 1) == 1) {
		ring(!side);
		return;
	}
	if (side == MBX_REMOTE)
		_exit(1);
	close(line[side]);
	line[side] = -1;
}

/*
 * To each side in turn. A tick rings firmware only: where rings get lost, it is a
 * later one that wakes it.
 */
static void make_one_up(int is_tick)
{
	static int side;

	side = !side;
	ring(is_tick ? MBX_REMOTE : side);
}

int main(void)
{
	struct ucred emulator;
	socklen_t n = sizeof(emulator);
	int listener;

	signal(SIGTERM, switch_off);
	line[MBX_REMOTE] = made_socket(connect, "doorbell");
	getsockopt(line[MBX_REMOTE], SOL_SOCKET, SO_PEERCRED, &emulator, &n);
	unlink(LISTENER);
	listener = made_socket(bind, LISTENER);
	if (listen(listener, 1))
		return 1;
	bell_stand_for(emulator.pid);
	for (;;) {
		struct pollfd p[2] = {
			[MBX_HOST] = { .events = POLLIN },
			[MBX_REMOTE] = { line[MBX_REMOTE], POLLIN, 0 },
		};
		int is_host = line[MBX_HOST] >= 0, ready;

		p[MBX_HOST].fd = is_host ? line[MBX_HOST] : listener;
		ready = poll(p, 2, 50);
		if (ready <= 0)
			make_one_up(ready < 0);
		else if (!p[MBX_HOST].revents)
			take_from(MBX_REMOTE);
		else if (is_host)
			take_from(MBX_HOST);
		else /* before what is rung for it */
			line[MBX_HOST] = accept(listener, NULL, NULL);
	}
}
