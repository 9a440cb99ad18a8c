/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes, and SIGKILL at any moment: what was accepted and taken is
 * delivered exactly once, what was in the making zero times or once, what was
 * in hand again and marked.
 *
 * The processes keep score in memory that no kill touches. Each message says
 * which life of the producer sent it, and its number in that life.
 */
#include "host.h"

#include <sys/mman.h>
#include <time.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define KILLS 20
#else
#define KILLS 60
#endif
#define LIVES (2 * KILLS + 2)

struct message {
	uint32_t life, number, pad[10];
};

static struct score {
	uint32_t producer, consumer; /* which life of each it is now */
	uint32_t accepted[LIVES];    /* sends that returned 0, by life */
	uint32_t seen[LIVES];	     /* messages taken, by life */
	uint64_t last;		     /* the last one taken, see place_of() */
	uint32_t taken_by;	     /* which life of the consumer took it */
	uint32_t repeats, unscored, slowest_us;
	uint32_t stop_producer, stop_consumer;
	char wrong[120];
	struct message hand[LIVES]; /* where a consumer's life receives */
} * score;

static pid_t producer_pid, consumer_pid;

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* One message, or two in a batch; by send, claim or put. How many, or < 0. */
static int send_some(struct mbx_end *e, struct message *msg, uint32_t i)
{
	size_t bytes = 8 + i % 11 * 4;
	void *place;
	int err;

	msg->number = i;
	if (i % 3 == 0) {
		err = mbx_claim(e, bytes, &place, PATIENCE_MS);
		if (err)
			return err;
		memcpy(place, msg, 8);
		err = mbx_commit(e, bytes);
		return err ? err : 1;
	}
	if (i % 7 == 0) {
		err = mbx_put(e, msg, bytes, PATIENCE_MS);
		msg->number = i + 1;
		if (!err)
			err = mbx_put(e, msg, bytes, PATIENCE_MS);
		if (!err)
			err = mbx_flush(e);
		return err ? err : 2;
	}
	err = mbx_send(e, msg, bytes, PATIENCE_MS);
	return err ? err : 1;
}

static void producer(const char *region)
{
	struct mbx_options o = { .timeout_ms = PATIENCE_MS };
	uint32_t life = score->producer, i = 1;
	struct message msg = { .life = life };
	struct mbx_end *e;
	struct mbx *m;

	child_check(mbx_open(&m, region, &o) == 0);
	child_check(mbx_end_open(m, "up", &e) == 0);
	child_check(mbx_wait_peer(m, PATIENCE_MS) == 0);
	while (!score->stop_producer) {
		int n = send_some(e, &msg, i);

		child_check(n > 0);
		i += (uint32_t)n;
		score->accepted[life] = i - 1;
	}
	mbx_close(m);
}

/* Messages in the order in which they have to come */
static uint64_t place_of(const struct message *m)
{
	return m->number ? (uint64_t)m->life << 32 | m->number : 0;
}

static void wrong(const char *what, const struct message *m)
{
	if (!score->wrong[0])
		snprintf(score->wrong, sizeof(score->wrong),
			 "%s: life %u number %u after life %u number %u", what,
			 m->life, m->number, (uint32_t)(score->last >> 32),
			 (uint32_t)score->last);
}

/* Whoever dies in here has taken it or not: one store decides. */
static void take(const struct message *m)
{
	if (m->life == (uint32_t)(score->last >> 32)) {
		if (place_of(m) != score->last + 1)
			wrong("lost or out of order", m);
	} else if (place_of(m) < score->last) {
		wrong("an earlier life", m);
	} else if (m->number != 1) {
		wrong("a life does not start at its beginning", m);
	}
	score->seen[m->life] = m->number;
	__atomic_store_n(&score->last, place_of(m), __ATOMIC_RELEASE);
}

/*
 * Lives before this one may have died with a message in hand that was not
 * scored. If it does not come now, it had been taken.
 */
static void settle(uint32_t me, const struct message *m)
{
	uint32_t i;

	for (i = 1; i < me; i++) {
		const struct message *left = &score->hand[i];

		if (place_of(left) > score->last &&
		    place_of(left) != place_of(m)) {
			take(left);
			score->unscored++;
		}
	}
}

static void account(const struct message *m, int marked)
{
	if (place_of(m) != score->last) {
		take(m);
		return;
	}
	if (!marked)
		wrong("a repeat without a mark", m);
	score->repeats++;
}

/* Where kills seldom fall, some lives linger. */
static void linger(int yes)
{
	if (yes)
		usleep(500);
}

static void consumer(const char *region)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	uint32_t me = score->consumer, by_peek = me % 2, where = me / 2 % 3;
	struct message *hand = &score->hand[me];
	const void *at;
	struct mbx_end *e;
	struct mbx *m;
	int n;

	child_check(mbx_open(&m, region, &o) == 0);
	child_check(mbx_end_open(m, "up", &e) == 0);
	for (;;) {
		if (by_peek) {
			n = mbx_peek(e, &at, 20);
			if (n >= 8)
				memcpy(hand, at, 8);
		} else {
			n = mbx_recv(e, hand, sizeof(*hand), 20);
		}
		if (n == MBX_EAGAIN || n == MBX_ENOTCONN) {
			if (score->stop_consumer)
				break;
			continue;
		}
		child_check(n >= 8);
		linger(where == 1);
		if (score->taken_by != me)
			settle(me, hand);
		account(hand, mbx_repeated(e));
		score->taken_by = me;
		__atomic_store_n(&hand->number, 0, __ATOMIC_RELEASE);
		linger(where == 2);
		if (by_peek)
			child_check(mbx_release(e) == 0);
	}
	mbx_close(m);
}

static void kill_and_reap(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static uint32_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)t.tv_sec * 1000000u + (uint32_t)t.tv_nsec / 1000u;
}

/* Until both present lives have had their part in a message. */
static void wait_for_traffic(uint32_t since_us)
{
	uint32_t waited = 0, took;

	while (!score->wrong[0] &&
	       (__atomic_load_n(&score->last, __ATOMIC_RELAXED) >> 32 !=
			score->producer ||
		__atomic_load_n(&score->taken_by, __ATOMIC_RELAXED) !=
			score->consumer)) {
		usleep(200);
		assert_true(++waited < PATIENCE_MS * 5);
	}
	took = now_us() - since_us;
	if (took > score->slowest_us)
		score->slowest_us = took;
}

static void spawn_producer(const char *region)
{
	score->producer++;
	producer_pid = spawn(producer, region);
}

static void spawn_consumer(const char *region)
{
	score->consumer++;
	consumer_pid = spawn(consumer, region);
}

/* Every life's: all it was told "accepted" came, and little more. */
static void check_lives(void)
{
	uint32_t i, more;

	for (i = 1; i <= score->producer; i++) {
		more = score->seen[i] - score->accepted[i];
		if (more > 2)
			print_message("life %u: accepted %u, seen %u\n", i,
				      score->accepted[i], score->seen[i]);
		assert_true(more <= 2); /* 2: a batch of two, not told yet */
	}
	assert_int_equal(more, 0); /* the last one was not killed */
}

static void storm(int kill_producer, int kill_consumer)
{
	const char *region = test_region();
	uint32_t since = now_us(), i;
	struct mbx_region r;

	memset(score, 0, sizeof(*score));
	assert_mbx(mbx_region_open(&r, region, MBX_REGION_CREATE, 65536), 0);
	spawn_consumer(region);
	spawn_producer(region);
	for (i = 0; i < KILLS && !score->wrong[0]; i++) {
		/* one in four dies wherever it is, perhaps attaching */
		if (next_random() % 4)
			wait_for_traffic(since);
		usleep(next_random() % 5000);
		since = now_us();
		if (kill_producer && (!kill_consumer || next_random() & 1)) {
			kill_and_reap(producer_pid);
			spawn_producer(region);
		} else {
			kill_and_reap(consumer_pid);
			spawn_consumer(region);
		}
	}
	wait_for_traffic(since);
	score->stop_producer = 1;
	assert_string_equal(score->wrong, "");
	reap(producer_pid, 0);
	score->stop_consumer = 1;
	reap(consumer_pid, 0);
	producer_pid = consumer_pid = 0;
	assert_string_equal(score->wrong, "");
	check_lives();
	print_message("%u lives of the producer, %u of the consumer, %u marked "
		      "repeats, %u taken by a life that died before it could "
		      "score, traffic again after %u ms at most\n",
		      score->producer, score->consumer, score->repeats,
		      score->unscored, score->slowest_us / 1000u);
	mbx_region_close(&r);
	assert_mbx(mbx_region_remove(region), 0);
}

/* A storm that failed is over all the same, and leaves nothing. */
static int end_storm(void **state)
{
	pid_t left[] = { producer_pid, consumer_pid };
	uint32_t i;

	for (i = 0; i < 2; i++)
		if (left[i] > 0) {
			kill(left[i], SIGKILL);
			waitpid(left[i], NULL, 0);
		}
	producer_pid = consumer_pid = 0;
	return remove_region(state);
}

static void test_producer_killed_again_and_again_loses_nothing(void **state)
{
	(void)state;
	storm(1, 0);
}

static void test_consumer_killed_again_and_again_loses_nothing(void **state)
{
	(void)state;
	storm(0, 1);
}

static void test_either_side_killed_at_random_loses_nothing(void **state)
{
	(void)state;
	storm(1, 1);
}

/* ---- what the survivor learns ---- */

static void beat(const char *region)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *m;

	child_check(mbx_open(&m, region, &o) == 0);
	for (;;)
		child_check(mbx_wait(m, 10) >= 0);
}

static int wait_event(struct mbx *m, int want)
{
	int events = 0, got, i;

	for (i = 0; i < PATIENCE_MS / 10 && (events & want) != want; i++) {
		got = mbx_wait(m, 10);
		assert_true(got >= 0);
		events |= got;
	}
	return events & want;
}

static void test_survivor_is_told_down_and_restarted(void **state)
{
	const char *region = test_region();
	struct mbx_options o = { .timeout_ms = PATIENCE_MS,
				 .liveness_ms = 300 };
	struct mbx_region r;
	struct mbx_end *e;
	struct mbx *m;
	uint32_t session;
	pid_t pid;

	(void)state;
	assert_mbx(mbx_region_open(&r, region, MBX_REGION_CREATE, 65536), 0);
	pid = spawn(beat, region);
	assert_mbx(mbx_open(&m, region, &o), 0);
	assert_int_equal(wait_event(m, MBX_EVENT_UP), MBX_EVENT_UP);
	session = mbx_get_link(m)->peer_session;
	e = open_end(m, "up");

	kill_and_reap(pid);
	assert_int_equal(wait_event(m, MBX_EVENT_DOWN), MBX_EVENT_DOWN);
	assert_mbx(mbx_send(e, "x", 1, 0), MBX_ENOTCONN);
	pid = spawn(beat, region);
	assert_int_equal(wait_event(m, MBX_EVENT_RESTARTED),
			 MBX_EVENT_RESTARTED);
	assert_int_not_equal(mbx_get_link(m)->peer_session, session);
	assert_mbx(mbx_send(e, "x", 1, PATIENCE_MS), 0);

	/* stopped, not dead: the same life goes on, so up, not restarted */
	kill(pid, SIGSTOP);
	assert_int_equal(wait_event(m, MBX_EVENT_DOWN), MBX_EVENT_DOWN);
	kill(pid, SIGCONT);
	assert_int_equal(wait_event(m, MBX_EVENT_UP), MBX_EVENT_UP);
	kill_and_reap(pid);
	mbx_close(m);
	mbx_region_close(&r);
	assert_mbx(mbx_region_remove(region), 0);
}

static void hold_an_end(const char *region)
{
	struct mbx *m = NULL;
	struct mbx_end *e;

	child_check(mbx_open(&m, region,
			     &(struct mbx_options){
				     .timeout_ms = PATIENCE_MS }) == 0);
	child_check(mbx_end_open(m, "up", &e) == 0);
	score->producer = 1;
	for (;;)
		child_check(mbx_wait(m, 10) >= 0);
}

static void test_owner_dies_and_its_end_and_its_duty_pass_on(void **state)
{
	const char *region = test_region();
	struct mbx *remote = open_owner(region), *host;
	struct mbx_end *e;
	char who[32];
	uint32_t session;
	pid_t pid;

	(void)state;
	score->producer = 0;
	pid = spawn(hold_an_end, region);
	while (!__atomic_load_n(&score->producer, __ATOMIC_ACQUIRE))
		mbx_wait(remote, 1);
	host = open_host(region); /* joins in: the side's life is the child's */
	while (!mbx_get_link(host)->peer_session) {
		mbx_poll(remote);
		mbx_poll(host);
	}
	session = mbx_get_link(host)->session;
	assert_int_equal(mbx_get_link(remote)->peer_session, session);
	snprintf(who, sizeof(who), "process %d", pid);
	assert_mbx(mbx_end_open(host, "up", &e), MBX_EBUSY);
	assert_non_null(strstr(mbx_errmsg(), who));
	mbx_poll(host);
	kill_and_reap(pid);
	assert_mbx(mbx_end_open(host, "up", &e), 0);
	/* the peer has to be met anew */
	assert_int_equal(mbx_poll(host), MBX_EVENT_DOWN);
	bring_up(remote, host); /* a new life, lived by this process */
	assert_int_not_equal(mbx_get_link(host)->session, session);
	mbx_close(host);
	mbx_close(remote);
	assert_mbx(mbx_region_remove(region), 0);
}

#define STORM(name) cmocka_unit_test_teardown(name, end_storm)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORM(test_producer_killed_again_and_again_loses_nothing),
		STORM(test_consumer_killed_again_and_again_loses_nothing),
		STORM(test_either_side_killed_at_random_loses_nothing),
		region_test(test_survivor_is_told_down_and_restarted),
		region_test(test_owner_dies_and_its_end_and_its_duty_pass_on),
	};

	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
