/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The integer of shm_counter_a and _b once more, shared by mbx.
 *
 *	mbx_counter own shm:/counter	creates it, shows each change
 *	mbx_counter add shm:/counter	adds one
 *
 * Every word has one writer: the owner writes the value, as a state that
 * anybody may read, and who wants it changed asks by a queue. So nothing here
 * needs an atomic addition, the two need not be of one kind (the owner may be
 * firmware), both notice when the other is gone, and a program built with
 * other channels is told so instead of misreading the memory.
 */
#include <mbx/mbx.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define COUNTER_CHANNELS(CHANNEL)                                              \
	CHANNEL(COUNTER, "counter", MBX_STATE(MBX_R2H, 4, 2, "i32 value"))     \
	CHANNEL(ADD, "add", MBX_QUEUE(MBX_H2R, 4, 8, MBX_BLOCK, "i32 by"))
MBX_DECLARE_CHANNELS(channels, COUNTER_CHANNELS);

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int fail(void)
{
	fprintf(stderr, "mbx_counter: %s\n", mbx_errmsg());
	return 1;
}

static int own(struct mbx_end *counter, struct mbx_end *add, struct mbx *m)
{
	int32_t value = 0, by;
	int err = mbx_set(counter, &value, sizeof(value));

	printf("counter is 0\n");
	while (!stop && err >= 0) {
		err = mbx_wait(m, 200);
		while (err >= 0 && mbx_recv(add, &by, sizeof(by), 0) == 4) {
			value += by;
			err = mbx_set(counter, &value, sizeof(value));
			printf("counter is %d\n", value);
		}
	}
	return err < 0 ? fail() : 0;
}

static int add_one(struct mbx_end *counter, struct mbx_end *add, struct mbx *m)
{
	struct mbx_record then = { 0 }, now;
	int32_t was = 0, value = 0, by = 1;
	int tries;

	if (mbx_get(counter, &was, sizeof(was), &then, NULL) < 0 ||
	    mbx_send(add, &by, sizeof(by), 1000) != 0)
		return fail();
	for (tries = 0; tries < 200; tries++) {
		if (mbx_get(counter, &value, sizeof(value), &now, NULL) < 0)
			return fail();
		if (now.number != then.number) {
			printf("counter was %d, is %d\n", was, value);
			return 0;
		}
		if (mbx_wait(m, 10) < 0)
			return fail();
	}
	fprintf(stderr, "mbx_counter: the owner did not answer within 2 s\n");
	return 1;
}

static int run(const char *region, int owner)
{
	struct mbx_options options = {
		.side = owner ? MBX_REMOTE : MBX_HOST,
		.create = owner,
		.channels = channels,
		.count = channels_count,
		.timeout_ms = 1000,
	};
	struct mbx_end *counter, *add;
	struct mbx *m;
	int status;

	if (mbx_open(&m, region, &options) < 0)
		return fail();
	if (mbx_end_open(m, "counter", &counter) < 0 ||
	    mbx_end_open(m, "add", &add) < 0 ||
	    (!owner && mbx_wait_peer(m, 1000) < 0))
		status = fail();
	else
		status = owner ? own(counter, add, m)
			       : add_one(counter, add, m);
	mbx_close(m);
	if (owner && mbx_region_remove(region) < 0)
		return fail();
	return status;
}

int main(int argc, char **argv)
{
	const struct sigaction act = { .sa_handler = on_signal };
	int owner = argc == 3 && !strcmp(argv[1], "own");

	if (argc != 3 || (!owner && strcmp(argv[1], "add") != 0)) {
		fprintf(stderr, "usage: mbx_counter own|add REGION "
				"(such as shm:/counter)\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	return run(argv[2], owner);
}
