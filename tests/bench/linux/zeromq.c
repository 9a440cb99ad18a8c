/* SPDX-License-Identifier: BSD-2-Clause */
/* ZeroMQ over ipc, by an abstract address: no socket file. */
#include "loops.h"

#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

static void *zmq;

static const char *attach(struct bench *b)
{
	int room = (int)bench_depth(b->bytes);
	char address[64];
	void *context = zmq_ctx_new();

	zmq = context ? zmq_socket(context, ZMQ_PAIR) : NULL;
	if (!zmq)
		return zmq_strerror(zmq_errno());
	zmq_setsockopt(zmq, ZMQ_SNDHWM, &room, sizeof(room));
	zmq_setsockopt(zmq, ZMQ_RCVHWM, &room, sizeof(room));
	snprintf(address, sizeof(address), "ipc://@mbx-bench-%d",
		 (int)getppid());
	if (b->side ? zmq_connect(zmq, address) : zmq_bind(zmq, address))
		return zmq_strerror(zmq_errno());
	return NULL;
}

static uint32_t zeromq_send(struct bench *b, const void *from, uint32_t bytes,
			    uint32_t count)
{
	(void)b;
	return zmq_send(zmq, from, bytes, 0) == (int)bytes ? count : 0;
}

static uint32_t zeromq_recv(struct bench *b, void *to, uint32_t bytes,
			    uint32_t count)
{
	(void)b;
	return zmq_recv(zmq, to, bytes, 0) == (int)bytes ? count : 0;
}
BENCH_ROUND_TRIPS(zeromq)
BENCH_STREAMS(zeromq, 1)

const struct bench_peer bench_zeromq[] = {
	{ .name = "ZeroMQ ipc",
	  .suites = 1u << BENCH_BLOCKING | 1u << BENCH_THROUGHPUT,
	  .batch = 1,
	  .attach = attach,
	  .ping = zeromq_ping,
	  .pong = zeromq_pong,
	  .feed = zeromq_feed,
	  .drain = zeromq_drain },
	{ .name = NULL },
};
