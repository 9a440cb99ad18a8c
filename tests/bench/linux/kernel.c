/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own ways. All of them are inherited from the parent, and what
 * needs a name loses it at once. They block, in the kernel.
 */
#include "loops.h"

#include <errno.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* One descriptor to write to and one to read from, for each side. */
static int writes[2], reads[2];

/* ---- pipe ---- */

static const char *pipe_setup(struct bench *b)
{
	int i, fd[2];

	(void)b;
	for (i = 0; i < 2; i++) {
		if (pipe(fd))
			return strerror(errno);
		writes[i] = fd[1];
		reads[!i] = fd[0];
	}
	return NULL;
}

static uint32_t pipe_send(struct bench *b, const void *from, uint32_t bytes,
			  uint32_t count)
{
	const char *p = from;
	uint32_t left = bytes;

	while (left) {
		ssize_t n = write(writes[b->side], p, left);

		if (n < 0)
			return 0;
		p += n;
		left -= (uint32_t)n;
	}
	return count;
}

static uint32_t pipe_recv(struct bench *b, void *to, uint32_t bytes,
			  uint32_t count)
{
	uint32_t left = bytes;
	char *p = to;

	while (left) {
		ssize_t n = read(reads[b->side], p, left);

		if (n <= 0)
			return 0;
		p += n;
		left -= (uint32_t)n;
	}
	return count;
}
BENCH_ROUND_TRIPS(pipe)
BENCH_STREAMS(pipe, 1)

/* ---- unix socket, with messages ---- */

static const char *socket_setup(struct bench *b)
{
	int fd[2], i, room = 1 << 20;

	(void)b;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd))
		return strerror(errno);
	for (i = 0; i < 2; i++) {
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		writes[i] = reads[i] = fd[i];
	}
	return NULL;
}

static uint32_t socket_send(struct bench *b, const void *from, uint32_t bytes,
			    uint32_t count)
{
	return send(writes[b->side], from, bytes, 0) == bytes ? count : 0;
}

static uint32_t socket_recv(struct bench *b, void *to, uint32_t bytes,
			    uint32_t count)
{
	return recv(reads[b->side], to, bytes, 0) == bytes ? count : 0;
}
BENCH_ROUND_TRIPS(socket)
BENCH_STREAMS(socket, 1)

/* ---- POSIX message queue ---- */

static const char *mq_setup(struct bench *b)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = b->bytes };
	char name[32];
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "/mbx-bench-%d", (int)getpid());
		writes[i] = reads[!i] = mq_open(name, O_CREAT | O_EXCL | O_RDWR,
						0600, &attr);
		if (writes[i] < 0)
			return strerror(errno);
		mq_unlink(name);
	}
	return NULL;
}

static uint32_t mq_put(struct bench *b, const void *from, uint32_t bytes,
		       uint32_t count)
{
	return mq_send(writes[b->side], from, bytes, 0) ? 0 : count;
}

static uint32_t mq_take(struct bench *b, void *to, uint32_t bytes,
			uint32_t count)
{
	return mq_receive(reads[b->side], to, bytes, NULL) == bytes ? count : 0;
}
#define queue_send mq_put
#define queue_recv mq_take
BENCH_ROUND_TRIPS(queue)
BENCH_STREAMS(queue, 1)

/* ---- eventfd: 8 bytes, of which one value can't be sent ---- */

static const char *event_setup(struct bench *b)
{
	int i;

	(void)b;
	for (i = 0; i < 2; i++) {
		writes[i] = reads[!i] = eventfd(0, 0);
		if (writes[i] < 0)
			return strerror(errno);
	}
	return NULL;
}

static uint32_t event_send(struct bench *b, const void *from, uint32_t bytes,
			   uint32_t count)
{
	uint64_t value = 1ull << 32;

	(void)bytes;
	memcpy(&value, from, 4);
	value |= 1ull << 32;
	return write(writes[b->side], &value, 8) == 8 ? count : 0;
}

static uint32_t event_recv(struct bench *b, void *to, uint32_t bytes,
			   uint32_t count)
{
	return read(reads[b->side], to, bytes) == bytes ? count : 0;
}
BENCH_ROUND_TRIPS(event)

#define ROUND_TRIPS (1u << BENCH_BLOCKING)
#define STREAMS	    (1u << BENCH_THROUGHPUT)

const struct bench_peer bench_kernel[] = {
	{ .name = "pipe",
	  .suites = ROUND_TRIPS | STREAMS,
	  .batch = 1,
	  .setup = pipe_setup,
	  .ping = pipe_ping,
	  .pong = pipe_pong,
	  .feed = pipe_feed,
	  .drain = pipe_drain },
	{ .name = "unix socket",
	  .suites = ROUND_TRIPS | STREAMS,
	  .batch = 1,
	  .setup = socket_setup,
	  .ping = socket_ping,
	  .pong = socket_pong,
	  .feed = socket_feed,
	  .drain = socket_drain },
	{ .name = "posix mq",
	  .suites = ROUND_TRIPS | STREAMS,
	  .max_bytes = 8192, /* the system's limit unless raised */
	  .batch = 1,
	  .setup = mq_setup,
	  .ping = queue_ping,
	  .pong = queue_pong,
	  .feed = queue_feed,
	  .drain = queue_drain },
	{ .name = "eventfd",
	  .suites = ROUND_TRIPS,
	  .only_bytes = 8,
	  .batch = 1,
	  .setup = event_setup,
	  .ping = event_ping,
	  .pong = event_pong },
	{ .name = NULL },
};
