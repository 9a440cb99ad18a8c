/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends of channels in libmbx: owners, roles, policies, every kind of traffic. */
#include "host.h"
#include "internal.h"

#include <sys/eventfd.h>

struct pair {
	struct mbx_region region;
	struct mbx *remote, *host;
};

/* Both sides in this process, on anonymous memory. */
static int setup(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct pair *p = calloc(1, sizeof(*p));

	*state = p;
	if (mbx_region_open(&p->region, "anon:64K", 0, 0) ||
	    mbx_open_at(&p->remote, &p->region, &o) ||
	    mbx_open_at(&p->host, &p->region, NULL))
		return -1;
	bring_up(p->remote, p->host);
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	mbx_close(p->host);
	mbx_close(p->remote);
	mbx_region_close(&p->region);
	free(p);
	return 0;
}

static void test_send_recv_carries_every_length(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	char msg[64], buf[64];
	int i, round;

	for (round = 0; round < 20; round++) {
		for (i = 0; i <= 64; i++) {
			memset(msg, 'a' + i % 26, sizeof(msg));
			assert_mbx(mbx_send(tx, i ? msg : NULL, (size_t)i, 0),
				   0);
			memset(buf, 0, sizeof(buf));
			assert_mbx(mbx_recv(rx, buf, sizeof(buf), 0), i);
			assert_memory_equal(buf, msg, (size_t)i);
		}
	}
	assert_mbx(mbx_recv(rx, buf, sizeof(buf), 0), MBX_EAGAIN);
}

static void test_send_too_long_is_refused_and_says_how_long(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	static char big[1000];

	assert_mbx(mbx_send(tx, big, 65, 0), MBX_EMSGSIZE);
	assert_non_null(strstr(mbx_errmsg(), "65"));
	assert_non_null(strstr(mbx_errmsg(), "64"));
	assert_mbx(mbx_send(tx, big, SIZE_MAX / 2 + 1, 0), MBX_EMSGSIZE);
	assert_mbx(mbx_put(tx, big, 65, 0), MBX_EMSGSIZE);
}

static void test_recv_small_buffer_leaves_the_message(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	char buf[64];

	assert_mbx(mbx_send(tx, "twelve bytes", 12, 0), 0);
	assert_mbx(mbx_recv(rx, buf, 11, 0), MBX_EMSGSIZE);
	assert_non_null(strstr(mbx_errmsg(), "12 bytes"));
	mbx_release(rx); /* of nothing: must not lose it */
	assert_mbx(mbx_recv(rx, buf, 12, 0), 12);
}

static void test_wrong_kind_or_direction_says_what_the_end_can(void **state)
{
	struct pair *p = *state;
	struct mbx_end *up = open_end(p->host, "up");
	struct mbx_end *value = open_end(p->host, "value");
	struct mbx_end *add = open_end(p->host, "add");
	struct mbx_request req = { 0 };
	const void *peeked;
	void *claimed;
	char buf[64];

	assert_mbx(mbx_recv(up, buf, 64, 0), MBX_ENOTSUP);
	assert_non_null(strstr(mbx_errmsg(), "sent to"));
	assert_mbx(mbx_peek(up, &peeked, 0), MBX_ENOTSUP);
	assert_mbx(mbx_release(up), MBX_ENOTSUP);
	assert_mbx(mbx_get(up, buf, 64, NULL, NULL), MBX_ENOTSUP);
	assert_mbx(mbx_set(value, buf, 8), MBX_ENOTSUP);
	assert_mbx(mbx_send(value, buf, 8, 0), MBX_ENOTSUP);
	assert_mbx(mbx_claim(value, 8, &claimed, 0), MBX_ENOTSUP);
	assert_mbx(mbx_log(value, MBX_LOG_INFO, "x"), MBX_ENOTSUP);
	assert_mbx(mbx_log_read(value, buf, 64, NULL, 0), MBX_ENOTSUP);
	assert_mbx(mbx_serve(add, buf, 64, &req, 0), MBX_ENOTSUP);
	assert_mbx(mbx_reply(add, &req, 0, buf, 4), MBX_ENOTSUP);
	assert_mbx(mbx_call(up, buf, 4, buf, 64, NULL, 10), MBX_ENOTSUP);
	assert_mbx(mbx_flush(value), MBX_ENOTSUP);
	assert_mbx(mbx_commit(value, 0), MBX_ENOTSUP);
	assert_mbx(mbx_abort(value), MBX_ENOTSUP);
	assert_mbx(mbx_skip(up), MBX_ENOTSUP);
}

static void test_negative_timeout_is_refused(void **state)
{
	struct pair *p = *state;
	struct mbx_end *up = open_end(p->host, "up");
	struct mbx_end *down = open_end(p->host, "down");
	char buf[64];

	assert_mbx(mbx_send(up, "x", 1, -1), MBX_EINVAL);
	assert_mbx(mbx_recv(down, buf, 64, -1), MBX_EINVAL);
	assert_mbx(mbx_wait(p->host, -1), MBX_EINVAL);
	assert_mbx(mbx_wait_peer(p->host, -1), MBX_EINVAL);
}

static void test_open_unknown_channel_lists_the_channels(void **state)
{
	struct pair *p = *state;
	struct mbx_end *e;

	assert_mbx(mbx_end_open(p->host, "pu", &e), MBX_ENOENT);
	assert_null(e);
	assert_non_null(strstr(mbx_errmsg(), "\"pu\""));
	assert_non_null(strstr(mbx_errmsg(), "up, down"));
}

static void test_open_twice_names_the_owner(void **state)
{
	struct pair *p = *state;
	struct mbx_end *before = open_end(p->host, "fails"), *second;
	struct mbx_end *first = open_end(p->host, "up");
	struct mbx *other;
	char pid[20];

	snprintf(pid, sizeof(pid), "process %d", getpid());
	assert_mbx(mbx_end_open(p->host, "up", &second), MBX_EBUSY);
	assert_non_null(strstr(mbx_errmsg(), pid));
	/* the same through a second opening of the region */
	assert_mbx(mbx_open_at(&other, &p->region, NULL), 0);
	assert_mbx(mbx_end_open(other, "up", &second), MBX_EBUSY);
	assert_non_null(strstr(mbx_errmsg(), pid));
	mbx_end_close(first);
	mbx_end_close(before);
	assert_mbx(mbx_end_open(other, "up", &second), 0);
	mbx_close(other);
	/* readers have no owner */
	open_end(p->host, "value");
	open_end(p->host, "value");
}

static void test_full_block_channel_waits_then_says_eagain(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_stream_stats s;
	char msg[64] = { 0 };
	int n = 0, err;

	while ((err = mbx_send(tx, msg, sizeof(msg), 0)) == 0)
		n++;
	assert_mbx(err, MBX_EAGAIN);
	assert_true(n >= 8); /* the declared depth */
	assert_mbx(mbx_send(tx, msg, sizeof(msg), 20), MBX_EAGAIN);
	assert_non_null(strstr(mbx_errmsg(), "full"));
	assert_mbx(mbx_stream_stats(p->host, UP, 0, &s), 0);
	assert_int_equal(s.full, 2); /* each send once, however long it waits */
	assert_int_equal(s.messages, n);
	assert_int_equal(s.wants_room, 0);
	assert_int_equal(s.writer_pid, getpid());
	assert_int_equal(s.used_bytes, n * 68);
}

static void test_full_fail_channel_never_waits(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "fails");
	char msg[16] = { 0 };
	int err;

	while ((err = mbx_send(tx, msg, sizeof(msg), PATIENCE_MS)) == 0)
		;
	assert_mbx(err, MBX_EAGAIN);
}

static void test_full_drop_channel_drops_and_counts(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "drops");
	struct mbx_end *rx = open_end(p->remote, "drops");
	struct mbx_stream_stats s;
	uint32_t i, got = 0, buf[4];

	for (i = 0; i < 20; i++) {
		uint32_t msg[4] = { i };
		int err = mbx_send(tx, msg, sizeof(msg), 0);

		assert_true(err == 0 || err == 1);
		if (err == 0) {
			assert_int_equal(i, got);
			got++;
		}
	}
	assert_true(got >= 2 && got < 20);
	assert_mbx(mbx_stream_stats(p->host, DROPS, 0, &s), 0);
	assert_int_equal(s.full, 20 - got);
	for (i = 0; i < got; i++) {
		assert_mbx(mbx_recv(rx, buf, sizeof(buf), 0), 16);
		assert_int_equal(buf[0], i);
	}
	assert_mbx(mbx_recv(rx, buf, sizeof(buf), 0), MBX_EAGAIN);
}

static void test_batch_is_invisible_until_flushed(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	char buf[64];

	assert_mbx(mbx_put(tx, "one", 3, 0), 0);
	assert_mbx(mbx_put(tx, "two", 3, 0), 0);
	assert_mbx(mbx_recv(rx, buf, 64, 0), MBX_EAGAIN);
	assert_mbx(mbx_flush(tx), 0);
	assert_mbx(mbx_recv(rx, buf, 64, 0), 3);
	assert_memory_equal(buf, "one", 3);
	assert_mbx(mbx_recv(rx, buf, 64, 0), 3);
	assert_memory_equal(buf, "two", 3);
	/* a plain send brings the batch along, in order */
	assert_mbx(mbx_put(tx, "three", 5, 0), 0);
	assert_mbx(mbx_send(tx, "four", 4, 0), 0);
	assert_mbx(mbx_recv(rx, buf, 64, 0), 5);
	assert_mbx(mbx_recv(rx, buf, 64, 0), 4);
}

static void test_many_wait_for_room_and_say_how_many_they_were(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	static char msgs[100][64];
	int taken = 0, n;
	char buf[64];
	size_t i;

	for (i = 0; i < 100; i++)
		msgs[i][0] = (char)i;
	assert_mbx(mbx_put_many(tx, msgs, 65, 1, 0), MBX_EMSGSIZE);
	assert_mbx(mbx_put_many(rx, msgs, 64, 1, 0), MBX_ENOTSUP);
	assert_mbx(mbx_put_many(tx, msgs, 64, 0, 0), 0);
	assert_mbx(mbx_put_many(tx, msgs, 64, 2, 0), 2);
	assert_mbx(mbx_recv(rx, buf, 64, 0), MBX_EAGAIN);
	assert_mbx(mbx_flush(tx), 0);
	n = mbx_put_many(tx, msgs[2], 64, 98, 10);
	assert_in_range(n, 1, 97);
	assert_mbx(mbx_put_many(tx, msgs[2], 64, 98, 0), MBX_EAGAIN);
	for (; mbx_recv(rx, buf, 64, 0) == 64; taken++)
		assert_int_equal(buf[0], taken);
	assert_int_equal(taken, 2 + n);
}

/* One message was the first without room, whatever the channel does then. */
static void test_many_find_no_room_once(void **state)
{
	static const uint32_t channels[] = { UP, FAILS, DROPS };
	static const char msgs[100][16];
	struct pair *p = *state;
	struct mbx_stream_stats s;
	struct mbx_end *tx;
	size_t i;
	int n;

	for (i = 0; i < 3; i++) {
		tx = open_end(p->host, host_channels[channels[i]].name);
		n = mbx_put_many(tx, msgs, 16, 100, 0);
		assert_in_range(n, 2, 99);
		assert_mbx(mbx_stream_stats(p->host, channels[i], 0, &s), 0);
		assert_int_equal(s.messages, n);
		assert_int_equal(s.full, 1);
	}
}

static void test_claim_commit_and_peek_release_move_nothing(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	const void *seen, *again;
	void *place;

	assert_mbx(mbx_claim(tx, 64, &place, 0), 0);
	assert_int_equal((uintptr_t)place & 3, 0);
	assert_mbx(mbx_send(tx, "x", 1, 0), MBX_EBUSY);
	memcpy(place, "claimed", 7);
	assert_mbx(mbx_peek(rx, &seen, 0), MBX_EAGAIN);
	assert_mbx(mbx_commit(tx, 65), MBX_EMSGSIZE);
	assert_mbx(mbx_commit(tx, 7), 0);
	assert_mbx(mbx_commit(tx, 7), MBX_EINVAL);
	assert_mbx(mbx_claim(tx, 64, &place, 0), 0);
	assert_mbx(mbx_abort(tx), 0);
	assert_mbx(mbx_peek(rx, &seen, 0), 7);
	assert_memory_equal(seen, "claimed", 7);
	assert_ptr_equal(seen, (char *)place - 12); /* the very bytes */
	assert_mbx(mbx_peek(rx, &again, 0), 7);
	assert_ptr_equal(seen, again);
	assert_mbx(mbx_repeated(rx), 0);
	assert_mbx(mbx_release(rx), 0);
	assert_mbx(mbx_peek(rx, &seen, 0), MBX_EAGAIN);
}

static void test_message_in_hand_at_death_comes_again_marked(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	const void *seen;
	char buf[64];

	assert_mbx(mbx_send(tx, "first", 5, 0), 0);
	assert_mbx(mbx_send(tx, "second", 6, 0), 0);
	assert_mbx(mbx_peek(rx, &seen, 0), 5);
	mbx_end_close(rx); /* as a death: nothing is released */
	rx = open_end(p->remote, "up");
	assert_mbx(mbx_recv(rx, buf, 64, 0), 5);
	assert_mbx(mbx_repeated(rx), 1);
	assert_mbx(mbx_recv(rx, buf, 64, 0), 6);
	assert_mbx(mbx_repeated(rx), 0);
}

static void test_impossible_header_is_named_and_stays(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	struct mbx_queue_place at;
	struct mbx_stream_stats s;
	char buf[64];

	(void)tx;
	assert_mbx(mbx_link_queue(mbx_get_link(p->host), UP, &at), 0);
	at.ring->raw = 0xdeadbeef;
	assert_mbx(mbx_recv(rx, buf, 64, 0), MBX_EPROTO);
	assert_non_null(strstr(mbx_errmsg(), "0xdeadbeef"));
	assert_non_null(strstr(mbx_errmsg(), "\"up\""));
	assert_mbx(mbx_recv(rx, buf, 64, 0), MBX_EPROTO);
	assert_mbx(mbx_stream_stats(p->host, UP, 0, &s), 0);
	assert_int_equal(s.impossible, 2);
	assert_int_equal(s.corrupt, 1);
	at.rx->raw = 2;
	assert_mbx(mbx_send(tx, buf, 64, 0), MBX_EPROTO);
	assert_non_null(strstr(mbx_errmsg(), "0x00000002"));
}

/* Padding is no message; a ring that is full of it, or more, is none. */
static void test_ring_that_cannot_be_is_corrupt_to_who_looks(void **state)
{
	struct pair *p = *state;
	struct mbx_queue_place at;
	struct mbx_stream_stats s;
	char buf[64] = "";
	uint32_t end;

	assert_mbx(mbx_link_queue(mbx_get_link(p->host), UP, &at), 0);
	end = at.ring_bytes;
	mbx_st(at.rx, 16);
	mbx_st(mbx_word_at(at.ring, 16), MBX_HDR_PAD + end - 16 - 4);
	mbx_st(at.ring, MBX_HDR_MSG + 3);
	mbx_st(mbx_word_at(at.ring, 4), mbx_le32(0x00636261));
	assert_mbx(mbx_stream_stats(p->host, UP, 0, &s), 0);
	assert_int_equal(s.messages, 1);
	assert_int_equal(s.used_bytes, end - 16 + 8);
	assert_int_equal(s.corrupt, 0);
	assert_mbx(mbx_stream_look(p->host, UP, 0, 0, buf, 64), 3);
	assert_string_equal(buf, "abc");
	/* up to where the reader is, so that nothing would be free */
	mbx_st(at.ring, MBX_HDR_MSG + 12);
	assert_mbx(mbx_stream_stats(p->host, UP, 0, &s), 0);
	assert_int_equal(s.corrupt, 1);
	assert_mbx(mbx_stream_look(p->host, UP, 0, 0, buf, 64), MBX_EPROTO);
	/* a reader behind the end */
	mbx_st(at.rx, end);
	assert_mbx(mbx_stream_stats(p->host, UP, 0, &s), 0);
	assert_int_equal(s.corrupt, 1);
	assert_int_equal(s.messages, 0);
	assert_mbx(mbx_stream_look(p->host, UP, 0, 0, buf, 64), MBX_EPROTO);
}

static void test_look_shows_waiting_messages_and_takes_none(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	char buf[64];

	assert_mbx(mbx_stream_look(p->host, UP, 0, 0, buf, 64), MBX_EAGAIN);
	assert_mbx(mbx_send(tx, "one", 3, 0), 0);
	assert_mbx(mbx_send(tx, "second", 6, 0), 0);
	assert_mbx(mbx_stream_look(p->host, UP, 0, 1, buf, 3), 6);
	assert_memory_equal(buf, "sec", 3);
	assert_mbx(mbx_stream_look(p->host, UP, 0, 2, buf, 64), MBX_EAGAIN);
	assert_mbx(mbx_stream_look(p->host, UP, 1, 0, buf, 64), MBX_ENOTSUP);
	assert_mbx(mbx_stream_look(p->host, 99, 0, 0, buf, 64), MBX_ENOENT);
	assert_mbx(mbx_stream_look(p->host, VALUE, 0, 0, buf, 64), MBX_ENOTSUP);
}

static void test_state_gives_the_latest_and_counts_the_missed(void **state)
{
	struct pair *p = *state;
	struct mbx_end *w = open_end(p->remote, "value");
	struct mbx_end *r = open_end(p->host, "value");
	uint32_t v[2], i, age = 1;
	struct mbx_record rec;

	assert_mbx(mbx_get(r, v, sizeof(v), &rec, &age), MBX_ENODATA);
	assert_mbx(mbx_set(w, v, 4), MBX_EMSGSIZE);
	for (i = 0; i < 10; i++) {
		v[0] = i;
		v[1] = ~i;
		assert_mbx(mbx_set(w, v, sizeof(v)), 0);
	}
	assert_mbx(mbx_get(r, v, 4, &rec, &age), MBX_EMSGSIZE);
	assert_mbx(mbx_get(r, v, sizeof(v), &rec, &age), 8);
	assert_int_equal(v[0], 9);
	assert_int_equal(rec.missed, 9);
	usleep(3000);
	mbx_poll(p->remote); /* the writer's clock goes on */
	assert_mbx(mbx_get(r, v, sizeof(v), &rec, &age), 8);
	assert_int_equal(rec.missed, 0);
	assert_int_equal(rec.number, 10);
	assert_true(age >= 3000);
}

static void test_log_tells_level_order_and_what_was_missed(void **state)
{
	struct pair *p = *state;
	struct mbx_end *w = open_end(p->remote, "lines");
	struct mbx_end *r = open_end(p->host, "lines");
	struct mbx_record rec;
	char buf[24], want[24];
	int i, n;

	assert_mbx(mbx_log_read(r, buf, sizeof(buf), &rec, 0), MBX_EAGAIN);
	for (i = 0; i < 20; i++)
		assert_mbx(mbx_log(w, i % 2 ? MBX_LOG_INFO : MBX_LOG_ERROR,
				   "line %d", i),
			   0);
	for (i = 12; i < 20; i++) { /* eight slots */
		n = mbx_log_read(r, buf, sizeof(buf), &rec, 0);
		snprintf(want, sizeof(want), "line %d", i);
		assert_int_equal(n, strlen(want));
		assert_memory_equal(buf, want, (size_t)n);
		assert_int_equal(rec.missed, i == 12 ? 12 : 0);
		assert_int_equal(rec.level,
				 i % 2 ? MBX_LOG_INFO : MBX_LOG_ERROR);
	}
	assert_mbx(mbx_log_read(r, buf, sizeof(buf), &rec, 15), MBX_EAGAIN);
	assert_mbx(mbx_log(w, MBX_LOG_INFO, "%s",
			   "thirty bytes of text, too long"),
		   0);
	assert_mbx(mbx_log(w, MBX_LOG_INFO, "next"), 0);
	assert_mbx(mbx_log_read(r, buf, 4, &rec, 0), MBX_EMSGSIZE);
	assert_mbx(mbx_log_read(r, buf, 24, &rec, 0), 24);
	assert_memory_equal(buf, "thirty bytes of text,...", 24);
	assert_mbx(mbx_skip(r), 0);
	assert_mbx(mbx_log_read(r, buf, 24, &rec, 0), MBX_EAGAIN);
}

static void test_call_in_steps_reaches_the_server_and_back(void **state)
{
	struct pair *p = *state;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	uint32_t ab[2] = { 30, 12 }, sum = 0;
	struct mbx_request req;
	int status = 1;

	assert_mbx(mbx_call_poll(c, &sum, 4, &status), MBX_EINVAL);
	assert_mbx(mbx_call_start(c, ab, 9, 100), MBX_EMSGSIZE);
	assert_mbx(mbx_call_start(c, ab, 8, 0), MBX_EINVAL);
	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_call_start(c, ab, 8, 100), MBX_EBUSY);
	assert_mbx(mbx_call_poll(c, &sum, 4, &status), MBX_EAGAIN);
	memset(ab, 0, sizeof(ab));
	assert_mbx(mbx_serve(s, ab, sizeof(ab), &req, 0), 8);
	assert_int_equal(req.timeout_us, PATIENCE_MS * 1000);
	sum = ab[0] + ab[1];
	assert_mbx(mbx_reply(s, &req, -7, &sum, 5), MBX_EMSGSIZE);
	assert_mbx(mbx_reply(s, &req, -7, &sum, 4), 0);
	assert_mbx(mbx_reply(s, &req, 0, &sum, 4), MBX_EINVAL);
	sum = 0;
	assert_mbx(mbx_call_poll(c, &sum, 4, &status), 4);
	assert_int_equal(sum, 42);
	assert_int_equal(status, -7);
}

static void test_call_unanswered_times_out_and_its_reply_is_not_next(void **s_)
{
	struct pair *p = *s_;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	uint32_t ab[2] = { 1, 2 }, sum = 0;
	struct mbx_request req;
	int status;

	assert_mbx(mbx_call(c, ab, 8, &sum, 4, &status, 30), MBX_ETIMEDOUT);
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
	sum = 99;
	assert_mbx(mbx_reply(s, &req, 0, &sum, 4), 0);
	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_call_poll(c, &sum, 4, &status), MBX_EAGAIN);
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
	sum = 3;
	assert_mbx(mbx_reply(s, &req, 0, &sum, 4), 0);
	sum = 0;
	assert_mbx(mbx_call_poll(c, &sum, 4, &status), 4);
	assert_int_equal(sum, 3);
}

static void test_serve_without_room_for_a_reply_says_so(void **state)
{
	struct pair *p = *state;
	struct mbx_end *s = open_end(p->remote, "add"), *c;
	uint32_t ab[2] = { 0 };
	struct mbx_request req;
	int n, i = 0;

	/* callers that each die before they take their reply */
	do {
		c = open_end(p->host, "add");
		assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
		mbx_end_close(c);
		n = mbx_serve(s, ab, 8, &req, 10);
		if (n >= 0)
			assert_mbx(mbx_reply(s, &req, 0, ab, 4), 0);
	} while (n >= 0 && ++i < 10);
	assert_mbx(n, MBX_EAGAIN);
	assert_non_null(strstr(mbx_errmsg(), "no room to answer"));
	/* the next one drops them all, which is the room */
	c = open_end(p->host, "add");
	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_call_poll(c, ab, 4, NULL), MBX_EAGAIN);
	for (i = 0; i < 2; i++) {
		assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
		assert_mbx(mbx_reply(s, &req, 0, ab, 4), 0);
	}
	assert_mbx(mbx_call_poll(c, ab, 4, NULL), 4);
}

static void test_serve_without_request_says_so_and_stays_open(void **state)
{
	struct pair *p = *state;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	uint32_t ab[2] = { 1, 2 };
	struct mbx_request req;

	assert_mbx(mbx_serve(s, ab, 8, &req, 0), MBX_EAGAIN);
	assert_mbx(mbx_serve(s, ab, 8, &req, 15), MBX_EAGAIN);
	assert_non_null(strstr(mbx_errmsg(), "no request"));
	assert_mbx(mbx_serve(s, ab, 8, &req, -1), MBX_EINVAL);
	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_serve(s, ab, 7, &req, 0), MBX_EMSGSIZE);
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8); /* it stayed */
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), MBX_EBUSY);
	assert_mbx(mbx_reply(s, &req, 0, ab, 4), 0);
	mbx_close(p->host);
	p->host = NULL;
	mbx_poll(p->remote);
	assert_mbx(mbx_serve(s, ab, 8, &req, 15), MBX_ENOTCONN);
}

static void test_call_with_full_request_queue_says_eagain(void **state)
{
	struct pair *p = *state;
	uint32_t ab[2] = { 0 };
	int err = 0, i;

	/* callers that give up, and a server that never looks */
	for (i = 0; i < 20 && !err; i++) {
		struct mbx_end *c = open_end(p->host, "add");

		err = mbx_call_start(c, ab, 8, 20);
		mbx_end_close(c);
	}
	assert_mbx(err, MBX_EAGAIN);
	assert_true(i > 2);
	assert_non_null(strstr(mbx_errmsg(), "full"));
}

static void test_stats_of_state_and_log_count_what_was_written(void **state)
{
	struct pair *p = *state;
	struct mbx_end *w = open_end(p->remote, "value");
	uint32_t v[2] = { 0 }, i;
	struct mbx_stream_stats s;

	for (i = 0; i < 5; i++)
		assert_mbx(mbx_set(w, v, 8), 0);
	assert_mbx(mbx_stream_stats(p->host, VALUE, 0, &s), 0);
	assert_int_equal(s.written, 5);
	assert_int_equal(s.writer_pid, getpid());
	assert_mbx(mbx_stream_stats(p->host, VALUE, 1, &s), MBX_ENOTSUP);
	assert_mbx(mbx_stream_stats(p->host, LINES, 0, &s), 0);
	assert_int_equal(s.written, 0);
	assert_mbx(mbx_stream_stats(p->host, ADD, 1, &s), 0);
	assert_true(s.ring_bytes > 0);
	assert_mbx(mbx_stream_stats(p->host, 99, 0, &s), MBX_ENOENT);
	assert_int_equal(mbx_channel_find(p->host, "lines"), LINES);
	assert_string_equal(mbx_channel_at(p->host, ADD)->name, "add");
	assert_null(mbx_channel_at(p->host, host_channels_count));
	assert_string_equal(mbx_get_region(p->host)->kind, "anon");
	assert_mbx(mbx_region_check(mbx_get_region(p->host)), 0);
}

static void test_call_status_without_a_place_is_the_result(void **state)
{
	struct pair *p = *state;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	uint32_t ab[2] = { 0 };
	struct mbx_request req;

	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
	assert_mbx(mbx_reply(s, &req, MBX_EINVAL, NULL, 0), 0);
	assert_mbx(mbx_call_poll(c, NULL, 0, NULL), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "refused"));
}

static void test_peer_gone_is_an_error_for_each_kind(void **state)
{
	struct pair *p = *state;
	struct mbx_end *up = open_end(p->host, "up");
	struct mbx_end *down = open_end(p->host, "down");
	struct mbx_end *add = open_end(p->host, "add");
	struct mbx_end *w = open_end(p->remote, "down");
	uint32_t ab[2] = { 0 };
	char buf[64];

	assert_mbx(mbx_send(w, "last words", 10, 0), 0);
	assert_mbx(mbx_call_start(add, ab, 8, PATIENCE_MS), 0);
	mbx_close(p->remote);
	p->remote = NULL;
	assert_int_equal(mbx_poll(p->host) & MBX_EVENT_DOWN, MBX_EVENT_DOWN);
	assert_mbx(mbx_call_poll(add, buf, 64, NULL), MBX_ECONNRESET);
	assert_mbx(mbx_send(up, "x", 1, 0), MBX_ENOTCONN);
	assert_mbx(mbx_send(up, "x", 1, 20), MBX_ENOTCONN);
	assert_non_null(strstr(mbx_errmsg(), "the peer is not there"));
	assert_mbx(mbx_call_start(add, ab, 8, 20), MBX_ENOTCONN);
	/* what it had sent can still be taken */
	assert_mbx(mbx_recv(down, buf, 64, 0), 10);
	assert_mbx(mbx_recv(down, buf, 64, 20), MBX_ENOTCONN);
	assert_mbx(mbx_wait_peer(p->host, 20), MBX_ENOTCONN);
}

static void test_mismatch_names_channel_and_both_values(void **state)
{
	struct pair *p = *state;
	struct mbx_channel other[host_channels_count];
	struct mbx_options o = { .channels = other,
				 .count = host_channels_count };
	struct mbx *m;

	mbx_close(p->host);
	memcpy(other, host_channels, sizeof(other));
	other[DOWN].is.fwd.max_bytes = 32;
	assert_mbx(mbx_open_at(&m, &p->region, &o), MBX_EMISMATCH);
	assert_non_null(strstr(mbx_errmsg(), "\"down\""));
	assert_non_null(strstr(mbx_errmsg(), "max_bytes"));
	assert_non_null(strstr(mbx_errmsg(), "32"));
	assert_non_null(strstr(mbx_errmsg(), "64"));
	/* and the other side is told */
	assert_int_equal(mbx_poll(p->remote) & MBX_EVENT_INCOMPATIBLE,
			 MBX_EVENT_INCOMPATIBLE);
	memcpy(other, host_channels, sizeof(other));
	other[VALUE].is.type = "u32 a, i32 b";
	assert_mbx(mbx_open_at(&m, &p->region, &o), MBX_EMISMATCH);
	assert_non_null(strstr(mbx_errmsg(), "\"u32 a, i32 b\""));
	assert_non_null(strstr(mbx_errmsg(), "\"u32 a, u32 b\""));
	memcpy(other, host_channels, sizeof(other));
	other[UP].name = "upp";
	assert_mbx(mbx_open_at(&m, &p->region, &o), MBX_EMISMATCH);
	assert_non_null(strstr(mbx_errmsg(), "\"upp\""));
	o.count--;
	assert_mbx(mbx_open_at(&m, &p->region, &o), MBX_EMISMATCH);
	assert_non_null(strstr(mbx_errmsg(), "channels is 6 here, 7"));
	assert_mbx(mbx_open_at(&p->host, &p->region, NULL), 0);
}

static void test_format_anew_makes_the_other_side_stale(void **state)
{
	struct pair *p = *state;
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = 2 };
	struct mbx_end *up = open_end(p->host, "up");

	mbx_close(p->remote);
	mbx_poll(p->host);
	/* the host does not let go: half a second, then it is formatted */
	assert_mbx(mbx_open_at(&p->remote, &p->region, &o), 0);
	assert_mbx(mbx_poll(p->host), MBX_ESTALE);
	assert_mbx(mbx_send(up, "x", 1, 0), MBX_ESTALE);
	assert_non_null(strstr(mbx_errmsg(), "formatted again"));
	assert_mbx(mbx_arm(p->host), MBX_ESTALE);
	assert_mbx(mbx_wait_peer(p->host, PATIENCE_MS), MBX_ESTALE);
	mbx_close(p->host);
	assert_mbx(mbx_open_at(&p->host, &p->region, NULL), 0);
	assert_int_equal(mbx_channel_count(p->host), 2);
	bring_up(p->remote, p->host);
}

static void test_observer_reads_and_cannot_write(void **state)
{
	const char *name = test_region();
	struct mbx *remote, *watcher;
	struct mbx_options o = { .observe = 1 };
	struct mbx_region region;
	struct mbx_end *w, *r, *e;
	uint32_t v[2] = { 7, 8 };
	char buf[64];

	(void)state;
	remote = open_owner(name);
	w = open_end(remote, "value");
	assert_mbx(mbx_set(w, v, 8), 0);
	assert_mbx(mbx_open(&watcher, name, &o), 0);
	r = open_end(watcher, "value");
	assert_mbx(mbx_get(r, buf, 64, NULL, NULL), 8);
	assert_mbx(mbx_end_open(watcher, "up", &e), MBX_EACCES);
	assert_mbx(mbx_end_open(watcher, "add", &e), MBX_EACCES);
	assert_mbx(mbx_set(r, v, 8), MBX_ENOTSUP);
	assert_mbx(mbx_fd(watcher), MBX_EACCES);
	assert_true(mbx_wait(watcher, 5) >= 0);
	/* nothing will ring for it, and the host that it looks on as is away */
	assert_mbx(mbx_arm(watcher), 0);
	assert_mbx(mbx_wait_peer(watcher, 5), MBX_ENOTCONN);
	mbx_close(watcher);
	/* who may not write does not, whatever the options say */
	assert_mbx(mbx_region_open(&region, name, MBX_REGION_READ, 0), 0);
	assert_mbx(mbx_open_at(&watcher, &region, NULL), 0);
	assert_mbx(mbx_end_open(watcher, "up", &e), MBX_EACCES);
	r = open_end(watcher, "value");
	assert_mbx(mbx_get(r, buf, 64, NULL, NULL), 8);
	mbx_close(watcher);
	mbx_region_close(&region);
	mbx_close(remote);
	assert_mbx(mbx_region_remove(name), 0);
}

static void test_options_contradicting_are_refused(void **state)
{
	struct mbx_options o = { .create = 1 };
	struct mbx *m;

	(void)state;
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	o = (struct mbx_options){ .timeout_ms = -1 };
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	o = (struct mbx_options){ .format = 1, .observe = 1 };
	o.channels = host_channels;
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "more than observing"));
	o = (struct mbx_options){ .side = (enum mbx_side)2 };
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "side 2"));
	o = (struct mbx_options){ .liveness_ms = 1000001 };
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "1000001"));
	o = (struct mbx_options){ .doorbell = "bell" };
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "futex"));
	o = (struct mbx_options){ .doorbell = "poll:0" };
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	o = (struct mbx_options){ .doorbell = "eventfd:900,901" };
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	o = (struct mbx_options){ .doorbell = "socket:" };
	assert_mbx(mbx_open(&m, "anon:4K", &o), MBX_EINVAL);
	assert_mbx(mbx_open(&m, "anon:4K", NULL), MBX_EAGAIN);
	assert_non_null(strstr(mbx_errmsg(), "not formatted"));
}

static void test_create_that_fails_leaves_nothing(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .bytes = 1024,
				 .channels = host_channels,
				 .count = host_channels_count };
	const char *name = test_region();
	struct mbx_region r;
	struct mbx *m;

	(void)state;
	assert_mbx(mbx_open(&m, name, &o), MBX_ENOSPC);
	assert_non_null(strstr(mbx_errmsg(), "1024"));
	assert_mbx(mbx_region_open(&r, name, 0, 0), MBX_ENOENT);
}

static void test_damaged_directory_is_refused_without_declarations(void **state)
{
	struct pair *p = *state;
	uint32_t *word = p->region.base;
	uint32_t i, was;
	struct mbx *m;

	mbx_close(p->host);
	for (i = 16; i < 16 * (1 + host_channels_count); i++) {
		was = word[i];
		if (i % 16 < 4 && was == 0)
			continue; /* behind a name: see below */
		word[i] = was ^ 0x80000000u;
		assert_mbx(mbx_open_at(&m, &p->region, NULL), MBX_ECORRUPT);
		assert_non_null(strstr(mbx_errmsg(), "d"));
		word[i] = was;
	}
	assert_mbx(mbx_open_at(&p->host, &p->region, NULL), 0);
}

/* Make the superblock's check good, as who means it would. */
static void seal(uint32_t *super)
{
	uint32_t hash = 0x811c9dc5u;
	int i;

	for (i = 4; i < 60; i++)
		hash = (hash ^ (super[i / 4] >> i % 4 * 8 & 0xff)) *
		       0x01000193u;
	super[15] = hash;
}

static void refuses_region(struct pair *p, int want, const char *says)
{
	struct mbx *m;

	assert_mbx(mbx_open_at(&m, &p->region, NULL), want);
	if (!strstr(mbx_errmsg(), says))
		fail_msg("\"%s\" does not say \"%s\"", mbx_errmsg(), says);
}

static void test_directory_that_leads_out_of_the_region_is_refused(void **state)
{
	struct pair *p = *state;
	uint32_t *super = p->region.base, *entry = super + 16 * (1 + VALUE);
	uint32_t bytes = (uint32_t)p->region.bytes, was = entry[6];

	mbx_close(p->host);
	p->host = NULL;
	/* a text without an end, in the middle of the region and at its end */
	memset((char *)p->region.base + bytes / 2, 'x', bytes / 2);
	entry[6] = bytes / 2;
	refuses_region(p, MBX_ECORRUPT, "directory damaged: type of channel 4");
	entry[6] = bytes - 8;
	refuses_region(p, MBX_ECORRUPT, "entry 4 has its type text at 0xfff8");
	entry[6] = was;
	super[5] = bytes / 64;
	seal(super);
	refuses_region(p, MBX_ECORRUPT, "claims 1024 channels");
}

static void test_region_without_channels_is_a_region(void **state)
{
	struct pair *p = *state;
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels };
	uint32_t *super = p->region.base;
	struct mbx_end *e;

	mbx_close(p->host);
	mbx_close(p->remote);
	assert_mbx(mbx_open_at(&p->remote, &p->region, &o), 0);
	assert_mbx(mbx_open_at(&p->host, &p->region, NULL), 0);
	bring_up(p->remote, p->host);
	assert_int_equal(mbx_channel_count(p->host), 0);
	assert_mbx(mbx_end_open(p->host, "up", &e), MBX_ENOENT);
	assert_non_null(strstr(mbx_errmsg(), "it has none"));
	mbx_close(p->host);
	p->host = NULL;
	/* nobody declared anything: it is not for another header to blame */
	super[4] ^= 1;
	seal(super);
	refuses_region(p, MBX_ECORRUPT,
		       "directory damaged: it makes layout_ha");
}

static void test_memory_and_sizes_that_cannot_be_are_named(void **state)
{
	struct pair *p = *state;
	struct mbx_options o = { .line_bytes = 3 };
	struct mbx_region r = p->region;
	struct mbx *m;

	r.base = (char *)r.base + 2;
	assert_mbx(mbx_open_at(&m, &r, NULL), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "multiple of 4"));
	assert_mbx(mbx_open_at(&m, &p->region, &o), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "lines and pages"));
	r = p->region;
	r.bytes = 32;
	assert_mbx(mbx_open_at(&m, &r, NULL), MBX_ENOSPC);
	assert_non_null(strstr(mbx_errmsg(), "only 32 are mapped"));
}

static int events(struct mbx *m)
{
	int n = mbx_poll(m);

	assert_true(n >= 0);
	return n;
}

/* Another process of the host lives its life: what it hears, this one hears. */
static void test_who_shares_a_life_hears_of_the_peer(void **state)
{
	struct pair *p = *state;
	struct mbx_options o = { .side = MBX_REMOTE,
				 .channels = host_channels,
				 .count = host_channels_count };
	uint32_t *super = p->region.base, *entry = super + 16 * (1 + UP);
	struct mbx *joined;

	assert_mbx(mbx_open_at(&joined, &p->region, NULL), 0);
	assert_int_equal(events(joined), MBX_EVENT_UP);
	assert_int_equal(events(joined), 0);
	mbx_close(p->remote);
	assert_int_equal(events(p->host), MBX_EVENT_DOWN);
	assert_int_equal(events(joined), MBX_EVENT_DOWN);
	assert_mbx(mbx_open_at(&p->remote, &p->region, &o), 0);
	bring_up(p->remote, p->host);
	assert_int_equal(events(joined), MBX_EVENT_RESTARTED);
	/* about to be formatted, and formatted */
	super[0] = 0;
	assert_mbx(mbx_poll(joined), MBX_ESTALE);
	super[0] = MBX_MAGIC;
	assert_mbx(mbx_reopen(joined), 0);
	super[3]++;
	assert_mbx(mbx_poll(joined), MBX_ESTALE);
	super[3]--;
	assert_mbx(mbx_reopen(joined), 0);
	/* the life is free now, but of no use in what was damaged meanwhile */
	mbx_close(p->host);
	p->host = NULL;
	entry[5] ^= 1;
	assert_mbx(mbx_poll(joined), MBX_ESTALE);
	entry[5] ^= 1;
	assert_mbx(mbx_reopen(joined), 0);
	bring_up(p->remote, joined);
	mbx_close(joined);
}

#define MANY 70 /* more than are slept on at once */

static void test_more_ends_than_can_be_watched_are_all_heard(void **state)
{
	static char names[MANY][MBX_NAME_BYTES];
	struct mbx_channel many[MANY];
	struct mbx_options o = {
		.side = MBX_REMOTE, .format = 1, .channels = many, .count = MANY
	};
	struct mbx_end *last = NULL, *out;
	struct mbx *remote, *host;
	struct mbx_region r;
	char buf[64];
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		many[i] = host_channels[DOWN];
		snprintf(names[i], sizeof(names[i]), "down%d", i);
		many[i].name = names[i];
	}
	assert_mbx(mbx_region_open(&r, "anon:256K", 0, 0), 0);
	assert_mbx(mbx_open_at(&remote, &r, &o), 0);
	assert_mbx(mbx_open_at(&host, &r, NULL), 0);
	bring_up(remote, host);
	for (i = MANY - 1; i >= 0; i--)
		last = open_end(host, names[i]);
	mbx_poll(host);
	assert_mbx(mbx_wait(host, 10), 0);
	for (i = 0; i < MANY; i++) {
		out = open_end(remote, names[i]);
		assert_mbx(mbx_send(out, "x", 1, 0), 0);
		mbx_end_close(out);
	}
	assert_mbx(mbx_arm(host), 1);
	assert_mbx(mbx_recv(last, buf, sizeof(buf), 0), 1);
	mbx_close(host);
	mbx_close(remote);
	mbx_region_close(&r);
}

#define LOG_CHANNELS(CHANNEL)                                                  \
	CHANNEL(LONG, "long", MBX_LOG(MBX_R2H, 5000, 2))                       \
	CHANNEL(SHORT, "short", MBX_LOG(MBX_R2H, 2, 2))
MBX_DECLARE_CHANNELS(log_channels, LOG_CHANNELS);

static void test_log_line_is_cut_to_what_a_record_holds(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = log_channels,
				 .count = log_channels_count };
	struct mbx_record rec;
	struct mbx *remote, *host;
	struct mbx_region r;
	char buf[5000];

	(void)state;
	assert_mbx(mbx_region_open(&r, "anon:64K", 0, 0), 0);
	assert_mbx(mbx_open_at(&remote, &r, &o), 0);
	assert_mbx(mbx_open_at(&host, &r, NULL), 0);
	assert_mbx(
		mbx_log(open_end(remote, "long"), MBX_LOG_INFO, "%04500d", 7),
		0);
	/* what a line has room for on a stack; then the mark of a cut */
	assert_mbx(
		mbx_log_read(open_end(host, "long"), buf, sizeof(buf), &rec, 0),
		4095);
	assert_memory_equal(buf + 4095 - 5, "00...", 5);
	/* no room for the mark */
	assert_mbx(mbx_log(open_end(remote, "short"), MBX_LOG_INFO, "hello"),
		   0);
	assert_mbx(mbx_log_read(open_end(host, "short"), buf, sizeof(buf), &rec,
				0),
		   2);
	assert_memory_equal(buf, "he", 2);
	mbx_close(host);
	mbx_close(remote);
	mbx_region_close(&r);
}

static void test_call_by_a_new_caller_gets_no_reply_of_the_last(void **state)
{
	struct pair *p = *state;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	uint32_t ab[2] = { 1, 2 }, sum = 0;
	struct mbx_request req;
	int status;

	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	mbx_end_close(c); /* gives up; the side's life goes on */
	c = open_end(p->host, "add");
	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
	assert_mbx(mbx_reply(s, &req, 0, &sum, 4), 0);
	assert_mbx(mbx_call_poll(c, &sum, 4, &status), MBX_EAGAIN);
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
	assert_mbx(mbx_reply(s, &req, 0, &sum, 4), 0);
	assert_mbx(mbx_call_poll(c, &sum, 4, &status), 4);
}

/* The owner formats anew, without the half second of grace for the host. */
static void format_other_layout(struct pair *p)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = 2 };
	const struct mbx_link *l = mbx_get_link(p->host);
	uint32_t off = l->section[MBX_HOST];

	mbx_close(p->remote);
	mbx_st(mbx_link_word(l, off), MBX_SIDE_DOWN); /* as if it let go */
	assert_mbx(mbx_open_at(&p->remote, &p->region, &o), 0);
}

static void test_close_after_formatting_stores_nothing_there(void **state)
{
	struct pair *p = *state;
	static char before[65536];
	struct mbx_end *down = open_end(p->host, "down");
	struct mbx_queue_place at;

	open_end(p->host, "up");
	assert_mbx(mbx_link_queue(mbx_get_link(p->host), DOWN, &at), 0);
	format_other_layout(p);
	mbx_st(mbx_word_at(at.rx, 8), 0xda7a); /* what is somebody else's now */
	memcpy(before, p->region.base, sizeof(before));
	mbx_end_close(down);
	mbx_close(p->host);
	assert_memory_equal(before, p->region.base, sizeof(before));
	assert_mbx(mbx_open_at(&p->host, &p->region, NULL), 0);
}

/* Both sides in this process, the doorbell two eventfds; 1 if it was rung. */
struct rung_pair {
	struct mbx_region region;
	struct mbx *remote, *host;
	int to_remote, to_host;
};

#define SMALL_CHANNELS(CHANNEL)                                                \
	CHANNEL(SMALL, "small",                                                \
		{ MBX_KIND_QUEUE,                                              \
		  MBX_H2R,                                                     \
		  MBX_FAIL,                                                    \
		  0,                                                           \
		  { 64, 80 },                                                  \
		  { 0, 0 },                                                    \
		  "" })
MBX_DECLARE_CHANNELS(small_channels, SMALL_CHANNELS);

static void open_rung(struct rung_pair *p)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = small_channels,
				 .count = small_channels_count };
	char bell[40];

	p->to_remote = eventfd(0, EFD_NONBLOCK);
	p->to_host = eventfd(0, EFD_NONBLOCK);
	o.doorbell = bell;
	assert_mbx(mbx_region_open(&p->region, "anon:16K", 0, 0), 0);
	snprintf(bell, sizeof(bell), "eventfd:%d,%d", p->to_remote, p->to_host);
	assert_mbx(mbx_open_at(&p->remote, &p->region, &o), 0);
	o = (struct mbx_options){ .doorbell = bell };
	snprintf(bell, sizeof(bell), "eventfd:%d,%d", p->to_host, p->to_remote);
	assert_mbx(mbx_open_at(&p->host, &p->region, &o), 0);
	bring_up(p->remote, p->host);
}

static void close_rung(struct rung_pair *p)
{
	mbx_close(p->host);
	mbx_close(p->remote);
	mbx_region_close(&p->region);
	close(p->to_remote);
	close(p->to_host);
}

static int rung(int fd)
{
	uint64_t times;

	return read(fd, &times, sizeof(times)) == sizeof(times);
}

static void test_full_ring_rings_for_the_batch_that_it_published(void **state)
{
	struct rung_pair p;
	struct mbx_end *tx, *rx;
	char msg[60] = { 0 };
	void *place;

	(void)state;
	open_rung(&p);
	tx = open_end(p.host, "small");
	rx = open_end(p.remote, "small");
	assert_mbx(mbx_arm(p.remote), 0); /* asleep */
	assert_mbx(mbx_put(tx, msg, 40, 0), 0);
	assert_false(rung(p.to_remote));
	assert_mbx(mbx_put(tx, msg, 40, 0), MBX_EAGAIN);
	assert_true(rung(p.to_remote));
	assert_mbx(mbx_recv(rx, msg, sizeof(msg), 0), 40);

	/* the same for a batch that a claim published */
	assert_mbx(mbx_arm(p.remote), 0);
	assert_mbx(mbx_put(tx, msg, 8, 0), 0);
	assert_mbx(mbx_claim(tx, 8, &place, 0), 0);
	assert_mbx(mbx_abort(tx), 0);
	assert_true(rung(p.to_remote));
	close_rung(&p);
}

static void test_padding_rings_either_way(void **state)
{
	struct rung_pair p;
	struct mbx_end *tx, *rx;
	struct mbx_queue_place at;
	char msg[64] = { 0 };

	(void)state;
	open_rung(&p);
	tx = open_end(p.host, "small");
	rx = open_end(p.remote, "small");
	assert_mbx(mbx_send(tx, msg, 40, 0), 0);
	assert_mbx(mbx_recv(rx, msg, sizeof(msg), 0), 40);
	assert_mbx(mbx_arm(p.remote), 0);
	/* no room before the end, nor behind it until the padding is taken */
	assert_mbx(mbx_send(tx, msg, 64, 0), MBX_EAGAIN);
	assert_true(rung(p.to_remote));
	assert_mbx(mbx_link_queue(mbx_get_link(p.host), SMALL, &at), 0);
	mbx_st(at.tx, mbx_ld(at.tx) | 1); /* the sender waits for room */
	assert_false(rung(p.to_host));
	assert_mbx(mbx_recv(rx, msg, sizeof(msg), 0), MBX_EAGAIN);
	assert_true(rung(p.to_host));
	assert_mbx(mbx_send(tx, msg, 64, 0), 0);
	close_rung(&p);
}

static void test_serve_without_room_for_replies_sleeps_for_it(void **state)
{
	struct pair *p = *state;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	uint32_t ab[2] = { 1, 2 }, sum = 0;
	struct mbx_stream_stats stats;
	struct mbx_request req;
	int n;

	do { /* a caller that takes no replies */
		n = mbx_call_start(c, ab, 8, PATIENCE_MS);
		assert_mbx(n, 0);
		mbx_end_close(c);
		c = open_end(p->host, "add");
		n = mbx_serve(s, ab, 8, &req, 0);
		if (n == 8)
			assert_mbx(mbx_reply(s, &req, 0, &sum, 4), 0);
	} while (n == 8);
	assert_mbx(n, MBX_EAGAIN);
	assert_mbx(mbx_stream_stats(p->host, ADD, 1, &stats), 0);
	assert_int_equal(stats.full, 1);
	assert_mbx(mbx_serve(s, ab, 8, &req, 60), MBX_EAGAIN);
	assert_mbx(mbx_stream_stats(p->host, ADD, 1, &stats), 0);
	assert_int_equal(stats.full, 2); /* it does not try again and again */
	assert_int_equal(stats.wants_room, 0);
	/* nor does a poll loop: it asks to be told of room, and sleeps */
	mbx_poll(p->remote);
	assert_mbx(mbx_arm(p->remote), 0);
	assert_mbx(mbx_stream_stats(p->host, ADD, 1, &stats), 0);
	assert_int_equal(stats.wants_room, 1);
	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_call_poll(c, &sum, 4, &n), MBX_EAGAIN);
	assert_mbx(mbx_arm(p->remote), 1);
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
}

static void test_release_of_nothing_keeps_the_mark_of_a_repeat(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");
	const void *seen;
	char buf[64];

	assert_mbx(mbx_send(tx, "first", 5, 0), 0);
	assert_mbx(mbx_peek(rx, &seen, 0), 5);
	mbx_end_close(rx);
	rx = open_end(p->remote, "up");
	assert_mbx(mbx_release(rx), 0);
	assert_mbx(mbx_recv(rx, buf, 64, 0), 5);
	assert_mbx(mbx_repeated(rx), 1);
}

static void test_buffer_too_small_says_which_and_how_long(void **state)
{
	struct pair *p = *state;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	struct mbx_end *w = open_end(p->remote, "value");
	struct mbx_end *r = open_end(p->host, "value");
	uint32_t ab[2] = { 0 };
	struct mbx_request req;
	int status;

	assert_mbx(mbx_call_start(c, ab, 8, PATIENCE_MS), 0);
	assert_mbx(mbx_serve(s, ab, 7, &req, 0), MBX_EMSGSIZE);
	assert_non_null(strstr(mbx_errmsg(), "buffer of 7 bytes"));
	assert_mbx(mbx_serve(s, ab, 8, &req, 0), 8);
	assert_mbx(mbx_reply(s, &req, 0, ab, 4), 0);
	assert_mbx(mbx_call_poll(c, ab, 2, &status), MBX_EMSGSIZE);
	assert_non_null(strstr(mbx_errmsg(), "buffer of 2 bytes"));
	assert_mbx(mbx_call_poll(c, ab, 4, &status), 4); /* it stayed */
	assert_mbx(mbx_set(w, ab, 8), 0);
	assert_mbx(mbx_get(r, ab, 4, NULL, NULL), MBX_EMSGSIZE);
	assert_non_null(strstr(mbx_errmsg(), "buffer of 4 bytes"));
}

static void test_call_with_too_small_a_buffer_does_not_stay_open(void **state)
{
	struct pair *p = *state;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *s = open_end(p->remote, "add");
	uint32_t ab[2] = { 1, 2 }, sum = 7;
	struct mbx_request req;
	pid_t pid = fork_bound();
	int i;

	if (pid == 0) { /* lives the remote's life from here on */
		for (i = 0; i < 2; i++) {
			child_check(mbx_serve(s, ab, 8, &req, PATIENCE_MS) ==
				    8);
			child_check(mbx_reply(s, &req, 0, &sum, 4) == 0);
		}
		_exit(0);
	}
	assert_mbx(mbx_call(c, ab, 8, &sum, 3, NULL, PATIENCE_MS),
		   MBX_EMSGSIZE);
	assert_mbx(mbx_call(c, ab, 8, &sum, 4, NULL, PATIENCE_MS), 4);
	reap(pid, 0);
}

/* The peer's words: what its heartbeat says, and the stamp of its value. */
static void set_clocks(struct pair *p, uint32_t now_us, uint32_t stamp_us)
{
	const struct mbx_link *l = mbx_get_link(p->host);
	struct mbx_slots_place at;

	assert_mbx(mbx_link_slots(l, VALUE, &at), 0);
	mbx_st(mbx_link_word(l,
			     l->section[MBX_REMOTE] +
				     (uint32_t)offsetof(struct mbx_side_block,
							time_us)),
	       now_us);
	mbx_st(mbx_word_at(at.slot, 16), stamp_us); /* of record 1 */
}

static void test_age_is_right_across_the_wrap_and_never_too_young(void **state)
{
	static const struct {
		uint32_t now, stamp, age;
	} cases[] = {
		{ 1000, 400, 600 },
		{ 500, UINT32_MAX - 499, 1000 },    /* the clock went round */
		{ 3000000000u, 1000, 2999999000u }, /* 50 minutes */
		{ 1000, 1400, 0 }, /* written since the last heartbeat */
		{ UINT32_MAX - 99, 100, 0 }, /* the same at the wrap */
	};
	struct pair *p = *state;
	struct mbx_end *w = open_end(p->remote, "value");
	struct mbx_end *r = open_end(p->host, "value");
	uint32_t v[2] = { 0 }, age, i;

	assert_mbx(mbx_set(w, v, 8), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_clocks(p, cases[i].now, cases[i].stamp);
		assert_mbx(mbx_get(r, v, 8, NULL, &age), 8);
		assert_int_equal(age, cases[i].age);
	}
}

static void test_mismatch_with_a_hostile_directory_is_told_safely(void **state)
{
	struct pair *p = *state;
	struct mbx_channel other[host_channels_count];
	struct mbx_options o = { .channels = other,
				 .count = host_channels_count };
	uint32_t *entry = (uint32_t *)p->region.base + 16 * (1 + VALUE), i;
	static const uint32_t places[] = { 65, 66, 65534, 65536, 0xfffffffd };
	struct mbx *m;

	mbx_close(p->host);
	p->host = NULL;
	memcpy(other, host_channels, sizeof(other));
	other[VALUE].is.type = "u32 a, i32 b";
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		entry[6] = places[i];
		assert_mbx(mbx_open_at(&m, &p->region, &o), MBX_EMISMATCH);
		assert_non_null(strstr(mbx_errmsg(), "\"\" in the region"));
	}
	/* long, and not for a terminal */
	entry[6] = 32768;
	memset((char *)p->region.base + 32768, 'x', 1000);
	memcpy((char *)p->region.base + 32768, "\033[31m\177", 6);
	assert_mbx(mbx_open_at(&m, &p->region, &o), MBX_EMISMATCH);
	assert_non_null(strstr(mbx_errmsg(), "\"?[31m?xxx"));
	assert_null(strstr(mbx_errmsg(), "\033"));
	assert_true(strlen(mbx_errmsg()) < 250);
}

static void test_call_timeout_longer_than_a_request_can_say_is_refused(void **s)
{
	struct pair *p = *s;
	struct mbx_end *c = open_end(p->host, "add");
	struct mbx_end *server = open_end(p->remote, "add");
	uint32_t ab[2] = { 0 };
	struct mbx_request req;

	assert_mbx(mbx_call_start(c, ab, 8, 2000001), MBX_EINVAL);
	assert_mbx(mbx_call_start(c, ab, 8, INT32_MAX), MBX_EINVAL);
	assert_mbx(mbx_call_start(c, ab, 8, 2000000), 0);
	assert_mbx(mbx_serve(server, ab, 8, &req, 0), 8);
	assert_int_equal(req.timeout_us, 2000000000);
}

/* A month, too: by the library's own arithmetic, for nobody waits so long. */
static void test_patience_is_as_long_as_asked_for(void **state)
{
	static const int ms[] = { 1, 2000001, 4294968, INT32_MAX };
	struct timespec t;
	size_t i;

	(void)state;
	assert_int_equal(mbxi_left_us(&(struct mbxi_patience){ 0 }), 0);
	for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		struct mbxi_patience p = { ms[i], 0 };
		uint64_t us = (uint64_t)ms[i] * 1000u, now;

		clock_gettime(CLOCK_MONOTONIC, &t);
		now = (uint64_t)t.tv_sec * 1000000u +
		      (uint64_t)t.tv_nsec / 1000;
		assert_true(mbxi_left_us(&p) > 0);
		assert_in_range(p.until_us - now, us, us + 20000000);
	}
}

/* The text of an everyday answer is made late, and yet is the last error's. */
static void test_text_is_that_of_the_last_error(void **state)
{
	struct pair *p = *state;
	struct mbx_end *rx = open_end(p->remote, "up");
	char buf[64], text[256];

	assert_mbx(mbx_recv(rx, buf, sizeof(buf), 7), MBX_EAGAIN);
	assert_mbx(mbx_recv(rx, buf, sizeof(buf), -3), MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "-3 ms"));
	assert_mbx(mbx_recv(rx, buf, sizeof(buf), 7), MBX_EAGAIN);
	mbx_end_close(rx);
	snprintf(text, sizeof(text), "%s", mbx_errmsg());
	assert_string_equal(text, "channel \"up\": no message for 7 ms");
	assert_string_equal(mbx_errmsg(), text);
}

/* As of a queue, so of a call, by whichever side meets it. */
static void test_corrupt_reply_is_named_by_the_caller(void **state)
{
	struct pair *p = *state;
	struct mbx_end *caller = open_end(p->host, "add");
	struct mbx_queue_place from;
	char buf[8];
	int status;

	assert_mbx(mbx_link_back(mbx_get_link(p->host), ADD, &from), 0);
	assert_mbx(mbx_call_start(caller, "12345678", 8, 1000), 0);
	from.ring->raw = 0x12345678;
	assert_mbx(mbx_call_poll(caller, buf, 8, &status), MBX_EPROTO);
	assert_non_null(strstr(mbx_errmsg(), "0x12345678"));
}

static void test_corrupt_request_is_named_by_the_server(void **state)
{
	struct pair *p = *state;
	struct mbx_end *server = open_end(p->remote, "add");
	struct mbx_queue_place to;
	struct mbx_request req;
	char buf[8];

	assert_mbx(mbx_link_queue(mbx_get_link(p->host), ADD, &to), 0);
	/* shorter than any call: taken away, so that the next one is met */
	to.ring->raw = mbx_le32(MBX_HDR_MSG + 4u);
	assert_mbx(mbx_serve(server, buf, 8, &req, 0), MBX_EPROTO);
	assert_non_null(strstr(mbx_errmsg(), "no honest writer"));
	assert_mbx(mbx_serve(server, buf, 8, &req, 0), MBX_EAGAIN);
	mbx_word_at(to.ring, 8)->raw = 0xdeadbeef;
	assert_mbx(mbx_serve(server, buf, 8, &req, 0), MBX_EPROTO);
	assert_non_null(strstr(mbx_errmsg(), "0xdeadbeef"));
}

static void test_corrupt_positions_of_a_call_are_named(void **state)
{
	struct pair *p = *state;
	struct mbx_end *caller = open_end(p->host, "add");
	struct mbx_end *server = open_end(p->remote, "add");
	const struct mbx_link *l = mbx_get_link(p->host);
	struct mbx_queue_place to, from;
	struct mbx_request req;
	char buf[8];
	int n, i;

	assert_mbx(mbx_link_queue(l, ADD, &to), 0);
	assert_mbx(mbx_link_back(l, ADD, &from), 0);
	to.rx->raw = from.rx->raw = mbx_le32(0xfffffff2u);
	for (n = i = 0; n == 0 && i < 10; i++) {
		n = mbx_call(caller, "12345678", 8, buf, 8, NULL, 1);
		n = n == MBX_ETIMEDOUT ? 0 : n;
	}
	assert_mbx(n, MBX_EPROTO);
	assert_non_null(strstr(mbx_errmsg(), "read position 0xfffffff2"));
	for (n = 8; n == 8;) {
		n = mbx_serve(server, buf, 8, &req, 0);
		if (n == 8)
			assert_mbx(mbx_reply(server, &req, 0, buf, 4), 0);
	}
	assert_mbx(n, MBX_EPROTO);
	assert_non_null(strstr(mbx_errmsg(), "read position 0xfffffff2"));
	mbx_end_close(caller);
	assert_mbx(mbx_end_open(p->host, "add", &caller), MBX_EPROTO);
	assert_null(caller);
}

/* Writers and readers of states are not those of logs. */
static void test_state_is_no_log_and_log_no_state(void **state)
{
	struct pair *p = *state;
	struct mbx_end *lines = open_end(p->remote, "lines");
	struct mbx_end *log = open_end(p->host, "lines");
	struct mbx_end *value = open_end(p->remote, "value");
	struct mbx_end *get = open_end(p->host, "value");
	char buf[64], long_line[5000];

	assert_mbx(mbx_set(lines, "12345678", 8), MBX_ENOTSUP);
	assert_mbx(mbx_get(log, buf, 64, NULL, NULL), MBX_ENOTSUP);
	assert_mbx(mbx_log(value, MBX_LOG_INFO, "x"), MBX_ENOTSUP);
	assert_mbx(mbx_log_read(get, buf, 64, NULL, 0), MBX_ENOTSUP);
	assert_mbx(mbx_log_read(lines, buf, 64, NULL, 0), MBX_ENOTSUP);
	/* longer than the channel has, and than anybody looks at */
	memset(long_line, 'x', sizeof(long_line) - 1);
	long_line[sizeof(long_line) - 1] = 0;
	assert_mbx(mbx_log(lines, MBX_LOG_INFO, "%s", long_line), 0);
	assert_mbx(mbx_log_read(log, buf, 64, NULL, 0), 24);
	assert_memory_equal(buf, "xxxxxxxxxxxxxxxxxxxxx...", 24);
	assert_mbx(mbx_log(lines, MBX_LOG_INFO, "%ls", L"\x7fffffff"),
		   MBX_EINVAL);
	assert_non_null(strstr(mbx_errmsg(), "%ls"));
	assert_mbx(mbx_log_read(log, buf, 64, NULL, 0), MBX_EAGAIN);
}

/* The message of no length needs no buffer. */
static void test_recv_of_nothing_needs_no_buffer(void **state)
{
	struct pair *p = *state;
	struct mbx_end *tx = open_end(p->host, "up");
	struct mbx_end *rx = open_end(p->remote, "up");

	assert_mbx(mbx_send(tx, NULL, 0, 0), 0);
	assert_mbx(mbx_recv(rx, NULL, 0, 0), 0);
	assert_mbx(mbx_send(tx, "x", 1, 0), 0);
	assert_mbx(mbx_recv(rx, NULL, 0, 0), MBX_EMSGSIZE);
}

static void test_declarations_and_sizes_that_do_not_fit_are_refused(void **s_)
{
	static const struct mbx_channel bad[] = {
		{ "a b", MBX_QUEUE(MBX_H2R, 8, 2, MBX_FAIL, "") },
	};
	struct mbx_options o = {
		.side = MBX_REMOTE, .create = 1, .channels = bad, .count = 1
	};
	struct mbx_region r;
	struct mbx *m;

	(void)s_;
	assert_mbx(mbx_open(&m, test_region(), &o), MBX_EINVAL);
	o.bytes = 65536;
	assert_mbx(mbx_open(&m, test_region(), &o), MBX_EINVAL);
	assert_mbx(mbx_region_remove(test_region()), MBX_ENOENT);
	assert_mbx(mbx_region_open(&r, "anon:4K", 0, 0), 0);
	o = (struct mbx_options){ .side = MBX_REMOTE, .format = 1 };
	o.channels = bad;
	o.count = 1;
	assert_mbx(mbx_open_at(&m, &r, &o), MBX_EINVAL);
	o.channels = host_channels;
	o.count = host_channels_count;
	r.bytes = 1024;
	assert_mbx(mbx_open_at(&m, &r, &o), MBX_ENOSPC);
	assert_non_null(strstr(mbx_errmsg(), "1024"));
	r.bytes = 4096;
	mbx_region_close(&r);
	/* who waits for a region waits for it to be made, too */
	o = (struct mbx_options){ .timeout_ms = 20 };
	assert_mbx(mbx_open(&m, test_region(), &o), MBX_ENOENT);
}

static void test_memory_of_the_programs_own_has_no_name(void **state)
{
	struct pair *p = *state;
	struct mbx_options observe = { .observe = 1 };
	struct mbx_end *e, *twice;
	struct mbx_region r;
	struct mbx *m;

	memset(&r, 0, sizeof(r));
	r.base = p->region.base;
	r.bytes = p->region.bytes;
	assert_mbx(mbx_open_at(&m, &r, &observe), 0);
	assert_int_equal(mbx_channel_count(m), host_channels_count);
	mbx_close(m);
	/* nor a file for locks: all are free, but for this very link's ends */
	r.fd = -1;
	mbx_close(p->host);
	assert_mbx(mbx_open_at(&p->host, &r, NULL), 0);
	bring_up(p->remote, p->host);
	e = open_end(p->host, "up");
	assert_mbx(mbx_end_open(p->host, "up", &twice), MBX_EBUSY);
	mbx_end_close(e);
	open_end(p->host, "up");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_send_recv_carries_every_length),
		TEST(test_send_too_long_is_refused_and_says_how_long),
		TEST(test_recv_small_buffer_leaves_the_message),
		TEST(test_wrong_kind_or_direction_says_what_the_end_can),
		TEST(test_negative_timeout_is_refused),
		TEST(test_open_unknown_channel_lists_the_channels),
		TEST(test_open_twice_names_the_owner),
		TEST(test_full_block_channel_waits_then_says_eagain),
		TEST(test_full_fail_channel_never_waits),
		TEST(test_full_drop_channel_drops_and_counts),
		TEST(test_batch_is_invisible_until_flushed),
		TEST(test_many_wait_for_room_and_say_how_many_they_were),
		TEST(test_many_find_no_room_once),
		TEST(test_claim_commit_and_peek_release_move_nothing),
		TEST(test_message_in_hand_at_death_comes_again_marked),
		TEST(test_impossible_header_is_named_and_stays),
		TEST(test_ring_that_cannot_be_is_corrupt_to_who_looks),
		TEST(test_look_shows_waiting_messages_and_takes_none),
		TEST(test_state_gives_the_latest_and_counts_the_missed),
		TEST(test_log_tells_level_order_and_what_was_missed),
		TEST(test_call_in_steps_reaches_the_server_and_back),
		TEST(test_call_unanswered_times_out_and_its_reply_is_not_next),
		TEST(test_serve_without_room_for_a_reply_says_so),
		TEST(test_serve_without_request_says_so_and_stays_open),
		TEST(test_call_with_full_request_queue_says_eagain),
		TEST(test_stats_of_state_and_log_count_what_was_written),
		TEST(test_call_status_without_a_place_is_the_result),
		TEST(test_peer_gone_is_an_error_for_each_kind),
		TEST(test_mismatch_names_channel_and_both_values),
		TEST(test_format_anew_makes_the_other_side_stale),
		TEST(test_observer_reads_and_cannot_write),
		TEST(test_options_contradicting_are_refused),
		TEST(test_create_that_fails_leaves_nothing),
		TEST(test_damaged_directory_is_refused_without_declarations),
		TEST(test_directory_that_leads_out_of_the_region_is_refused),
		TEST(test_region_without_channels_is_a_region),
		TEST(test_memory_and_sizes_that_cannot_be_are_named),
		TEST(test_who_shares_a_life_hears_of_the_peer),
		cmocka_unit_test(
			test_more_ends_than_can_be_watched_are_all_heard),
		cmocka_unit_test(test_log_line_is_cut_to_what_a_record_holds),
		TEST(test_call_by_a_new_caller_gets_no_reply_of_the_last),
		TEST(test_close_after_formatting_stores_nothing_there),
		cmocka_unit_test(
			test_full_ring_rings_for_the_batch_that_it_published),
		cmocka_unit_test(test_padding_rings_either_way),
		TEST(test_serve_without_room_for_replies_sleeps_for_it),
		TEST(test_release_of_nothing_keeps_the_mark_of_a_repeat),
		TEST(test_buffer_too_small_says_which_and_how_long),
		TEST(test_call_with_too_small_a_buffer_does_not_stay_open),
		TEST(test_age_is_right_across_the_wrap_and_never_too_young),
		TEST(test_mismatch_with_a_hostile_directory_is_told_safely),
		TEST(test_call_timeout_longer_than_a_request_can_say_is_refused),
		TEST(test_patience_is_as_long_as_asked_for),
		TEST(test_text_is_that_of_the_last_error),
		TEST(test_corrupt_reply_is_named_by_the_caller),
		TEST(test_corrupt_request_is_named_by_the_server),
		TEST(test_corrupt_positions_of_a_call_are_named),
		TEST(test_state_is_no_log_and_log_no_state),
		TEST(test_recv_of_nothing_needs_no_buffer),
		cmocka_unit_test(
			test_declarations_and_sizes_that_do_not_fit_are_refused),
		TEST(test_memory_of_the_programs_own_has_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
