/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second engine: Relacy (Debian's relacy-dev) runs the same code under its
 * own model of C++11, at random schedules. Payload is plain, so that whatever is
 * not ordered is a race; slots are atomics, as they are loaded beside stores.
 *
 *	relacy queue|peeks|bells|slots [ITERATIONS]
 */
#include <relacy/relacy.hpp>

#include <mbx/link.h>

#include <cstdlib>
#include <cstring>

static const unsigned words = 24, messages = 4;
static mbx_word shared[words]; // addresses only
static bool plain_payload;

struct memory {
	rl::atomic<unsigned> control[words];
	rl::var<unsigned> payload[words];
	rl::atomic<unsigned> bell[2];
};
static memory *now;

extern "C" {
enum explore_order { PLAIN, ORDERED, DATA };
enum explore_fence { FENCE_STORES, FENCE_LOADS, FENCE_ALL };

unsigned explore_load(const mbx_word *w, explore_order order)
{
	long at = w - shared;

	if (order == DATA && plain_payload)
		return now->payload[at]($);
	return now->control[at].load(
		order == ORDERED ? rl::mo_acquire : rl::mo_relaxed, $);
}

void explore_store(mbx_word *w, unsigned v, explore_order order)
{
	long at = w - shared;

	if (order == DATA && plain_payload)
		now->payload[at]($) = v;
	else
		now->control[at].store(
			v, order == ORDERED ? rl::mo_release : rl::mo_relaxed,
			$);
}

void explore_fence(explore_fence fence)
{
	rl::atomic_thread_fence(fence == FENCE_ALL     ? rl::mo_seq_cst
				: fence == FENCE_LOADS ? rl::mo_acquire
						       : rl::mo_release,
				$);
}
}

struct test_memory : memory {
	void clear()
	{
		now = this;
		for (unsigned i = 0; i < words; i++) {
			control[i].store(0, rl::mo_relaxed, $);
			payload[i]($) = 0;
		}
		for (unsigned i = 0; i < 2; i++)
			bell[i].store(0, rl::mo_relaxed, $);
	}

	// A bell that is lost leaves its side here for ever: a live lock
	void await_bell(unsigned side)
	{
		while (!bell[side].exchange(0, rl::mo_relaxed, $))
			rl::yield(1, $);
	}
};

static mbx_queue_place ring_place(unsigned longest)
{
	mbx_queue_place at = mbx_queue_place();

	at.tx = &shared[0];
	at.rx = &shared[2];
	at.ring = &shared[5];
	at.ring_bytes = longest == 4 ? 8 * 4 : 6 * 4;
	at.max_bytes = longest;
	return at;
}

// peeks: short messages, several in the ring, and all of them peeked
template <bool bells, bool peeks>
struct queue_test : rl::test_suite<queue_test<bells, peeks>, 2>, test_memory {
	static unsigned bytes_of(unsigned id)
	{
		return peeks ? 4 : 4 + 4 * (id & 1);
	}

	void before()
	{
		plain_payload = true;
		clear();
	}

	void produce()
	{
		mbx_queue_place at = ring_place(peeks ? 4 : 8);
		mbx_tx tx = mbx_tx();

		RL_ASSERT(mbx_tx_attach(&tx, &at) == 0);
		for (unsigned id = 1; id <= messages;) {
			unsigned msg[2] = { id, MBX_HDR_MSG + id };
			int err;

			if (id % 3 == 0) {
				err = mbx_tx_put(&tx, msg, bytes_of(id));
				mbx_tx_flush(&tx);
			} else if (id % 3 == 1) {
				mbx_word *data;

				err = mbx_tx_claim(&tx, bytes_of(id), &data);
				if (!err) {
					mbx_copy_in(data, msg, bytes_of(id));
					mbx_tx_commit(&tx, bytes_of(id));
				}
			} else {
				err = mbx_tx_send(&tx, msg, bytes_of(id));
			}
			RL_ASSERT(err == 0 || err == MBX_EAGAIN);
			if (bells && mbx_tx_notify(&tx))
				bell[1].store(1, rl::mo_relaxed, $);
			if (!err) {
				id++;
			} else if (!bells) {
				rl::yield(1, $);
			} else {
				if (!mbx_tx_want_room(&tx, 1))
					await_bell(0);
				mbx_tx_want_room(&tx, 0);
			}
		}
	}

	void consume()
	{
		mbx_queue_place at = ring_place(peeks ? 4 : 8);
		mbx_rx rx = mbx_rx();

		RL_ASSERT(mbx_rx_attach(&rx, &at) == 0);
		for (unsigned id = 1; id <= messages;) {
			unsigned msg[2] = { 0, 0 };
			mbx_word *data;
			int n;

			if (!peeks && (id & 1)) {
				n = mbx_rx_recv(&rx, msg, sizeof(msg));
			} else {
				n = mbx_rx_peek(&rx, &data);
				if (n > 0)
					mbx_copy_out(msg, data, (unsigned)n);
				mbx_rx_release(&rx);
			}
			if (bells && mbx_rx_notify(&rx))
				bell[0].store(1, rl::mo_relaxed, $);
			if (n != MBX_EAGAIN) {
				RL_ASSERT(n == (int)bytes_of(id));
				RL_ASSERT(msg[0] == id);
				RL_ASSERT(n == 4 || msg[1] == MBX_HDR_MSG + id);
				id++;
			} else if (!bells) {
				rl::yield(1, $);
			} else {
				if (!mbx_rx_want_data(&rx, 1))
					await_bell(1);
				mbx_rx_want_data(&rx, 0);
			}
		}
	}

	void thread(unsigned side)
	{
		side ? consume() : produce();
	}
};

struct slots_test : rl::test_suite<slots_test, 2>, test_memory {
	void before()
	{
		plain_payload = false;
		clear();
	}

	void thread(unsigned side)
	{
		mbx_slots_place at = mbx_slots_place();

		at.ctl = &shared[0];
		at.slot = &shared[3];
		at.slots = 2;
		at.max_bytes = 8;
		side ? read(at) : write(at);
	}

	void write(mbx_slots_place &at)
	{
		mbx_writer w;

		mbx_writer_attach(&w, &at);
		for (unsigned n = 1; n <= messages; n++) {
			unsigned value[2] = { n * 3, n * 5 };

			mbx_writer_write(&w, 0, value, 8, n);
		}
	}

	void read(mbx_slots_place &at)
	{
		unsigned last = 0, tries, value[2];
		mbx_record rec = mbx_record();
		mbx_reader r;

		mbx_reader_attach(&r, &at);
		for (tries = 0; tries < 12 && last < messages; tries++) {
			int n = tries & 1
					? mbx_reader_newest(&r, value, 8, &rec)
					: mbx_reader_next(&r, value, 8, &rec);

			RL_ASSERT(n == 8 || n == MBX_EAGAIN ||
				  n == MBX_ENODATA);
			if (n == 8) {
				RL_ASSERT(value[0] == rec.number * 3);
				RL_ASSERT(value[1] == rec.number * 5);
				RL_ASSERT(rec.stamp_us == rec.number);
				RL_ASSERT(rec.number >= last);
				RL_ASSERT(rec.missed < rec.number);
				last = rec.number;
			} else {
				rl::yield(1, $);
			}
		}
	}
};

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "queue";
	rl::test_params p;
	bool ok;

	p.iteration_count = argc > 2 ? (unsigned)atoi(argv[2]) : 20000;
	p.execution_depth_limit = 3000;
	p.search_type = rl::random_scheduler_type;
	if (!strcmp(what, "slots"))
		ok = rl::simulate<slots_test>(p);
	else if (!strcmp(what, "bells"))
		ok = rl::simulate<queue_test<true, false>>(p);
	else if (!strcmp(what, "peeks"))
		ok = rl::simulate<queue_test<false, true>>(p);
	else
		ok = rl::simulate<queue_test<false, false>>(p);
	return ok ? 0 : 1;
}
