/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Somebody scribbles over the whole region between any two calls of both sides.
 * Before and behind it are pages without access: no call may leave it, crash,
 * not come back, or say what it does not promise.
 */
#include "fixture.h"

#define MAX 24u

static const struct mbx_channel channels[] = {
	{ "h2r", MBX_QUEUE(MBX_H2R, MAX, 3, MBX_FAIL, "") },
	{ "r2h", MBX_QUEUE(MBX_R2H, MAX, 3, MBX_DROP, "u8 x[]") },
	{ "state", MBX_STATE(MBX_R2H, MAX, 2, "") },
	{ "log", MBX_LOG(MBX_H2R, MAX, 4) },
	{ "call", MBX_CALL(MBX_H2R, MAX - 8, MAX - 8, 2, "") },
};

enum { H2R, R2H, STATE, LOG, CALL };

/* All ends of one side. */
struct side {
	struct mbx_link link;
	struct mbx_tx tx;
	struct mbx_rx rx;
	struct mbx_writer writer;
	struct mbx_reader reader;
	struct mbx_caller caller;
	struct mbx_server server;
	int is_up; /* it found the region good, and its ends */
};

static struct guarded region;
static struct side sides[2];
static uint32_t seed, now;
static uint8_t buf[MAX + 4];

static int good(int err)
{
	return err >= 0;
}

static int open_ends(struct side *s)
{
	const struct mbx_link *l = &s->link;
	int host = l->is.side == MBX_HOST;
	struct mbx_queue_place a, b;
	struct mbx_slots_place w, r;

	assert_int_equal(mbx_link_slots(l, host ? LOG : STATE, &w), 0);
	assert_int_equal(mbx_link_slots(l, host ? STATE : LOG, &r), 0);
	mbx_writer_attach(&s->writer, &w);
	mbx_reader_attach(&s->reader, &r);
	assert_int_equal(mbx_link_queue(l, host ? H2R : R2H, &a), 0);
	assert_int_equal(mbx_link_queue(l, host ? R2H : H2R, &b), 0);
	if (!good(mbx_tx_attach(&s->tx, &a)) ||
	    !good(mbx_rx_attach(&s->rx, &b)))
		return 0;
	assert_int_equal(mbx_link_queue(l, CALL, &a), 0);
	assert_int_equal(mbx_link_back(l, CALL, &b), 0);
	return good(host ? mbx_caller_attach(&s->caller, &a, &b, l->session)
			 : mbx_server_attach(&s->server, &a, &b));
}

static void start_side(struct side *s, enum mbx_side side)
{
	struct mbx_link_config c = {
		.base = (uintptr_t)region.base,
		.bytes = region.bytes,
		.side = side,
		.channels = channels,
		.count = (uint32_t)ARRAY_SIZE(channels),
	};

	mbx_link_init(&s->link, &c);
	if (side == MBX_REMOTE) {
		int err = mbx_link_format(&s->link, now);

		assert_true(err == 0 || err == 1 || err == MBX_EAGAIN);
		if (err == MBX_EAGAIN)
			err = mbx_link_format(&s->link, now += 500000u);
		assert_true(err == 0 || err == 1);
	}
	s->is_up = good(mbx_link_attach(&s->link)) && open_ends(s);
}

/* A value that hurts: small, near the region's sizes, a header, or anything. */
static uint32_t nasty(void)
{
	static const uint32_t like[] = { 0,	      MBX_HDR_MSG,
					 MBX_HDR_PAD, MBX_SLOT_WRITTEN,
					 MBX_MAGIC,   ~0u };
	uint32_t base = like[rnd_below(&seed, ARRAY_SIZE(like))];

	switch (rnd_below(&seed, 4)) {
	case 0:
		return rnd(&seed);
	case 1:
		return base + rnd_below(&seed, region.bytes);
	case 2:
		return base ^ 1u << rnd_below(&seed, 32);
	default:
		return base + rnd_below(&seed, 64);
	}
}

static void scribble(uint32_t from)
{
	uint32_t n = 1u << rnd_below(&seed, 6), off;

	while (n--) {
		off = from + 4u * rnd_below(&seed, (region.bytes - from) / 4);
		poke_word((struct mbx_word *)(void *)(region.base + off),
			  nasty());
	}
}

static void check(int ret)
{
	/* a count within what was asked, or an error that has a text */
	if (ret >= 0)
		assert_true(ret <= (int)MAX);
	else
		assert_string_not_equal(mbx_strerror(ret), "unknown error");
	assert_int_equal(buf[MAX], 0xbb);
}

static void use_queue(struct side *s)
{
	struct mbx_word *data;
	uint32_t bytes = rnd_below(&seed, MAX + 2);
	int n;

	switch (rnd_below(&seed, 8)) {
	case 0:
		check(mbx_tx_send(&s->tx, buf, bytes));
		break;
	case 1:
		check(mbx_tx_put(&s->tx, buf, bytes));
		break;
	case 2:
		mbx_tx_flush(&s->tx);
		check(mbx_tx_notify(&s->tx));
		break;
	case 3:
		n = mbx_tx_claim(&s->tx, bytes, &data);
		check(n);
		if (n == 0) {
			mbx_copy_in(data, buf, bytes);
			check(mbx_tx_commit(&s->tx, bytes));
		}
		break;
	case 4:
		check(mbx_tx_want_room(&s->tx, (int)bytes & 1));
		break;
	case 5:
		check(mbx_rx_recv(&s->rx, buf, bytes <= MAX ? bytes : MAX));
		check(mbx_rx_notify(&s->rx));
		break;
	case 6:
		n = mbx_rx_peek(&s->rx, &data);
		check(n);
		if (n >= 0) {
			/* it may change under our eyes; the length is ours */
			scribble(0);
			mbx_copy_out(buf, data, (uint32_t)n);
		}
		mbx_rx_release(&s->rx);
		break;
	default:
		check(mbx_rx_want_data(&s->rx, (int)bytes & 1));
		break;
	}
}

static void use_slots(struct side *s)
{
	struct mbx_record rec;

	switch (rnd_below(&seed, 4)) {
	case 0:
		check(mbx_writer_write(&s->writer, seed & 255u, buf,
				       rnd_below(&seed, MAX + 2), now));
		break;
	case 1:
		check(mbx_reader_newest(&s->reader, buf, MAX, &rec));
		break;
	case 2:
		check(mbx_reader_next(&s->reader, buf, MAX, &rec));
		break;
	default:
		mbx_reader_skip(&s->reader);
		break;
	}
}

static void use_call(struct side *s)
{
	struct mbx_request r;
	int status, n;

	if (s->link.is.side == MBX_REMOTE) {
		n = mbx_server_take(&s->server, &r, buf, MAX);
		check(n);
		if (n >= 0)
			check(mbx_server_reply(&s->server, &r, n, buf,
					       (uint32_t)n));
		return;
	}
	check(mbx_caller_start(&s->caller, buf, rnd_below(&seed, MAX), 1000,
			       now, s->link.peer_session));
	check(mbx_caller_poll(&s->caller, buf, MAX, &status, now,
			      s->link.peer_session));
}

static void one_call(struct side *s)
{
	uint32_t events;

	switch (rnd_below(&seed, 8)) {
	case 0:
		events = mbx_link_poll(&s->link, now += rnd_below(&seed, 9999));
		assert_int_equal(events & ~31u, 0);
		s->is_up = s->link.instance != 0;
		break;
	case 1:
	case 2:
		use_slots(s);
		break;
	case 3:
		use_call(s);
		break;
	default:
		use_queue(s);
		break;
	}
}

/*
 * @often: one call in so many is preceded by a scribble. With @spare_super it
 * spares what is in front of the sections, so that the link stays up longer
 * while its channels are destroyed.
 */
static void run(uint32_t first_seed, uint32_t calls, uint32_t often,
		int spare_super)
{
	uint32_t i, ups = 0, restarts = 0;

	seed = first_seed;
	now = 0;
	memset(sides, 0, sizeof(sides));
	memset(buf, 0xbb, sizeof(buf));
	region = guarded_new(4096);
	for (i = 0; i < calls; i++) {
		uint32_t side = rnd_below(&seed, 2);
		struct side *s = &sides[side];

		if (rnd_below(&seed, often) == 0)
			scribble(spare_super ? s->link.section[0] : 0);
		/* ends that stay refused: somebody has it formatted anew */
		if (!s->is_up && rnd_below(&seed, 16) == 0)
			poke_word((struct mbx_word *)(void *)region.base, 0);
		if (!s->is_up || rnd_below(&seed, 200) == 0) {
			start_side(s, (enum mbx_side)side);
			restarts++;
		}
		if (s->is_up) {
			one_call(s);
			ups++;
		}
	}
	guarded_free(&region);
	/* a run in which nothing was open proves nothing */
	assert_true(restarts > 10 && ups > calls / 50);
}

static void test_scribbles_all_over_are_survived(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i <= 8; i++)
		run(i * 7919u, ROUNDS(100000), 1u << i % 6, 0);
}

static void test_scribbles_on_the_sections_are_survived(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i <= 8; i++)
		run(i * 104729u, ROUNDS(100000), 1u << i % 6, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scribbles_all_over_are_survived),
		cmocka_unit_test(test_scribbles_on_the_sections_are_survived),
	};

	return run_group("hostile", tests, NULL);
}
