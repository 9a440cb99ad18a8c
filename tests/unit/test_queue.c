/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue, against a model that keeps a list of records and computes from
 * the specification (not from the code) where each one must stand.
 */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

static struct queue_memory mem, before;

/* ---- the model ---- */

struct record {
	uint32_t pos, bytes, id;
	int padding;
};

#define MAX_RECORDS 1024u

struct model {
	struct mbx_queue_place at;
	struct mbx_tx tx;
	struct mbx_rx rx;
	uint32_t read;	/* the consumer's position */
	uint32_t write; /* the producer's, its open batch included */
	uint32_t shown; /* the producer's, without it */
	struct record rec[MAX_RECORDS];
	uint32_t head, visible, tail; /* free-running, into rec */
	uint32_t claim;		      /* bytes + 1 */
	int peeked, marked;	      /* in hand; and so marked in the region */
	uint32_t id, refused;
};

static void start_model(struct model *m, uint32_t size, uint32_t max,
			uint8_t full, uint32_t start)
{
	memset(m, 0, sizeof(*m));
	m->at = queue_place(&mem, size, max, full, start);
	m->read = m->write = m->shown = start;
	assert_int_equal(mbx_tx_attach(&m->tx, &m->at), 0);
	assert_int_equal(mbx_rx_attach(&m->rx, &m->at), 0);
}

static void show_batch(struct model *m)
{
	m->visible = m->tail;
	m->shown = m->write;
}

static void add_record(struct model *m, uint32_t bytes, int padding)
{
	struct record *r = &m->rec[m->tail++ % MAX_RECORDS];

	r->pos = m->write;
	r->bytes = bytes;
	r->id = padding ? 0 : ++m->id;
	r->padding = padding;
	m->write = padding ? 0 : m->write + 4u + MBX_ROUND4(bytes);
}

/* May a record of @bytes stand at the write position? May add padding. */
static int has_room(struct model *m, uint32_t bytes)
{
	uint32_t need = 4u + MBX_ROUND4(bytes), size = m->at.ring_bytes;

	if (m->read > m->write)
		return m->write + need + 4u <= m->read;
	if (m->write + need + 4u <= size)
		return 1;
	if (m->read == 0)
		return 0;
	if (m->visible == m->tail) {
		add_record(m, 0, 1);
		show_batch(m);
	} else {
		add_record(m, 0, 1);
	}
	return m->write + need + 4u <= m->read;
}

static int model_place(struct model *m, uint32_t bytes, int in_batch)
{
	if (bytes > m->at.max_bytes)
		return MBX_EMSGSIZE;
	if (m->claim)
		return MBX_EBUSY;
	if (!in_batch)
		show_batch(m);
	if (has_room(m, bytes))
		return 0;
	show_batch(m);
	m->refused++;
	return m->at.full == MBX_DROP ? 1 : MBX_EAGAIN;
}

/* The oldest visible message, padding skipped; NULL: none. */
static struct record *model_front(struct model *m)
{
	while (m->head != m->visible && m->rec[m->head % MAX_RECORDS].padding) {
		m->head++;
		m->read = 0;
		m->marked = 0;
	}
	return m->head == m->visible ? NULL : &m->rec[m->head % MAX_RECORDS];
}

static void model_take(struct model *m)
{
	const struct record *r = &m->rec[m->head++ % MAX_RECORDS];

	m->read = r->pos + 4u + MBX_ROUND4(r->bytes);
	m->peeked = m->marked = 0;
}

/* What the region must say now; and a new producer must find the same place. */
static void assert_as_model(const struct model *m)
{
	struct mbx_queue_place at = m->at;
	struct mbx_word scratch[2] = { { 0 }, { 0 } };
	struct mbx_tx heir;

	assert_guards(&mem, &m->at);
	assert_int_equal(peek_word(&mem.rx[0]),
			 m->read | (m->marked ? 1u : 0u));
	assert_int_equal(peek_word(&mem.tx[0]), m->refused << 1);
	assert_int_equal(peek_word(&mem.rx[1]), 0);
	assert_int_equal(peek_word(&mem.ring[m->shown / 4]), 0);
	at.tx = scratch;
	assert_int_equal(mbx_tx_attach(&heir, &at), 0);
	assert_int_equal(heir.pos, m->shown);
}

/* ---- steps: each does one thing to queue and model and compares ---- */

static uint8_t buf[MAX_RING], out[MAX_RING];

static void step_send(struct model *m, uint32_t bytes)
{
	int want = model_place(m, bytes, 0);

	fill_message(buf, m->id + 1u, bytes <= MAX_RING ? bytes : 0);
	assert_int_equal(mbx_tx_send(&m->tx, buf, bytes), want);
	if (want == 0) {
		add_record(m, bytes, 0);
		show_batch(m);
	}
}

static void step_put(struct model *m, uint32_t bytes)
{
	int want = model_place(m, bytes, 1);

	fill_message(buf, m->id + 1u, bytes <= MAX_RING ? bytes : 0);
	assert_int_equal(mbx_tx_put(&m->tx, buf, bytes), want);
	if (want == 0)
		add_record(m, bytes, 0);
}

/* Each is put as if by itself; the first that is not ends it. */
static void step_put_many(struct model *m, uint32_t bytes, uint32_t count)
{
	uint32_t size = bytes <= MAX_RING ? bytes : 0, i;
	static uint8_t many[4 * MAX_RING];
	int want = 0, done = 0;

	for (i = 0; i < count; i++)
		fill_message(many + i * size, m->id + 1u + i, size);
	for (i = 0; i < count && want == 0; i++) {
		want = model_place(m, bytes, 1);
		if (want == 0) {
			add_record(m, bytes, 0);
			done++;
		}
	}
	if (done || want == 1)
		want = done;
	assert_int_equal(mbx_tx_put_many(&m->tx, many, bytes, count), want);
}

static void step_flush(struct model *m)
{
	mbx_tx_flush(&m->tx);
	show_batch(m);
}

static void step_claim(struct model *m, uint32_t bytes)
{
	struct mbx_word *data = NULL;
	int want = model_place(m, bytes, 0);

	assert_int_equal(mbx_tx_claim(&m->tx, bytes, &data), want);
	if (want == 0) {
		assert_ptr_equal(data, &mem.ring[m->write / 4 + 1]);
		m->claim = bytes + 1u;
	}
}

static void step_commit(struct model *m, uint32_t bytes)
{
	int want = !m->claim	       ? MBX_EINVAL
		   : bytes >= m->claim ? MBX_EMSGSIZE
				       : 0;

	if (want == 0) {
		fill_message(buf, m->id + 1u, bytes);
		mbx_copy_in(&mem.ring[m->write / 4 + 1], buf, bytes);
	}
	assert_int_equal(mbx_tx_commit(&m->tx, bytes), want);
	if (want == 0) {
		add_record(m, bytes, 0);
		show_batch(m);
		m->claim = 0;
	}
}

static void step_abort(struct model *m)
{
	uint32_t i;

	/* whatever the application left there must not matter */
	for (i = 4; m->claim && i < 4u + MBX_ROUND4(m->claim - 1u); i += 4u)
		poke_word(&mem.ring[(m->write + i) / 4], MBX_HDR_MSG);
	mbx_tx_abort(&m->tx);
	m->claim = 0;
}

static void step_recv(struct model *m, uint32_t cap)
{
	struct record *r;
	int n;

	if (m->peeked) {
		assert_int_equal(mbx_rx_recv(&m->rx, out, cap), MBX_EBUSY);
		return;
	}
	r = model_front(m);
	memset(out, 0xee, sizeof(out));
	n = mbx_rx_recv(&m->rx, out, cap);
	if (!r) {
		assert_int_equal(n, MBX_EAGAIN);
	} else if (r->bytes > cap) {
		assert_int_equal(n, MBX_EMSGSIZE);
	} else {
		assert_int_equal(n, r->bytes);
		assert_true(is_message(out, r->id, r->bytes));
		assert_int_equal(out[r->bytes], 0xee);
		model_take(m);
	}
}

static void step_peek(struct model *m)
{
	struct record *r = model_front(m);
	struct mbx_word *data = NULL;
	int n = mbx_rx_peek(&m->rx, &data);

	if (!r) {
		assert_int_equal(n, MBX_EAGAIN);
		return;
	}
	assert_int_equal(n, r->bytes);
	assert_ptr_equal(data, &mem.ring[r->pos / 4 + 1]);
	mbx_copy_out(out, data, r->bytes);
	assert_true(is_message(out, r->id, r->bytes));
	m->peeked = m->marked = 1;
}

static void step_release(struct model *m)
{
	mbx_rx_release(&m->rx);
	if (m->peeked)
		model_take(m);
}

/* The producer dies; its open batch and claim with it. */
static void step_new_producer(struct model *m)
{
	memset(&m->tx, 0xff, sizeof(m->tx));
	assert_int_equal(mbx_tx_attach(&m->tx, &m->at), 0);
	assert_int_equal(m->tx.bad, 0);
	m->tail = m->visible;
	m->write = m->shown;
	m->claim = 0;
}

static void step_new_consumer(struct model *m)
{
	memset(&m->rx, 0xff, sizeof(m->rx));
	assert_int_equal(mbx_rx_attach(&m->rx, &m->at), m->marked);
	assert_int_equal(m->rx.bad, 0);
	m->peeked = 0;
}

/* ---- tests ---- */

static void test_send_every_start_and_length_arrives_whole_and_in_order(
	void **state)
{
	uint32_t size, start, bytes, i;
	static struct model m;

	(void)state;
	for (size = 12; size <= 40; size += 4)
		for (start = 0; start < size; start += 4)
			for (bytes = 0; bytes <= size - 8; bytes++) {
				start_model(&m, size, size - 8, MBX_FAIL,
					    start);
				for (i = 0; i < 12; i++) {
					step_send(&m, bytes);
					assert_as_model(&m);
					if (i % 3 == 2)
						step_recv(&m, bytes);
					step_recv(&m, bytes);
					assert_as_model(&m);
				}
			}
}

static void random_step(struct model *m, uint32_t *seed, uint32_t mask)
{
	uint32_t bytes = rnd_below(seed, m->at.max_bytes + 3u);

	switch (1u << rnd_below(seed, 12) & mask) {
	case 1u << 0:
	case 1u << 1:
		step_send(m, bytes);
		break;
	case 1u << 2:
	case 1u << 3:
		if (rnd_below(seed, 2))
			step_put(m, bytes);
		else
			step_put_many(m, bytes, rnd_below(seed, 5));
		break;
	case 1u << 4:
		step_flush(m);
		break;
	case 1u << 5:
		step_claim(m, bytes);
		break;
	case 1u << 6:
		step_commit(m, bytes);
		break;
	case 1u << 7:
		step_abort(m);
		break;
	case 1u << 8:
		step_recv(m, rnd_below(seed, 4) ? m->at.max_bytes : bytes);
		break;
	case 1u << 9:
		step_peek(m);
		break;
	case 1u << 10:
		step_release(m);
		break;
	case 1u << 11:
		if (rnd_below(seed, 2))
			step_new_producer(m);
		else
			step_new_consumer(m);
		break;
	}
}

static void random_run(uint32_t mask, uint32_t steps)
{
	static const uint8_t full[] = { MBX_FAIL, MBX_DROP, MBX_BLOCK };
	static struct model m;
	uint32_t size, start, i, seed = 0x6d627831u;

	for (size = 12; size <= 72; size += size < 40 ? 4 : 32)
		for (start = 0; start < size; start += 4) {
			start_model(&m, size,
				    size - 8 - rnd_below(&seed, size / 4),
				    full[rnd_below(&seed, 3)], start);
			for (i = 0; i < steps; i++) {
				random_step(&m, &seed, mask);
				assert_as_model(&m);
			}
			/* a run that got stuck proves nothing */
			assert_true(m.head > steps / 200 && m.refused > 0);
		}
}

static void test_single_sends_randomly_mixed_follow_the_model(void **state)
{
	(void)state;
	random_run(0x103, ROUNDS(16000));
}

static void test_batches_randomly_mixed_follow_the_model(void **state)
{
	(void)state;
	random_run(0x11c, ROUNDS(16000));
}

static void test_zero_copy_randomly_mixed_follows_the_model(void **state)
{
	(void)state;
	random_run(0x6e0, ROUNDS(16000));
}

static void test_everything_randomly_mixed_follows_the_model(void **state)
{
	(void)state;
	random_run(0xfff, ROUNDS(40000));
}

static void test_largest_message_is_ring_less_8_from_every_start(void **state)
{
	static struct model m;
	uint32_t size, start, i;

	(void)state;
	for (size = 12; size <= 256; size += 4)
		for (start = 0; start < size; start += 4) {
			start_model(&m, size, size - 8, MBX_FAIL, start);
			for (i = 0; i < 3; i++) {
				step_send(&m, size - 8);
				step_recv(&m, size); /* or padding only */
				step_send(&m, size - 8);
				step_recv(&m, size);
			}
			assert_true(m.id >= 3);
			step_send(&m, size - 7); /* MBX_EMSGSIZE */
			assert_as_model(&m);
		}
}

static void test_ring_for_depth_takes_so_many_from_every_start(void **state)
{
	static struct model m;
	uint32_t depth, max, start, i;

	(void)state;
	for (depth = 1; depth <= 8; depth++)
		for (max = 1; max <= 17; max += 4)
			for (start = 0; start < MBX_RING_BYTES(depth, max);
			     start += 4) {
				start_model(&m, MBX_RING_BYTES(depth, max), max,
					    MBX_FAIL, start);
				for (i = 0; i < depth; i++)
					step_send(&m, max);
				assert_int_equal(m.refused, 0);
			}
}

static void test_send_into_full_ring_follows_policy_and_is_counted(void **state)
{
	static const uint8_t full[] = { MBX_FAIL, MBX_DROP, MBX_BLOCK };
	static struct model m;
	struct mbx_word *data;
	uint32_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(full); i++) {
		int want = full[i] == MBX_DROP ? 1 : MBX_EAGAIN;

		start_model(&m, 32, 24, full[i], 0);
		step_send(&m, 24);
		assert_int_equal(mbx_tx_send(&m.tx, "x", 1), want);
		assert_int_equal(mbx_tx_put(&m.tx, "x", 1), want);
		assert_int_equal(mbx_tx_claim(&m.tx, 1, &data), want);
		assert_int_equal(peek_word(&mem.tx[0]), 3u << 1);
		step_recv(&m, 24);
		assert_int_equal(mbx_tx_send(&m.tx, "x", 1), 0);
		assert_int_equal(peek_word(&mem.tx[0]), 3u << 1);
	}
}

static void test_full_counter_survives_its_producer(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 24, MBX_FAIL, 0);
	step_send(&m, 24);
	step_send(&m, 24);
	step_new_producer(&m);
	step_send(&m, 24);
	assert_int_equal(peek_word(&mem.tx[0]), 2u << 1);
}

static void test_waiting_sender_is_counted_once(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 24, MBX_BLOCK, 0);
	step_send(&m, 24);
	step_send(&m, 24);
	mbx_tx_want_room(&m.tx, 1);
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), MBX_EAGAIN);
	assert_int_equal(peek_word(&mem.tx[0]), 1u << 1 | 1u);
	mbx_tx_want_room(&m.tx, 0);
	assert_int_equal(peek_word(&mem.tx[0]), 1u << 1);
}

static void test_each_drop_is_counted_even_of_a_waiting_sender(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 24, MBX_DROP, 0);
	step_send(&m, 24);
	mbx_tx_want_room(&m.tx, 1);
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), 1);
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), 1);
	assert_int_equal(peek_word(&mem.tx[0]), 2u << 1 | 1u);
}

static void test_put_stays_invisible_until_flush(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 64, 16, MBX_FAIL, 0);
	step_put(&m, 3);
	step_put(&m, 4);
	assert_int_equal(mbx_rx_recv(&m.rx, out, 16), MBX_EAGAIN);
	step_flush(&m);
	step_recv(&m, 16);
	step_recv(&m, 16);
	assert_as_model(&m);
}

static void test_put_into_full_ring_flushes_the_batch(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 8, MBX_FAIL, 0);
	step_put(&m, 8);
	step_put(&m, 8);
	step_put(&m, 8);
	assert_int_equal(m.refused, 1);
	assert_int_equal(mbx_rx_recv(&m.rx, out, 8), 8);
	assert_true(is_message(out, 1, 8));
	assert_int_equal(mbx_rx_recv(&m.rx, out, 8), 8);
	assert_true(is_message(out, 2, 8));
}

static void test_send_into_open_batch_goes_behind_it(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 64, 8, MBX_FAIL, 48);
	step_put(&m, 8);
	step_put(&m, 4);
	step_send(&m, 5);
	assert_int_equal(m.refused, 0);
	step_recv(&m, 8);
	step_recv(&m, 8);
	step_recv(&m, 8);
	assert_int_equal(m.head, m.tail);
}

static void test_open_claim_refuses_send_put_and_claim(void **state)
{
	static struct model m;
	struct mbx_word *data;

	(void)state;
	start_model(&m, 64, 16, MBX_FAIL, 20);
	step_put(&m, 1);
	step_claim(&m, 16);
	assert_int_equal(mbx_tx_send(&m.tx, "x", 1), MBX_EBUSY);
	assert_int_equal(mbx_tx_put(&m.tx, NULL, 0), MBX_EBUSY);
	assert_int_equal(mbx_tx_claim(&m.tx, 1, &data), MBX_EBUSY);
	mbx_tx_flush(&m.tx);
	assert_int_equal(mbx_tx_send(&m.tx, "x", 1), MBX_EBUSY);
	step_commit(&m, 17);
	step_commit(&m, 2);
	step_commit(&m, 0);
	step_recv(&m, 16);
	step_recv(&m, 16);
	assert_as_model(&m);
}

static void test_aborted_claim_leaves_no_trace(void **state)
{
	static struct model m;
	uint32_t start;

	(void)state;
	for (start = 0; start < 32; start += 4) {
		start_model(&m, 32, 24, MBX_FAIL, start);
		step_claim(&m, 12);
		step_abort(&m);
		assert_as_model(&m);
		step_abort(&m);
		step_send(&m, 3);
		step_recv(&m, 24);
		step_recv(&m, 24);
		assert_as_model(&m);
	}
}

static void test_empty_message_is_a_message(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 12, 4, MBX_FAIL, 8);
	assert_int_equal(mbx_tx_send(&m.tx, NULL, 0), 0);
	assert_int_equal(mbx_rx_recv(&m.rx, NULL, 0), 0);
}

static void test_recv_into_short_buffer_leaves_the_message(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 20, MBX_FAIL, 0);
	step_send(&m, 20);
	step_recv(&m, 19);
	step_recv(&m, 0);
	assert_as_model(&m);
	step_peek(&m);
	step_recv(&m, 20);
	step_release(&m);
	step_release(&m);
	step_recv(&m, 20);
	assert_as_model(&m);
}

static void test_consumer_dying_with_message_in_hand_gets_it_marked(
	void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 64, 8, MBX_FAIL, 52);
	step_send(&m, 8);
	step_send(&m, 8);
	step_peek(&m);
	step_new_consumer(&m);
	assert_true(m.marked);
	step_new_consumer(&m); /* it died again before taking anything */
	assert_true(m.marked);
	step_recv(&m, 8);
	step_new_consumer(&m);
	assert_false(m.marked);
	step_recv(&m, 8);
	assert_int_equal(m.head, m.tail);
}

/* ---- a hostile peer ---- */

/* Header values worth a try at @pos: around everything that can be. */
static uint32_t hostile_headers(uint32_t size, uint32_t pos, uint32_t *h)
{
	uint32_t n = 0, i, honest = MBX_HDR_PAD + size - pos - 4u;

	for (i = 0; i <= size + 16u; i++) {
		h[n++] = MBX_HDR_MSG + i;
		h[n++] = MBX_HDR_PAD + i;
		h[n++] = i;
	}
	for (i = 0; i < 32; i++) {
		h[n++] = MBX_HDR_MSG ^ 1u << i;
		h[n++] = (MBX_HDR_MSG + 4u) ^ 1u << i;
		h[n++] = honest ^ 1u << i;
		h[n++] = 0u - 1u - i;
		h[n++] = MBX_HDR_MSG - 1u - i;
		h[n++] = MBX_HDR_PAD - 1u - i;
		h[n++] = MBX_HDR_MSG + MBX_MAX_MESSAGE + i;
	}
	return n;
}

/* By the specification: a length, MBX_EAGAIN (empty), MBX_EPROTO, 1 << 30: pad */
static int meaning(uint32_t h, uint32_t pos, uint32_t size, uint32_t max)
{
	uint32_t n;

	if (h == 0)
		return MBX_EAGAIN;
	for (n = 0; n <= max; n++)
		if (h == MBX_HDR_MSG + n &&
		    pos + 4u + MBX_ROUND4(n) <= size - 4u)
			return (int)n;
	if (pos != 0 && h == MBX_HDR_PAD + size - pos - 4u)
		return 1 << 30;
	return MBX_EPROTO;
}

static void check_hostile_header(uint32_t size, uint32_t max, uint32_t pos,
				 uint32_t h, int by_peek)
{
	struct mbx_queue_place at = queue_place(&mem, size, max, 0, pos);
	int want = meaning(h, pos, size, max), n;
	struct mbx_word *data;
	struct mbx_rx rx;

	if (pos)
		poke_word(&mem.ring[0], 0);
	poke_word(&mem.ring[pos / 4], h);
	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	before = mem;
	n = by_peek ? mbx_rx_peek(&rx, &data) : mbx_rx_recv(&rx, out, max);
	assert_int_equal(n, want == 1 << 30 ? MBX_EAGAIN : want);
	if (want == 1 << 30)
		poke_word(&before.rx[0], 0);
	else if (want >= 0)
		poke_word(&before.rx[0],
			  by_peek ? pos | 1u
				  : pos + 4u + MBX_ROUND4((uint32_t)want));
	if (want == MBX_EPROTO) {
		assert_int_equal(rx.pos, pos);
		assert_int_equal(rx.bad, h);
		assert_int_equal(mbx_rx_recv(&rx, out, max), MBX_EPROTO);
		poke_word(&before.rx[1], 2u << 1); /* counted */
	}
	assert_memory_equal(&before, &mem, sizeof(mem));
}

static void test_recv_of_every_impossible_header_says_eproto(void **state)
{
	uint32_t size, pos, i, n, h[700];

	(void)state;
	for (size = 12; size <= 36; size += 4)
		for (pos = 0; pos < size; pos += 4) {
			n = hostile_headers(size, pos, h);
			for (i = 0; i < n; i++) {
				check_hostile_header(size, size - 8, pos, h[i],
						     0);
				check_hostile_header(size, size - 8, pos, h[i],
						     1);
				check_hostile_header(size, 3, pos, h[i], 0);
				check_hostile_header(size, 3, pos, h[i], 1);
			}
		}
}

static void test_recv_of_padding_twice_in_a_row_says_eproto(void **state)
{
	struct mbx_queue_place at = queue_place(&mem, 32, 24, 0, 20);
	struct mbx_rx rx;

	(void)state;
	poke_word(&mem.ring[5], MBX_HDR_PAD + 8u);
	poke_word(&mem.ring[0], MBX_HDR_PAD + 28u);
	assert_int_equal(mbx_rx_attach(&rx, &at), 0);
	assert_int_equal(mbx_rx_recv(&rx, out, 24), MBX_EPROTO);
	assert_int_equal(rx.bad, MBX_HDR_PAD + 28u);
	assert_guards(&mem, &at);
}

static void test_tx_attach_to_any_content_ends_and_stays_inside(void **state)
{
	uint32_t i, k, size, start, n, seed = 7, h[700], good = 0, bad = 0;
	struct mbx_queue_place at;
	struct mbx_tx tx;
	int err;

	(void)state;
	for (i = 0; i < ROUNDS(40000); i++) {
		size = 12u + 4u * rnd_below(&seed, 8);
		start = 4u * rnd_below(&seed, size / 4);
		at = queue_place(&mem, size, size - 8, 0, start);
		n = hostile_headers(size, start, h);
		for (k = 0; k < size / 4; k++)
			poke_word(&mem.ring[k],
				  rnd_below(&seed, 8) == 0
					  ? h[rnd_below(&seed, n)]
				  : rnd_below(&seed, 3) == 0
					  ? 0
					  : MBX_HDR_MSG + rnd_below(&seed, 9));
		before = mem;
		err = mbx_tx_attach(&tx, &at);
		assert_memory_equal(&before, &mem, sizeof(mem));
		if (err) {
			assert_int_equal(err, MBX_EPROTO);
			assert_int_not_equal(tx.bad, 0);
			bad++;
			continue;
		}
		good++;
		assert_true(tx.pos < size && tx.pos % 4 == 0);
		assert_int_equal(peek_word(&mem.ring[tx.pos / 4]), 0);
	}
	assert_true(good > 100 && bad > 100);
}

static void test_tx_attach_to_record_beyond_max_bytes_says_eproto(void **state)
{
	struct mbx_queue_place at = queue_place(&mem, 64, 8, 0, 4);
	struct mbx_tx tx;

	(void)state;
	poke_word(&mem.ring[1], MBX_HDR_MSG + 8u);
	poke_word(&mem.ring[4], 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), 0);
	poke_word(&mem.ring[1], MBX_HDR_MSG + 9u);
	poke_word(&mem.ring[5], 0);
	assert_int_equal(mbx_tx_attach(&tx, &at), MBX_EPROTO);
	assert_int_equal(tx.bad, MBX_HDR_MSG + 9u);
}

static void test_bad_keeps_the_value_behind_the_last_eproto(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 24, MBX_FAIL, 16);
	assert_int_equal(m.tx.bad, 0);
	assert_int_equal(m.rx.bad, 0);
	poke_word(&mem.rx[0], 0x66);
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), MBX_EPROTO);
	poke_word(&mem.rx[0], 16);
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), MBX_EAGAIN);
	assert_int_equal(m.tx.bad, 0x66);
	poke_word(&mem.rx[0], 8); /* beyond what was written */
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), MBX_EPROTO);
	assert_int_equal(m.tx.bad, 8);
}

/* From 8: padding to 0, a message of 4, and padding once more at 4. */
static void test_tx_attach_to_padding_without_end_says_eproto(void **state)
{
	struct mbx_queue_place at = queue_place(&mem, 32, 24, 0, 8);
	struct mbx_tx tx;

	(void)state;
	poke_word(&mem.ring[2], MBX_HDR_PAD + 20u);
	poke_word(&mem.ring[0], MBX_HDR_MSG);
	poke_word(&mem.ring[1], MBX_HDR_PAD + 24u);
	assert_int_equal(mbx_tx_attach(&tx, &at), MBX_EPROTO);
	assert_int_equal(tx.bad, MBX_HDR_PAD + 24u);
}

static void test_tx_attach_to_records_without_end_says_eproto(void **state)
{
	struct mbx_queue_place at = queue_place(&mem, 16, 8, 0, 4);
	struct mbx_tx tx;

	(void)state;
	poke_word(&mem.ring[0], MBX_HDR_MSG);
	poke_word(&mem.ring[1], MBX_HDR_MSG);
	poke_word(&mem.ring[2], MBX_HDR_MSG);
	poke_word(&mem.ring[3], MBX_HDR_PAD);
	assert_int_equal(mbx_tx_attach(&tx, &at), MBX_EPROTO);
}

/* Two records of 8 bytes from @start; what may the consumer's word say then? */
static void check_hostile_read(uint32_t start, uint32_t value)
{
	static struct model m;
	uint32_t read = value & ~1u, moved, written;
	int possible, err;

	start_model(&m, 64, 56, MBX_FAIL, start);
	step_send(&m, 4);
	step_send(&m, 4);
	poke_word(&mem.rx[0], value);
	before = mem;
	moved = (read + 64u - start) % 64u;
	written = (m.write + 64u - start) % 64u;
	possible = read % 4 == 0 && read < 64 && moved <= written;
	err = mbx_tx_send(&m.tx, buf, 56);
	if (possible) {
		assert_true(err == MBX_EAGAIN || err == 0);
		return;
	}
	assert_int_equal(err, MBX_EPROTO);
	assert_int_equal(m.tx.bad, value);
	assert_int_equal(m.tx.pos, m.write);
	assert_memory_equal(&before, &mem, sizeof(mem));
	assert_int_equal(mbx_tx_put(&m.tx, buf, 56), MBX_EPROTO);
	assert_int_equal(mbx_tx_want_room(&m.tx, 1), 1);
	poke_word(&mem.tx[0], 0);
	assert_memory_equal(&before, &mem, sizeof(mem));
	/* the peer mends its ways: nothing was lost */
	poke_word(&mem.rx[0], start);
	step_recv(&m, 4);
	step_recv(&m, 4);
	assert_int_equal(m.head, m.tail);
}

static void test_send_with_impossible_read_position_says_eproto(void **state)
{
	uint32_t start, v, seed = 99;

	(void)state;
	for (start = 0; start < 64; start += 4) {
		for (v = 0; v < 200; v++) {
			check_hostile_read(start, v);
			check_hostile_read(start, 0u - v);
			check_hostile_read(start, rnd(&seed));
		}
		for (v = 0; v < 32; v++)
			check_hostile_read(start, 1u << v);
	}
}

static void test_put_with_impossible_read_keeps_the_batch(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 24, MBX_FAIL, 0);
	step_put(&m, 12);
	poke_word(&mem.rx[0], 28);
	assert_int_equal(mbx_tx_put(&m.tx, buf, 24), MBX_EPROTO);
	assert_int_equal(mbx_tx_put(&m.tx, buf, 25), MBX_EMSGSIZE);
	poke_word(&mem.rx[0], 0);
	step_put(&m, 1);
	step_flush(&m);
	step_recv(&m, 24);
	step_recv(&m, 24);
	assert_as_model(&m);
}

static void test_attach_with_impossible_own_position_says_eproto(void **state)
{
	static const uint32_t bad[] = { 2, 3, 6, 32, 33, 36, 0x80000000u, ~0u };
	struct mbx_queue_place at;
	struct mbx_tx tx;
	struct mbx_rx rx;
	uint32_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		at = queue_place(&mem, 32, 24, 0, 0);
		poke_word(&mem.rx[0], bad[i]);
		before = mem;
		assert_int_equal(mbx_rx_attach(&rx, &at), MBX_EPROTO);
		assert_int_equal(rx.bad, bad[i]);
		assert_int_equal(mbx_tx_attach(&tx, &at), MBX_EPROTO);
		assert_int_equal(tx.bad, bad[i]);
		assert_memory_equal(&before, &mem, sizeof(mem));
	}
}

/* Such an end is of no use, but whoever uses it stays inside the ring. */
static void test_end_that_was_not_attached_moves_no_message(void **state)
{
	struct mbx_queue_place at = queue_place(&mem, 32, 24, 0, 0);
	struct mbx_tx tx;
	struct mbx_rx rx;

	(void)state;
	memset(&tx, 0, sizeof(tx));
	memset(&rx, 0xff, sizeof(rx));
	poke_word(&mem.rx[0], 32);
	assert_int_equal(mbx_tx_attach(&tx, &at), MBX_EPROTO);
	assert_int_equal(mbx_rx_attach(&rx, &at), MBX_EPROTO);
	poke_word(&mem.rx[0], 0); /* whatever it says later */
	before = mem;
	assert_int_equal(mbx_tx_send(&tx, buf, 4), MBX_EPROTO);
	assert_int_equal(mbx_rx_recv(&rx, out, 24), MBX_EAGAIN);
	assert_memory_equal(&before, &mem, sizeof(mem));
}

static void test_record_step_agrees_with_the_specification(void **state)
{
	uint32_t size, pos, i, n, h[700];

	(void)state;
	for (size = 12; size <= 36; size += 4)
		for (pos = 0; pos < size; pos += 4) {
			n = hostile_headers(size, pos, h);
			for (i = 0; i < n; i++) {
				int m = meaning(h[i], pos, size, size);

				assert_int_equal(
					mbx_queue_step(h[i], pos, size),
					m == 1 << 30 ? size - pos
					: m < 0	     ? 0
						: 4u + MBX_ROUND4((uint32_t)m));
			}
		}
}

/* ---- sleeping ---- */

static void test_notify_asks_for_the_bell_only_while_flag_is_up(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 64, 8, MBX_FAIL, 0);
	assert_int_equal(mbx_tx_notify(&m.tx), 0);
	assert_int_equal(mbx_rx_want_data(&m.rx, 1), 0);
	step_send(&m, 4);
	assert_int_equal(mbx_tx_notify(&m.tx), 1);
	assert_int_equal(mbx_rx_want_data(&m.rx, 1), 1);
	mbx_rx_want_data(&m.rx, 0);
	assert_int_equal(mbx_tx_notify(&m.tx), 0);

	assert_int_equal(mbx_rx_notify(&m.rx), 0);
	assert_int_equal(mbx_tx_want_room(&m.tx, 1), 0);
	assert_int_equal(mbx_rx_notify(&m.rx), 1);
	step_recv(&m, 8);
	assert_int_equal(mbx_tx_want_room(&m.tx, 1), 1);
	assert_int_equal(mbx_tx_want_room(&m.tx, 0), 0);
	assert_int_equal(mbx_rx_notify(&m.rx), 0);
}

static void test_want_data_with_message_waiting_says_do_not_sleep(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 64, 8, MBX_FAIL, 60);
	step_put(&m, 4);
	assert_int_equal(mbx_rx_want_data(&m.rx, 1), 1); /* padding */
	step_recv(&m, 8);
	assert_int_equal(mbx_rx_want_data(&m.rx, 1), 0); /* not flushed */
	step_flush(&m);
	assert_int_equal(mbx_rx_want_data(&m.rx, 1), 1);
}

/*
 * An empty ring, both sides in its middle, a message that needs it all: the
 * padding published on the way to "full" must wake the consumer, and skipping
 * it, without any message, the producer.
 */
static void test_padding_alone_rings_for_both_sleepers(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 32, 24, MBX_BLOCK, 16);
	assert_int_equal(mbx_rx_want_data(&m.rx, 1), 0);
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), MBX_EAGAIN);
	assert_int_equal(mbx_tx_notify(&m.tx), 1);
	assert_int_equal(mbx_tx_want_room(&m.tx, 1), 0);
	assert_int_equal(mbx_rx_recv(&m.rx, out, 24), MBX_EAGAIN);
	assert_int_equal(mbx_rx_notify(&m.rx), 1);
	assert_int_equal(mbx_tx_want_room(&m.tx, 1), 1);
	assert_int_equal(mbx_tx_send(&m.tx, buf, 24), 0);
}

static void test_attach_lowers_a_dead_sleepers_flag(void **state)
{
	static struct model m;

	(void)state;
	start_model(&m, 64, 8, MBX_FAIL, 0);
	mbx_rx_want_data(&m.rx, 1);
	mbx_tx_want_room(&m.tx, 1);
	step_new_consumer(&m);
	step_new_producer(&m);
	assert_int_equal(mbx_tx_notify(&m.tx), 0);
	assert_int_equal(mbx_rx_notify(&m.rx), 0);
}

/* ---- two threads ---- */

struct pair {
	struct mbx_queue_place at;
	uint32_t messages;
	sem_t to_consumer, to_producer;
	int sleeps; /* by the handshake; else both spin */
	int by_ref; /* batches and zero copy too */
	uint32_t bad;
};

static uint32_t length_of(const struct pair *p, uint32_t id)
{
	return (id * 2654435761u >> 16) % (p->at.max_bytes + 1u);
}

/* 0: rung. A bell that never comes is the lost wake-up that we look for. */
static int wait_bell(sem_t *bell)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	return sem_timedwait(bell, &until);
}

static int produce_one(struct pair *p, struct mbx_tx *tx, uint32_t id)
{
	uint32_t bytes = length_of(p, id), how = p->by_ref ? id % 8u : 0;
	struct mbx_word *data;
	uint8_t msg[64];
	int err;

	fill_message(msg, id, bytes);
	if (how < 2)
		return mbx_tx_send(tx, msg, bytes);
	if (how < 6)
		return mbx_tx_put(tx, msg, bytes);
	err = mbx_tx_claim(tx, p->at.max_bytes, &data);
	if (err)
		return err;
	mbx_copy_in(data, msg, bytes);
	return mbx_tx_commit(tx, bytes);
}

static void *produce(void *arg)
{
	struct pair *p = arg;
	struct mbx_tx tx;
	uint32_t id, bad = mbx_tx_attach(&tx, &p->at) != 0;

	for (id = 1; id <= p->messages && !bad; id++) {
		int err;

		while ((err = produce_one(p, &tx, id)) == MBX_EAGAIN) {
			if (!p->sleeps) {
				sched_yield();
				continue;
			}
			if (mbx_tx_notify(&tx)) /* for padding */
				sem_post(&p->to_consumer);
			if (!mbx_tx_want_room(&tx, 1))
				bad += wait_bell(&p->to_producer) != 0;
			mbx_tx_want_room(&tx, 0);
		}
		bad += err != 0;
		if (id == p->messages)
			mbx_tx_flush(&tx);
		if (p->sleeps && mbx_tx_notify(&tx))
			sem_post(&p->to_consumer);
	}
	__atomic_fetch_add(&p->bad, bad, __ATOMIC_RELAXED);
	return NULL;
}

static int consume_one(struct pair *p, struct mbx_rx *rx, uint32_t id,
		       uint8_t *msg)
{
	struct mbx_word *data;
	int n;

	if (!p->by_ref || id % 3u)
		return mbx_rx_recv(rx, msg, 64);
	n = mbx_rx_peek(rx, &data);
	if (n >= 0) {
		mbx_copy_out(msg, data, (uint32_t)n);
		mbx_rx_release(rx);
	}
	return n;
}

static void *consume(void *arg)
{
	struct pair *p = arg;
	struct mbx_rx rx;
	uint32_t id, bad = mbx_rx_attach(&rx, &p->at) != 0;
	uint8_t msg[64];

	for (id = 1; id <= p->messages && !bad; id++) {
		int n;

		while ((n = consume_one(p, &rx, id, msg)) == MBX_EAGAIN) {
			if (!p->sleeps) {
				sched_yield();
				continue;
			}
			if (mbx_rx_notify(&rx)) /* for padding */
				sem_post(&p->to_producer);
			if (!mbx_rx_want_data(&rx, 1))
				bad += wait_bell(&p->to_consumer) != 0;
			mbx_rx_want_data(&rx, 0);
		}
		bad += n != (int)length_of(p, id) ||
		       !is_message(msg, id, (uint32_t)n);
		if (p->sleeps && mbx_rx_notify(&rx))
			sem_post(&p->to_producer);
	}
	__atomic_fetch_add(&p->bad, bad, __ATOMIC_RELAXED);
	return NULL;
}

static void run_pair_on(enum mbx_memory memory, uint32_t ring, uint32_t max,
			uint32_t messages, int sleeps, int by_ref)
{
	struct pair p = { .messages = messages,
			  .sleeps = sleeps,
			  .by_ref = by_ref };
	pthread_t a, b;

	p.at = queue_place(&mem, ring, max, MBX_BLOCK, ring / 8 * 4);
	p.at.memory = (uint8_t)memory;
	sem_init(&p.to_consumer, 0, 0);
	sem_init(&p.to_producer, 0, 0);
	assert_int_equal(pthread_create(&a, NULL, produce, &p), 0);
	assert_int_equal(pthread_create(&b, NULL, consume, &p), 0);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	sem_destroy(&p.to_consumer);
	sem_destroy(&p.to_producer);
	assert_int_equal(p.bad, 0);
	assert_guards(&mem, &p.at);
}

/* Half of them in either way to copy */
static void run_pair(uint32_t ring, uint32_t max, uint32_t messages, int sleeps,
		     int by_ref)
{
	run_pair_on(MBX_MEMORY_DEVICE, ring, max, messages / 2, sleeps, by_ref);
	run_pair_on(MBX_MEMORY_NORMAL, ring, max, messages / 2, sleeps, by_ref);
}

static void test_two_threads_spinning_lose_and_tear_nothing(void **state)
{
	(void)state;
	run_pair(256, 48, ROUNDS(200000), 0, 0);
	run_pair(24, 16, ROUNDS(20000), 0, 0);
}

static void test_two_threads_by_batch_and_reference_lose_nothing(void **state)
{
	(void)state;
	run_pair(256, 48, ROUNDS(200000), 0, 1);
	run_pair(60, 48, ROUNDS(20000), 0, 1);
}

static void test_two_threads_sleeping_miss_no_bell(void **state)
{
	(void)state;
	run_pair(128, 48, ROUNDS(40000), 1, 0);
	run_pair(24, 16, ROUNDS(20000), 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_send_every_start_and_length_arrives_whole_and_in_order),
		cmocka_unit_test(
			test_single_sends_randomly_mixed_follow_the_model),
		cmocka_unit_test(test_batches_randomly_mixed_follow_the_model),
		cmocka_unit_test(
			test_zero_copy_randomly_mixed_follows_the_model),
		cmocka_unit_test(
			test_everything_randomly_mixed_follows_the_model),
		cmocka_unit_test(
			test_largest_message_is_ring_less_8_from_every_start),
		cmocka_unit_test(
			test_ring_for_depth_takes_so_many_from_every_start),
		cmocka_unit_test(
			test_send_into_full_ring_follows_policy_and_is_counted),
		cmocka_unit_test(test_full_counter_survives_its_producer),
		cmocka_unit_test(test_waiting_sender_is_counted_once),
		cmocka_unit_test(
			test_each_drop_is_counted_even_of_a_waiting_sender),
		cmocka_unit_test(test_put_stays_invisible_until_flush),
		cmocka_unit_test(test_put_into_full_ring_flushes_the_batch),
		cmocka_unit_test(test_send_into_open_batch_goes_behind_it),
		cmocka_unit_test(test_open_claim_refuses_send_put_and_claim),
		cmocka_unit_test(test_aborted_claim_leaves_no_trace),
		cmocka_unit_test(test_empty_message_is_a_message),
		cmocka_unit_test(
			test_recv_into_short_buffer_leaves_the_message),
		cmocka_unit_test(
			test_consumer_dying_with_message_in_hand_gets_it_marked),
		cmocka_unit_test(
			test_recv_of_every_impossible_header_says_eproto),
		cmocka_unit_test(
			test_recv_of_padding_twice_in_a_row_says_eproto),
		cmocka_unit_test(
			test_tx_attach_to_any_content_ends_and_stays_inside),
		cmocka_unit_test(
			test_tx_attach_to_record_beyond_max_bytes_says_eproto),
		cmocka_unit_test(
			test_bad_keeps_the_value_behind_the_last_eproto),
		cmocka_unit_test(
			test_tx_attach_to_padding_without_end_says_eproto),
		cmocka_unit_test(
			test_tx_attach_to_records_without_end_says_eproto),
		cmocka_unit_test(
			test_send_with_impossible_read_position_says_eproto),
		cmocka_unit_test(test_put_with_impossible_read_keeps_the_batch),
		cmocka_unit_test(
			test_attach_with_impossible_own_position_says_eproto),
		cmocka_unit_test(
			test_end_that_was_not_attached_moves_no_message),
		cmocka_unit_test(
			test_record_step_agrees_with_the_specification),
		cmocka_unit_test(
			test_notify_asks_for_the_bell_only_while_flag_is_up),
		cmocka_unit_test(
			test_want_data_with_message_waiting_says_do_not_sleep),
		cmocka_unit_test(test_padding_alone_rings_for_both_sleepers),
		cmocka_unit_test(test_attach_lowers_a_dead_sleepers_flag),
		cmocka_unit_test(
			test_two_threads_spinning_lose_and_tear_nothing),
		cmocka_unit_test(
			test_two_threads_by_batch_and_reference_lose_nothing),
		cmocka_unit_test(test_two_threads_sleeping_miss_no_bell),
	};

	return run_group("queue", tests, NULL);
}
