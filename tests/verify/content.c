/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The right answer for any content. Both ends of a queue, and a reader of slots,
 * in every state that calls lead to; in each, every call, with every length;
 * each shared load returns every value of a set that has all there are kinds of
 * (values that could be, their neighbours, single bits, the extremes). What each
 * call returns and stores is what a specification says, written from LAYOUT.md.
 *
 *   content [ring=WORDS] [calls=DEPTH]     the set, to that depth of calls
 *   content sweep=1                        all 2^32 values of one load at a time
 *
 * Counts as it goes: no word is loaded twice in a call (or for a message of
 * many), and no call makes more accesses than its docstring says.
 */
#include "verify/content.h"

#define MAX_BYTES  64u
#define MAX_LOADS  40u
#define MAX_STORES 64u
#define MAX_STATES 4000000u
#define MANY_PUTS  3 /* of mbx_tx_put_many() */

static struct mbx_word tx_block[2], rx_block[3], ring[16];
static uint32_t size, longest; /* of the ring, of a message, in bytes */

/* ---- shared words: loads are chosen, stores are noted ---- */

enum part { TX, RX, RING };

struct access {
	enum part part;
	uint32_t off, value;
};

static struct access loads[MAX_LOADS], stores[MAX_STORES];
static uint32_t load_count, store_count, data_loads;
static uint32_t told;	     /* loads that the specification came to */
static uint32_t of_call = 1; /* messages: each may load a word */

static struct set values;
static uint32_t swept; /* sweep: what a load returns */
static int sweeping;

static int in(const struct mbx_word *w, const struct mbx_word *of,
	      uint32_t bytes, uint32_t *off)
{
	uintptr_t at = (uintptr_t)w - (uintptr_t)of;

	*off = (uint32_t)at;
	return at < bytes && !(at & 3u);
}

static struct access place_of(const struct mbx_word *w)
{
	struct access a = { TX, 0, 0 };

	if (in(w, tx_block, sizeof(tx_block), &a.off))
		return a;
	a.part = RX;
	if (in(w, rx_block, sizeof(rx_block), &a.off))
		return a;
	a.part = RING;
	if (!in(w, ring, size, &a.off))
		fail("access outside", a.off, size);
	return a;
}

uint32_t content_load(const struct mbx_word *w, int data)
{
	struct access a = place_of(w);
	uint32_t i, before = 0;

	if (data) {
		data_loads++;
		return 0x5a5a5a5au;
	}
	for (i = 0; i < load_count; i++)
		before += loads[i].part == a.part && loads[i].off == a.off;
	if (before >= of_call)
		fail("a word is loaded twice", a.part, a.off);
	if (load_count == MAX_LOADS)
		fail("too many loads", load_count, 0);
	if (sweeping)
		a.value = load_count ? 0 : swept;
	else
		a.value = pick(&values);
	loads[load_count++] = a;
	return a.value;
}

void content_store(struct mbx_word *w, uint32_t v, int data)
{
	struct access a = place_of(w);

	a.value = v;
	(void)data;
	if (store_count == MAX_STORES)
		fail("too many stores", store_count, 0);
	stores[store_count++] = a;
}

/* All that could be and what is next to it, single bits, the extremes. */
static void make_values(void)
{
	uint32_t i;

	for (i = 0; i <= size + 4u; i++) {
		add(&values, i);
		add(&values, MBX_HDR_MSG + i);
		add(&values, MBX_HDR_PAD + i);
	}
	for (i = 0; i < 32; i++) {
		add(&values, 1u << i);
		add(&values, ~(1u << i));
		add(&values, MBX_HDR_MSG ^ 1u << i);
		add(&values, (MBX_HDR_PAD + size - 8u) ^ 1u << i);
	}
	for (i = 1; i <= 8; i++) {
		add(&values, 0u - i);
		add(&values, 0u - size - i);
		add(&values, MBX_HDR_MSG - i);
		add(&values, MBX_HDR_PAD - i);
	}
}

/* ---- the specification ---- */

static uint32_t record(uint32_t bytes)
{
	return 4u + (bytes + 3u) / 4u * 4u;
}

/* Where a header at @pos leads: 0 it can't be, @size padding. */
static uint32_t step(uint32_t pos, uint32_t h)
{
	uint64_t n = (uint64_t)h - MBX_HDR_MSG;

	if (h >= MBX_HDR_MSG && n <= longest &&
	    pos + record((uint32_t)n) < size)
		return pos + record((uint32_t)n);
	return pos && h == MBX_HDR_PAD + (size - pos - 4u) ? size : 0;
}

static int good_offset(uint32_t raw)
{
	return raw < size && (raw & 2u) == 0;
}

/* A producer, as LAYOUT.md tells it. */
struct model {
	uint32_t pos, seen, limit, attached;
	uint32_t held;	  /* offset of the first header of a batch, + 1 */
	uint32_t header;  /* and what it will be */
	uint32_t claimed; /* bytes + 1 */
	uint32_t waits;	  /* bit 0 of full */
};

struct state {
	struct mbx_tx tx;
	struct model m;
};

static struct access want[MAX_STORES];
static uint32_t want_count;

static void expect(enum part part, uint32_t off, uint32_t v)
{
	want[want_count].part = part;
	want[want_count].off = off;
	want[want_count++].value = v;
}

static void model_flush(struct model *m)
{
	if (m->held) {
		expect(RING, m->pos, 0);
		expect(RING, m->held - 1u, m->header);
	}
	m->held = 0;
}

/* The full word is checked apart: what it counts is no part of the state. */
static int model_room(struct model *m, uint32_t bytes, int joined, int drop)
{
	uint32_t need = record(bytes), raw, r, used, room;

	if (bytes > longest)
		return MBX_EMSGSIZE;
	if (m->claimed)
		return MBX_EBUSY;
	if (!joined)
		model_flush(m);
	if (m->pos + need <= m->limit)
		return 0;
	if (load_count == told || loads[told].part != RX ||
	    loads[told].off != 0)
		fail("send does not load the read offset", load_count, told);
	raw = loads[told++].value;
	r = raw & ~1u;
	used = (m->pos + size - m->seen) % size;
	if (!good_offset(raw) || (r + size - m->seen) % size > used)
		return MBX_EPROTO;
	m->seen = r;
	if (r > m->pos) {
		m->limit = r - 4u;
	} else {
		m->limit = size - 4u;
		room = m->limit - m->pos;
		if (room < need && r != 0) {
			expect(RING, 0, 0);
			expect(RING, m->pos, MBX_HDR_PAD + size - m->pos - 4u);
			m->pos = 0;
			m->limit = r - 4u;
		}
	}
	if (m->pos + need <= m->limit)
		return 0;
	return drop ? 1 : MBX_EAGAIN;
}

/* All of its bytes are @byte. */
static void model_payload(uint32_t pos, uint32_t bytes, uint32_t byte)
{
	uint32_t i, none;

	for (i = 0; i < bytes; i += 4) {
		none = i + 4u > bytes ? 8u * (i + 4u - bytes) : 0;
		expect(RING, pos + 4u + i,
		       0x01010101u * byte & 0xffffffffu >> none);
	}
}

static int model_put(struct model *m, uint32_t bytes, uint32_t byte, int drop)
{
	int ret = model_room(m, bytes, 1, drop);

	if (ret == 1 || ret == MBX_EAGAIN)
		model_flush(m);
	if (ret)
		return ret;
	model_payload(m->pos, bytes, byte);
	if (m->held) {
		expect(RING, m->pos, MBX_HDR_MSG + bytes);
	} else {
		m->held = m->pos + 1u;
		m->header = MBX_HDR_MSG + bytes;
	}
	m->pos += record(bytes);
	return 0;
}

/* As many as there is room for; an error is told if it is the first's. */
static int model_many(struct model *m, uint32_t bytes, int drop)
{
	int done, ret;

	for (done = 0; done < MANY_PUTS; done++) {
		ret = model_put(m, bytes, 0xffu - (uint32_t)done, drop);
		if (ret)
			return done || ret == 1 ? done : ret;
	}
	return done;
}

static int by_offset(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct access));
}

/*
 * The stores are those expected: each place's last one; and what publishes is
 * behind all else that is stored in the ring.
 */
static void check_stores(const char *call)
{
	struct access got[MAX_STORES];
	uint32_t i, k, n = 0;

	for (i = 0; i < store_count; i++) {
		if (stores[i].part == TX && stores[i].off == 0)
			continue;
		for (k = i + 1; k < store_count; k++)
			if (stores[k].part == stores[i].part &&
			    stores[k].off == stores[i].off)
				break;
		if (k == store_count)
			got[n++] = stores[i];
	}
	for (i = k = 0; i < want_count; i++) {
		uint32_t j;

		for (j = i + 1; j < want_count; j++)
			if (want[j].part == want[i].part &&
			    want[j].off == want[i].off)
				break;
		if (j == want_count)
			want[k++] = want[i];
	}
	want_count = k;
	qsort(got, n, sizeof(got[0]), by_offset);
	qsort(want, want_count, sizeof(want[0]), by_offset);
	if (n != want_count)
		fail(call, n, want_count);
	for (i = 0; i < n; i++)
		if (memcmp(&got[i], &want[i], sizeof(got[i])))
			fail(call, got[i].off << 8 | want[i].off, got[i].value);
}

enum op {
	SEND,
	PUT,
	MANY,
	CLAIM,
	COMMIT, /* the last one with a length */
	FLUSH,
	ABORT,
	NOTIFY,
	WANT,
	UNWANT,
	OPS
};

static const uint8_t ones[MAX_BYTES] = { [0 ... MAX_BYTES - 1] = 0xff };

static int put_many(struct mbx_tx *tx, uint32_t bytes)
{
	uint8_t msgs[MANY_PUTS * MAX_BYTES];
	uint32_t i;

	for (i = 0; i < MANY_PUTS; i++)
		memset(msgs + i * bytes, (int)(0xffu - i), bytes);
	return mbx_tx_put_many(tx, msgs, bytes, MANY_PUTS);
}

static void produce(struct state *s, enum op op, uint32_t bytes, int drop)
{
	struct model *m = &s->m;
	struct mbx_word *data;
	int ret = 0, spec = 0;

	load_count = store_count = want_count = data_loads = told = 0;
	depth = 0;
	of_call = op == MANY ? MANY_PUTS : 1;
	calls++;
	switch (op) {
	case SEND:
		ret = mbx_tx_send(&s->tx, ones, bytes);
		spec = model_room(m, bytes, 0, drop);
		if (spec)
			break;
		expect(RING, m->pos + record(bytes), 0);
		model_payload(m->pos, bytes, 0xff);
		expect(RING, m->pos, MBX_HDR_MSG + bytes);
		m->pos += record(bytes);
		break;
	case PUT:
		ret = mbx_tx_put(&s->tx, ones, bytes);
		spec = model_put(m, bytes, 0xff, drop);
		break;
	case MANY:
		ret = put_many(&s->tx, bytes);
		spec = model_many(m, bytes, drop);
		break;
	case FLUSH:
		mbx_tx_flush(&s->tx);
		model_flush(m);
		break;
	case CLAIM:
		ret = mbx_tx_claim(&s->tx, bytes, &data);
		spec = model_room(m, bytes, 0, drop);
		if (spec)
			break;
		if (data != &ring[m->pos / 4u + 1u])
			fail("claim is elsewhere", m->pos, 0);
		m->claimed = bytes + 1u;
		break;
	case COMMIT:
		ret = mbx_tx_commit(&s->tx, bytes);
		spec = !m->claimed	     ? MBX_EINVAL
		       : bytes >= m->claimed ? MBX_EMSGSIZE
					     : 0;
		if (spec)
			break;
		expect(RING, m->pos + record(bytes), 0);
		expect(RING, m->pos, MBX_HDR_MSG + bytes);
		m->claimed = 0;
		m->pos += record(bytes);
		break;
	case ABORT:
		mbx_tx_abort(&s->tx);
		m->claimed = 0;
		break;
	case NOTIFY:
		ret = mbx_tx_notify(&s->tx);
		spec = (int)(loads[0].value & 1u);
		if (load_count != 1 || loads[0].part != RX || loads[0].off != 4)
			fail("notify looks elsewhere", 0, 0);
		break;
	default:
		ret = mbx_tx_want_room(&s->tx, op == WANT);
		m->waits = op == WANT;
		if (store_count != 1 || stores[0].part != TX ||
		    (stores[0].value & 1u) != m->waits)
			fail("want_room stores elsewhere", 0, 0);
		if (op == WANT)
			spec = !good_offset(loads[0].value) ||
			       (loads[0].value & ~1u) != m->seen;
		break;
	}
	if (ret != spec)
		fail("result", (uint32_t)ret, (uint32_t)spec);
	if (op <= COMMIT && load_count != told)
		fail("more loads than are needed", load_count, told);
	if (store_count && stores[store_count - 1].part == RING && op == SEND &&
	    !ret && stores[store_count - 1].value != MBX_HDR_MSG + bytes)
		fail("the header is not the last store", 0, 0);
	if (load_count + data_loads + store_count >
	    of_call * (7u + (bytes + 3u) / 4u))
		fail("accesses of a send", load_count + store_count, bytes);
	check_stores("stores");
}

/* ---- all states ---- */

static struct state *states;
static uint32_t state_count;
static uint32_t table[1u << 23];

static uint32_t hash(const void *from, uint32_t bytes)
{
	const uint8_t *p = from;
	uint32_t h = 1;

	for (; bytes; bytes--)
		h = (h ^ *p++) * 0x01000193u;
	return h ^ h >> 15;
}

/* What is counted and what was bad make no state another. */
static void remember(struct state s)
{
	uint32_t i;

	s.tx.full &= 1u;
	s.tx.bad = 0;
	i = hash(&s, sizeof(s)) & ((1u << 23) - 1u);
	for (; table[i]; i = (i + 1u) & ((1u << 23) - 1u))
		if (!memcmp(&states[table[i] - 1u], &s, sizeof(s)))
			return;
	if (state_count == MAX_STATES)
		fail("too many states", state_count, 0);
	states[state_count++] = s;
	table[i] = state_count;
}

static void attach(struct mbx_queue_place *at)
{
	struct state s;
	uint32_t pos, i, left = size;
	int ret, spec = 0;

	memset(&s, 0, sizeof(s));
	load_count = store_count = depth = 0;
	calls++;
	ret = mbx_tx_attach(&s.tx, at);
	if (loads[0].part != RX || loads[0].off)
		fail("attach looks elsewhere first", 0, 0);
	pos = s.m.seen = loads[0].value & ~1u;
	if (!good_offset(loads[0].value))
		spec = MBX_EPROTO;
	for (i = 1; !spec; i++) {
		uint32_t to;

		if (loads[i].part != RING || loads[i].off != pos)
			fail("attach does not follow the records", i, pos);
		if (loads[i].value == 0)
			break;
		to = step(pos, loads[i].value);
		if (!to || to - pos >= left) {
			spec = MBX_EPROTO;
			break;
		}
		left -= to - pos;
		pos = to == size ? 0 : to;
	}
	if (ret != spec)
		fail("attach", (uint32_t)ret, (uint32_t)spec);
	/* read offset, a header each and the 0 behind them; full, twice */
	if (load_count + store_count > (spec ? i + 1u : i + 3u))
		fail("accesses of attach", load_count, i);
	if (ret)
		return;
	s.m.pos = s.m.limit = pos;
	remember(s);
}

static void all_of_producer(uint32_t limit)
{
	struct mbx_queue_place at;
	uint32_t i, bytes, end = 0, round;
	int op, drop;

	for (drop = 0; drop < 2; drop++) {
		memset(&at, 0, sizeof(at));
		at.ring = ring;
		at.tx = tx_block;
		at.rx = rx_block;
		at.ring_bytes = size;
		at.max_bytes = longest;
		at.full = drop ? MBX_DROP : MBX_FAIL;
		known = 0;
		do
			attach(&at);
		while (next_choices());
	}
	for (i = round = 0; i < state_count && round < limit; round++)
		for (end = state_count; i < end; i++)
			for (op = 0; op < OPS; op++)
				for (bytes = 0; bytes <= longest + 1u;
				     bytes++) {
					if (bytes && op > COMMIT)
						break;
					known = 0;
					do {
						struct state s = states[i];

						produce(&s, (enum op)op, bytes,
							s.tx.at.full ==
								MBX_DROP);
						remember(s);
					} while (next_choices());
				}
	printf("producer: %u states%s, %lu calls\n", state_count,
	       i == state_count ? ", all there are" : "", calls);
}

/* ---- consumer ---- */

struct reader {
	struct mbx_rx rx;
	uint32_t pos, in_hand, next;
};

/* What the next header says, skipping one padding. */
static int model_take(struct reader *r, uint32_t cap, uint32_t *to,
		      int *skipped)
{
	uint32_t i, h;

	*skipped = 0;
	for (i = 0; i < load_count; i++) {
		if (loads[i].part != RING || loads[i].off != r->pos)
			fail("take looks elsewhere", loads[i].off, r->pos);
		h = loads[i].value;
		*to = step(r->pos, h);
		if (h == 0)
			return MBX_EAGAIN;
		if (!*to)
			return MBX_EPROTO;
		if (*to == size) {
			r->pos = 0;
			*skipped = 1;
			continue;
		}
		return h - MBX_HDR_MSG > cap ? MBX_EMSGSIZE
					     : (int)(h - MBX_HDR_MSG);
	}
	fail("take does not look", load_count, 0);
	return 0;
}

static void take(struct reader *r, int peek, uint32_t cap)
{
	uint8_t buf[4u + MAX_BYTES];
	struct mbx_word *data = NULL;
	int ret, spec, skipped = 0;
	uint32_t to = 0, i, n;

	load_count = store_count = data_loads = want_count = depth = 0;
	calls++;
	memset(buf, 0xee, sizeof(buf));
	ret = peek ? mbx_rx_peek(&r->rx, &data)
		   : mbx_rx_recv(&r->rx, buf + 4, cap);
	if (!peek && r->in_hand) {
		if (ret != MBX_EBUSY)
			fail("recv with one in hand", (uint32_t)ret, 0);
		return;
	}
	spec = model_take(r, peek ? longest : cap, &to, &skipped);
	if (ret != spec)
		fail(peek ? "peek" : "recv", (uint32_t)ret, (uint32_t)spec);
	if (skipped)
		expect(RX, 0, 0);
	if (peek)
		r->in_hand = ret >= 0;
	if (ret >= 0 && peek) {
		expect(RX, 0, r->pos | 1u);
		r->next = to;
		if (data != &ring[r->pos / 4u + 1u])
			fail("peek shows another place", 0, 0);
	} else if (ret >= 0) {
		expect(RX, 0, to);
		r->pos = to;
	}
	if (ret == MBX_EPROTO)
		for (i = 0; i < store_count; i++)
			if (stores[i].part == RX && stores[i].off == 4)
				expect(RX, 4, stores[i].value);
	n = ret >= 0 && !peek ? (uint32_t)ret : 0;
	for (i = 0; i < sizeof(buf); i++)
		if (buf[i] != (i >= 4 && i < 4 + n ? 0x5a : 0xee))
			fail("buffer", i, buf[i]);
	if (load_count + store_count > 4 || data_loads > (n + 3u) / 4u)
		fail("accesses of a recv", load_count, data_loads);
	check_stores("stores of a take");
}

static void release(struct reader *r)
{
	load_count = store_count = want_count = 0;
	calls++;
	mbx_rx_release(&r->rx);
	if (r->in_hand) {
		expect(RX, 0, r->next);
		r->pos = r->next;
	}
	r->in_hand = 0;
	check_stores("stores of a release");
}

/* From each position: recv, peek, twice, with release in between or not. */
static void all_of_consumer(void)
{
	struct mbx_queue_place at;
	struct reader r, first;
	uint32_t start, cap, in_hand;
	int ret;

	memset(&at, 0, sizeof(at));
	at.ring = ring;
	at.tx = tx_block;
	at.rx = rx_block;
	at.ring_bytes = size;
	at.max_bytes = longest;
	calls = 0;
	known = 0;
	do {
		memset(&r, 0, sizeof(r));
		load_count = store_count = depth = 0;
		ret = mbx_rx_attach(&r.rx, &at);
		if (ret != (good_offset(loads[0].value)
				    ? (int)(loads[0].value & 1u)
				    : MBX_EPROTO))
			fail("rx_attach", (uint32_t)ret, loads[0].value);
	} while (next_choices());
	for (start = 0; start < size; start += 4)
		for (cap = 0; cap <= longest + 1u; cap++)
			for (in_hand = 0; in_hand < 2; in_hand++) {
				/* an attach that finds it there */
				known = 2;
				chosen[0].at = chosen[1].at = 0;
				while (values.value[chosen[0].at] != start)
					chosen[0].at++;
				memset(&first, 0, sizeof(first));
				load_count = store_count = depth = 0;
				mbx_rx_attach(&first.rx, &at);
				first.pos = start;
				known = 0;
				do {
					r = first;
					take(&r, (int)in_hand, cap);
					if (in_hand) {
						struct reader again = r;
						uint32_t was = known;

						if (r.in_hand)
							take(&again, 0, cap);
						known = was;
						release(&r);
					}
				} while (next_choices());
			}
	printf("consumer: %lu calls\n", calls);
}

/* ---- every value of one load ---- */

static void sweep_send(const struct state *from)
{
	unsigned long good = 0;

	sweeping = 1;
	do {
		struct state s = *from;
		uint32_t r = swept & ~1u, used;
		int ret;

		load_count = store_count = data_loads = 0;
		ret = mbx_tx_send(&s.tx, ones, longest);
		used = (s.m.pos + size - s.m.seen) % size;
		if ((ret != MBX_EPROTO) !=
		    (good_offset(swept) &&
		     (r + size - s.m.seen) % size <= used))
			fail("send", swept, (uint32_t)ret);
		good += ret != MBX_EPROTO;
	} while (++swept);
	sweeping = 0;
	printf("read offset: 2^32 values, %lu possible\n", good);
}

static void sweep_recv(struct mbx_rx from, uint32_t pos)
{
	unsigned long good = 0;
	uint8_t buf[MAX_BYTES];

	sweeping = 1;
	do {
		struct mbx_rx rx = from;
		uint32_t to = step(pos, swept);
		int ret, spec;

		load_count = store_count = data_loads = 0;
		ret = mbx_rx_recv(&rx, buf, sizeof(buf));
		/* behind padding, the next load finds nothing */
		spec = !swept || to == size ? MBX_EAGAIN
		       : !to		    ? MBX_EPROTO
					    : (int)(swept - MBX_HDR_MSG);
		if (ret != spec)
			fail("recv", swept, (uint32_t)ret);
		good += ret != MBX_EPROTO;
	} while (++swept);
	sweeping = 0;
	printf("header at %u: 2^32 values, %lu possible\n", pos, good);
}

static void sweep(void)
{
	struct mbx_rx rx;
	uint32_t i;

	for (i = 0; i < state_count; i++)
		if (states[i].m.pos > states[i].m.seen && states[i].m.seen &&
		    !states[i].m.claimed && !states[i].m.held &&
		    states[i].m.limit - states[i].m.pos < longest) {
			sweep_send(&states[i]);
			break;
		}
	for (i = 0; i < size; i += 8) {
		struct mbx_queue_place at = states[0].tx.at;

		sweeping = 1;
		swept = i;
		load_count = 0;
		mbx_rx_attach(&rx, &at);
		swept = 0;
		sweep_recv(rx, i);
	}
}

int main(int argc, char **argv)
{
	uint32_t i, words = 4, limit = 100, do_sweep = 0;

	for (i = 1; i < (uint32_t)argc; i++) {
		sscanf(argv[i], "ring=%u", &words);
		sscanf(argv[i], "calls=%u", &limit);
		sscanf(argv[i], "sweep=%u", &do_sweep);
	}
	size = 4u * words;
	longest = size - 8u;
	states = malloc(MAX_STATES * sizeof(*states));
	make_values();
	all_of_producer(limit);
	all_of_consumer();
	if (do_sweep)
		sweep();
	return 0;
}
