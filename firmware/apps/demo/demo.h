/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the demo's two sides agree on: its channels, and what travels on them.
 * The firmware and the Linux programs include this same header.
 */
#ifndef DEMO_H
#define DEMO_H

#include <mbx/channel.h>

#define DEMO_PING_BYTES 256
#define DEMO_DATA_BYTES 1024
#define DEMO_LOG_BYTES	96

/*
 * ping, pong	what comes in goes out
 * data, sum	messages are pieces of a stream, and one of no length ends it:
 *		then its POSIX cksum and size go out
 * sensor	a temperature, as often as "rate" says (10 Hz)
 * led, rate	set, and answered with what is now so; rate takes 1..50 and
 *		refuses all else with MBX_EINVAL
 * log, stats	what happened, and how often
 */
#define DEMO_CHANNELS(CHANNEL)                                                 \
	CHANNEL(DEMO_PING, "ping",                                             \
		MBX_QUEUE(MBX_H2R, DEMO_PING_BYTES, 8, MBX_BLOCK, ""))         \
	CHANNEL(DEMO_PONG, "pong",                                             \
		MBX_QUEUE(MBX_R2H, DEMO_PING_BYTES, 8, MBX_BLOCK, ""))         \
	CHANNEL(DEMO_DATA, "data",                                             \
		MBX_QUEUE(MBX_H2R, DEMO_DATA_BYTES, 16, MBX_BLOCK, ""))        \
	CHANNEL(DEMO_SUM, "sum",                                               \
		MBX_QUEUE(MBX_R2H, 8, 4, MBX_BLOCK, "u32 crc, u32 bytes"))     \
	CHANNEL(DEMO_SENSOR, "sensor",                                         \
		MBX_STATE(MBX_R2H, 12, 4,                                      \
			  "u32 n, i32 milli_celsius, u32 uptime_ms"))          \
	CHANNEL(DEMO_LED, "led",                                               \
		MBX_CALL(MBX_H2R, 4, 4, 4, "u32 on -> u32 on"))                \
	CHANNEL(DEMO_RATE, "rate",                                             \
		MBX_CALL(MBX_H2R, 4, 4, 4, "u32 hz -> u32 hz"))                \
	CHANNEL(DEMO_LOG, "log", MBX_LOG(MBX_R2H, DEMO_LOG_BYTES, 64))         \
	CHANNEL(DEMO_STATS, "stats",                                           \
		MBX_STATE(MBX_R2H, 32, 2,                                      \
			  "u32 wakeups, u32 pings, u32 data_bytes, "           \
			  "u32 sums, u32 calls, u32 log_lines, "               \
			  "u32 peer_restarts, u32 proto_errors"))

MBX_DECLARE_CHANNELS(demo_channels, DEMO_CHANNELS);

/* The values as C; little-endian, as the types above say. */
struct demo_sum {
	uint32_t crc, bytes;
};

struct demo_sensor {
	uint32_t n;
	int32_t milli_celsius;
	uint32_t uptime_ms;
};

struct demo_stats {
	uint32_t wakeups, pings, data_bytes, sums, calls, log_lines,
		peer_restarts, proto_errors;
};

#endif
