/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls: a caller and a server over two rings, each of which may die. */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>

#define MAX   24u /* of request and reply */
#define DEPTH 2u
#define RING  MBX_RING_BYTES(DEPTH, 8u + MAX)
#define PEER  5u /* the server's session, as the link says */

static struct queue_memory req_mem, rep_mem;
static struct mbx_queue_place req, rep;
static struct mbx_caller caller;
static struct mbx_server server;
static uint8_t buf[64], out[64];
static int status;

/* Positions start where the first records meet the end of their rings. */
static int setup(void **state)
{
	(void)state;
	req = queue_place(&req_mem, RING, 8u + MAX, MBX_FAIL, RING - 24u);
	rep = queue_place(&rep_mem, RING, 8u + MAX, MBX_FAIL, RING - 12u);
	status = 77;
	return mbx_caller_attach(&caller, &req, &rep, 1) ||
	       mbx_server_attach(&server, &req, &rep);
}

static int call_at(uint32_t bytes, uint32_t timeout_us, uint32_t now_us)
{
	fill_message(buf, bytes, bytes);
	return mbx_caller_start(&caller, buf, bytes, timeout_us, now_us, PEER);
}

static int poll_at(uint32_t now_us, uint32_t peer)
{
	return mbx_caller_poll(&caller, out, sizeof(out), &status, now_us,
			       peer);
}

/* The server takes one request and echoes it with one byte more. */
static void serve(int answer)
{
	struct mbx_request r;
	int n = mbx_server_take(&server, &r, out, sizeof(out));

	assert_true(n >= 0);
	assert_true(is_message(out, (uint32_t)n, (uint32_t)n));
	fill_message(buf, (uint32_t)n + 1u, (uint32_t)n + 1u);
	assert_int_equal(
		mbx_server_reply(&server, &r, answer, buf, (uint32_t)n + 1u),
		0);
}

static void test_call_of_every_length_gets_its_reply(void **state)
{
	uint32_t bytes, round;

	(void)state;
	for (round = 0; round < 5; round++)
		for (bytes = 0; bytes < MAX; bytes++) {
			assert_int_equal(call_at(bytes, 1000, 0), 0);
			assert_int_equal(poll_at(0, PEER), MBX_EAGAIN);
			serve(-(int)bytes);
			assert_int_equal(poll_at(0, PEER), bytes + 1u);
			assert_true(is_message(out, bytes + 1u, bytes + 1u));
			assert_int_equal(status, -(int)bytes);
			assert_int_equal(poll_at(0, PEER), MBX_EINVAL);
		}
	assert_int_equal(caller.stale, 0);
	assert_guards(&req_mem, &req);
	assert_guards(&rep_mem, &rep);
}

static void test_start_refuses_what_cannot_be(void **state)
{
	(void)state;
	assert_int_equal(mbx_caller_start(&caller, buf, 0, 1, 0, 0),
			 MBX_ENOTCONN);
	assert_int_equal(call_at(0, 0, 0), MBX_EINVAL);
	assert_int_equal(call_at(0, 0x80000000u, 0), MBX_EINVAL);
	assert_int_equal(call_at(MAX + 1u, 1, 0), MBX_EMSGSIZE);
	assert_int_equal(mbx_caller_start(&caller, buf, ~0u, 1, 0, PEER),
			 MBX_EMSGSIZE);
	assert_int_equal(poll_at(0, PEER), MBX_EINVAL);
	assert_int_equal(call_at(0, 0x7fffffffu, 0), 0);
	assert_int_equal(call_at(0, 1, 0), MBX_EBUSY);
}

static void test_start_into_full_queue_says_eagain_and_opens_nothing(
	void **state)
{
	uint32_t i;
	int err;

	(void)state;
	for (i = 0; (err = call_at(MAX, 1, 0)) == 0; i++)
		assert_int_equal(poll_at(1, PEER), MBX_ETIMEDOUT);
	assert_int_equal(err, MBX_EAGAIN);
	assert_true(i >= DEPTH);
	assert_int_equal(poll_at(1, PEER), MBX_EINVAL);
	poke_word(&req_mem.rx[0], 2);
	assert_int_equal(call_at(MAX, 1, 0), MBX_EPROTO);
	assert_int_equal(poll_at(1, PEER), MBX_EINVAL);
}

static void test_server_without_request_says_eagain(void **state)
{
	struct mbx_request r = { 0, 0 };

	(void)state;
	assert_int_equal(mbx_server_take(&server, &r, out, sizeof(out)),
			 MBX_EAGAIN);
	assert_int_equal(mbx_server_reply(&server, &r, 0, NULL, 0), MBX_EINVAL);
}

static void test_server_owing_an_answer_says_ebusy(void **state)
{
	struct mbx_request r;

	(void)state;
	assert_int_equal(call_at(3, 9000, 0), 0);
	assert_int_equal(mbx_server_take(&server, &r, out, 2), MBX_EMSGSIZE);
	assert_int_equal(mbx_server_take(&server, &r, out, 3), 3);
	assert_int_equal(r.timeout_us, 9000);
	assert_int_equal(mbx_server_take(&server, &r, out, 3), MBX_EBUSY);
	assert_int_equal(mbx_server_reply(&server, &r, 0, buf, MAX + 1u),
			 MBX_EMSGSIZE);
	assert_int_equal(mbx_server_reply(&server, &r, 0, buf, ~0u),
			 MBX_EMSGSIZE);
	/* the request is still in hand */
	assert_int_equal(peek_word(&req_mem.rx[0]) & 1u, 1);
	assert_int_equal(mbx_server_reply(&server, &r, 1, NULL, 0), 0);
	assert_int_equal(poll_at(0, PEER), 0);
	assert_int_equal(status, 1);
}

static void test_reply_longer_than_buffer_stays_for_a_larger_one(void **state)
{
	(void)state;
	assert_int_equal(call_at(9, 100, 0), 0);
	serve(0);
	assert_int_equal(mbx_caller_poll(&caller, out, 9, &status, 0, PEER),
			 MBX_EMSGSIZE);
	assert_int_equal(call_at(9, 100, 0), MBX_EBUSY);
	assert_int_equal(mbx_caller_poll(&caller, out, 10, &status, 0, PEER),
			 10);
}

static void test_deadline_across_clock_wrap_ends_the_call_in_time(void **state)
{
	static const uint32_t timeouts[] = { 1, 50, 0x7fffffffu };
	uint32_t i, start;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(timeouts); i++)
		for (start = 0u - 60u; start != 60u; start += 20u) {
			uint32_t t = timeouts[i];

			setup(NULL);
			assert_int_equal(call_at(1, t, start), 0);
			assert_int_equal(poll_at(start, PEER), MBX_EAGAIN);
			/* of a moment read before it was started */
			assert_int_equal(poll_at(start - 1u, PEER), MBX_EAGAIN);
			assert_int_equal(poll_at(start + t - 1u, PEER),
					 MBX_EAGAIN);
			assert_int_equal(poll_at(start + t, PEER),
					 MBX_ETIMEDOUT);
			assert_int_equal(call_at(1, 1, start + t), 0);
		}
}

static void test_reply_there_at_the_deadline_is_taken(void **state)
{
	(void)state;
	assert_int_equal(call_at(1, 10, 0), 0);
	serve(0);
	assert_int_equal(poll_at(1000, PEER), 2);
}

static void test_late_reply_is_thrown_away_and_counted(void **state)
{
	(void)state;
	assert_int_equal(call_at(1, 10, 0), 0);
	assert_int_equal(poll_at(10, PEER), MBX_ETIMEDOUT);
	assert_int_equal(call_at(5, 10, 10), 0);
	serve(-1);
	assert_int_equal(poll_at(11, PEER), MBX_EAGAIN);
	assert_int_equal(caller.stale, 1);
	serve(-2);
	assert_int_equal(poll_at(11, PEER), 6);
	assert_int_equal(status, -2);
}

static void test_as_many_late_replies_as_a_ring_holds_take_one_poll(
	void **state)
{
	uint32_t i;

	(void)state;
	rep = queue_place(&rep_mem, 244, 8u + MAX, MBX_FAIL, 0);
	assert_int_equal(mbx_caller_attach(&caller, &req, &rep, 1), 0);
	assert_int_equal(mbx_server_attach(&server, &req, &rep), 0);
	memset(buf, 0, sizeof(buf));
	for (i = 0; mbx_tx_send(&server.tx, buf, 8) == 0; i++)
		;
	assert_int_equal(i, (244 - 4) / 12);
	assert_int_equal(call_at(1, 10, 0), 0);
	assert_int_equal(poll_at(0, PEER), MBX_EAGAIN);
	assert_int_equal(caller.stale, i);
}

/* Of what a server never sends, more may be there: a poll does not take all. */
static void test_poll_drops_no_more_than_a_ring_holds_of_replies(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; mbx_tx_send(&server.tx, NULL, 0) == 0; i++)
		;
	assert_true(i > RING / 12u + 2u);
	assert_int_equal(call_at(1, 10, 0), 0);
	assert_int_equal(poll_at(0, PEER), MBX_EAGAIN);
	assert_int_equal(caller.stale, RING / 12u + 1u);
}

static void test_peer_gone_or_restarted_ends_the_call_at_once(void **state)
{
	uint32_t peer;

	(void)state;
	for (peer = 0; peer <= PEER + 1u; peer++) {
		setup(NULL);
		assert_int_equal(call_at(1, 1000, 0), 0);
		assert_int_equal(poll_at(0, peer),
				 peer == PEER ? MBX_EAGAIN : MBX_ECONNRESET);
	}
	setup(NULL);
	assert_int_equal(call_at(1, 1000, 0), 0);
	serve(0); /* it answered, and then died */
	assert_int_equal(poll_at(0, 0), 2);
}

static void test_reply_to_callers_earlier_life_is_not_taken(void **state)
{
	(void)state;
	assert_int_equal(call_at(1, 1000, 0), 0);
	assert_int_equal(mbx_caller_attach(&caller, &req, &rep, 2), 0);
	assert_int_equal(call_at(7, 1000, 0), 0);
	serve(-1);
	assert_int_equal(poll_at(0, PEER), MBX_EAGAIN);
	serve(-2);
	assert_int_equal(poll_at(0, PEER), 8);
	assert_int_equal(status, -2);
	assert_int_equal(caller.stale, 1);
}

/* Not even when that life made more calls than a session has numbers. */
static void test_ids_of_successive_lives_keep_their_distance(void **state)
{
	uint32_t life, later, ids[64];

	(void)state;
	for (life = 0; life < ARRAY_SIZE(ids); life++) {
		assert_int_equal(
			mbx_caller_attach(&caller, &req, &rep, life + 1u), 0);
		ids[life] = caller.id;
	}
	for (life = 0; life < ARRAY_SIZE(ids); life++)
		for (later = life + 1; later < ARRAY_SIZE(ids); later++)
			assert_true(ids[later] - ids[life] > 10000000u);
}

static void test_reply_too_long_does_not_outlive_the_deadline(void **state)
{
	(void)state;
	assert_int_equal(call_at(9, 100, 0), 0);
	serve(0);
	assert_int_equal(mbx_caller_poll(&caller, out, 9, &status, 99, PEER),
			 MBX_EMSGSIZE);
	assert_int_equal(mbx_caller_poll(&caller, out, 9, &status, 100, PEER),
			 MBX_ETIMEDOUT);
	assert_int_equal(call_at(3, 100, 100), 0);
	serve(0);
	assert_int_equal(poll_at(100, PEER), 4);
	assert_int_equal(caller.stale, 1);
}

static void test_dropping_queue_is_no_room_not_a_length(void **state)
{
	struct mbx_request r;

	(void)state;
	server.tx.at.full = MBX_DROP;
	while (mbx_tx_send(&server.tx, buf, 8u + MAX) == 0)
		;
	assert_int_equal(call_at(3, 100, 0), 0);
	assert_int_equal(mbx_server_take(&server, &r, out, sizeof(out)),
			 MBX_ENOSPC);
	while (mbx_tx_send(&caller.tx, buf, 8u + MAX) == 0)
		;
	caller.open = 0;
	caller.tx.at.full = MBX_DROP;
	assert_int_equal(call_at(3, 100, 0), MBX_EAGAIN);
	assert_int_equal(poll_at(0, PEER), MBX_EINVAL);
}

static void test_server_dying_with_request_in_hand_sees_it_again(void **state)
{
	struct mbx_request r;

	(void)state;
	assert_int_equal(mbx_server_attach(&server, &req, &rep), 0);
	assert_int_equal(call_at(2, 1000, 0), 0);
	assert_int_equal(mbx_server_take(&server, &r, out, sizeof(out)), 2);
	assert_int_equal(mbx_server_attach(&server, &req, &rep), 1);
	serve(0);
	assert_int_equal(mbx_server_attach(&server, &req, &rep), 0);
	assert_int_equal(poll_at(0, PEER), 3);
}

static void test_server_without_room_for_reply_leaves_the_request(void **state)
{
	struct mbx_request r;
	uint32_t i;
	int n;

	(void)state;
	/* a caller that never takes its replies */
	for (i = 0;; i++) {
		assert_int_equal(call_at(20, 1, 0), 0);
		caller.open = 0;
		n = mbx_server_take(&server, &r, out, sizeof(out));
		if (n == MBX_ENOSPC)
			break;
		assert_int_equal(n, 20);
		assert_int_equal(mbx_server_reply(&server, &r, 0, buf, MAX), 0);
	}
	assert_true(i >= DEPTH);
	caller.open = 1;
	assert_int_equal(poll_at(0, PEER), MBX_EAGAIN);
	serve(0);
	assert_int_equal(poll_at(0, PEER), 21);
}

static void test_request_too_short_for_its_head_says_eproto_once(void **state)
{
	struct mbx_request r;
	uint32_t bytes;

	(void)state;
	for (bytes = 0; bytes < 8; bytes++) {
		setup(NULL);
		assert_int_equal(mbx_tx_send(&caller.tx, buf, bytes), 0);
		assert_int_equal(call_at(4, 1000, 0), 0);
		assert_int_equal(mbx_server_take(&server, &r, out, sizeof(out)),
				 MBX_EPROTO);
		serve(0);
		assert_int_equal(poll_at(0, PEER), 5);
	}
}

static void test_replies_of_nonsense_are_thrown_away_within_bounds(void **state)
{
	uint32_t i, k, seed = 3;

	(void)state;
	for (i = 0; i < ROUNDS(20000); i++) {
		setup(NULL);
		assert_int_equal(call_at(4, 1000, 0), 0);
		for (k = 0; k < 16; k++) {
			buf[0] = (uint8_t)rnd(&seed);
			mbx_tx_send(&server.tx, buf,
				    rnd_below(&seed, 8u + MAX));
		}
		assert_int_equal(poll_at(0, PEER), MBX_EAGAIN);
		assert_guards(&rep_mem, &rep);
	}
}

static void test_queue_damage_ends_the_call_with_eproto(void **state)
{
	struct mbx_request r;

	(void)state;
	assert_int_equal(call_at(4, 1000, 0), 0);
	poke_word(&rep_mem.ring[rep_mem.rx[0].raw / 4], 0x12345678);
	assert_int_equal(poll_at(0, PEER), MBX_EPROTO);
	assert_int_equal(poll_at(0, PEER), MBX_EINVAL);
	poke_word(&req_mem.ring[(RING - 24u) / 4], 0x12345678);
	assert_int_equal(mbx_server_take(&server, &r, out, sizeof(out)),
			 MBX_EPROTO);
	/* the room kept for its answer was given back */
	assert_int_equal(mbx_server_reply(&server, &r, 0, NULL, 0), MBX_EINVAL);
}

static void test_attach_to_damaged_queues_says_eproto(void **state)
{
	(void)state;
	poke_word(&req_mem.rx[0], 2);
	assert_int_equal(mbx_caller_attach(&caller, &req, &rep, 1), MBX_EPROTO);
	assert_int_equal(mbx_server_attach(&server, &req, &rep), MBX_EPROTO);
	poke_word(&req_mem.rx[0], 0);
	poke_word(&rep_mem.rx[0], 2);
	poke_word(&req_mem.ring[0], 0);
	assert_int_equal(mbx_caller_attach(&caller, &req, &rep, 1), MBX_EPROTO);
	assert_int_equal(mbx_server_attach(&server, &req, &rep), MBX_EPROTO);
}

/* ---- two threads ---- */

#define CALLS ROUNDS(40000)

static void *serve_all(void *arg)
{
	uint32_t *bad = arg, i;
	struct mbx_request r;
	uint8_t msg[MAX];

	for (i = 1; i <= CALLS; i++) {
		int n;

		while ((n = mbx_server_take(&server, &r, msg, MAX)) ==
			       MBX_EAGAIN ||
		       n == MBX_ENOSPC)
			sched_yield();
		*bad += n != (int)(i % MAX) || !is_message(msg, i, i % MAX);
		*bad += mbx_server_reply(&server, &r, -(int)i, msg,
					 (uint32_t)(n < 0 ? 0 : n)) != 0;
	}
	return NULL;
}

static void test_two_threads_calling_and_serving_agree(void **state)
{
	uint32_t i, bad = 0, server_bad = 0;
	uint8_t msg[MAX];
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, serve_all, &server_bad), 0);
	for (i = 1; i <= CALLS; i++) {
		int n;

		fill_message(msg, i, i % MAX);
		bad += mbx_caller_start(&caller, msg, i % MAX, 1, 0, PEER) != 0;
		memset(msg, 0, MAX);
		while ((n = mbx_caller_poll(&caller, msg, MAX, &status, 0,
					    PEER)) == MBX_EAGAIN)
			sched_yield();
		bad += n != (int)(i % MAX) || !is_message(msg, i, i % MAX) ||
		       status != -(int)i;
	}
	pthread_join(t, NULL);
	assert_int_equal(bad, 0);
	assert_int_equal(server_bad, 0);
}

#define test(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_call_of_every_length_gets_its_reply),
		test(test_start_refuses_what_cannot_be),
		test(test_start_into_full_queue_says_eagain_and_opens_nothing),
		test(test_server_without_request_says_eagain),
		test(test_server_owing_an_answer_says_ebusy),
		test(test_reply_longer_than_buffer_stays_for_a_larger_one),
		test(test_deadline_across_clock_wrap_ends_the_call_in_time),
		test(test_reply_there_at_the_deadline_is_taken),
		test(test_late_reply_is_thrown_away_and_counted),
		test(test_as_many_late_replies_as_a_ring_holds_take_one_poll),
		test(test_poll_drops_no_more_than_a_ring_holds_of_replies),
		test(test_peer_gone_or_restarted_ends_the_call_at_once),
		test(test_reply_to_callers_earlier_life_is_not_taken),
		test(test_ids_of_successive_lives_keep_their_distance),
		test(test_reply_too_long_does_not_outlive_the_deadline),
		test(test_dropping_queue_is_no_room_not_a_length),
		test(test_server_dying_with_request_in_hand_sees_it_again),
		test(test_server_without_room_for_reply_leaves_the_request),
		test(test_request_too_short_for_its_head_says_eproto_once),
		test(test_replies_of_nonsense_are_thrown_away_within_bounds),
		test(test_queue_damage_ends_the_call_with_eproto),
		test(test_attach_to_damaged_queues_says_eproto),
		test(test_two_threads_calling_and_serving_agree),
	};

	return run_group("call", tests, NULL);
}
