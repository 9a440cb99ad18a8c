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
	uint32_t life;		  /* of the producer */
	uint32_t accepted[LIVES]; /* sends that returned 0, by life */
	uint32_t seen[LIVES];	  /* messages taken, by life */
	uint32_t last_life, last_number;
	uint32_t lives_of_consumer, repeats, ambiguous;
	uint32_t stop_producer, stop_consumer;
	char wrong[120];
} * score;

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
	uint32_t life = score->life, i = 1;
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

static void wrong(const char *what, const struct message *m)
{
	if (!score->wrong[0])
		snprintf(score->wrong, sizeof(score->wrong),
			 "%s: life %u number %u after life %u number %u", what,
			 m->life, m->number, score->last_life,
			 score->last_number);
}

/* A message is new, or, right after a restart, perhaps the last one again. */
static void account(const struct message *m, int first, int marked)
{
	if (m->life == score->last_life && m->number == score->last_number) {
		if (!marked)
			wrong("a repeat without a mark", m);
		score->repeats++;
		return;
	}
	if (m->life == score->last_life) {
		/* taken, but not scored, when the kill came in between */
		if (first && m->number == score->last_number + 2)
			score->ambiguous++;
		else if (m->number != score->last_number + 1)
			wrong("lost or out of order", m);
	} else if (m->life < score->last_life) {
		wrong("an earlier life", m);
	} else if (m->number != 1 && !(first && m->number == 2)) {
		wrong("a life does not start at its beginning", m);
	}
	score->last_life = m->life;
	score->last_number = m->number;
	score->seen[m->life] = m->number;
}

static void consumer(const char *region)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	int first = 1, by_peek = ++score->lives_of_consumer % 2;
	const void *at;
	struct message msg;
	struct mbx_end *e;
	struct mbx *m;
	int n;

	child_check(mbx_open(&m, region, &o) == 0);
	child_check(mbx_end_open(m, "up", &e) == 0);
	while (!score->stop_consumer) {
		if (by_peek) {
			n = mbx_peek(e, &at, 20);
			if (n >= 8)
				memcpy(&msg, at, 8);
		} else {
			n = mbx_recv(e, &msg, sizeof(msg), 20);
		}
		if (n == MBX_EAGAIN || n == MBX_ENOTCONN)
			continue;
		child_check(n >= 8);
		account(&msg, first, mbx_repeated(e));
		first = 0;
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

/* Let traffic flow: until a life has sent something, and a little more. */
static void let_it_flow(void)
{
	uint32_t life, before, waited = 0;

	for (;;) {
		life = __atomic_load_n(&score->life, __ATOMIC_RELAXED);
		before = __atomic_load_n(&score->seen[life], __ATOMIC_RELAXED);
		if (before > 3 || score->wrong[0])
			break;
		usleep(1000);
		assert_true(++waited < PATIENCE_MS);
	}
	usleep(next_random() % 5000);
}

static pid_t spawn_producer(const char *region)
{
	score->life++;
	return spawn(producer, region);
}

static void storm(int kill_producer, int kill_consumer)
{
	const char *region = test_region();
	struct mbx_region r;
	pid_t p, c;
	uint32_t i;

	memset(score, 0, sizeof(*score));
	assert_mbx(mbx_region_open(&r, region, MBX_REGION_CREATE, 65536), 0);
	c = spawn(consumer, region);
	p = spawn_producer(region);
	for (i = 0; i < KILLS && !score->wrong[0]; i++) {
		let_it_flow();
		if (kill_producer && (!kill_consumer || next_random() & 1)) {
			kill_and_reap(p);
			p = spawn_producer(region);
		} else {
			kill_and_reap(c);
			c = spawn(consumer, region);
		}
	}
	let_it_flow();
	score->stop_producer = 1;
	assert_string_equal(score->wrong, "");
	reap(p, 0);
	score->stop_consumer = 1;
	reap(c, 0);
	/* every earlier life: all it was told "accepted" came, at most one more */
	for (i = 1; i < score->life; i++) {
		uint32_t more = score->seen[i] - score->accepted[i];

		if (more > 2)
			print_message("life %u: accepted %u, seen %u\n", i,
				      score->accepted[i], score->seen[i]);
		assert_true(more <= 2); /* 2: a batch of two, not told yet */
	}
	print_message("%u lives of the producer, %u of the consumer, %u marked "
		      "repeats, %u killed between taking and scoring\n",
		      score->life, score->lives_of_consumer, score->repeats,
		      score->ambiguous);
	mbx_region_close(&r);
	assert_mbx(mbx_region_remove(region), 0);
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
	score->life = 1;
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
	score->life = 0;
	pid = spawn(hold_an_end, region);
	while (!__atomic_load_n(&score->life, __ATOMIC_ACQUIRE))
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_producer_killed_again_and_again_loses_nothing),
		cmocka_unit_test(
			test_consumer_killed_again_and_again_loses_nothing),
		cmocka_unit_test(
			test_either_side_killed_at_random_loses_nothing),
		cmocka_unit_test(test_survivor_is_told_down_and_restarted),
		cmocka_unit_test(
			test_owner_dies_and_its_end_and_its_duty_pass_on),
	};

	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
