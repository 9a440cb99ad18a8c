/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each side works on a view of its own, its write-back cache with every line of
 * the region in it: as stale as can be. Lines move by mbx_port_clean() and
 * mbx_port_invalidate(), and by chance: at each hook some are written back and
 * fetched anew, and the other side may do something. All of common/ is compiled
 * in here with that port and with the shipped words.
 */
#define MBX_PORT_HEADER "unit/cache_port.h"

#include "fixture.h"

#include "../../common/copy.c"
#include "../../common/queue.c"
#include "../../common/queue_open.c"
#include "../../common/slots.c"
#undef BEGIN
#undef END
#include "../../common/call.c"
#include "../../common/link.c"

#define LINE  32u
#define BYTES 4096u
#define LINES (BYTES / LINE)

/* ---- the caches ---- */

struct line {
	uint8_t bytes[LINE];
};

static struct line memory[LINES];
static struct line view[2][LINES] __attribute__((aligned(64)));
static struct line clean[2][LINES]; /* as last fetched or written back */
static uint32_t seed;
static void (*meanwhile)(int side); /* something that @side may do */
static int claims;		    /* open ones: the only dirty lines */
static uint32_t cleaned[2];	    /* bytes, by each side's last clean */

static int is_dirty(int side, uint32_t i)
{
	return memcmp(&view[side][i], &clean[side][i], LINE) != 0;
}

static void write_back(int side, uint32_t i)
{
	memory[i] = clean[side][i] = view[side][i];
}

static void fetch(int side, uint32_t i)
{
	view[side][i] = clean[side][i] = memory[i];
}

static void evict_some(void)
{
	uint32_t n, i;
	int side;

	for (n = rnd_below(&seed, 4); n; n--) {
		side = (int)(rnd(&seed) & 1u);
		i = rnd_below(&seed, LINES);
		if (is_dirty(side, i))
			write_back(side, i);
		fetch(side, i);
	}
}

static void time_passes(int side)
{
	void (*other)(int side) = meanwhile;

	evict_some();
	if (other && rnd_below(&seed, 8) == 0) {
		meanwhile = NULL;
		other(!side);
		meanwhile = other;
	}
}

static int lines_of(const void *addr, uint32_t bytes, uint32_t *first,
		    uint32_t *end)
{
	int side = (uintptr_t)addr >= (uintptr_t)view[1];
	uint32_t off = (uint32_t)((uintptr_t)addr - (uintptr_t)view[side]);

	assert_true(off <= BYTES && bytes <= BYTES - off);
	*first = off / LINE;
	*end = bytes ? (off + bytes + LINE - 1u) / LINE : *first;
	return side;
}

void cache_clean(const void *addr, uint32_t bytes)
{
	uint32_t i, end;
	int side = lines_of(addr, bytes, &i, &end);

	for (; i < end; i++)
		write_back(side, i);
	cleaned[side] = bytes;
	time_passes(side);
}

/* A core may write back dirty lines here, or lose them: there must be none. */
void cache_invalidate(const void *addr, uint32_t bytes)
{
	uint32_t i, end;
	int side = lines_of(addr, bytes, &i, &end);

	for (; i < end; i++) {
		if (is_dirty(side, i)) {
			assert_true(claims);
			if (rnd(&seed) & 1u)
				write_back(side, i);
		}
		fetch(side, i);
	}
	time_passes(side);
}

/* ---- the two sides ---- */

#define MAX 40u

static const struct mbx_channel channels[] = {
	{ "there", MBX_QUEUE(MBX_H2R, MAX, 3, MBX_FAIL, "") },
	{ "back", MBX_QUEUE(MBX_R2H, MAX, 3, MBX_FAIL, "") },
	{ "log", MBX_LOG(MBX_H2R, 20, 8) },
	{ "ask", MBX_CALL(MBX_H2R, MAX, MAX, 2, "") },
};

/* The same words mean something else: the host's are now the remote's. */
static const struct mbx_channel others[] = {
	{ "log", MBX_LOG(MBX_R2H, 20, 32) },
	{ "back", MBX_QUEUE(MBX_R2H, MAX, 8, MBX_FAIL, "") },
};

static struct mbx_link link_of[2];
static struct mbx_tx tx_of[2];
static struct mbx_rx rx_of[2];
static struct mbx_writer writer;
static struct mbx_reader reader;
static struct mbx_caller caller;
static struct mbx_server server;

static void init_side(int side, const struct mbx_channel *table, uint32_t count)
{
	struct mbx_link_config c = {
		.base = (uintptr_t)view[side],
		.bytes = BYTES,
		.side = side ? MBX_REMOTE : MBX_HOST,
		.channels = table,
		.count = count,
		.line_bytes = LINE,
		.page_bytes = 64,
	};

	mbx_link_init(&link_of[side], &c);
}

static void attach_ends(int side)
{
	struct mbx_slots_place slots;
	struct mbx_queue_place at[2];
	struct mbx_link *l = &link_of[side];

	assert_int_equal(mbx_link_queue(l, (uint32_t)side, &at[0]), 0);
	assert_int_equal(mbx_link_queue(l, (uint32_t)!side, &at[1]), 0);
	assert_int_equal(mbx_tx_attach(&tx_of[side], &at[0]), 0);
	assert_true(mbx_rx_attach(&rx_of[side], &at[1]) >= 0);
	assert_int_equal(mbx_link_slots(l, 2, &slots), 0);
	assert_int_equal(mbx_link_queue(l, 3, &at[0]), 0);
	assert_int_equal(mbx_link_back(l, 3, &at[1]), 0);
	if (side == MBX_HOST) {
		mbx_writer_attach(&writer, &slots);
		assert_true(mbx_caller_attach(&caller, &at[0], &at[1],
					      l->session) >= 0);
	} else {
		mbx_reader_attach(&reader, &slots);
		assert_true(mbx_server_attach(&server, &at[0], &at[1]) >= 0);
	}
}

static void begin_life_of(int side)
{
	init_side(side, channels, ARRAY_SIZE(channels));
	assert_int_equal(mbx_link_attach(&link_of[side]), 0);
	attach_ends(side);
}

static int setup(void **state)
{
	uint32_t i;

	(void)state;
	seed = 1;
	meanwhile = NULL;
	claims = 0;
	for (i = 0; i < sizeof(memory); i++)
		((uint8_t *)memory)[i] = (uint8_t)rnd(&seed);
	for (i = 0; i < LINES; i++) {
		fetch(0, i);
		fetch(1, i);
	}
	init_side(MBX_REMOTE, channels, ARRAY_SIZE(channels));
	assert_int_equal(mbx_link_format(&link_of[MBX_REMOTE], 0), 0);
	begin_life_of(MBX_REMOTE);
	begin_life_of(MBX_HOST);
	return 0;
}

/* ---- queues: both ways at once ---- */

static uint32_t sent[2], taken[2]; /* by side */
static uint8_t buf[2][MAX + 8];

static void claim_one(int side, uint32_t bytes)
{
	struct mbx_word *data;
	uint32_t room = bytes + rnd_below(&seed, MAX + 1u - bytes), i;

	if (mbx_tx_claim(&tx_of[side], room, &data))
		return;
	claims++;
	for (i = 0; i < room; i += 4) {
		uint32_t w;

		memcpy(&w, buf[side] + i, 4);
		mbx_st_data(mbx_word_at(data, i), w);
		evict_some();
	}
	if (rnd(&seed) & 1u) {
		assert_int_equal(mbx_tx_commit(&tx_of[side], bytes), 0);
		sent[side]++;
	} else {
		mbx_tx_abort(&tx_of[side]);
		assert_int_equal(cleaned[side], room);
	}
	claims--;
}

static void send_one(int side)
{
	uint32_t bytes = rnd_below(&seed, MAX + 1u);
	struct mbx_tx *tx = &tx_of[side];

	fill_message(buf[side], sent[side], MAX + 8u);
	switch (rnd_below(&seed, 4)) {
	case 0:
		claim_one(side, bytes);
		break;
	case 1:
		sent[side] += mbx_tx_put(tx, buf[side], bytes) == 0;
		break;
	default:
		sent[side] += mbx_tx_send(tx, buf[side], bytes) == 0;
	}
}

static void take_one(int side)
{
	struct mbx_rx *rx = &rx_of[side];
	struct mbx_word *data;
	int n;

	if (rnd(&seed) & 1u) {
		n = mbx_rx_recv(rx, buf[side], MAX);
	} else {
		n = mbx_rx_peek(rx, &data);
		if (n >= 0)
			mbx_copy_out(buf[side], data, (uint32_t)n);
		mbx_rx_release(rx);
	}
	if (n == MBX_EAGAIN)
		return;
	assert_in_range(n, 0, MAX);
	assert_true(is_message(buf[side], taken[side], (uint32_t)n));
	taken[side]++;
}

/* A life that ends between two calls; what is in a batch was not accepted. */
static void restart(int side)
{
	mbx_tx_flush(&tx_of[side]);
	begin_life_of(side);
}

static void move_messages(int side)
{
	if (rnd_below(&seed, 100) == 0)
		restart(side);
	else if (rnd(&seed) & 1u)
		send_one(side);
	else
		take_one(side);
}

static void test_messages_come_whole_and_in_order(void **state)
{
	uint32_t i;

	(void)state;
	sent[0] = sent[1] = taken[0] = taken[1] = 0;
	meanwhile = move_messages;
	for (i = 0; i < ROUNDS(40000); i++)
		move_messages((int)(rnd(&seed) & 1u));
	meanwhile = NULL;
	mbx_tx_flush(&tx_of[0]);
	mbx_tx_flush(&tx_of[1]);
	for (i = 0; i < 100; i++)
		take_one((int)(i & 1u));
	assert_int_equal(taken[0], sent[1]);
	assert_int_equal(taken[1], sent[0]);
	assert_true(sent[0] > i && sent[1] > i);
}

/* ---- log ---- */

static uint32_t written, read_up_to;

static void log_some(int side)
{
	uint8_t text[20];
	struct mbx_record rec;
	int n;

	if (side == MBX_HOST) {
		uint32_t bytes = rnd_below(&seed, 21);

		fill_message(text, writer.number + 1u, sizeof(text));
		assert_int_equal(
			mbx_writer_write(&writer, 7, text, bytes, written + 1u),
			0);
		written++;
		return;
	}
	n = mbx_reader_next(&reader, text, sizeof(text), &rec);
	if (n == MBX_EAGAIN)
		return;
	assert_in_range(n, 0, 20);
	assert_true(is_message(text, rec.number, (uint32_t)n));
	assert_int_equal(rec.stamp_us, rec.number);
	assert_int_equal(rec.number, read_up_to + rec.missed + 1u);
	read_up_to = rec.number;
}

static void test_records_come_whole_and_are_accounted_for(void **state)
{
	uint32_t i;

	(void)state;
	written = read_up_to = 0;
	meanwhile = log_some;
	for (i = 0; i < ROUNDS(40000); i++)
		log_some((int)(rnd(&seed) & 1u));
	meanwhile = NULL;
	for (i = 0; i < 8; i++)
		log_some(MBX_REMOTE);
	assert_int_equal(read_up_to, written);
}

/* ---- calls ---- */

static uint32_t asked, answered;

static void call_or_serve(int side)
{
	struct mbx_request r;
	uint8_t msg[MAX];
	int n, status;

	if (side == MBX_REMOTE) {
		n = mbx_server_take(&server, &r, msg, sizeof(msg));
		if (n >= 0)
			assert_int_equal(mbx_server_reply(&server, &r, -n, msg,
							  (uint32_t)n),
					 0);
		return;
	}
	if (!caller.open) {
		fill_message(msg, ++asked, MAX);
		assert_int_equal(
			mbx_caller_start(&caller, msg, asked % MAX, 1000, 0, 1),
			0);
		return;
	}
	n = mbx_caller_poll(&caller, msg, sizeof(msg), &status, 0, 1);
	if (n == MBX_EAGAIN)
		return;
	assert_int_equal(n, asked % MAX);
	assert_int_equal(status, -n);
	assert_true(is_message(msg, asked, (uint32_t)n));
	answered++;
}

static void test_calls_are_answered(void **state)
{
	uint32_t i;

	(void)state;
	asked = answered = 0;
	claims = 1; /* the server's */
	meanwhile = call_or_serve;
	for (i = 0; i < ROUNDS(40000); i++)
		call_or_serve((int)(rnd(&seed) & 1u));
	assert_in_range(answered, asked - 1u, asked);
	assert_true(answered > 1000u / (1u + UNDER_ASAN + UNDER_TSAN));
}

/* ---- link ---- */

static uint32_t now;

static void poll_side(int side)
{
	assert_false(mbx_link_poll(&link_of[side], now) & MBX_EVENT_RESET);
}

static void test_link_comes_up_after_each_restart(void **state)
{
	uint32_t i, k;

	(void)state;
	for (i = 0; i < ROUNDS(2000); i++) {
		int side = (int)(rnd(&seed) & 1u);

		begin_life_of(side);
		meanwhile = poll_side;
		for (k = 0; k < 4; k++, now += 1000) {
			poll_side(0);
			poll_side(1);
		}
		meanwhile = NULL;
		assert_int_equal(link_of[0].peer_session, link_of[1].session);
		assert_int_equal(link_of[1].peer_session, link_of[0].session);
	}
}

/* Format anew with @table; the host sees it at a poll and lets go. */
static void format_anew(const struct mbx_channel *table, uint32_t count)
{
	uint32_t events = 0;
	int err;

	mbx_link_discard(&link_of[MBX_REMOTE]);
	init_side(MBX_REMOTE, table, count);
	link_of[MBX_REMOTE].discard = 1;
	while ((err = mbx_link_format(&link_of[MBX_REMOTE], 0)) == MBX_EAGAIN)
		events |= mbx_link_poll(&link_of[MBX_HOST], 0);
	assert_int_equal(err, 0);
	assert_int_equal(events, MBX_EVENT_RESET);
}

/* Whatever the host had in its cache: nothing of it is in the new region. */
static void test_nothing_old_comes_into_a_region_formatted_anew(void **state)
{
	struct mbx_record rec;
	struct mbx_word *data;
	uint32_t round, i;
	int n;

	(void)state;
	for (round = 0; round < ROUNDS(2000); round++) {
		for (i = rnd_below(&seed, 20); i; i--) {
			mbx_writer_write(&writer, 7, "old", 3, 1);
			mbx_tx_send(&tx_of[MBX_HOST], "old", 3);
		}
		if (mbx_tx_claim(&tx_of[MBX_HOST], MAX, &data) == 0)
			for (claims = 1, i = 0; i < MAX; i += 4)
				mbx_st_data(mbx_word_at(data, i), ~i);
		format_anew(channels, ARRAY_SIZE(channels));
		claims = 0;
		evict_some();
		begin_life_of(MBX_REMOTE);
		begin_life_of(MBX_HOST);
		assert_int_equal(mbx_writer_write(&writer, 6, "new", 3, 2), 0);
		mbx_reader_attach(&reader, &reader.at);
		n = mbx_reader_next(&reader, buf[1], MAX, &rec);
		assert_int_equal(n, 3);
		assert_memory_equal(buf[1], "new", 3);
		assert_int_equal(rec.number, 1);
		assert_int_equal(mbx_rx_recv(&rx_of[1], buf[1], MAX),
				 MBX_EAGAIN);
	}
}

/* Lines that a side had dirty are the other's now, and stay as those left it. */
static void test_a_claim_left_open_does_not_write_to_the_next_layout(
	void **state)
{
	static struct line was[LINES];
	struct mbx_word *data = NULL;
	uint32_t round, i;

	(void)state;
	for (round = 0; round < ROUNDS(2000); round++) {
		assert_int_equal(mbx_tx_claim(&tx_of[MBX_HOST], MAX, &data), 0);
		for (claims = 1, i = 0; i < MAX; i += 4)
			mbx_st_data(mbx_word_at(data, i), ~i);
		format_anew(others, ARRAY_SIZE(others));
		claims = 0;
		memcpy(was, memory, sizeof(was));
		for (i = 0; i < LINES; i++)
			evict_some();
		assert_memory_equal(memory, was, sizeof(was));
		setup(NULL);
		seed += round;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_messages_come_whole_and_in_order,
				       setup),
		cmocka_unit_test_setup(
			test_records_come_whole_and_are_accounted_for, setup),
		cmocka_unit_test_setup(test_calls_are_answered, setup),
		cmocka_unit_test_setup(test_link_comes_up_after_each_restart,
				       setup),
		cmocka_unit_test_setup(
			test_nothing_old_comes_into_a_region_formatted_anew,
			setup),
		cmocka_unit_test_setup(
			test_a_claim_left_open_does_not_write_to_the_next_layout,
			setup),
	};

	return run_group("cache", tests, NULL);
}
