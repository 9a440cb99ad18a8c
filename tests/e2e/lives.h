/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host process and the demo firmware, either of them ended at any moment. The
 * host sends numbered pings and accounts for every pong:
 *
 *   - of each of its lives, every ping that was accepted is answered, in order,
 *     exactly once, but for
 *   - the last one of a life that was killed, which may have been accepted, or
 *     its pong taken, without the process getting to say so; and
 *   - a ping in the firmware's hand when it died: it is handled again.
 *
 * Whoever includes this has a region and a doorbell by the names "region" and
 * "bell".
 */
#ifndef TESTS_LIVES_H
#define TESTS_LIVES_H

#include "../unit/host.h"

#include <sys/mman.h>

#include "../../firmware/apps/demo/demo.h"

#define ROUNDS 12
#define LIVES  (2 * ROUNDS + 4)

static struct score {
	uint32_t life;		  /* of the host process */
	uint32_t accepted[LIVES]; /* pings, by life */
	uint32_t answered[LIVES]; /* the last pong's number, by life */
	uint32_t pongs, repeats, ambiguous, restarts;
	uint32_t last_life, last_number;
	uint32_t stop, quiet; /* send no more; do not even take pongs */
	char wrong[120];
} * score;

/* ---- the host process ---- */

static void wrong(const char *what, const uint32_t *pong)
{
	if (!score->wrong[0])
		snprintf(score->wrong, sizeof(score->wrong),
			 "%s: life %u number %u after life %u number %u", what,
			 pong[0], pong[1], score->last_life,
			 score->last_number);
}

/* @first: the first pong that this life of the host takes. */
static void account(const uint32_t *pong, int first)
{
	uint32_t life = pong[0], number = pong[1];
	uint32_t due = life == score->last_life ? score->last_number + 1 : 1;

	if (life == 0 || life >= LIVES || life < score->last_life) {
		wrong("no ping of ours, or an earlier life's", pong);
	} else if (life == score->last_life && number == score->last_number) {
		score->repeats++; /* at most one a death: checked at the end */
		return;
	} else if (first && number == due + 1) {
		score->ambiguous++;
	} else if (number != due) {
		wrong("lost or out of order", pong);
	}
	score->pongs++;
	score->last_life = life;
	score->last_number = number;
	if (life < LIVES)
		score->answered[life] = number;
}

static void host(const char *unused)
{
	struct mbx_options o = { .channels = demo_channels,
				 .count = demo_channels_count,
				 .doorbell = bell,
				 .timeout_ms = PATIENCE_MS };
	uint32_t life = score->life, number = 1, pong[2];
	struct mbx_end *tx, *rx;
	int n, first = 1;
	struct mbx *m;

	(void)unused;
	child_check(mbx_open(&m, region, &o) == 0);
	child_check(mbx_end_open(m, "ping", &tx) == 0);
	child_check(mbx_end_open(m, "pong", &rx) == 0);
	while (!score->quiet) {
		uint32_t ping[64] = { life, number };
		size_t bytes = 8 + number % 60 * 4;

		if (!score->stop && number - score->answered[life] < 8) {
			n = mbx_send(tx, ping, bytes, 20);
			child_check(n == 0 || n == MBX_EAGAIN ||
				    n == MBX_ENOTCONN);
			if (n == 0)
				score->accepted[life] = number++;
		}
		n = mbx_recv(rx, ping, sizeof(ping), 5);
		child_check(n >= 8 || n == MBX_EAGAIN || n == MBX_ENOTCONN);
		if (n < 8)
			continue;
		memcpy(pong, ping, sizeof(pong));
		if (n != 8 + (int)(pong[1] % 60) * 4)
			wrong("of another length", pong);
		account(pong, first);
		first = 0;
		if (mbx_poll(m) & MBX_EVENT_RESTARTED)
			score->restarts++;
	}
	mbx_close(m);
}

static pid_t start_host(void)
{
	score->life++;
	return spawn(host, NULL);
}

/* ---- the tests ---- */

/* Until this life of the host has had some answers, and a moment more. */
static void let_it_flow(uint32_t pongs)
{
	uint32_t from = __atomic_load_n(&score->pongs, __ATOMIC_RELAXED), i;

	for (i = 0; i < PATIENCE_MS; i++) {
		if (score->wrong[0] ||
		    __atomic_load_n(&score->pongs, __ATOMIC_RELAXED) - from >=
			    pongs)
			break;
		usleep(1000);
	}
	if (i == PATIENCE_MS)
		print_message("no traffic: life %u, accepted %u, answered %u\n",
			      score->life, score->accepted[score->life],
			      score->answered[score->life]);
	assert_true(i < PATIENCE_MS);
	usleep((unsigned int)rand() % 3000);
}

static void settle(pid_t pid)
{
	uint32_t life = score->life, i;

	score->stop = 1;
	for (i = 0; i < PATIENCE_MS && !score->wrong[0] &&
		    score->answered[life] != score->accepted[life];
	     i++)
		usleep(1000);
	score->quiet = 1;
	reap(pid, 0);
	assert_string_equal(score->wrong, "");
	assert_int_equal(score->answered[life], score->accepted[life]);
	for (i = 1; i < life; i++) {
		uint32_t more = score->answered[i] - score->accepted[i];

		if (more > 1)
			print_message("life %u: accepted %u, answered %u\n", i,
				      score->accepted[i], score->answered[i]);
		/* a pong taken by the next life counts for it, so none is lost */
		assert_true(more <= 1 ||
			    score->accepted[i] - score->answered[i] <= 1);
	}
}

/*
 * Ends the host process, or the firmware in one of @count ways (which begin its
 * next life, too), twelve times, and then looks whether the account is right.
 */
static inline void storm(void (*const *ends)(void), int count, int host_too)
{
	uint32_t deaths = 0;
	pid_t pid;
	int i, which;

	memset(score, 0, sizeof(*score));
	pid = start_host();
	for (i = 0; i < ROUNDS && !score->wrong[0]; i++) {
		let_it_flow(50);
		which = rand() % (count + host_too);
		if (which < count) {
			ends[which]();
			deaths++;
			continue;
		}
		kill(pid, SIGKILL);
		reap(pid, SIGKILL);
		pid = start_host();
	}
	let_it_flow(50);
	settle(pid);
	print_message("%u pongs, %u lives of the host, %u of the firmware; "
		      "%u pings handled again, %u not told\n",
		      score->pongs, score->life, deaths + 1, score->repeats,
		      score->ambiguous);
	assert_true(score->repeats <= deaths);
	assert_true(score->ambiguous < score->life);
}

/* To be called first: the account outlives the processes that keep it. */
static inline void setup_lives(void)
{
	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	srand(1);
}

#endif
