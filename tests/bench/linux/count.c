/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage: count [OPERATION BYTES TIMES [DEPTH CHANNELS]]
 *
 * Sends and takes TIMES messages of BYTES in one process that has both sides of
 * a queue, for callgrind to count the instructions inside of the functions that
 * OPERATION stands for; run without one, it lists them, each with the functions
 * to name by --toggle-collect. On the way every lap's slow path is met.
 */
#include <mbx/mbx.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES    65536u
#define MAX_CHANNELS 4096u

static struct mbx *host, *remote;
static struct mbx_end *out, *in, *put_value, *get_value;
static struct mbx_tx tx;
static struct mbx_rx rx;
static struct mbx_writer writer;
static struct mbx_reader reader;
static uint8_t from[MAX_BYTES], to[MAX_BYTES];
static uint32_t bytes, depth = 1024, channels = 3;

static int give_up(const char *what)
{
	fprintf(stderr, "count: %s: %s\n", what, mbx_errmsg());
	exit(1);
}

/* ---- operations: each moves one message from one side to the other ---- */

static int by_send(void)
{
	return mbx_tx_send(&tx, from, bytes) ||
	       mbx_rx_recv(&rx, to, bytes) != (int)bytes;
}

static int by_put(void)
{
	if (mbx_tx_put(&tx, from, bytes))
		return 1;
	mbx_tx_flush(&tx);
	return mbx_rx_recv(&rx, to, bytes) != (int)bytes;
}

static int by_claim(void)
{
	struct mbx_word *data;

	if (mbx_tx_claim(&tx, bytes, &data) || mbx_tx_commit(&tx, bytes) ||
	    mbx_rx_peek(&rx, &data) != (int)bytes)
		return 1;
	mbx_rx_release(&rx);
	return 0;
}

static int by_nothing(void)
{
	return mbx_rx_recv(&rx, to, bytes) != MBX_EAGAIN;
}

static int by_api_send(void)
{
	return mbx_send(out, from, bytes, 1000) ||
	       mbx_recv(in, to, bytes, 1000) != (int)bytes;
}

static int by_api_put(void)
{
	return mbx_put(out, from, bytes, 1000) || mbx_flush(out) ||
	       mbx_recv(in, to, bytes, 1000) != (int)bytes;
}

static int by_api_claim(void)
{
	const void *seen;
	void *data;

	return mbx_claim(out, bytes, &data, 1000) || mbx_commit(out, bytes) ||
	       mbx_peek(in, &seen, 1000) != (int)bytes || mbx_release(in);
}

static int by_api_nothing(void)
{
	return mbx_recv(in, to, bytes, 0) != MBX_EAGAIN;
}

static int by_write(void)
{
	struct mbx_record r;

	return mbx_writer_write(&writer, 0, from, bytes, 0) ||
	       mbx_reader_newest(&reader, to, bytes, &r) != (int)bytes;
}

static int by_set(void)
{
	return mbx_set(put_value, from, bytes) ||
	       mbx_get(get_value, to, bytes, NULL, NULL) != (int)bytes;
}

static const struct {
	const char *name;
	int (*move)(void);
	const char *functions;
} operations[] = {
	{ "mbx_tx_send", by_send, "mbx_tx_send" },
	{ "mbx_rx_recv", by_send, "mbx_rx_recv" },
	{ "mbx_tx_put", by_put, "mbx_tx_put" },
	{ "mbx_tx_claim+commit", by_claim, "mbx_tx_claim mbx_tx_commit" },
	{ "mbx_rx_peek+release", by_claim, "mbx_rx_peek mbx_rx_release" },
	{ "mbx_rx_recv empty", by_nothing, "mbx_rx_recv" },
	{ "mbx_send", by_api_send, "mbx_send" },
	{ "mbx_recv", by_api_send, "mbx_recv" },
	{ "mbx_put", by_api_put, "mbx_put" },
	{ "mbx_claim+commit", by_api_claim, "mbx_claim mbx_commit" },
	{ "mbx_peek+release", by_api_claim, "mbx_peek mbx_release" },
	{ "mbx_recv empty", by_api_nothing, "mbx_recv" },
	{ "mbx_writer_write", by_write, "mbx_writer_write" },
	{ "mbx_reader_newest", by_write, "mbx_reader_newest" },
	{ "mbx_set", by_set, "mbx_set" },
	{ "mbx_get", by_set, "mbx_get" },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* ---- both sides of a region ---- */

/* "queue", "other" and "state" carry the traffic; the rest is beside them. */
static void declare(struct mbx_channel *c)
{
	static char names[MAX_CHANNELS][16];
	struct mbx_channel queue = { "queue", MBX_QUEUE(MBX_H2R, bytes, depth,
							MBX_BLOCK, "") };
	struct mbx_channel state = { "state",
				     MBX_STATE(MBX_H2R, bytes, 4, "") };
	uint32_t i;

	c[0] = c[1] = queue;
	c[1].name = "other";
	c[2] = state;
	for (i = 3; i < channels; i++) {
		struct mbx_channel small = {
			names[i], MBX_QUEUE(MBX_H2R, 16, 2, MBX_BLOCK, "")
		};

		snprintf(names[i], sizeof(names[i]), "c%u", (unsigned int)i);
		c[i] = small;
	}
}

static void open_side(struct mbx **m, enum mbx_side side,
		      const struct mbx_channel *c,
		      const struct mbx_region *region)
{
	struct mbx_options o = { .side = side,
				 .channels = c,
				 .count = channels,
				 .format = side == MBX_HOST,
				 .doorbell = "futex" };
	struct mbx_end *idle;
	uint32_t i;

	if (mbx_open_at(m, region, &o))
		give_up("open");
	for (i = 3; i < channels; i++)
		if (mbx_end_open(*m, c[i].name, &idle))
			give_up(c[i].name);
}

static void open_both(void)
{
	static struct mbx_channel c[MAX_CHANNELS];
	static struct mbx_region region;
	struct mbx_queue_place queue;
	struct mbx_slots_place slots;
	const struct mbx_link *link;

	declare(c);
	if (mbx_region_open(&region, "anon:1G", 0, 0))
		give_up("region");
	open_side(&host, MBX_HOST, c, &region);
	open_side(&remote, MBX_REMOTE, c, &region);
	mbx_poll(host);
	mbx_poll(remote);
	mbx_poll(host);
	link = mbx_get_link(host);
	if (mbx_end_open(host, "queue", &out) ||
	    mbx_end_open(remote, "queue", &in) ||
	    mbx_end_open(host, "state", &put_value) ||
	    mbx_end_open(remote, "state", &get_value) ||
	    mbx_link_queue(link, 1, &queue) || mbx_tx_attach(&tx, &queue) ||
	    mbx_rx_attach(&rx, &queue) || mbx_link_slots(link, 2, &slots))
		give_up("ends");
	mbx_writer_attach(&writer, &slots);
	mbx_reader_attach(&reader, &slots);
}

int main(int argc, char **argv)
{
	unsigned long i, times;
	size_t op;

	if (argc == 1) {
		for (op = 0; op < OPERATIONS; op++)
			printf("%s|%s\n", operations[op].name,
			       operations[op].functions);
		return 0;
	}
	for (op = 0; argc >= 4 && op < OPERATIONS; op++)
		if (!strcmp(operations[op].name, argv[1]))
			break;
	if ((argc != 4 && argc != 6) || op == OPERATIONS) {
		fprintf(stderr, "usage: count [OPERATION BYTES TIMES "
				"[DEPTH CHANNELS]]\n");
		return 2;
	}
	bytes = (uint32_t)strtoul(argv[2], NULL, 10);
	times = strtoul(argv[3], NULL, 10);
	if (argc == 6) {
		depth = (uint32_t)strtoul(argv[4], NULL, 10);
		channels = (uint32_t)strtoul(argv[5], NULL, 10);
	}
	if (!bytes || bytes > MAX_BYTES || channels < 3 ||
	    channels > MAX_CHANNELS) {
		fprintf(stderr, "count: BYTES is 1 to %u, CHANNELS 3 to %u\n",
			MAX_BYTES, MAX_CHANNELS);
		return 2;
	}
	open_both();
	for (i = 0; i < times; i++)
		if (operations[op].move())
			give_up(argv[1]);
	return 0;
}
