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
#include <time.h>

#include "../../firmware/apps/demo/demo.h"

#define MOST_ROUNDS 1000
#define LIVES	    (MOST_ROUNDS + 4)
#define WORDS	    64

static int rounds = 12; /* deaths in a storm */

static struct score {
	uint32_t life;		  /* of the host process */
	uint32_t accepted[LIVES]; /* pings, by life */
	uint32_t answered[LIVES]; /* the last pong's number, by life */
	uint32_t pongs, repeats, ambiguous, restarts;
	uint32_t longest_ms; /* from a death to an answer to a new ping */
	uint32_t last_life, last_number;
	uint32_t stop, quiet; /* send no more; do not even take pongs */
	uint32_t busy;	      /* with other things, for a moment */
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

/* Words behind the life and the number: none is that of another ping. */
static uint32_t word_of(const uint32_t *ping, uint32_t i)
{
	return (ping[0] * 7919u + ping[1]) * 2654435761u + i * 40503u;
}

/* What was sent comes back, all of it. */
static void check_pong(const uint32_t *pong, uint32_t bytes)
{
	uint32_t i;

	if (bytes != 8 + pong[1] % 60 * 4)
		wrong("of another length", pong);
	for (i = 2; i < bytes / 4; i++)
		if (pong[i] != word_of(pong, i))
			wrong("of other contents", pong);
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
	uint32_t life = score->life, number = 1, i;
	struct mbx_end *tx, *rx;
	int n, first = 1;
	struct mbx *m;

	(void)unused;
	child_check(mbx_open(&m, region, &o) == 0);
	child_check(mbx_end_open(m, "ping", &tx) == 0);
	child_check(mbx_end_open(m, "pong", &rx) == 0);
	while (!score->quiet) {
		uint32_t ping[WORDS] = { life, number };
		size_t bytes = 8 + number % 60 * 4;

		if (score->busy) {
			usleep(1000);
			continue;
		}
		for (i = 2; i < bytes / 4; i++)
			ping[i] = word_of(ping, i);

		if (!score->stop && number - score->answered[life] < 8) {
			n = mbx_send(tx, ping, bytes, 20);
			child_check(n == 0 || n == MBX_EAGAIN ||
				    n == MBX_ENOTCONN);
			if (n == 0)
				score->accepted[life] = number++;
			/* at times, pongs pile up */
			if (n == 0 && number / 64 % 2)
				continue;
		}
		n = mbx_recv(rx, ping, sizeof(ping), 5);
		child_check(n >= 8 || n == MBX_EAGAIN || n == MBX_ENOTCONN);
		if (n < 8)
			continue;
		check_pong(ping, (uint32_t)n);
		account(ping, first);
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
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* Until a ping is answered that was sent after both were there again. */
static void let_it_recover(uint64_t died_ms)
{
	uint32_t life = score->life, i, took;
	uint32_t sent = __atomic_load_n(&score->accepted[life],
					__ATOMIC_RELAXED);

	for (i = 0; i < PATIENCE_MS && !score->wrong[0]; i++) {
		if (__atomic_load_n(&score->answered[life], __ATOMIC_RELAXED) >
		    sent)
			break;
		usleep(1000);
	}
	assert_true(i < PATIENCE_MS);
	took = (uint32_t)(now_ms() - died_ms);
	if (took > score->longest_ms)
		score->longest_ms = took;
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

/* Kills the host process, and begins its next life. */
static pid_t restart_host(pid_t pid)
{
	kill(pid, SIGKILL);
	reap(pid, SIGKILL);
	return start_host();
}

/*
 * Ends the host process, or the firmware in one of @count ways (which begin its
 * next life, too), @rounds times, and then looks whether the account is right.
 */
static inline void storm(void (*const *ends)(void), int count, int host_too)
{
	uint32_t deaths = 0;
	uint64_t died_ms;
	pid_t pid;
	int i, which;

	memset(score, 0, sizeof(*score));
	pid = start_host();
	for (i = 0; i < rounds && !score->wrong[0]; i++) {
		let_it_flow((uint32_t)rand() % 100u);
		score->busy = (uint32_t)rand() % 2u; /* what comes, waits */
		usleep((unsigned int)rand() % 3000);
		died_ms = now_ms();
		which = rand() % (count + host_too);
		if (which < count) {
			ends[which]();
			deaths++;
		} else {
			pid = restart_host(pid);
		}
		score->busy = 0;
		let_it_recover(died_ms);
	}
	let_it_flow(50);
	settle(pid);
	print_message("%u pongs, %u lives of the host, %u of the firmware; "
		      "%u pings handled again, %u not told; longest recovery "
		      "%u ms\n",
		      score->pongs, score->life, deaths + 1, score->repeats,
		      score->ambiguous, score->longest_ms);
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
