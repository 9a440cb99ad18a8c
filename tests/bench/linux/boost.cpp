/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boost: lockfree's spsc_queue of a fixed type, placed in the pair's memory, and
 * interprocess's message_queue, whose name goes as soon as it is there.
 */
#include "loops.h"

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <new>
#include <string>
#include <unistd.h>

namespace
{

/* ---- lockfree::spsc_queue ---- */

template <uint32_t Bytes> struct Message {
	uint8_t bytes[Bytes];
};

constexpr uint32_t depth(uint32_t bytes)
{
	return bytes <= 256 ? 1024 : bytes <= 4096 ? 64 : 16;
}

template <uint32_t Bytes> struct Spsc {
	using Item = Message<Bytes>;
	using Queue = boost::lockfree::spsc_queue<
		Item, boost::lockfree::capacity<depth(Bytes)>>;
	static Queue *out, *in;

	static size_t memory()
	{
		return 2 * room();
	}
	static size_t room()
	{
		return (sizeof(Queue) + 127) & ~size_t(127);
	}
	static void make(struct bench *b)
	{
		for (size_t i = 0; i < 2; i++)
			new (b->memory + i * room()) Queue;
	}
	static void attach(struct bench *b)
	{
		size_t mine = size_t(b->side);

		out = reinterpret_cast<Queue *>(b->memory + mine * room());
		in = reinterpret_cast<Queue *>(b->memory + !mine * room());
	}
	static uint32_t send(struct bench *, const void *from, uint32_t,
			     uint32_t)
	{
		return out->push(*static_cast<const Item *>(from));
	}
	static uint32_t recv(struct bench *, void *to, uint32_t, uint32_t)
	{
		return in->pop(*static_cast<Item *>(to));
	}
	static uint32_t send_many(struct bench *, const void *from, uint32_t,
				  uint32_t count)
	{
		return uint32_t(out->push(static_cast<const Item *>(from),
					  size_t(count)));
	}
	static uint32_t recv_many(struct bench *, void *to, uint32_t,
				  uint32_t count)
	{
		return uint32_t(
			in->pop(static_cast<Item *>(to), size_t(count)));
	}
};

template <uint32_t Bytes> typename Spsc<Bytes>::Queue *Spsc<Bytes>::out;
template <uint32_t Bytes> typename Spsc<Bytes>::Queue *Spsc<Bytes>::in;

size_t spsc_memory(const struct bench *b)
{
	size_t bytes = 0;

#define MEMORY(n) (bytes = Spsc<n>::memory())
	BENCH_BY_SIZE(b, MEMORY);
	return bytes;
}

const char *spsc_setup(struct bench *b)
{
#define MAKE(n) Spsc<n>::make(b)
	BENCH_BY_SIZE(b, MAKE);
	return nullptr;
}

const char *spsc_attach(struct bench *b)
{
#define ATTACH(n) Spsc<n>::attach(b)
	BENCH_BY_SIZE(b, ATTACH);
	return nullptr;
}

void spsc_ping(struct bench *b, uint64_t n, uint64_t *ticks)
{
#define PING(size)                                                             \
	bench_ping_loop(b, n, ticks, size, Spsc<size>::send, Spsc<size>::recv)
	BENCH_BY_SIZE(b, PING);
}

void spsc_pong(struct bench *b, uint64_t n)
{
#define PONG(size)                                                             \
	bench_pong_loop(b, n, size, Spsc<size>::send, Spsc<size>::recv)
	BENCH_BY_SIZE(b, PONG);
}

void spsc_feed(struct bench *b, uint64_t n)
{
#define FEED(size) bench_feed_loop(b, n, size, 1, Spsc<size>::send)
	BENCH_BY_SIZE(b, FEED);
}

uint64_t spsc_drain(struct bench *b, uint64_t n, uint64_t warm)
{
	uint64_t ticks = 0;

#define DRAIN(size)                                                            \
	(ticks = bench_drain_loop(b, n, warm, size, 1, Spsc<size>::recv))
	BENCH_BY_SIZE(b, DRAIN);
	return ticks;
}

void spsc_feed_many(struct bench *b, uint64_t n)
{
#define FEED_MANY(size)                                                        \
	bench_feed_loop(b, n, size, b->batch, Spsc<size>::send_many)
	BENCH_BY_SIZE(b, FEED_MANY);
}

uint64_t spsc_drain_many(struct bench *b, uint64_t n, uint64_t warm)
{
	uint64_t ticks = 0;

#define DRAIN_MANY(size)                                                       \
	(ticks = bench_drain_loop(b, n, warm, size, b->batch,                  \
				  Spsc<size>::recv_many))
	BENCH_BY_SIZE(b, DRAIN_MANY);
	return ticks;
}

/* ---- interprocess::message_queue ---- */

namespace ip = boost::interprocess;

ip::message_queue *queue[2];

const char *mq_setup(struct bench *b)
{
	for (int i = 0; i < 2; i++) {
		std::string name = "mbx-bench-" + std::to_string(getpid());

		try {
			queue[i] = new ip::message_queue(
				ip::create_only, name.c_str(), depth(b->bytes),
				b->bytes);
		} catch (const ip::interprocess_exception &) {
			return "no message_queue can be made";
		}
		ip::message_queue::remove(name.c_str());
	}
	return nullptr;
}

uint32_t mq_send(struct bench *b, const void *from, uint32_t bytes,
		 uint32_t count)
{
	queue[b->side]->send(from, bytes, 0);
	return count;
}

uint32_t mq_recv(struct bench *b, void *to, uint32_t bytes, uint32_t count)
{
	ip::message_queue::size_type got;
	unsigned int priority;

	queue[!b->side]->receive(to, bytes, got, priority);
	return got == bytes ? count : 0;
}
BENCH_ROUND_TRIPS(mq)
BENCH_STREAMS(mq, 1)

} // namespace

extern const struct bench_peer bench_boost[] = {
	{ "boost spsc_queue", 1u << BENCH_ROUND_TRIP | 1u << BENCH_THROUGHPUT,
	  0, 0, 1, spsc_memory, spsc_setup, spsc_attach, spsc_ping, spsc_pong,
	  spsc_feed, spsc_drain },
	{ "boost spsc_queue in arrays", 1u << BENCH_BATCHED, 0, 0, 0,
	  spsc_memory, spsc_setup, spsc_attach, nullptr, nullptr,
	  spsc_feed_many, spsc_drain_many },
	{ "boost message_queue", 1u << BENCH_BLOCKING | 1u << BENCH_THROUGHPUT,
	  0, 0, 1, nullptr, mq_setup, nullptr, mq_ping, mq_pong, mq_feed,
	  mq_drain },
	{},
};
