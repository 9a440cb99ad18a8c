/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each access to the region is a step, and before each step, in turn, one thing
 * happens. All of common/ is compiled in here with words of our own; one order
 * of accesses only (that of the program), so this proves nothing about barriers.
 */
#define MBX_WORD_HEADER "unit/steps.h"
#define MBX_PORT_HEADER "unit/steps_port.h"

#include "fixture.h"

#include "../../common/copy.c"
#include "../../common/queue.c"
#include "../../common/queue_open.c"
#include "../../common/slots.c"
#undef BEGIN
#undef END
#include "../../common/call.c"
#include "../../common/link.c"

void (*on_step)(const struct mbx_word *w, enum access access);

/* ---- what may happen at a step ---- */

static jmp_buf grave;
static uint32_t steps_left;
static int happened;
static void (*event)(void);

static void count_down(const struct mbx_word *w, enum access access)
{
	(void)w;
	(void)access;
	if (steps_left-- == 0) {
		happened = 1;
		event();
	}
}

static void at_step(uint32_t k, void (*what)(void))
{
	steps_left = k;
	happened = 0;
	event = what;
	on_step = count_down;
}

static void die(void)
{
	longjmp(grave, 1);
}

/* ---- interrupts ---- */

static int masked, pending;
static void (*handler)(void);

uint32_t steps_mask(void)
{
	return (uint32_t)masked++;
}

void steps_unmask(uint32_t was)
{
	masked = (int)was;
	if (!masked && pending) {
		pending = 0;
		handler();
	}
}

static void interrupt(void)
{
	if (masked)
		pending = 1;
	else
		handler();
}

/* ---- queue: either side dies before any access ---- */

static struct queue_memory mem;
static struct mbx_queue_place at;
static uint8_t buf[64];

static int send_id(struct mbx_tx *tx, uint32_t id, uint32_t bytes, int by)
{
	struct mbx_word *data;
	int err;

	fill_message(buf, id, bytes);
	if (by == 0)
		return mbx_tx_send(tx, buf, bytes);
	if (by == 1)
		return mbx_tx_put(tx, buf, bytes);
	err = mbx_tx_claim(tx, bytes, &data);
	if (err)
		return err;
	mbx_copy_in(data, buf, bytes);
	return mbx_tx_commit(tx, bytes);
}

/* Take what is there; returns the id after the last one taken. */
static uint32_t drain(struct mbx_rx *rx, uint32_t id, uint32_t bytes)
{
	int n;

	while ((n = mbx_rx_recv(rx, buf, sizeof(buf))) >= 0) {
		assert_int_equal(n, bytes);
		assert_true(is_message(buf, id, bytes));
		id++;
	}
	assert_int_equal(n, MBX_EAGAIN);
	return id;
}

#define MESSAGES 4u

/*
 * Send MESSAGES, dying before the kth access; the consumer takes what it finds
 * after each. 1 if it lived to the end.
 */
static int produce_until(uint32_t k, uint32_t bytes, int by)
{
	static uint32_t id, accepted, taken; /* survive the longjmp */
	struct mbx_tx tx;
	static struct mbx_rx rx;
	static int lived;

	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	accepted = taken = 0;
	lived = 1;
	if (setjmp(grave)) {
		lived = 0;
	} else {
		at_step(k, die);
		for (id = 1; id <= MESSAGES;) {
			if (send_id(&tx, id, bytes, by) == 0) {
				if (by != 1)
					accepted = id;
				id++;
			} else {
				accepted = id - 1u;
				on_step = NULL;
				taken = drain(&rx, taken + 1u, bytes) - 1u;
				assert_true(taken >= accepted);
				on_step = count_down;
			}
		}
		mbx_tx_flush(&tx);
		accepted = MESSAGES;
	}
	on_step = NULL;
	taken = drain(&rx, taken + 1u, bytes) - 1u;
	/* all that was accepted, and at most those in the making */
	assert_true(taken >= accepted && taken <= MESSAGES);
	assert_true(by == 1 || taken <= accepted + 1u);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	while (send_id(&tx, taken + 1u, bytes, 0))
		drain(&rx, taken + 1u, bytes); /* padding only */
	assert_int_equal(drain(&rx, taken + 1u, bytes), taken + 2u);
	assert_guards(&mem, &at);
	return lived;
}

static void test_producer_dying_at_any_step_loses_and_tears_nothing(
	void **state)
{
	uint32_t size, start, bytes, k;
	int by;

	(void)state;
	for (size = 12; size <= 32; size += 4)
		for (start = 0; start < size; start += 4)
			for (bytes = 0; bytes <= size - 8; bytes += 3)
				for (by = 0; by < 3; by++) {
					k = 0;
					do
						at = queue_place(&mem, size,
								 size - 8, 0,
								 start);
					while (!produce_until(k++, bytes, by));
				}
}

/* The same for the consumer: what it did not take comes again, marked so. */
static int consume_until(uint32_t k, uint32_t bytes, int by_peek)
{
	static uint32_t sent, taken;
	static int peeked, lived;
	struct mbx_word *data;
	static struct mbx_tx tx;
	struct mbx_rx rx;
	int n, again;

	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	sent = taken = 0;
	peeked = 0;
	lived = 1;
	if (setjmp(grave)) {
		lived = 0;
	} else {
		steps_left = k;
		event = die;
		while (taken < MESSAGES) {
			on_step = NULL;
			while (send_id(&tx, sent + 1u, bytes, 0) == 0)
				sent++;
			on_step = count_down;
			if (by_peek) {
				n = mbx_rx_peek(&rx, &data);
				if (n < 0)
					continue;
				peeked = 1;
				mbx_rx_release(&rx);
				peeked = 0;
			} else {
				n = mbx_rx_recv(&rx, buf, sizeof(buf));
				if (n < 0)
					continue;
			}
			taken++;
		}
	}
	on_step = NULL;
	again = mbx_rx_attach(&rx, &at);
	assert_true(again >= 0);
	/* marked whenever the application had seen it, and it comes first */
	if (peeked)
		assert_int_equal(again, 1);
	if (again)
		assert_true(by_peek);
	assert_int_equal(drain(&rx, taken + 1u, bytes), sent + 1u);
	assert_int_equal(send_id(&tx, sent + 1u, bytes, 0) &&
				 drain(&rx, sent + 1u, bytes) != sent + 1u &&
				 send_id(&tx, sent + 1u, bytes, 0),
			 0);
	assert_guards(&mem, &at);
	return lived;
}

static void test_consumer_dying_at_any_step_gets_the_rest_once(void **state)
{
	uint32_t size, start, bytes, k;
	int by;

	(void)state;
	for (size = 12; size <= 32; size += 4)
		for (start = 0; start < size; start += 4)
			for (bytes = 0; bytes <= size - 8; bytes += 3)
				for (by = 0; by < 2; by++) {
					k = 0;
					do
						at = queue_place(&mem, size,
								 size - 8, 0,
								 start);
					while (!consume_until(k++, bytes, by));
				}
}

/* ---- queue: what a call touches ---- */

static const struct mbx_word *loaded[64];
static uint32_t loads, stores, foreign;
static int producer_runs;

static void watch(const struct mbx_word *w, enum access access)
{
	uint32_t i;
	int in_rx = w >= mem.rx && w < mem.rx + 3;

	if (access == STORE) {
		stores++;
		foreign += in_rx == producer_runs;
		return;
	}
	for (i = 0; i < loads; i++)
		foreign += loaded[i] == w;
	loaded[loads++ % ARRAY_SIZE(loaded)] = w;
}

static void begin_watch(int producer)
{
	loads = stores = foreign = 0;
	producer_runs = producer;
	on_step = watch;
}

static void assert_watched(uint32_t control)
{
	on_step = NULL;
	assert_int_equal(foreign, 0);
	assert_true(loads + stores <= control);
}

static void test_each_call_stores_to_its_own_and_loads_once(void **state)
{
	struct mbx_word *data;
	uint32_t i, seed = 17;
	struct mbx_tx tx;
	struct mbx_rx rx;

	(void)state;
	at = queue_place(&mem, 60, 32, MBX_FAIL, 8);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	for (i = 0; i < ROUNDS(40000); i++) {
		uint32_t bytes = rnd_below(&seed, 33), words = (bytes + 3) / 4;

		/* batch's 0 and header, look, pad (2), 0 behind, header */
		begin_watch(1);
		if (i % 3)
			mbx_tx_send(&tx, buf, bytes);
		else
			mbx_tx_put(&tx, buf, bytes);
		assert_watched(words + 7u);
		begin_watch(1);
		mbx_tx_notify(&tx);
		assert_watched(1);
		begin_watch(1);
		mbx_tx_want_room(&tx, (int)(i & 1));
		assert_watched(2);
		/* padding and header, read position twice */
		begin_watch(0);
		if (i & 1) {
			mbx_rx_recv(&rx, buf, 32);
		} else {
			mbx_rx_peek(&rx, &data);
			mbx_rx_release(&rx);
		}
		assert_watched(8u + 4u + !(i & 1));
		begin_watch(0);
		mbx_rx_want_data(&rx, 0);
		mbx_rx_notify(&rx);
		assert_watched(3);
	}
}

/* ---- queue: the sleep handshake ---- */

static struct mbx_tx a_tx;
static struct mbx_rx a_rx;
static int rang;

static void other_sends(void)
{
	assert_int_equal(mbx_tx_send(&a_tx, "x", 1), 0);
	rang = mbx_tx_notify(&a_tx);
}

static void other_takes(void)
{
	assert_int_equal(mbx_rx_recv(&a_rx, buf, sizeof(buf)), 24);
	rang = mbx_rx_notify(&a_rx);
}

static void test_going_to_sleep_at_any_step_misses_nothing(void **state)
{
	uint32_t k;
	int seen;

	(void)state;
	for (k = 0; k < 3; k++) {
		at = queue_place(&mem, 32, 24, MBX_BLOCK, 20);
		assert_int_equal(mbx_tx_attach(&a_tx, &at), 0);
		assert_int_equal(mbx_rx_attach(&a_rx, &at), 0);
		rang = 0;
		at_step(k, other_sends);
		seen = mbx_rx_want_data(&a_rx, 1);
		on_step = NULL;
		if (happened)
			assert_true(seen || rang);
		else
			other_sends(), assert_true(rang);
		mbx_rx_want_data(&a_rx, 0);
		assert_int_equal(mbx_rx_recv(&a_rx, buf, 24), 1);

		at = queue_place(&mem, 32, 24, MBX_BLOCK, 0);
		assert_int_equal(mbx_tx_attach(&a_tx, &at), 0);
		assert_int_equal(mbx_rx_attach(&a_rx, &at), 0);
		assert_int_equal(mbx_tx_send(&a_tx, buf, 24), 0);
		assert_int_equal(mbx_tx_send(&a_tx, buf, 24), MBX_EAGAIN);
		rang = 0;
		at_step(k, other_takes);
		seen = mbx_tx_want_room(&a_tx, 1);
		on_step = NULL;
		if (happened)
			assert_true(seen || rang);
	}
}

/* ---- slots ---- */

#define SLOTS 4u
#define VALUE 12u

static struct mbx_word ctl[3], slot[SLOTS * (2 + VALUE / 4)];
static struct mbx_slots_place place = {
	.ctl = ctl, .slot = slot, .slots = SLOTS, .max_bytes = VALUE
};
static struct mbx_writer writer;

static void start_slots(uint32_t number)
{
	memset(ctl, 0, sizeof(ctl));
	memset(slot, 0, sizeof(slot));
	ctl[0].raw = ctl[1].raw = mbx_le32(number);
	mbx_writer_attach(&writer, &place);
}

static void write_one(void)
{
	uint8_t value[VALUE];
	uint32_t number = writer.number + 1u;

	fill_message(value, number, VALUE);
	mbx_writer_write(&writer, 0, value, VALUE, number);
}

static uint32_t burst;

static void write_burst(void)
{
	uint32_t i;

	for (i = 0; i < burst; i++)
		write_one();
}

/* Read all there is: whole, in order, and none unaccounted for. */
static void read_to_end(struct mbx_reader *r, uint32_t from)
{
	struct mbx_record rec;
	uint8_t value[VALUE];
	int n;

	while ((n = mbx_reader_next(r, value, VALUE, &rec)) != MBX_EAGAIN) {
		assert_int_equal(n, VALUE);
		assert_int_equal(rec.number, from + 1u + rec.missed);
		assert_true(is_message(value, rec.number, VALUE));
		assert_int_equal(rec.stamp_us, rec.number);
		from = rec.number;
	}
	assert_int_equal(from, writer.number);
}

static void test_reader_overtaken_at_any_step_accounts_for_all(void **state)
{
	uint32_t before, k, start;

	(void)state;
	for (before = 0; before <= SLOTS + 1; before++)
		for (burst = 1; burst <= 2 * SLOTS + 1; burst++)
			for (k = 0; k < 30; k++) {
				struct mbx_record rec = { 0, 0, 0, 0 };
				uint8_t value[VALUE];
				struct mbx_reader r;
				uint32_t i;
				int n;

				start = 0u - before - 3u;
				start_slots(start);
				mbx_reader_attach(&r, &place);
				for (i = 0; i < before; i++)
					write_one();
				at_step(k, write_burst);
				n = mbx_reader_next(&r, value, VALUE, &rec);
				on_step = NULL;
				if (n == MBX_EAGAIN) {
					read_to_end(&r, start);
					continue;
				}
				assert_int_equal(n, VALUE);
				assert_true(
					is_message(value, rec.number, VALUE));
				assert_int_equal(rec.number,
						 start + 1u + rec.missed);
				read_to_end(&r, rec.number);
			}
}

static void test_newest_overtaken_at_any_step_is_whole(void **state)
{
	uint32_t k;

	(void)state;
	for (burst = 1; burst <= 2 * SLOTS + 1; burst++)
		for (k = 0; k < 30; k++) {
			struct mbx_record rec;
			uint8_t value[VALUE];
			struct mbx_reader r;

			start_slots(0u - 2u);
			write_one();
			mbx_reader_attach(&r, &place);
			at_step(k, write_burst);
			assert_int_equal(
				mbx_reader_newest(&r, value, VALUE, &rec),
				VALUE);
			on_step = NULL;
			assert_true(is_message(value, rec.number, VALUE));
			assert_int_equal(rec.stamp_us, rec.number);
		}
}

static void test_reader_attaching_at_any_step_starts_exactly(void **state)
{
	uint32_t before, k, i;

	(void)state;
	for (before = 0; before <= 2 * SLOTS; before++)
		for (burst = 1; burst <= SLOTS + 1; burst++)
			for (k = 0; k < 12; k++) {
				struct mbx_reader r;

				start_slots(0);
				for (i = 0; i < before; i++)
					write_one();
				at_step(k, write_burst);
				mbx_reader_attach(&r, &place);
				on_step = NULL;
				/* never one that had not been written */
				assert_true(r.next - 1u <= writer.number);
				read_to_end(&r, r.next - 1u);
			}
}

/* And the other way round: it comes at each step of a record's writing. */
static struct mbx_reader early, late;
static uint32_t early_from;

static void read_beside(void)
{
	struct mbx_record rec;
	uint8_t value[VALUE];
	uint32_t from = early_from;
	int n;

	mbx_reader_attach(&late, &place);
	while ((n = mbx_reader_next(&early, value, VALUE, &rec)) !=
	       MBX_EAGAIN) {
		assert_int_equal(n, VALUE);
		assert_int_equal(rec.number, from + 1u + rec.missed);
		assert_true(is_message(value, rec.number, VALUE));
		from = rec.number;
	}
	early_from = from;
	n = mbx_reader_newest(&early, value, VALUE, &rec);
	assert_true(n == VALUE || n == MBX_ENODATA);
	if (n == VALUE)
		assert_true(is_message(value, rec.number, VALUE));
}

static void read_and_die(void)
{
	read_beside();
	die();
}

static void test_writer_dying_at_any_step_leaves_a_whole_log(void **state)
{
	static uint32_t before, k;
	static int lived;
	uint32_t i;

	(void)state;
	for (before = 0; before <= 2 * SLOTS + 1; before++)
		for (k = 0, lived = 0; !lived; k++) {
			start_slots(0);
			early_from = 0;
			mbx_reader_attach(&early, &place);
			for (i = 0; i < before; i++)
				write_one();
			masked = 0;
			if (setjmp(grave)) {
				on_step = NULL;
				lived = 0;
			} else {
				at_step(k, read_and_die);
				write_one();
				on_step = NULL;
				lived = 1;
			}
			masked = 0;
			mbx_writer_attach(&writer, &place);
			assert_int_equal(writer.number,
					 before + (lived ? 1u : 0u));
			write_one();
			read_to_end(&early, early_from);
			read_to_end(&late, late.next - 1u);
		}
}

/* The handler writes too; what it then reads must all be whole already. */
static void write_and_read(void)
{
	write_one();
	read_to_end(&early, early_from);
	early_from = writer.number;
}

static void test_interrupt_at_any_step_of_a_record_writes_its_own(void **state)
{
	uint32_t k;

	(void)state;
	handler = write_and_read;
	for (k = 0; k < 12; k++) {
		start_slots(0u - 2u);
		early_from = writer.number;
		mbx_reader_attach(&early, &place);
		masked = pending = 0;
		at_step(k, interrupt);
		write_one();
		on_step = NULL;
		assert_int_equal(masked, 0);
		write_one();
		/* three numbers or, had it come too late, two */
		assert_int_equal(writer.number, happened ? 1u : 0u);
		read_to_end(&early, early_from);
	}
}

/* ---- calls ---- */

static struct queue_memory reply_mem;

/* 1 if the server lived to the end of its answer. */
static int serve_until(uint32_t k)
{
	struct mbx_queue_place rep;
	struct mbx_caller caller;
	static struct mbx_server server;
	struct mbx_request r;
	static int lived;
	int n, status = 0;

	at = queue_place(&mem, 64, 24, MBX_FAIL, 52);
	rep = queue_place(&reply_mem, 64, 24, MBX_FAIL, 48);
	assert_int_equal(mbx_caller_attach(&caller, &at, &rep, 1), 0);
	assert_int_equal(mbx_server_attach(&server, &at, &rep), 0);
	assert_int_equal(mbx_caller_start(&caller, "ask", 3, 1000, 0, 1), 0);
	lived = 0;
	if (!setjmp(grave)) {
		at_step(k, die);
		if (mbx_server_take(&server, &r, buf, 16) < 0)
			mbx_server_take(&server, &r, buf, 16);
		mbx_server_reply(&server, &r, -5, "answer", 6);
		lived = 1;
	}
	on_step = NULL;
	assert_true(mbx_server_attach(&server, &at, &rep) >= 0);
	while ((n = mbx_server_take(&server, &r, buf, 16)) >= 0) {
		assert_int_equal(n, 3);
		assert_memory_equal(buf, "ask", 3);
		assert_int_equal(mbx_server_reply(&server, &r, -5, "answer", 6),
				 0);
	}
	/* none is left, or no room until the caller has taken this one */
	assert_true(n == MBX_EAGAIN || n == MBX_ENOSPC);
	n = mbx_caller_poll(&caller, buf, 16, &status, 0, 1);
	assert_int_equal(n, 6);
	assert_memory_equal(buf, "answer", 6);
	assert_int_equal(status, -5);
	return lived;
}

static void test_server_dying_at_any_step_answers_in_its_next_life(void **state)
{
	uint32_t k = 0;

	(void)state;
	while (!serve_until(k))
		k++;
	assert_true(k > 10);
}

/* ---- link ---- */

static const struct mbx_channel one[] = {
	{ "a", MBX_QUEUE(MBX_H2R, 8, 1, MBX_FAIL, "u32 x") },
	{ "b", MBX_STATE(MBX_R2H, 4, 2, "u32 y") },
};
static const struct mbx_channel two[] = {
	{ "a", MBX_QUEUE(MBX_H2R, 80, 1, MBX_FAIL, "u32 x, u32 more") },
};

static uint32_t region[2048 / 4];
static struct mbx_link host, remote;

static void init(struct mbx_link *l, enum mbx_side side,
		 const struct mbx_channel *channels, uint32_t count)
{
	struct mbx_link_config c = { .base = (uintptr_t)region,
				     .bytes = sizeof(region),
				     .side = side,
				     .channels = channels,
				     .count = count };

	mbx_link_init(l, &c);
}

static void bring_up(void)
{
	memset(region, 0, sizeof(region));
	init(&host, MBX_HOST, one, 2);
	init(&remote, MBX_REMOTE, one, 2);
	assert_int_equal(mbx_link_format(&remote, 0), 0);
	assert_int_equal(mbx_link_attach(&remote), 0);
	assert_int_equal(mbx_link_attach(&host), 0);
	mbx_link_poll(&remote, 0);
	assert_int_equal(mbx_link_poll(&host, 0), MBX_EVENT_UP);
	assert_int_equal(mbx_link_poll(&remote, 0), MBX_EVENT_UP);
}

/* The remote comes with another layout, and dies at each step of formatting. */
static void test_formatter_dying_at_any_step_is_seen_and_made_good(void **state)
{
	static uint32_t k, was;
	static int lived, asleep;
	struct mbx_link other;
	uint32_t now;
	int err;

	(void)state;
	for (asleep = 0; asleep < 2; asleep++)
		for (k = 0, lived = 0; !lived; k++) {
			bring_up();
			was = host.instance;
			init(&remote, MBX_REMOTE, two, 1);
			lived = 0;
			if (!setjmp(grave)) {
				at_step(k, die);
				for (now = 0; mbx_link_format(&remote, now) ==
					      MBX_EAGAIN;
				     now += 100000) {
					on_step = NULL;
					if (!asleep)
						mbx_link_poll(&host, now);
					on_step = count_down;
				}
				lived = 1;
			}
			on_step = NULL;
			/* others find it whole, or under way, never damaged */
			init(&other, MBX_HOST, one, 2);
			err = mbx_link_observe(&other);
			assert_true(err == MBX_EAGAIN ||
				    (lived ? err == MBX_EMISMATCH : err == 0));
			/* the next life makes it good */
			init(&remote, MBX_REMOTE, two, 1);
			for (now = 0; (err = mbx_link_format(&remote, now)) ==
				      MBX_EAGAIN;
			     now += 100000)
				assert_true(now <= 500000);
			assert_int_equal(err, lived);
			assert_int_equal(mbx_link_attach(&remote), 0);
			assert_int_not_equal(remote.instance, was);
			if (asleep)
				assert_int_equal(mbx_link_poll(&host, 0),
						 MBX_EVENT_RESET);
			init(&host, MBX_HOST, two, 1);
			assert_int_equal(mbx_link_attach(&host), 0);
			mbx_link_poll(&host, 0);
			assert_true(mbx_link_poll(&remote, 0) & MBX_EVENT_UP);
		}
	assert_true(k > 100);
}

static uint32_t remote_word(uint32_t off)
{
	return load(&host, host.section[MBX_REMOTE] + off);
}

/* Whenever the host says up, that life of the remote has acknowledged it. */
static void host_polls(void)
{
	uint32_t events = mbx_link_poll(&host, 1);

	if (events & (MBX_EVENT_UP | MBX_EVENT_RESTARTED)) {
		assert_int_equal(remote_word(OFF(mbx_side_block, session)),
				 host.peer_session);
		assert_int_equal(remote_word(OFF(mbx_side_block, ack)),
				 host.session);
	}
}

static void remote_restarts(void)
{
	init(&remote, MBX_REMOTE, one, 2);
	assert_int_equal(mbx_link_attach(&remote), 0);
}

static void test_peer_restarting_at_any_step_is_up_only_when_it_knows(
	void **state)
{
	uint32_t k, down;

	(void)state;
	/* the host polls at each step of the remote's restart */
	for (down = 0; down < 2; down++)
		for (k = 0; k < 150; k++) {
			bring_up();
			if (down) {
				mbx_link_detach(&remote);
				mbx_link_poll(&host, 0);
			}
			at_step(k, host_polls);
			remote_restarts();
			mbx_link_poll(&remote, 1);
			on_step = NULL;
			host_polls();
			mbx_link_poll(&remote, 1);
			host_polls();
			mbx_link_poll(&remote, 1);
			assert_int_equal(host.peer_session, remote.session);
			assert_int_equal(remote.peer_session, host.session);
		}
	/* the remote restarts at each step of the host's poll */
	for (down = 0; down < 2; down++)
		for (k = 0; k < 20; k++) {
			uint32_t old;

			bring_up();
			old = remote.session;
			if (down) {
				mbx_link_detach(&remote);
				mbx_link_poll(&host, 0);
			}
			at_step(k, remote_restarts);
			mbx_link_poll(&host, 1);
			on_step = NULL;
			if (!happened)
				remote_restarts();
			assert_true(host.peer_session == 0 ||
				    (!down && host.peer_session == old));
			mbx_link_poll(&remote, 1);
			host_polls();
			mbx_link_poll(&remote, 1);
			host_polls();
			assert_int_equal(host.peer_session, remote.session);
		}
}

static void test_side_dying_at_any_step_of_attach_or_poll_comes_back(
	void **state)
{
	static uint32_t k;
	static int lived;

	(void)state;
	for (k = 0, lived = 0; !lived; k++) {
		bring_up();
		if (!setjmp(grave)) {
			at_step(k, die);
			init(&remote, MBX_REMOTE, one, 2);
			mbx_link_attach(&remote);
			mbx_link_poll(&remote, 1);
			lived = 1;
		}
		on_step = NULL;
		host_polls();
		remote_restarts();
		host_polls();
		mbx_link_poll(&remote, 2);
		host_polls();
		mbx_link_poll(&remote, 2);
		assert_int_equal(host.peer_session, remote.session);
		assert_int_equal(remote.peer_session, host.session);
	}
}

/* An attach that the formatter overtakes must not leave a life behind. */
static void remote_reformats(void)
{
	uint32_t now;

	init(&remote, MBX_REMOTE, two, 1);
	for (now = 0; mbx_link_format(&remote, now) == MBX_EAGAIN;
	     now += 100000)
		;
}

static void test_attach_overtaken_by_a_format_says_so(void **state)
{
	uint32_t k, early_steps = 0;
	int err;

	(void)state;
	for (k = 0; k < 200; k++) {
		bring_up();
		mbx_link_detach(&host);
		init(&host, MBX_HOST, one, 2);
		at_step(k, remote_reformats);
		err = mbx_link_attach(&host);
		on_step = NULL;
		if (err == 0) {
			/* it came behind the last look */
			if (!happened)
				remote_reformats();
			assert_int_equal(mbx_link_poll(&host, 0),
					 MBX_EVENT_RESET);
		} else {
			/* never that it is damaged, or of another version */
			assert_true(err == MBX_EAGAIN || err == MBX_EMISMATCH);
			early_steps++;
		}
		assert_int_equal(host.instance, 0);
	}
	assert_true(early_steps > 50);
}

/* What a formatter does first. */
static void magic_goes(void)
{
	store(&remote, OFF(mbx_super, magic), 0);
}

static void test_observer_blames_nothing_once_a_format_has_begun(void **state)
{
	uint32_t k, damaged;
	int err;

	(void)state;
	for (damaged = 0; damaged < 2; damaged++)
		for (k = 0, happened = 1; happened; k++) {
			bring_up();
			init(&host, MBX_HOST, two, 1);
			if (damaged)
				store(&remote, 4u * 5u, 3); /* channels */
			at_step(k, magic_goes);
			err = mbx_link_observe(&host);
			on_step = NULL;
			assert_int_equal(err, happened	? MBX_EAGAIN
					      : damaged ? MBX_ECORRUPT
							: MBX_EMISMATCH);
		}
	assert_true(k > 10);
}

static const struct mbx_link *owner;

static void check_owner(const struct mbx_word *w, enum access access)
{
	uint32_t off = (uint32_t)((uintptr_t)w - (uintptr_t)region);
	uint32_t section = owner->section[owner->is.side];

	assert_true(off < sizeof(region));
	if (access == STORE) {
		assert_true(off >= section);
		if (owner->is.side == MBX_HOST)
			assert_true(off < owner->section[MBX_REMOTE]);
	}
}

static void test_each_side_stores_to_its_own_section_only(void **state)
{
	struct mbx_queue_place q;
	struct mbx_slots_place s = { 0 };
	struct mbx_writer w;
	struct mbx_reader r;
	struct mbx_record rec;
	struct mbx_tx tx;
	struct mbx_rx rx;
	uint32_t i;

#define AS(link, what)                                                         \
	(owner = &link, on_step = check_owner, what, on_step = NULL)
	(void)state;
	bring_up();
	AS(host, mbx_link_attach(&host));
	AS(remote, mbx_link_attach(&remote));
	assert_int_equal(mbx_link_queue(&host, 0, &q), 0);
	assert_int_equal(mbx_link_slots(&host, 1, &s), 0);
	AS(host, mbx_tx_attach(&tx, &q));
	AS(remote, mbx_rx_attach(&rx, &q));
	AS(remote, mbx_writer_attach(&w, &s));
	AS(host, mbx_reader_attach(&r, &s));
	for (i = 0; i < 100; i++) {
		AS(host, mbx_link_poll(&host, i));
		AS(remote, mbx_link_poll(&remote, i));
		AS(host, mbx_tx_put(&tx, buf, i % 9u));
		AS(host, mbx_tx_send(&tx, buf, i % 9u));
		AS(host, mbx_tx_want_room(&tx, 1));
		AS(remote, mbx_rx_recv(&rx, buf, 8));
		AS(remote, mbx_rx_want_data(&rx, 1));
		AS(remote, mbx_writer_write(&w, 0, buf, 4, i));
		AS(host, mbx_reader_newest(&r, buf, 4, &rec));
		AS(host, mbx_reader_next(&r, buf, 4, &rec));
	}
	AS(host, mbx_link_detach(&host));
	AS(remote, mbx_link_detach(&remote));
#undef AS
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_producer_dying_at_any_step_loses_and_tears_nothing),
		cmocka_unit_test(
			test_consumer_dying_at_any_step_gets_the_rest_once),
		cmocka_unit_test(
			test_each_call_stores_to_its_own_and_loads_once),
		cmocka_unit_test(
			test_going_to_sleep_at_any_step_misses_nothing),
		cmocka_unit_test(
			test_reader_overtaken_at_any_step_accounts_for_all),
		cmocka_unit_test(test_newest_overtaken_at_any_step_is_whole),
		cmocka_unit_test(
			test_reader_attaching_at_any_step_starts_exactly),
		cmocka_unit_test(
			test_writer_dying_at_any_step_leaves_a_whole_log),
		cmocka_unit_test(
			test_interrupt_at_any_step_of_a_record_writes_its_own),
		cmocka_unit_test(
			test_server_dying_at_any_step_answers_in_its_next_life),
		cmocka_unit_test(
			test_formatter_dying_at_any_step_is_seen_and_made_good),
		cmocka_unit_test(
			test_peer_restarting_at_any_step_is_up_only_when_it_knows),
		cmocka_unit_test(
			test_side_dying_at_any_step_of_attach_or_poll_comes_back),
		cmocka_unit_test(test_attach_overtaken_by_a_format_says_so),
		cmocka_unit_test(
			test_observer_blames_nothing_once_a_format_has_begun),
		cmocka_unit_test(test_each_side_stores_to_its_own_section_only),
	};

	return run_group("steps", tests, NULL);
}
