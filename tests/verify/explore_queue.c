/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue under the explorer: every message that was accepted is taken once, in
 * order and whole, whoever dies where; nobody sleeps for ever.
 *
 *   ring=WORDS start=WORD longest=WORDS messages=N
 *   by=BITS	1 send, 2 put and flush, 4 claim and commit (or abort)
 *   take=BITS	1 recv, 2 peek and release
 *   bells=1	waits by want_data, want_room, notify; 0: for words to change
 */
#include "explore.h"

#define MAX_MESSAGES 8u
#define MAX_BYTES    64u

/* What has become of a message. */
enum fate {
	NOT_YET,
	MAKING, /* the call that makes it has not returned */
	HELD,	/* put, not flushed */
	ACCEPTED,
	UNSURE, /* its maker died before it was accepted */
};

static struct account {
	uint8_t fate[MAX_MESSAGES + 1], bytes[MAX_MESSAGES + 1];
	uint32_t tried, taken; /* last numbers */
	uint32_t in_hand;      /* peeked, known, and not released */
	uint32_t may_skip;     /* messages that died with their receiver */
	int sending, receiving, releasing; /* in such a call */
	int again;    /* the one in hand comes again: 1 for sure, 2 perhaps */
	int hand_bit; /* in the region: 0, 1, or 2 for either */
	int finished;
} account;

static struct producer {
	struct mbx_tx tx;
	uint32_t pending; /* number refused, to be tried again */
	int aborted;
} producer;

static struct consumer {
	struct mbx_rx rx;
	int first;
} consumer;

static struct mbx_queue_place place;
static uint32_t messages, longest, by, take, bells, start;

/* ---- messages ---- */

/* Words that look like headers do, no two of them alike. */
static uint32_t body(uint32_t id, uint32_t i)
{
	return i ? MBX_HDR_MSG + 4u * id + i : 0xf6000000u + 0x10000u * id;
}

static void fill(uint8_t *buf, uint32_t id)
{
	uint32_t i, w;

	for (i = 0; i < MAX_BYTES; i += 4) {
		w = body(id, i / 4);
		memcpy(buf + i, &w, 4);
	}
}

/* Which message is it? 0 for none that could be. */
static uint32_t which(const uint8_t *buf, uint32_t bytes)
{
	uint8_t want[MAX_BYTES];
	uint32_t id;

	for (id = 1; id <= account.tried; id++) {
		fill(want, id);
		if (account.bytes[id] == bytes && !memcmp(buf, want, bytes))
			return id;
	}
	return 0;
}

/* All calls: bounded, and no control word twice. */
static void check_call(const char *name, uint32_t bound)
{
	if (accesses() > bound)
		fail("%s: %u accesses, more than %u", name, accesses(), bound);
	if (loaded_twice())
		fail("%s: loads a word twice", name);
}

/* ---- producer ---- */

static void became(uint32_t from, uint32_t to)
{
	uint32_t id;

	for (id = 1; id <= messages; id++)
		if (account.fate[id] == from)
			account.fate[id] = (uint8_t)to;
}

static int claim_one(uint8_t *buf, uint32_t id, uint32_t bytes)
{
	struct mbx_word *data;
	int err = mbx_tx_claim(&producer.tx, longest * 4u, &data);

	if (err)
		return err;
	if (!producer.aborted && choose(2)) {
		producer.aborted = 1;
		mbx_copy_in(data, buf, 4);
		mbx_tx_abort(&producer.tx);
		return claim_one(buf, id, bytes);
	}
	mbx_copy_in(data, buf, bytes);
	return mbx_tx_commit(&producer.tx, bytes);
}

static void notify_consumer(void)
{
	if (bells && mbx_tx_notify(&producer.tx))
		ring_bell(1);
}

static uint32_t pick_way(uint32_t bits, uint32_t of)
{
	uint32_t i, n = 0, ways[4] = { 0 };

	for (i = 0; i < of; i++)
		if (bits & 1u << i)
			ways[n++] = i;
	return ways[choose(n)];
}

/* Send number @id; 0 when it is accepted or held, else as it was refused. */
static int send_one(uint32_t id, uint32_t way)
{
	uint32_t bytes = account.bytes[id];
	uint8_t buf[MAX_BYTES];
	int err;

	fill(buf, id);
	watch();
	account.sending = 1;
	account.fate[id] = MAKING;
	if (way == 0)
		err = mbx_tx_send(&producer.tx, buf, bytes);
	else if (way == 1)
		err = mbx_tx_put(&producer.tx, buf, bytes);
	else
		err = claim_one(buf, id, bytes);
	account.sending = 0;
	if (way == 1 && err == 0) {
		account.fate[id] = HELD;
	} else {
		became(HELD, ACCEPTED);
		account.fate[id] = err ? NOT_YET : ACCEPTED;
	}
	check_call("send", 12u + 2u * longest);
	return err;
}

static void flush(void)
{
	account.sending = 1;
	mbx_tx_flush(&producer.tx);
	account.sending = 0;
	became(HELD, ACCEPTED);
	notify_consumer();
}

static void wait_for_room(void)
{
	if (!bells) {
		await_change();
		return;
	}
	notify_consumer();
	if (!mbx_tx_want_room(&producer.tx, 1))
		await_bell();
	mbx_tx_want_room(&producer.tx, 0);
}

static void produce(void)
{
	if (mbx_tx_attach(&producer.tx, &place))
		fail("producer: attach refused 0x%x", producer.tx.bad);
	if (bells)
		ring_bell(1); /* the link's poll tells the peer of a new life */
	for (;;) {
		uint32_t way, id = producer.pending;
		int err;

		checkpoint();
		if (!id) {
			if (learn(account.tried) == messages)
				break;
			id = producer.pending = ++account.tried;
			account.bytes[id] = (uint8_t)(4u * (choose(2) ? longest
								      : 1u) -
						      (id & 1u));
		}
		way = pick_way(by, 3);
		err = send_one(id, way);
		if (err == MBX_EAGAIN) {
			wait_for_room();
			continue;
		}
		if (err)
			fail("producer: send says %d", err);
		producer.pending = 0;
		if (way == 1 && !choose(2))
			continue;
		if (way == 1)
			flush();
		else
			notify_consumer();
	}
	flush();
	account.finished = 1;
}

/* ---- consumer ---- */

static void taken(uint32_t id, int first)
{
	uint32_t i, skipped = 0;

	if (!id)
		fail("consumer: torn, or nobody's");
	if (account.fate[id] == NOT_YET)
		fail("consumer: %u was refused", id);
	if (account.fate[id] == HELD && !account.sending)
		fail("consumer: %u was not flushed", id);
	if (first && account.again == 1 && id != account.taken)
		fail("consumer: %u comes instead of the one in hand", id);
	if (first && account.again && id == account.taken) {
		account.again = 0;
		return;
	}
	account.again = 0;
	if (id <= account.taken)
		fail("consumer: %u comes after %u", id, account.taken);
	for (i = account.taken + 1; i < id; i++)
		skipped += account.fate[i] == ACCEPTED;
	if (skipped > account.may_skip)
		fail("consumer: %u comes after %u", id, account.taken);
	account.may_skip = 0;
	account.taken = id;
}

static int recv_one(uint8_t *buf)
{
	int n;

	account.receiving = 1;
	account.hand_bit = account.hand_bit ? 2 : 0;
	n = mbx_rx_recv(&consumer.rx, buf, MAX_BYTES);
	account.receiving = 0;
	account.hand_bit = 0;
	return n;
}

static int peek_one(uint8_t *buf)
{
	int n, was = account.hand_bit;
	struct mbx_word *data;

	if (!was)
		account.hand_bit = 2;
	n = mbx_rx_peek(&consumer.rx, &data);
	account.hand_bit = n < 0 ? was : 1;
	if (n >= 0)
		mbx_copy_out(buf, data, (uint32_t)n);
	return n;
}

static void release_one(void)
{
	account.releasing = 1;
	account.hand_bit = 2;
	mbx_rx_release(&consumer.rx);
	account.releasing = account.hand_bit = 0;
	account.in_hand = 0;
}

static int take_one(uint32_t way)
{
	uint8_t buf[MAX_BYTES];
	int n, first = consumer.first;

	watch();
	n = way ? peek_one(buf) : recv_one(buf);
	if (n == MBX_EAGAIN)
		return n;
	if (n < 0)
		fail("consumer: %d, 0x%x", n, consumer.rx.bad);
	consumer.first = 0;
	taken(which(buf, (uint32_t)n), first);
	if (way) {
		account.in_hand = account.taken;
		release_one();
	}
	return n;
}

static void wait_for_data(void)
{
	if (!bells) {
		await_change();
		return;
	}
	if (!mbx_rx_want_data(&consumer.rx, 1))
		await_bell();
	mbx_rx_want_data(&consumer.rx, 0);
}

static void consume(void)
{
	int marked = mbx_rx_attach(&consumer.rx, &place);

	if (marked < 0)
		fail("consumer: attach refused 0x%x", consumer.rx.bad);
	if (account.hand_bit != 2 && account.hand_bit != marked)
		fail("consumer: attach says %d", marked);
	account.hand_bit = marked;
	if (bells)
		ring_bell(0);
	consumer.first = 1;
	for (;;) {
		int n;

		checkpoint();
		n = take_one(pick_way(take, 2));
		check_call("take", 6u + longest);
		if (bells && mbx_rx_notify(&consumer.rx))
			ring_bell(0);
		if (n == MBX_EAGAIN)
			wait_for_data();
	}
}

/* ---- the account ---- */

static void life(int side)
{
	if (side)
		consume();
	else
		produce();
}

static void died(int side)
{
	if (side == 0) {
		became(MAKING, UNSURE);
		became(HELD, UNSURE);
		account.sending = 0;
		return;
	}
	if (account.in_hand)
		account.again = account.releasing ? 2 : 1;
	if (account.receiving) {
		account.may_skip = 1;
		account.again = account.again ? 2 : 0;
	}
	account.receiving = account.releasing = 0;
	account.in_hand = 0;
}

static void begin(void)
{
	uint32_t i;

	for (i = 0; i < place.ring_bytes / 4; i++)
		explore_set(&place.ring[i], MBX_HDR_MSG + 4u);
	explore_set(&place.ring[start], 0);
	explore_set(&place.rx[0], start * 4u);
}

static void end(void)
{
	uint32_t i, missing = 0;

	if (!account.finished)
		fail("both wait for ever");
	for (i = account.taken + 1; i <= messages; i++)
		missing += account.fate[i] == ACCEPTED;
	if (missing > account.may_skip)
		fail("%u messages lost", missing);
}

struct scenario scenario = {
	.one_writer = 1,
	.account = &account,
	.account_bytes = sizeof(account),
	.private_of = { &producer, &consumer },
	.private_bytes = { sizeof(producer), sizeof(consumer) },
	.begin = begin,
	.life = life,
	.died = died,
	.end = end,
};

void scenario_configure(void)
{
	uint32_t ring = option("ring", 4);

	start = option("start", 0);
	messages = option("messages", 3);
	longest = option("longest", ring - 2);
	by = option("by", 1);
	take = option("take", 1);
	bells = option("bells", 0);
	place.tx = &shared[0];
	place.rx = &shared[2];
	place.ring = &shared[5];
	place.ring_bytes = ring * 4u;
	place.max_bytes = longest * 4u;
	place.full = MBX_FAIL;
	scenario.words = 5u + ring;
}
