/* SPDX-License-Identifier: BSD-2-Clause */
/* The link: layout, formatting, and two lives that know of each other. */
#include "fixture.h"

#define Q(dir, max, depth, type) MBX_QUEUE(dir, max, depth, MBX_FAIL, type)

/* One channel of each kind in each direction. */
static const struct mbx_channel demo[] = {
	{ "commands", Q(MBX_H2R, 16, 2, "u32 op") },
	{ "answers", Q(MBX_R2H, 13, 2, "") },
	{ "wanted", MBX_STATE(MBX_H2R, 8, 2, "u32 a, u32 b") },
	{ "sensor", MBX_STATE(MBX_R2H, 6, 2, "i16 x[3]") },
	{ "hostlog", MBX_LOG(MBX_H2R, 20, 2) },
	{ "log", MBX_LOG(MBX_R2H, 20, 4) },
	{ "ask", MBX_CALL(MBX_H2R, 12, 8, 1, "u32 q -> u32 r") },
	{ "tell", MBX_CALL(MBX_R2H, 4, 4, 1, "") },
};
#define DEMO  ((uint32_t)ARRAY_SIZE(demo))
#define SMALL 4096u /* bytes of TCM */

/* The superblock's words. */
enum { INSTANCE = 3, HASH = 4, COUNT = 5, HOST_OFF = 8, REMOTE_OFF = 9 };

static struct guarded region;
static struct mbx_link host, remote;

static struct mbx_link_config config(enum mbx_side side,
				     const struct mbx_channel *channels,
				     uint32_t count)
{
	struct mbx_link_config c = {
		.base = (uintptr_t)region.base,
		.bytes = region.bytes,
		.side = side,
		.channels = channels,
		.count = count,
	};

	return c;
}

static void init_demo(struct mbx_link *l, enum mbx_side side)
{
	struct mbx_link_config c = config(side, demo, DEMO);

	mbx_link_init(l, &c);
}

static int setup(void **state)
{
	(void)state;
	region = guarded_new(SMALL);
	init_demo(&host, MBX_HOST);
	init_demo(&remote, MBX_REMOTE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guarded_free(&region);
	return 0;
}

static struct mbx_word *word_at(uint32_t off)
{
	return (struct mbx_word *)(void *)(region.base + off);
}

static uint32_t side_word(enum mbx_side side, size_t off)
{
	return peek_word(word_at(peek_word(word_at(4u * (HOST_OFF + side))) +
				 (uint32_t)off));
}

#define SIDE(side, field)                                                      \
	side_word(side, offsetof(struct mbx_side_block, field))

static void poke_side(enum mbx_side side, size_t off, uint32_t v)
{
	uint32_t section = peek_word(word_at(4u * (HOST_OFF + side)));

	poke_word(word_at(section + (uint32_t)off), v);
}

/* FNV-1a of what stands from @off to @end, going on from @hash. */
static uint32_t hash_region(uint32_t hash, uint32_t off, uint32_t end)
{
	for (; off < end; off++)
		hash = (hash ^ region.base[off]) * 0x01000193u;
	return hash;
}

/* As an attacker does who knows how the superblock's check is made. */
static void seal_super(void)
{
	poke_word(word_at(60), hash_region(0x811c9dc5u, 4, 60));
}

static void bring_up(void)
{
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_int_equal(mbx_link_attach(&remote), 0);
	assert_int_equal(mbx_link_attach(&host), 0);
	assert_int_equal(mbx_link_poll(&remote, 0), 0);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_UP);
	assert_int_equal(mbx_link_poll(&remote, 0), MBX_EVENT_UP);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
}

/* ---- lives ---- */

static void test_attach_before_format_says_eagain_and_stores_nothing(
	void **state)
{
	uint32_t i;

	(void)state;
	assert_int_equal(mbx_link_attach(&host), MBX_EAGAIN);
	assert_int_equal(mbx_link_observe(&host), MBX_EAGAIN);
	for (i = 0; i < SMALL; i++)
		assert_int_equal(region.base[i], 0);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	mbx_link_detach(&host);
}

static void test_up_in_either_start_order(void **state)
{
	(void)state;
	bring_up();
	mbx_link_detach(&host);
	mbx_link_detach(&remote);
	assert_int_equal(mbx_link_attach(&host), 0);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mbx_link_attach(&remote), 0);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mbx_link_poll(&remote, 0), MBX_EVENT_UP);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_UP);
	assert_int_equal(SIDE(MBX_HOST, state), MBX_SIDE_UP);
	assert_int_equal(SIDE(MBX_HOST, ack), remote.session);
	assert_int_equal(host.peer_session, remote.session);
}

static void test_session_is_new_at_each_attach_and_never_zero(void **state)
{
	uint32_t i, session;

	(void)state;
	bring_up();
	poke_side(MBX_HOST, offsetof(struct mbx_side_block, session), 0u - 3u);
	for (i = 0, session = 0u - 3u; i < 6; i++) {
		if (++session == 0)
			session = 1;
		assert_int_equal(mbx_link_attach(&host), 0);
		assert_int_equal(host.session, session);
		assert_int_equal(SIDE(MBX_HOST, session), session);
	}
}

static void test_peer_leaving_is_seen_at_the_next_poll(void **state)
{
	(void)state;
	bring_up();
	mbx_link_detach(&remote);
	assert_int_equal(remote.peer_session, 0);
	assert_int_equal(mbx_link_poll(&host, 1), MBX_EVENT_DOWN);
	assert_int_equal(host.peer_session, 0);
	assert_int_equal(mbx_link_poll(&host, 2), 0);
	assert_int_equal(mbx_link_poll(&remote, 2), 0);
	assert_int_equal(SIDE(MBX_REMOTE, state), MBX_SIDE_DOWN);
}

static void test_peer_restarting_is_seen_and_acknowledged_anew(void **state)
{
	struct mbx_link second;

	(void)state;
	bring_up();
	init_demo(&second, MBX_REMOTE); /* the first one died without a word */
	assert_int_equal(mbx_link_attach(&second), 0);
	assert_int_equal(mbx_link_poll(&second, 0), 0);
	assert_int_equal(mbx_link_poll(&host, 0),
			 MBX_EVENT_DOWN | MBX_EVENT_RESTARTED);
	/* told DOWN, the host may act before the new life is told to send */
	assert_int_equal(mbx_link_poll(&second, 0), 0);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mbx_link_poll(&second, 0), MBX_EVENT_UP);
	assert_int_equal(host.peer_session, second.session);
	assert_int_not_equal(second.session, remote.session);
}

static void test_discard_formats_what_would_be_adopted(void **state)
{
	uint32_t was;

	(void)state;
	bring_up();
	was = peek_word(word_at(4 * INSTANCE));
	mbx_link_detach(&remote);
	assert_int_equal(mbx_link_format(&remote, 0), 1);
	assert_int_equal(mbx_link_attach(&remote), 0);
	mbx_link_discard(&remote);
	assert_int_equal(SIDE(MBX_REMOTE, state), MBX_SIDE_DOWN);
	assert_int_equal(mbx_link_format(&remote, 0), MBX_EAGAIN);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_RESET);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_int_equal(peek_word(word_at(4 * INSTANCE)), was + 1);
	/* once */
	assert_int_equal(mbx_link_format(&remote, 0), 1);
}

static void test_peer_restarting_unseen_is_down_until_it_knows_us(void **state)
{
	struct mbx_link second;

	(void)state;
	bring_up();
	init_demo(&second, MBX_REMOTE);
	assert_int_equal(mbx_link_attach(&second), 0);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_DOWN);
	assert_int_equal(SIDE(MBX_HOST, state), MBX_SIDE_ATTACHING);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mbx_link_poll(&second, 0), MBX_EVENT_UP);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_RESTARTED);
}

static void test_silent_peer_goes_down_after_liveness_whatever_the_clock(
	void **state)
{
	uint32_t start, i;

	(void)state;
	for (start = 0u - 4000000u; start != 2000000u; start += 500000u) {
		teardown(NULL);
		setup(NULL);
		assert_int_equal(mbx_link_format(&remote, 0), 0);
		assert_int_equal(mbx_link_attach(&remote), 0);
		assert_int_equal(mbx_link_attach(&host), 0);
		for (i = 0; i < 4; i++) {
			mbx_link_poll(&remote, start);
			mbx_link_poll(&host, start);
		}
		assert_int_equal(host.peer_session, remote.session);
		assert_int_equal(mbx_link_poll(&host, start + 1999999u), 0);
		assert_int_equal(mbx_link_poll(&host, start + 2000000u),
				 MBX_EVENT_DOWN);
		assert_int_equal(mbx_link_poll(&host, start + 3000000u), 0);
		/* it was only slow */
		mbx_link_poll(&remote, start);
		assert_int_equal(mbx_link_poll(&host, start + 3000001u),
				 MBX_EVENT_UP);
		mbx_link_poll(&remote, start);
		assert_int_equal(mbx_link_poll(&host, start + 5000000u), 0);
	}
}

static void test_dead_peer_stays_down_when_the_clock_comes_round(void **state)
{
	uint32_t now = 2000000, i;

	(void)state;
	bring_up();
	assert_int_equal(mbx_link_poll(&host, now), MBX_EVENT_DOWN);
	for (i = 0; i < 3 * 4096; i++)
		assert_int_equal(mbx_link_poll(&host, now += 1u << 20), 0);
	for (i = 0; i < 3 * 4096; i++)
		assert_int_equal(mbx_link_poll(&host, now += 3u << 20), 0);
	assert_int_equal(mbx_link_poll(&remote, 0), 0);
	assert_int_equal(mbx_link_poll(&host, now), MBX_EVENT_UP);
}

static void test_heartbeat_and_clock_are_stored_at_each_poll(void **state)
{
	uint32_t beat;

	(void)state;
	bring_up();
	beat = SIDE(MBX_HOST, beat);
	mbx_link_poll(&host, 12345);
	assert_int_equal(SIDE(MBX_HOST, beat), beat + 1u);
	assert_int_equal(SIDE(MBX_HOST, time_us), 12345);
}

static void test_dead_peer_of_an_earlier_boot_is_not_up(void **state)
{
	struct mbx_link second;

	(void)state;
	bring_up();
	/* the remote is dead, its block says UP; a new host comes */
	init_demo(&second, MBX_HOST);
	assert_int_equal(mbx_link_attach(&second), 0);
	assert_int_equal(mbx_link_poll(&second, 0), 0);
	assert_int_equal(mbx_link_poll(&second, 1000), 0);
	assert_int_equal(mbx_link_poll(&second, 3000000), 0);
	assert_int_equal(second.peer_session, 0);
}

static void test_attach_tells_tools_who_it_is(void **state)
{
	struct mbx_link_config c = config(MBX_HOST, demo, DEMO);

	(void)state;
	bring_up();
	assert_int_equal(SIDE(MBX_HOST, wakeup), MBX_WAKE_POLL);
	c.wakeup = MBX_WAKE_FUTEX;
	c.boot_reason = 0xabcd;
	c.owner = 4242;
	mbx_link_init(&host, &c);
	assert_int_equal(mbx_link_attach(&host), 0);
	assert_int_equal(SIDE(MBX_HOST, wakeup), MBX_WAKE_FUTEX);
	assert_int_equal(SIDE(MBX_HOST, boot_reason), 0xabcd);
	assert_int_equal(SIDE(MBX_HOST, owner), 4242);
	assert_int_equal(SIDE(MBX_HOST, code_version), MBX_CODE_VERSION);
	assert_int_equal(SIDE(MBX_HOST, layout_hash), host.layout_hash);
	assert_int_equal(SIDE(MBX_HOST, instance), 1);
}

/* ---- formatting ---- */

static void test_format_of_same_layout_adopts_what_is_queued(void **state)
{
	struct mbx_queue_place at;
	struct mbx_tx tx;
	struct mbx_rx rx;
	char buf[16];

	(void)state;
	bring_up();
	assert_int_equal(mbx_link_queue(&host, 0, &at), 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	assert_int_equal(mbx_tx_send(&tx, "still here", 10), 0);
	init_demo(&remote, MBX_REMOTE);
	assert_int_equal(mbx_link_format(&remote, 0), 1);
	assert_int_equal(mbx_link_attach(&remote), 0);
	assert_int_equal(mbx_link_queue(&remote, 0, &at), 0);
	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	assert_int_equal(mbx_rx_recv(&rx, buf, 16), 10);
	assert_memory_equal(buf, "still here", 10);
	assert_int_equal(peek_word(word_at(4 * INSTANCE)), 1);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_DOWN);
}

static void test_format_of_any_garbage_gives_a_clean_region(void **state)
{
	uint32_t i, seed = 12;

	(void)state;
	for (i = 0; i < SMALL; i += 4)
		poke_word(word_at(i), rnd(&seed));
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_memory_equal(region.base, "mbx1\0\0\1\0", 8); /* version 1.0 */
	for (i = remote.section[0]; i < remote.end_off; i += 4)
		assert_int_equal(peek_word(word_at(i)), 0);
	assert_int_equal(mbx_link_attach(&remote), 0);
	assert_int_equal(mbx_link_attach(&host), 0);
}

static void bring_up_as(uint32_t bytes, uint32_t line, uint32_t page,
			int adopts)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);

	c.bytes = bytes;
	c.line_bytes = line;
	c.page_bytes = page;
	mbx_link_init(&remote, &c);
	assert_int_equal(mbx_link_format(&remote, 0), adopts);
	assert_int_equal(mbx_link_attach(&remote), 0);
	mbx_link_detach(&remote);
}

static void test_format_for_another_size_line_or_page_adopts_nothing(
	void **state)
{
	(void)state;
	teardown(NULL);
	region = guarded_new(65536);
	bring_up_as(32768, 64, 4096, 0);
	bring_up_as(32768, 64, 4096, 1);
	bring_up_as(65536, 64, 4096, 0);
	bring_up_as(65536, 32, 4096, 0);
	bring_up_as(65536, 32, 8192, 0);
	bring_up_as(65536, 32, 8192, 1);
	assert_int_equal(peek_word(word_at(4 * INSTANCE)), 4);
}

/* Another build of the firmware: one channel more. */
static const struct mbx_channel other[] = {
	{ "commands", Q(MBX_H2R, 16, 2, "u32 op") },
	{ "more", Q(MBX_H2R, 400, 1, "") },
};

static void start_other(struct mbx_link *l)
{
	struct mbx_link_config c = config(MBX_REMOTE, other, 2);

	mbx_link_init(l, &c);
}

static void test_format_of_another_layout_waits_for_the_peer_to_let_go(
	void **state)
{
	struct mbx_link next;
	struct mbx_link_config c = config(MBX_HOST, other, 2);

	(void)state;
	bring_up();
	start_other(&next);
	assert_int_equal(mbx_link_format(&next, 0u - 100u), MBX_EAGAIN);
	assert_int_equal(mbx_link_attach(&remote), MBX_EAGAIN);
	assert_int_equal(mbx_link_format(&next, 0u - 100u), MBX_EAGAIN);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_RESET);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mbx_link_format(&next, 0), 0);
	assert_int_equal(peek_word(word_at(4 * INSTANCE)), 2);
	assert_int_equal(mbx_link_attach(&next), 0);

	/* the old build finds that it no longer fits, and says so */
	assert_int_equal(mbx_link_attach(&host), MBX_EMISMATCH);
	assert_int_equal(host.why.channel, -1);
	assert_int_equal(host.why.word, COUNT);
	assert_int_equal(host.why.ours, DEMO);
	assert_int_equal(host.why.theirs, 2);
	assert_int_equal(mbx_link_poll(&next, 0), MBX_EVENT_INCOMPATIBLE);
	assert_int_equal(mbx_link_poll(&next, 0), 0);
	assert_int_equal(SIDE(MBX_HOST, layout_hash), host.layout_hash);

	/* and a new one comes up */
	mbx_link_init(&host, &c);
	assert_int_equal(mbx_link_attach(&host), 0);
	mbx_link_poll(&host, 0);
	assert_int_equal(mbx_link_poll(&next, 0), MBX_EVENT_UP);
}

static void test_format_with_dead_peer_attached_waits_half_a_second(
	void **state)
{
	struct mbx_link next;
	uint32_t start = 0u - 250000u;

	(void)state;
	bring_up();
	start_other(&next);
	assert_int_equal(mbx_link_format(&next, start), MBX_EAGAIN);
	assert_int_equal(mbx_link_format(&next, start + 499999u), MBX_EAGAIN);
	assert_int_equal(mbx_link_format(&next, start + 500000u), 0);
	/* it was alive after all: it notices, and leaves the new one alone */
	{
		static uint8_t before[SMALL];

		memcpy(before, region.base, SMALL);
		assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_RESET);
		mbx_link_detach(&host);
		assert_memory_equal(before, region.base, SMALL);
	}
}

static void test_format_with_peer_down_does_not_wait(void **state)
{
	struct mbx_link next;

	(void)state;
	bring_up();
	mbx_link_detach(&host);
	start_other(&next);
	assert_int_equal(mbx_link_format(&next, 0), 0);
	/* even one that detaches late leaves the new region alone */
	assert_int_equal(mbx_link_attach(&next), 0);
	mbx_link_detach(&remote);
	assert_int_equal(SIDE(MBX_REMOTE, state), MBX_SIDE_ATTACHING);
}

/* The side that formats dies while it waits, and starts again. */
static void test_format_begun_twice_still_waits_and_counts_on(void **state)
{
	struct mbx_link next;

	(void)state;
	bring_up();
	start_other(&next);
	assert_int_equal(mbx_link_format(&next, 0), MBX_EAGAIN);
	start_other(&next);
	assert_int_equal(mbx_link_format(&next, 0), MBX_EAGAIN);
	assert_int_equal(mbx_link_format(&next, 500000), 0);
	/* the host was away meanwhile, and must see that it is another region */
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_RESET);
	assert_int_equal(peek_word(word_at(4 * INSTANCE)), 2);
}

static void test_format_does_not_wait_for_an_incompatible_peer(void **state)
{
	struct mbx_link next;
	struct mbx_link_config c = config(MBX_HOST, other, 2);

	(void)state;
	bring_up();
	mbx_link_init(&host, &c);
	assert_int_equal(mbx_link_attach(&host), MBX_EMISMATCH);
	start_other(&next);
	assert_int_equal(mbx_link_format(&next, 0), 0);
	assert_int_equal(mbx_link_attach(&host), 0);
}

static void test_format_alone_attaches_nothing(void **state)
{
	struct mbx_queue_place at;
	uint32_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(mbx_link_format(&remote, 0), i);
		assert_int_equal(mbx_link_queue(&remote, 0, &at), MBX_ENOTCONN);
		assert_int_equal(mbx_link_poll(&remote, 0), 0);
		mbx_link_detach(&remote);
		assert_int_equal(SIDE(MBX_REMOTE, beat), 0);
	}
}

static void test_instance_is_new_at_each_format_and_never_zero(void **state)
{
	struct mbx_link a, b;
	uint32_t i, want = 0u - 3u;

	(void)state;
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	poke_word(word_at(4 * INSTANCE), want);
	seal_super();
	for (i = 0; i < 6; i++) {
		if (++want == 0)
			want = 1;
		start_other(&a);
		init_demo(&b, MBX_REMOTE);
		assert_int_equal(mbx_link_format(i & 1 ? &b : &a, 0), 0);
		assert_int_equal(peek_word(word_at(4 * INSTANCE)), want);
	}
}

/* ---- sizes ---- */

static void try_size(uint32_t line, uint32_t page, uint32_t bytes, int fits)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);
	struct mbx_queue_place at;
	struct mbx_tx tx;
	uint32_t i;

	teardown(NULL);
	region = guarded_new(bytes);
	c.base = (uintptr_t)region.base;
	c.bytes = bytes;
	c.line_bytes = line;
	c.page_bytes = page;
	mbx_link_init(&remote, &c);
	assert_int_equal(mbx_link_format(&remote, 0), fits ? 0 : MBX_ENOSPC);
	if (!fits) {
		for (i = 0; i < bytes; i++)
			assert_int_equal(region.base[i], 0);
		return;
	}
	assert_int_equal(mbx_link_attach(&remote), 0);
	c.side = MBX_HOST;
	c.line_bytes = 0; /* taken from the region */
	mbx_link_init(&host, &c);
	assert_int_equal(mbx_link_attach(&host), 0);
	mbx_link_poll(&host, 0);
	mbx_link_poll(&remote, 0);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_UP);
	/* fill what the remote produces: the last thing in the region */
	assert_int_equal(mbx_link_back(&remote, 6, &at), 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	while (mbx_tx_send(&tx, "abcdefgh", 8) == 0)
		;
}

static void test_end_is_just_enough_for_every_line_size(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);
	uint32_t line, needs;

	(void)state;
	for (line = 4; line <= 4096; line *= 2) {
		c.line_bytes = line;
		c.page_bytes = 4096;
		c.bytes = 0;
		mbx_link_init(&remote, &c);
		needs = remote.end_off;
		assert_int_equal(needs % line, 0);
		try_size(line, 4096, needs, 1);
		try_size(line, 4096, needs - 4u, 0);
		assert_int_equal(remote.end_off, needs);
	}
}

static void test_demo_with_all_kinds_fits_4_KiB(void **state)
{
	(void)state;
	assert_true(remote.end_off <= 4096);
	assert_int_equal(remote.align, remote.line);
}

static void test_sections_stand_on_pages_where_there_is_room(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);
	uint32_t page;

	(void)state;
	c.bytes = 1u << 20;
	for (page = 64; page <= 65536; page *= 4) {
		c.page_bytes = page;
		mbx_link_init(&remote, &c);
		assert_int_equal(remote.section[0] % page, 0);
		assert_int_equal(remote.section[1] % page, 0);
		assert_true(remote.section[1] > remote.section[0]);
	}
}

static void test_gigabyte_format_touches_the_laid_out_part_only(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages, i, touched = 0;
	unsigned char *in_core;
	void *map;

	(void)state;
	map = mmap(NULL, MBX_MAX_REGION, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED) {
		print_message("SKIP: no address space for 1 GiB\n");
		skip();
	}
	madvise(map, MBX_MAX_REGION, MADV_NOHUGEPAGE);
	c.base = (uintptr_t)map;
	c.bytes = MBX_MAX_REGION;
	mbx_link_init(&remote, &c);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_int_equal(mbx_link_attach(&remote), 0);
	pages = MBX_MAX_REGION / page;
	in_core = malloc(pages);
	assert_non_null(in_core);
	assert_int_equal(mincore(map, MBX_MAX_REGION, in_core), 0);
	for (i = 0; i < pages; i++)
		touched += in_core[i] & 1u;
	free(in_core);
	munmap(map, MBX_MAX_REGION);
	assert_true(touched >= 1);
	assert_true(touched <= (remote.end_off + page - 1) / page);
}

static void test_channels_by_number_and_size_up_to_the_limits(void **state)
{
	static const uint32_t counts[] = { 0, 1, 1000, MBX_MAX_CHANNELS };
	static struct mbx_channel many[MBX_MAX_CHANNELS];
	static char names[MBX_MAX_CHANNELS][8];
	struct mbx_channel one = { "", Q(MBX_H2R, 4, 1, "u32 x") };
	struct mbx_queue_place at;
	uint32_t i, n;

	(void)state;
	for (i = 0; i < MBX_MAX_CHANNELS; i++) {
		snprintf(names[i], sizeof(names[i]), "c%u", i);
		many[i] = one;
		many[i].name = names[i];
		many[i].is.direction = i & 1;
	}
	for (n = 0; n < ARRAY_SIZE(counts); n++) {
		struct mbx_link_config c;

		teardown(NULL);
		region = guarded_new(2u << 20);
		c = config(MBX_REMOTE, many, counts[n]);
		mbx_link_init(&remote, &c);
		assert_int_equal(mbx_link_format(&remote, 0), 0);
		c.side = MBX_HOST;
		mbx_link_init(&host, &c);
		assert_int_equal(mbx_link_attach(&host), 0);
		for (i = 0; i < counts[n]; i += 97) {
			assert_int_equal(mbx_link_queue(&host, i, &at), 0);
			assert_true((uintptr_t)at.ring >=
				    (uintptr_t)region.base);
			assert_true((uintptr_t)at.ring + at.ring_bytes <=
				    (uintptr_t)region.base + host.end_off);
		}
		assert_int_equal(mbx_link_queue(&host, counts[n], &at),
				 MBX_ENOENT);
		assert_int_equal(mbx_link_queue(&host, ~0u, &at), MBX_ENOENT);
	}
}

static void test_sections_are_on_lines_also_when_pages_are_smaller(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);
	uint32_t line, page;

	(void)state;
	c.bytes = 1u << 20;
	for (line = 4; line <= 4096; line *= 2)
		for (page = 64; page <= 65536; page *= 2) {
			c.line_bytes = line;
			c.page_bytes = page;
			mbx_link_init(&remote, &c);
			assert_int_equal(remote.section[0] % line, 0);
			assert_int_equal(remote.section[1] % line, 0);
			assert_int_equal(remote.end_off % line, 0);
		}
}

/* Words of different writers never share a line; nothing overlaps. */
static void test_parts_of_all_channels_are_disjoint(void **state)
{
	static uint8_t owner[1u << 20];
	uint32_t line, i, k;

	(void)state;
	for (line = 4; line <= 4096; line *= 2) {
		struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);
		uint8_t id = 1;

		memset(owner, 0, sizeof(owner));
		c.bytes = sizeof(owner);
		c.base = 0;
		c.line_bytes = line;
		mbx_link_init(&remote, &c);
		remote.instance = 1; /* places without a region */
		for (i = 0; i < DEMO; i++)
			for (k = 0; k < 2; k++) {
				struct mbx_queue_place q;
				uintptr_t part[3][2];
				uint32_t p, b;

				if ((k ? mbx_link_back(&remote, i, &q)
				       : mbx_link_queue(&remote, i, &q)))
					continue;
				part[0][0] = (uintptr_t)q.ring;
				part[0][1] = q.ring_bytes;
				part[1][0] = (uintptr_t)q.tx;
				part[1][1] = 8;
				part[2][0] = (uintptr_t)q.rx;
				part[2][1] = 12;
				for (p = 0; p < 3; p++, id++) {
					uintptr_t end = part[p][0] + part[p][1];

					assert_int_equal(part[p][0] % line, 0);
					assert_true(end <= remote.end_off);
					for (b = 0; b < part[p][1]; b++) {
						uint8_t *o =
							&owner[part[p][0] + b];

						assert_int_equal(*o, 0);
						*o = id;
					}
				}
			}
	}
}

static void test_regions_at_different_bases_carry_messages(void **state)
{
	struct mbx_link_config c;
	struct mbx_queue_place at;
	struct mbx_tx tx;
	struct mbx_rx rx;
	void *a, *b;
	char buf[16];
	int fd = memfd_create("mbx-unit", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SMALL), 0);
	a = mmap(NULL, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	assert_true(a != MAP_FAILED && b != MAP_FAILED && a != b);
	c = config(MBX_REMOTE, demo, DEMO);
	c.base = (uintptr_t)a;
	mbx_link_init(&remote, &c);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_int_equal(mbx_link_attach(&remote), 0);
	c.side = MBX_HOST;
	c.base = (uintptr_t)b;
	mbx_link_init(&host, &c);
	assert_int_equal(mbx_link_attach(&host), 0);
	assert_int_equal(mbx_link_queue(&host, 0, &at), 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	assert_int_equal(mbx_tx_send(&tx, "across", 6), 0);
	assert_int_equal(mbx_link_queue(&remote, 0, &at), 0);
	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	assert_int_equal(mbx_rx_recv(&rx, buf, 16), 6);
	assert_memory_equal(buf, "across", 6);
	munmap(a, SMALL);
	munmap(b, SMALL);
}

static void test_region_at_address_0_works_like_any_other(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);
	struct mbx_reader reader;
	struct mbx_record rec;
	struct mbx_queue_place at;
	struct mbx_slots_place slots;
	struct mbx_writer writer;
	struct mbx_tx tx;
	struct mbx_rx rx;
	char buf[32];
	void *map;

	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("SKIP: the sanitizers refuse address 0\n");
		skip();
	}
	map = mmap(NULL, SMALL, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (map == MAP_FAILED) {
		print_message("SKIP: mapping address 0 is not permitted\n");
		skip();
	}
	c.base = 0;
	mbx_link_init(&remote, &c);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_int_equal(mbx_link_attach(&remote), 0);
	assert_int_equal(mbx_link_queue(&remote, 1, &at), 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	assert_int_equal(mbx_tx_send(&tx, "null and void", 13), 0);
	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	assert_int_equal(mbx_rx_recv(&rx, buf, 16), 13);
	assert_int_equal(mbx_link_slots(&remote, 5, &slots), 0);
	mbx_writer_attach(&writer, &slots);
	mbx_reader_attach(&reader, &slots);
	assert_int_equal(mbx_writer_write(&writer, 3, "line", 4, 0), 0);
	assert_int_equal(mbx_reader_next(&reader, buf, 32, &rec), 4);
	mbx_link_detach(&remote);
	munmap(NULL, SMALL);
	assert_memory_equal(buf, "line", 4);
}

/* ---- declarations ---- */

static void test_init_refuses_impossible_configurations(void **state)
{
	static const uint32_t lines[] = { 1, 2, 3, 5, 65, 8192, ~0u };
	static const uint32_t pages[] = { 1, 32, 65, 131072, ~0u };
	struct mbx_link_config c;
	struct mbx_link l;
	uint32_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		c = config(MBX_HOST, demo, DEMO);
		c.line_bytes = lines[i];
		assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	}
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		c = config(MBX_HOST, demo, DEMO);
		c.page_bytes = pages[i];
		assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	}
	for (i = 1; i < 4; i++) {
		c = config(MBX_HOST, demo, DEMO);
		c.base += i;
		assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
		c.base -= i;
		c.bytes += i;
		assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	}
	c = config(MBX_HOST, demo, DEMO);
	c.bytes = MBX_MAX_REGION + 4u;
	assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	c = config((enum mbx_side)2, demo, DEMO);
	assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	c = config(MBX_HOST, demo, DEMO);
	c.base = UINTPTR_MAX - c.bytes + 5u;
	assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	c.base -= 4u; /* the last bytes there are */
	assert_int_equal(mbx_link_init_checked(&l, &c), 0);
	c.base = UINTPTR_MAX - 3u;
	c.bytes = 0; /* no end to be behind the last address; see attach */
	assert_int_equal(mbx_link_init_checked(&l, &c), 0);
	c = config(MBX_HOST, demo, MBX_MAX_CHANNELS + 1u);
	assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	assert_int_equal(l.why.channel, -1);
}

/* Who does not have constants checked hears of them at the first attach. */
static void test_impossible_line_or_page_is_found_by_attach(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, 1);
	uint32_t word;

	(void)state;
	for (word = 6; word <= 7; word++) {
		c.line_bytes = word == 6 ? 48 : 0;
		c.page_bytes = word == 7 ? 131072 : 0;
		teardown(NULL);
		region = guarded_new(0x60000);
		c.base = (uintptr_t)region.base;
		c.bytes = 0x60000;
		mbx_link_init(&remote, &c);
		assert_int_equal(mbx_link_format(&remote, 0), 0);
		assert_int_equal(mbx_link_attach(&remote), MBX_ECORRUPT);
		assert_int_equal(remote.why.word, word);
		assert_int_equal(remote.why.theirs, word == 6 ? 48 : 131072);
	}
}

/* It looks at no more declarations than there may be. */
static void test_checked_init_refuses_too_many_channels(void **state)
{
	static struct mbx_channel many[MBX_MAX_CHANNELS];
	struct mbx_link_config c;
	struct mbx_link l;
	uint32_t i;

	(void)state;
	for (i = 0; i < MBX_MAX_CHANNELS; i++)
		many[i] = demo[0];
	c = config(MBX_HOST, many, MBX_MAX_CHANNELS + 1u);
	assert_int_equal(mbx_link_init_checked(&l, &c), MBX_EINVAL);
	assert_int_equal(l.why.channel, -1);
	c.count = MBX_MAX_CHANNELS;
	assert_int_equal(mbx_link_init_checked(&l, &c), 0);
}

static void test_checked_init_takes_the_limits_themselves(void **state)
{
	struct mbx_link_config c = config(MBX_HOST, demo, DEMO);
	struct mbx_link l;

	(void)state;
	c.bytes = MBX_MAX_REGION;
	c.line_bytes = 4;
	c.page_bytes = 64;
	assert_int_equal(mbx_link_init_checked(&l, &c), 0);
	c.line_bytes = 4096;
	c.page_bytes = 65536;
	assert_int_equal(mbx_link_init_checked(&l, &c), 0);
	assert_int_equal(l.line, 4096);
}

static int declare(struct mbx_channel *c)
{
	struct mbx_channel two[2] = { demo[0], *c };
	struct mbx_link_config cfg = config(MBX_HOST, two, 2);
	struct mbx_link l;
	int err = mbx_link_init_checked(&l, &cfg);

	assert_int_equal(l.why.channel, err ? 1 : -1);
	return err;
}

static void test_init_refuses_impossible_channels(void **state)
{
	/* what is set wrong in which of the demo's channels */
	struct mbx_channel queue = demo[1], value = demo[3], call = demo[6], c;
	struct mbx_channel many = { "many", MBX_STATE(MBX_R2H, 6, 8, "") };
	static const char *const names[] = {
		"",	   "sixteen.letters_",
		"a b",	   "a/b",
		"a\x1b[m", "\xc3\xa4",
		"@",	   "a\n",
		"a{",	   "a[",
		"a:",
	};
	struct mbx_link_config cfg;
	struct mbx_link l;
	uint32_t i;

#define REFUSED(from, field, v)                                                \
	(c = from, c.field = v, assert_int_equal(declare(&c), MBX_EINVAL))
	(void)state;
	assert_int_equal(declare(&queue), 0);
	assert_int_equal(declare(&value), 0);
	assert_int_equal(declare(&call), 0);
	assert_int_equal(declare(&many), 0);
	queue.name = "azAZ09_.-";
	assert_int_equal(declare(&queue), 0);
	queue.name = "fifteen.letters";
	assert_int_equal(declare(&queue), 0);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		REFUSED(queue, name, names[i]);
	REFUSED(queue, name, NULL);
	REFUSED(queue, is.type, NULL);
	REFUSED(queue, is.kind, 0);
	REFUSED(queue, is.kind, 5);
	REFUSED(queue, is.direction, 2);
	REFUSED(queue, is.full, 4);
	REFUSED(queue, is.full, MBX_OVERWRITE);
	REFUSED(value, is.full, MBX_FAIL);
	REFUSED(call, is.full, MBX_DROP);
	REFUSED(call, is.full, MBX_BLOCK);
	REFUSED(queue, is.slots, 2);
	REFUSED(queue, is.fwd.max_bytes, 0);
	REFUSED(queue, is.fwd.max_bytes, queue.is.fwd.bytes - 7u);
	REFUSED(queue, is.fwd.max_bytes, MBX_MAX_MESSAGE + 1u);
	REFUSED(queue, is.fwd.bytes, 0);
	REFUSED(queue, is.fwd.bytes, 8);
	REFUSED(queue, is.fwd.bytes, queue.is.fwd.bytes + 2u);
	REFUSED(queue, is.fwd.bytes, MBX_MAX_REGION + 4u);
	REFUSED(queue, is.fwd.bytes, ~3u);
	REFUSED(value, is.slots, 0);
	REFUSED(value, is.slots, 1);
	REFUSED(value, is.slots, 3);
	REFUSED(value, is.fwd.bytes, value.is.fwd.bytes + 4u);
	REFUSED(value, is.fwd.bytes, value.is.fwd.bytes * 2u);
	REFUSED(many, is.fwd.bytes, many.is.fwd.bytes + 4u);
	REFUSED(value, is.fwd.max_bytes, 0);
	REFUSED(call, is.fwd.max_bytes, 7);
	REFUSED(call, is.back.max_bytes, 7);
	REFUSED(call, is.back.bytes, 0);
	REFUSED(call, is.slots, 4);
	REFUSED(call, is.full, MBX_DROP);
	/* nor where as many would have just the bytes they need */
	value.is.fwd.bytes = 16;
	REFUSED(value, is.slots, 1);
	value.is.fwd.bytes = 3 * 16;
	REFUSED(value, is.slots, 3);
#undef REFUSED
	cfg = config(MBX_HOST, &c, 1); /* the first one is looked at, too */
	assert_int_equal(mbx_link_init_checked(&l, &cfg), MBX_EINVAL);
	assert_int_equal(l.why.channel, 0);
}

static void test_checked_init_takes_the_smallest_and_largest_channel(
	void **state)
{
	struct mbx_channel queue = demo[1], call = demo[6];

	(void)state;
	queue.is.fwd.max_bytes = 4;
	queue.is.fwd.bytes = 12;
	assert_int_equal(declare(&queue), 0);
	queue.is.fwd.max_bytes = MBX_MAX_MESSAGE;
	queue.is.fwd.bytes = MBX_MAX_MESSAGE + 8u;
	assert_int_equal(declare(&queue), 0);
	queue.is.fwd.bytes = MBX_MAX_REGION;
	assert_int_equal(declare(&queue), 0);
	call.is.fwd.max_bytes = call.is.back.max_bytes = 8;
	assert_int_equal(declare(&call), 0);
}

/* Rings of more than 4 GiB, whose size modulo that would look all right. */
static void test_init_refuses_rings_that_overflow(void **state)
{
	/* as MBX_QUEUE() and MBX_CALL(), which would not compile */
#define RING(kind, depth, max)                                                 \
	{                                                                      \
		kind, MBX_H2R, MBX_FAIL, 0,                                    \
			{ max, MBX_RING_BYTES(depth, max) },                   \
			{ max, MBX_RING_BYTES(depth, max) }, ""                \
	}
	static const struct mbx_channel big[] = {
		{ "a", RING(MBX_KIND_QUEUE, 1200, 0x3ffffcu) },
		{ "b", RING(MBX_KIND_QUEUE, 0x20000000u, 4) },
		{ "c", RING(MBX_KIND_CALL, 1200, 8 + 0x3ffff4u) },
		{ "d", RING(MBX_KIND_QUEUE, ~0u, 64) },
	};
	uint32_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(big); i++) {
		struct mbx_channel c = big[i];

		assert_int_equal(declare(&c), MBX_EINVAL);
	}
#undef RING
	assert_int_equal(MBX_RING_BYTES(0, MBX_MAX_REGION - 8u),
			 MBX_MAX_REGION);
	assert_int_equal(MBX_RING_BYTES(~0u, 64), UINT32_MAX);
}

/* By the macros, which compile: a ring and slots of 1 GiB, too. */
static void test_declaration_at_the_limits_is_what_it_says(void **state)
{
#define LIMITS(CHANNEL)                                                        \
	CHANNEL(LEAST, "a", MBX_QUEUE(MBX_R2H, 1, 1, MBX_BLOCK, ""))           \
	CHANNEL(LONGEST, "fifteen_letters",                                    \
		MBX_QUEUE(MBX_H2R, MBX_MAX_MESSAGE, 62, MBX_FAIL, ""))         \
	CHANNEL(FEWEST, "b", MBX_STATE(MBX_R2H, 1, 2, ""))                     \
	CHANNEL(LARGEST, "c", MBX_LOG(MBX_H2R, 0xffff8, 1024))
	MBX_DECLARE_CHANNELS(limits, LIMITS);
#undef LIMITS
	static const uint32_t bytes[] = { 20, 63 * 0xfffff4 + 4, 24,
					  MBX_MAX_REGION };
	uint32_t i;

	(void)state;
	for (i = 0; i < limits_count; i++) {
		struct mbx_channel c = limits[i];

		assert_int_equal(declare(&c), 0);
		assert_int_equal(c.is.fwd.bytes, bytes[i]);
		assert_int_equal(c.is.back.max_bytes, 0);
		assert_int_equal(c.is.back.bytes, 0);
	}
}

/* What stands behind 1 GiB is nowhere, also where offsets have gone round. */
static void test_layout_beyond_any_region_fits_nowhere(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	static const uint32_t bytes[] = { MBX_MAX_REGION, 2 * MBX_MAX_REGION,
					  0u - MBX_MAX_REGION, ~3u };
	struct mbx_channel many[ARRAY_SIZE(names)];
	struct mbx_link_config c;
	struct mbx_link l;
	uint32_t i, k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(bytes); k++)
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			many[i] = demo[0];
			many[i].name = names[i];
			many[i].is.fwd.bytes = bytes[k];
			c = config(MBX_HOST, many, i + 1u);
			mbx_link_init(&l, &c);
			assert_true(l.end_off > MBX_MAX_REGION);
			assert_int_equal(mbx_link_format(&l, 0), MBX_ENOSPC);
		}
}

static void test_places_of_the_wrong_kind_say_enotsup(void **state)
{
	struct mbx_queue_place q;
	struct mbx_slots_place s;
	uint32_t i;

	(void)state;
	bring_up();
	for (i = 0; i < DEMO; i++) {
		int slots = i >= 2 && i <= 5, call = i >= 6;

		q.full = 77;
		assert_int_equal(mbx_link_queue(&host, i, &q),
				 slots ? MBX_ENOTSUP : 0);
		assert_int_equal(q.full, slots ? 77 : demo[i].is.full);
		assert_int_equal(mbx_link_back(&host, i, &q),
				 call ? 0 : MBX_ENOTSUP);
		assert_int_equal(mbx_link_slots(&host, i, &s),
				 slots ? 0 : MBX_ENOTSUP);
	}
	assert_int_equal(mbx_link_slots(&host, DEMO, &s), MBX_ENOENT);
	assert_int_equal(mbx_link_back(&host, DEMO, &q), MBX_ENOENT);
	mbx_link_detach(&host);
	assert_int_equal(mbx_link_queue(&host, 0, &q), MBX_ENOTCONN);
	assert_int_equal(mbx_link_back(&host, 6, &q), MBX_ENOTCONN);
	assert_int_equal(mbx_link_slots(&host, 2, &s), MBX_ENOTCONN);
}

static void test_parts_that_end_on_a_line_are_next_to_each_other(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, NULL, 0);

	(void)state;
	c.page_bytes = 64;
	mbx_link_init(&remote, &c);
	assert_int_equal(remote.text_off, 64);
	assert_int_equal(remote.section[MBX_HOST], 64);
	assert_int_equal(remote.section[MBX_REMOTE], 128);
	assert_int_equal(remote.end_off, 192);
}

static void test_superblock_has_the_hash_of_the_directory(void **state)
{
	uint32_t hash;

	(void)state;
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	hash = hash_region(0x811c9dc5u, 4 * COUNT, 4 * COUNT + 4);
	hash = hash_region(hash, 64, 64u + DEMO * 64u);
	assert_int_equal(peek_word(word_at(4 * HASH)), hash);
	assert_int_equal(peek_word(word_at(4 * 14)), 0); /* reserved */
}

static void test_region_of_just_the_size_has_sections_on_pages(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);

	(void)state;
	c.bytes = MBX_MAX_REGION;
	mbx_link_init(&remote, &c);
	c.bytes = remote.end_off;
	mbx_link_init(&remote, &c);
	assert_int_equal(remote.align, 4096);
	c.bytes -= 4u;
	mbx_link_init(&remote, &c);
	assert_int_equal(remote.align, 64);
}

static void test_format_after_attach_to_other_lines_has_its_own(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);

	(void)state;
	c.line_bytes = 32;
	mbx_link_init(&remote, &c);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_int_equal(mbx_link_attach(&host), 0);
	assert_int_equal(host.line, 32);
	mbx_link_discard(&host);
	assert_int_equal(mbx_link_format(&host, 0), 0);
	assert_int_equal(peek_word(word_at(4 * 6)), 64);
}

/* Of a wait that somebody else's formatting ended, the next one knows nothing */
static void test_format_waits_anew_after_it_adopted(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, other, 2);
	struct mbx_link old, peer, second;

	(void)state;
	mbx_link_init(&old, &c);
	c.side = MBX_HOST;
	mbx_link_init(&peer, &c);
	assert_int_equal(mbx_link_format(&old, 0), 0);
	assert_int_equal(mbx_link_attach(&peer), 0);
	assert_int_equal(mbx_link_format(&remote, 0), MBX_EAGAIN);
	init_demo(&second, MBX_REMOTE);
	assert_int_equal(mbx_link_format(&second, 0), MBX_EAGAIN);
	assert_int_equal(mbx_link_format(&second, 500000), 0);
	assert_int_equal(mbx_link_format(&remote, 500000), 1);
	assert_int_equal(mbx_link_attach(&host), 0);
	mbx_link_discard(&remote);
	assert_int_equal(mbx_link_format(&remote, 600000), MBX_EAGAIN);
	assert_int_equal(mbx_link_format(&remote, 1100000), 0);
}

static void test_next_life_goes_on_with_the_beat(void **state)
{
	uint32_t beat;

	(void)state;
	bring_up();
	beat = SIDE(MBX_REMOTE, beat);
	init_demo(&remote, MBX_REMOTE);
	assert_int_equal(mbx_link_attach(&remote), 0);
	mbx_link_poll(&remote, 0);
	assert_int_equal(SIDE(MBX_REMOTE, beat), beat + 1u);
}

static void test_next_life_gives_the_peer_its_time_anew(void **state)
{
	(void)state;
	bring_up();
	mbx_link_detach(&host);
	assert_int_equal(mbx_link_attach(&host), 0);
	/* its heart has not beaten since, which only this life's clock tells */
	assert_int_equal(mbx_link_poll(&host, 5000000), 0);
	assert_int_equal(SIDE(MBX_HOST, ack), remote.session);
	assert_int_equal(mbx_link_poll(&remote, 5000000),
			 MBX_EVENT_DOWN | MBX_EVENT_RESTARTED);
	assert_int_equal(mbx_link_poll(&remote, 5000001), 0);
	assert_int_equal(mbx_link_poll(&host, 5000001), MBX_EVENT_UP);
}

static void test_peer_with_another_instance_is_down(void **state)
{
	(void)state;
	bring_up();
	poke_side(MBX_REMOTE, offsetof(struct mbx_side_block, instance),
		  remote.instance + 1u);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_DOWN);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(host.peer_session, 0);
}

static void test_text_of_a_type_stands_where_its_entry_says(void **state)
{
	uint32_t i, off = 64u + DEMO * 64u;

	(void)state;
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	for (i = 0; i < DEMO; i++) {
		const char *type = demo[i].is.type;
		uint32_t bytes = (uint32_t)strlen(type) + 1u;

		assert_int_equal(peek_word(word_at(64u + 64u * i + 24u)),
				 *type ? off : 0);
		if (!*type)
			continue;
		assert_string_equal((char *)region.base + off, type);
		off += MBX_ROUND4(bytes);
	}
}

/* ---- mismatch ---- */

static void check_mismatch(const struct mbx_channel *ours, int channel,
			   uint32_t word, uint32_t our_value,
			   uint32_t their_value)
{
	struct mbx_link_config c = config(MBX_HOST, ours, DEMO);

	mbx_link_init(&host, &c);
	assert_int_equal(mbx_link_attach(&host), MBX_EMISMATCH);
	assert_int_equal(host.why.channel, channel);
	assert_int_equal(host.why.word, word);
	assert_int_equal(host.why.ours, our_value);
	assert_int_equal(host.why.theirs, their_value);
	assert_int_equal(SIDE(MBX_HOST, state), MBX_SIDE_INCOMPATIBLE);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mbx_link_observe(&host), MBX_EMISMATCH);
	assert_true(mbx_link_poll(&remote, 0) & MBX_EVENT_INCOMPATIBLE);
	assert_int_equal(mbx_link_poll(&remote, 0), 0);
}

static void test_mismatch_of_every_field_names_channel_and_values(void **state)
{
	struct mbx_channel ours[DEMO], *c;

	(void)state;
	bring_up();
#define CHANGE(i, change)                                                      \
	(memcpy(ours, demo, sizeof(demo)), c = &ours[i], change)
	CHANGE(0, c->name = "xommands");
	check_mismatch(ours, 0, 0, 0x6d6d6f78u, 0x6d6d6f63u);
	CHANGE(0, c->name = "comman");
	check_mismatch(ours, 0, 1, 0x6e61u, 0x73646e61u);
	CHANGE(1, c->name = "answers7");
	check_mismatch(ours, 1, 1, 0x37737265u, 0x737265u);
	CHANGE(1, c->name = "answers.or.more");
	check_mismatch(ours, 1, 1, 0x2e737265u, 0x737265u);
	CHANGE(2, c->is.kind = MBX_KIND_LOG);
	check_mismatch(ours, 2, 4, 0x30003u, 0x30002u);
	/* these move all that follows, and the other section */
	CHANGE(3, c->is.direction = MBX_H2R);
	check_mismatch(ours, 3, 4, 0x30002u, 0x30102u);
	CHANGE(4, c->is.fwd.bytes = 4u * (c->is.slots = 512) * 7u);
	check_mismatch(ours, 4, 7, 512, 2);
	CHANGE(4, (c->is.fwd.max_bytes += 64, c->is.fwd.bytes += 128));
	check_mismatch(ours, 4, 8, 84, 20);
	CHANGE(0, c->is.type = "u32 op, u32 and, u32 more, u32 of, u32 it");
	check_mismatch(ours, 0, 5, mbx_text_hash(c->is.type),
		       mbx_text_hash("u32 op"));
	CHANGE(1, c->is.full = MBX_BLOCK);
	check_mismatch(ours, 1, 4, 0x20101u, 0x00101u);
	CHANGE(3, c->is.type = "u16 x[3]");
	check_mismatch(ours, 3, 5, mbx_text_hash("u16 x[3]"),
		       mbx_text_hash("i16 x[3]"));
	CHANGE(7, c->is.type = "u32 t");
	check_mismatch(ours, 7, 5, mbx_text_hash("u32 t"), mbx_text_hash(""));
	CHANGE(5, (c->is.slots = 2, c->is.fwd.bytes /= 2u));
	check_mismatch(ours, 5, 7, 2, 4);
	CHANGE(1, c->is.fwd.max_bytes = 14);
	check_mismatch(ours, 1, 8, 14, 13);
	CHANGE(1, c->is.fwd.bytes += 4);
	check_mismatch(ours, 1, 9, demo[1].is.fwd.bytes + 4u,
		       demo[1].is.fwd.bytes);
	CHANGE(6, c->is.back.max_bytes = 15);
	check_mismatch(ours, 6, 12, 15, 16);
	CHANGE(6, c->is.back.bytes -= 4);
	check_mismatch(ours, 6, 13, demo[6].is.back.bytes - 4u,
		       demo[6].is.back.bytes);
#undef CHANGE
}

static void test_incompatible_peer_is_told_whatever_its_session(void **state)
{
	struct mbx_link_config c = config(MBX_HOST, other, 2);
	struct mbx_link stranger;
	uint32_t session, i;

	(void)state;
	bring_up();
	mbx_link_detach(&host);
	mbx_link_poll(&remote, 0);
	mbx_link_init(&stranger, &c);
	for (session = 0u - 700u, i = 0; i < 1400; i++) {
		if (++session == 0)
			session = 1;
		assert_int_equal(mbx_link_attach(&stranger), MBX_EMISMATCH);
		if (i == 0) {
			session = 0u - 700u;
			poke_side(MBX_HOST,
				  offsetof(struct mbx_side_block, session),
				  session);
		}
		assert_int_equal(SIDE(MBX_HOST, session), session);
		assert_int_equal(mbx_link_poll(&remote, 0),
				 MBX_EVENT_INCOMPATIBLE);
		assert_int_equal(mbx_link_poll(&remote, 0), 0);
	}
}

/* ---- damage ---- */

static void test_superblock_with_any_bit_flipped_is_refused(void **state)
{
	static uint8_t before[SMALL];
	uint32_t i, bit;

	(void)state;
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	for (i = 0; i < 16; i++)
		for (bit = 0; bit < 32; bit++) {
			uint32_t was = peek_word(word_at(4u * i));
			int want = i == 0		 ? MBX_ENOTREGION
				   : i == 1 && bit >= 16 ? MBX_EVERSION
							 : MBX_ECORRUPT;

			poke_word(word_at(4u * i), was ^ 1u << bit);
			memcpy(before, region.base, SMALL);
			assert_int_equal(mbx_link_attach(&host), want);
			assert_int_equal(mbx_link_observe(&host), want);
			assert_int_equal(host.why.channel, -1);
			assert_int_equal(host.why.word,
					 want == MBX_ECORRUPT ? 15 : i);
			assert_int_not_equal(host.why.ours, host.why.theirs);
			assert_memory_equal(before, region.base, SMALL);
			poke_word(word_at(4u * i), was);
		}
	assert_int_equal(mbx_link_attach(&host), 0);
}

/* The same by somebody who can make the check fit. */
static void test_sealed_superblock_with_any_bit_flipped_is_survived(
	void **state)
{
	uint32_t i, bit, k, ok = 0;

	(void)state;
	for (i = 1; i < 15; i++)
		for (bit = 0; bit < 32; bit++) {
			int err;

			teardown(NULL);
			setup(NULL);
			assert_int_equal(mbx_link_format(&remote, 0), 0);
			k = peek_word(word_at(4u * i));
			poke_word(word_at(4u * i), k ^ 1u << bit);
			seal_super();
			err = mbx_link_attach(&host);
			if (err == 0) {
				/* version's minor, instance, formatter */
				assert_true(i == 1 || i == 3 || i == 4 ||
					    i == 13);
				ok++;
			} else {
				assert_true(err == MBX_EVERSION ||
					    err == MBX_ECORRUPT ||
					    err == MBX_ENOSPC ||
					    err == MBX_EMISMATCH);
				assert_true(host.why.ours != host.why.theirs ||
					    err == MBX_ECORRUPT);
			}
			mbx_link_poll(&host, 0);
			mbx_link_detach(&host);
		}
	assert_int_equal(ok, 16 + 31 + 32); /* instance 1 ^ 1 is none */
}

static void check_sealed(uint32_t word, uint32_t v, uint32_t ours)
{
	uint32_t was = peek_word(word_at(4u * word));

	poke_word(word_at(4u * word), v);
	seal_super();
	assert_int_equal(mbx_link_attach(&host), MBX_ECORRUPT);
	assert_int_equal(host.why.channel, -1);
	assert_int_equal(host.why.word, word);
	assert_int_equal(host.why.theirs, v);
	assert_int_equal(host.why.ours, ours);
	poke_word(word_at(4u * word), was);
	seal_super();
}

static void test_impossible_superblock_word_is_named_with_its_value(
	void **state)
{
	uint32_t i;

	(void)state;
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	check_sealed(3, 0, 1);	/* instance */
	check_sealed(6, 2, 64); /* line */
	check_sealed(6, 48, 64);
	check_sealed(7, 0, 4096); /* alignment of sections */
	check_sealed(7, 131072, 4096);
	for (i = HOST_OFF; i <= REMOTE_OFF; i++) {
		check_sealed(i, 60, SMALL - 64u);
		check_sealed(i, SMALL / 2u + 2u, SMALL - 64u);
		check_sealed(i, SMALL - 62u, SMALL - 64u);
		check_sealed(i, SMALL - 60u, SMALL - 64u);
		check_sealed(i, ~3u, SMALL - 64u);
	}
	/* side blocks fit, but not all channels behind them */
	check_sealed(2, remote.section[MBX_REMOTE] + 64u, remote.end_off);
	poke_word(word_at(8), 32); /* no section fits into so little */
	seal_super();
	assert_int_equal(mbx_link_attach(&host), MBX_ECORRUPT);
	assert_int_equal(host.why.word, HOST_OFF);
	poke_word(word_at(8), SMALL);
	seal_super();
	assert_int_equal(mbx_link_attach(&host), 0);
}

/* It claims as many channels as we have, in a region too small for them. */
static void test_small_region_with_our_channel_count_is_not_overrun(
	void **state)
{
	struct mbx_link_config c = config(MBX_HOST, demo, DEMO);
	uint32_t bytes;
	uint8_t *full = malloc(SMALL);

	(void)state;
	assert_non_null(full);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	memcpy(full, region.base, SMALL);
	for (bytes = 128; bytes < SMALL; bytes += 4) {
		teardown(NULL);
		region = guarded_new(bytes);
		memcpy(region.base, full, bytes);
		poke_word(word_at(8), bytes);
		poke_word(word_at(4 * HOST_OFF), bytes - 64);
		poke_word(word_at(4 * REMOTE_OFF), bytes - 64);
		seal_super();
		c.base = (uintptr_t)region.base;
		c.bytes = bytes;
		mbx_link_init(&host, &c);
		assert_int_equal(mbx_link_attach(&host), MBX_EMISMATCH);
		if (bytes > host.text_off)
			continue;
		assert_int_equal(host.why.channel, 0); /* its text is not */
		assert_int_equal(host.why.word, 5);
	}
	free(full);
}

static void test_directory_with_any_bit_flipped_is_a_mismatch(void **state)
{
	uint32_t off, bit, was, text;

	(void)state;
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	text = remote.text_off;
	for (off = 64; off < remote.section[0]; off += 4)
		for (bit = 0; bit < 32; bit++) {
			was = peek_word(word_at(off));
			poke_word(word_at(off), was ^ 1u << bit);
			if (off < text) {
				assert_int_equal(mbx_link_attach(&host),
						 MBX_EMISMATCH);
				assert_int_equal(host.why.channel,
						 (off - 64) / 64);
				assert_int_equal(host.why.word, off % 64 / 4);
				assert_int_equal(host.why.ours, was);
				assert_int_equal(host.why.theirs,
						 was ^ 1u << bit);
			} else if (mbx_link_attach(&host)) {
				assert_int_equal(host.why.word, 5);
			}
			poke_word(word_at(off), was);
			assert_int_equal(mbx_link_attach(&host), 0);
		}
}

static void test_region_larger_than_the_mapping_says_enospc(void **state)
{
	struct mbx_link_config c = config(MBX_HOST, demo, DEMO);
	uint32_t bytes;

	(void)state;
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	for (bytes = 0; bytes < SMALL; bytes += 252) {
		c.bytes = bytes;
		mbx_link_init(&host, &c);
		assert_int_equal(mbx_link_attach(&host), MBX_ENOSPC);
		assert_int_equal(host.why.word, 2);
		if (bytes == 0) /* too small to look for its size */
			assert_int_equal(host.why.theirs, 64);
	}
	assert_int_equal(host.why.ours, bytes - 252);
	assert_int_equal(host.why.theirs, SMALL);
	poke_word(word_at(0), 0);
	c.bytes = 64; /* no more than the superblock, not formatted */
	mbx_link_init(&host, &c);
	assert_int_equal(mbx_link_attach(&host), MBX_EAGAIN);
}

static void test_mapping_larger_than_the_region_attaches(void **state)
{
	struct mbx_link_config c = config(MBX_REMOTE, demo, DEMO);

	(void)state;
	teardown(NULL);
	region = guarded_new(2u * SMALL);
	c.base = (uintptr_t)region.base;
	c.bytes = SMALL;
	mbx_link_init(&remote, &c);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	init_demo(&host, MBX_HOST);
	assert_int_equal(mbx_link_attach(&host), 0);
}

static void test_scribbled_magic_is_a_reset_not_a_crash(void **state)
{
	(void)state;
	bring_up();
	poke_word(word_at(0), 0x31337);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_RESET);
	assert_int_equal(host.peer_session, 0);
	assert_int_equal(mbx_link_attach(&host), MBX_ENOTREGION);
}

static void test_hostile_side_block_gives_events_within_reason(void **state)
{
	uint32_t i, k, seed = 31, events;

	(void)state;
	bring_up();
	for (i = 0; i < ROUNDS(40000); i++) {
		for (k = 0; k < 64; k += 4)
			if (rnd_below(&seed, 3) == 0)
				poke_side(MBX_REMOTE, k,
					  rnd_below(&seed, 2)
						  ? rnd_below(&seed, 4)
						  : rnd(&seed));
		events = mbx_link_poll(&host, i * 1000u);
		assert_int_equal(events & ~31u, 0);
		assert_int_equal(events & MBX_EVENT_RESET, 0);
		assert_int_equal(!!host.peer_session,
				 SIDE(MBX_HOST, state) == MBX_SIDE_UP);
	}
}

/* ---- observers ---- */

static void test_observer_on_read_only_memory_reads_state_and_log(void **state)
{
	struct mbx_queue_place queue;
	struct mbx_slots_place at;
	struct mbx_writer w;
	struct mbx_reader r;
	struct mbx_record rec;
	char buf[32];

	(void)state;
	bring_up();
	assert_int_equal(mbx_link_slots(&remote, 5, &at), 0);
	mbx_writer_attach(&w, &at);
	assert_int_equal(mbx_writer_write(&w, MBX_LOG_INFO, "hello", 5, 9), 0);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ), 0);
	init_demo(&host, MBX_HOST);
	assert_int_equal(mbx_link_observe(&host), 0);
	assert_int_equal(mbx_link_slots(&host, 5, &at), 0);
	mbx_reader_attach(&r, &at);
	assert_int_equal(mbx_reader_next(&r, buf, 32, &rec), 5);
	assert_int_equal(rec.level, MBX_LOG_INFO);
	assert_int_equal(mbx_reader_newest(&r, buf, 32, &rec), 5);
	mbx_reader_skip(&r);
	assert_int_equal(mbx_reader_next(&r, buf, 32, &rec), MBX_EAGAIN);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	mbx_link_detach(&host);
	assert_int_equal(mbx_link_queue(&host, 0, &queue), MBX_ENOTCONN);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ | PROT_WRITE),
			 0);
}

static void test_observer_polling_learns_of_a_reset_and_stores_nothing(
	void **state)
{
	(void)state;
	bring_up();
	mbx_link_detach(&host); /* its life before must not be taken up */
	assert_int_equal(mbx_link_observe(&host), 0);
	poke_word(word_at(0), 0);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ), 0);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_RESET);
	assert_int_equal(mbx_link_poll(&host, 0), 0);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ | PROT_WRITE),
			 0);
}

/* All stand elsewhere, as behind one that is larger: the first is blamed. */
static void test_channels_that_stand_elsewhere_are_told_from_the_first(
	void **state)
{
	uint32_t i, data_off = 64u + 40u;

	(void)state;
	bring_up();
	for (i = 0; i < DEMO; i++)
		poke_word(word_at(data_off + 64u * i), 4);
	assert_int_equal(mbx_link_attach(&host), MBX_EMISMATCH);
	assert_int_equal(host.why.channel, 0);
	assert_int_equal(host.why.word, 10);
	assert_int_equal(host.why.theirs, 4);
}

static void test_observer_of_mismatch_and_damage_stores_nothing(void **state)
{
	struct mbx_link_config c = config(MBX_HOST, other, 2);

	(void)state;
	bring_up();
	mbx_link_init(&host, &c);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ), 0);
	assert_int_equal(mbx_link_observe(&host), MBX_EMISMATCH);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ | PROT_WRITE),
			 0);
	poke_word(word_at(60), 0);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ), 0);
	host.why.channel = 1; /* as of a mismatch before */
	assert_int_equal(mbx_link_observe(&host), MBX_ECORRUPT);
	assert_int_equal(host.why.channel, -1);
	assert_int_equal(mprotect(region.base, SMALL, PROT_READ | PROT_WRITE),
			 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_attach_before_format_says_eagain_and_stores_nothing),
		test(test_up_in_either_start_order),
		test(test_session_is_new_at_each_attach_and_never_zero),
		test(test_peer_leaving_is_seen_at_the_next_poll),
		test(test_peer_restarting_is_seen_and_acknowledged_anew),
		test(test_discard_formats_what_would_be_adopted),
		test(test_peer_restarting_unseen_is_down_until_it_knows_us),
		test(test_silent_peer_goes_down_after_liveness_whatever_the_clock),
		test(test_dead_peer_stays_down_when_the_clock_comes_round),
		test(test_heartbeat_and_clock_are_stored_at_each_poll),
		test(test_dead_peer_of_an_earlier_boot_is_not_up),
		test(test_attach_tells_tools_who_it_is),
		test(test_format_of_same_layout_adopts_what_is_queued),
		test(test_format_of_any_garbage_gives_a_clean_region),
		test(test_format_of_another_layout_waits_for_the_peer_to_let_go),
		test(test_format_for_another_size_line_or_page_adopts_nothing),
		test(test_format_with_dead_peer_attached_waits_half_a_second),
		test(test_format_with_peer_down_does_not_wait),
		test(test_format_begun_twice_still_waits_and_counts_on),
		test(test_format_does_not_wait_for_an_incompatible_peer),
		test(test_format_alone_attaches_nothing),
		test(test_instance_is_new_at_each_format_and_never_zero),
		test(test_end_is_just_enough_for_every_line_size),
		test(test_demo_with_all_kinds_fits_4_KiB),
		test(test_sections_stand_on_pages_where_there_is_room),
		test(test_gigabyte_format_touches_the_laid_out_part_only),
		test(test_channels_by_number_and_size_up_to_the_limits),
		test(test_sections_are_on_lines_also_when_pages_are_smaller),
		test(test_parts_of_all_channels_are_disjoint),
		test(test_regions_at_different_bases_carry_messages),
		test(test_region_at_address_0_works_like_any_other),
		test(test_init_refuses_impossible_configurations),
		test(test_impossible_line_or_page_is_found_by_attach),
		test(test_checked_init_refuses_too_many_channels),
		test(test_init_refuses_impossible_channels),
		test(test_checked_init_takes_the_limits_themselves),
		test(test_checked_init_takes_the_smallest_and_largest_channel),
		test(test_init_refuses_rings_that_overflow),
		test(test_declaration_at_the_limits_is_what_it_says),
		test(test_layout_beyond_any_region_fits_nowhere),
		test(test_places_of_the_wrong_kind_say_enotsup),
		test(test_parts_that_end_on_a_line_are_next_to_each_other),
		test(test_superblock_has_the_hash_of_the_directory),
		test(test_region_of_just_the_size_has_sections_on_pages),
		test(test_format_after_attach_to_other_lines_has_its_own),
		test(test_format_waits_anew_after_it_adopted),
		test(test_next_life_goes_on_with_the_beat),
		test(test_next_life_gives_the_peer_its_time_anew),
		test(test_peer_with_another_instance_is_down),
		test(test_text_of_a_type_stands_where_its_entry_says),
		test(test_mismatch_of_every_field_names_channel_and_values),
		test(test_incompatible_peer_is_told_whatever_its_session),
		test(test_superblock_with_any_bit_flipped_is_refused),
		test(test_sealed_superblock_with_any_bit_flipped_is_survived),
		test(test_impossible_superblock_word_is_named_with_its_value),
		test(test_small_region_with_our_channel_count_is_not_overrun),
		test(test_directory_with_any_bit_flipped_is_a_mismatch),
		test(test_channels_that_stand_elsewhere_are_told_from_the_first),
		test(test_region_larger_than_the_mapping_says_enospc),
		test(test_mapping_larger_than_the_region_attaches),
		test(test_scribbled_magic_is_a_reset_not_a_crash),
		test(test_hostile_side_block_gives_events_within_reason),
		test(test_observer_on_read_only_memory_reads_state_and_log),
		test(test_observer_polling_learns_of_a_reset_and_stores_nothing),
		test(test_observer_of_mismatch_and_damage_stores_nothing),
	};

	return run_group("link", tests, NULL);
}
