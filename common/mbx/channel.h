/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How an application declares its channels: once, in a header that both sides
 * include.
 *
 *	#define MY_CHANNELS(CHANNEL)                                       \
 *		CHANNEL(MY_COMMANDS, "commands",                           \
 *			MBX_QUEUE(MBX_H2R, 64, 8, MBX_BLOCK, "u32 op"))    \
 *		CHANNEL(MY_SENSOR, "sensor",                               \
 *			MBX_STATE(MBX_R2H, 8, 4, "u32 n, i32 milli_celsius"))
 *	MBX_DECLARE_CHANNELS(my_channels, MY_CHANNELS);
 *
 * gives the enumerators MY_COMMANDS = 0, MY_SENSOR = 1, my_channels_count = 2
 * and the table my_channels[]. attach() compares the table with the region's
 * directory, word by word.
 */
#ifndef MBX_CHANNEL_H
#define MBX_CHANNEL_H

#include <stdint.h>

/* Who is who. The host runs Linux; the remote is the other core. */
enum mbx_side { MBX_HOST = 0, MBX_REMOTE = 1 };

/* Which way the data goes: named by its writer, so the values are the sides'. */
enum mbx_direction { MBX_H2R = MBX_HOST, MBX_R2H = MBX_REMOTE };

enum mbx_kind {
	MBX_KIND_QUEUE = 1, /* every message once, in order */
	MBX_KIND_STATE = 2, /* the latest value wins */
	MBX_KIND_LOG = 3,   /* records; the oldest are overwritten */
	MBX_KIND_CALL = 4,  /* request and reply */
};

/* What a full channel does. State and log always overwrite. */
enum mbx_full {
	MBX_FAIL = 0,	   /* the send says MBX_EAGAIN, at once */
	MBX_DROP = 1,	   /* the message is dropped, and counted */
	MBX_BLOCK = 2,	   /* Linux waits, up to the caller's timeout */
	MBX_OVERWRITE = 3, /* the oldest goes */
};

#define MBX_NAME_BYTES	 16u /* with the terminating NUL */
#define MBX_MAX_CHANNELS 4096u
#define MBX_MAX_MESSAGE	 0xfffff0u   /* bytes; the header has 24 bits */
#define MBX_MAX_REGION	 0x40000000u /* bytes, 1 GiB */
#define MBX_ROUND4(n)	 (((n) + 3u) & ~3u)

/*
 * The bytes of a ring that holds @depth messages of @max bytes wherever they
 * start: one header word each, one message's worth lost at the wrap, one word
 * of gap. Too many for any region: ~0, which nothing accepts.
 */
#define MBX_RING_BYTES(depth, max)                                             \
	(MBX_RING_BYTES_(depth, max) > MBX_MAX_REGION                          \
		 ? ~0u                                                         \
		 : (uint32_t)MBX_RING_BYTES_(depth, max))
#define MBX_RING_BYTES_(depth, max)                                            \
	(((uint64_t)(depth) + 1u) * (4u + MBX_ROUND4(max)) + 4u)

/* One direction of data: a ring, or an array of slots. */
struct mbx_stream {
	uint32_t max_bytes; /* longest message, value or record */
	uint32_t bytes;	    /* of the ring; of the slots, set by layout */
};

/* What a channel is, as declared; all constant, may live in ROM. */
struct mbx_channel {
	const char *name; /* 1..15 characters [A-Za-z0-9_.-] */
	struct {
		uint8_t kind, direction, full;
		uint32_t slots;		     /* state, log: a power of two */
		struct mbx_stream fwd, back; /* back: the replies of a call */
		const char *type; /* "u32 a, i16 b[3], char text[]" or "" */
	} is;
};

/*
 * @type describes the payload, for tools and as the check that both sides were
 * built with the same one: fields separated by commas, each a type (u8 i8 u16
 * i16 u32 i32 u64 i64 f32 f64 char x8 x16 x32 x64), a name, and [N] or, last,
 * []. Little-endian, packed in order. For calls "request -> reply". "" means
 * bytes.
 *
 * queue: @max bytes a message, room for at least @depth of them
 * state: values of @bytes, @slots copies (2 is the least; 4 suits a slow reader)
 * log:   records of up to @max bytes, the last @slots of them kept
 * call:  one direction for requests (@direction is the caller's), one back
 *
 * Constants that cannot be do not compile: "size of array is negative", and the
 * compiler shows the rule (MBX_MUST_) that was not kept. Who computes them calls
 * mbx_link_init_checked().
 */
#define MBX_QUEUE(direction, max, depth, full, type)                           \
	{                                                                      \
		MBX_KIND_QUEUE, direction, full,                               \
			MBX_MUST_((full) <= MBX_BLOCK) +                       \
				MBX_MUST_STREAM_(direction, max,               \
						 MBX_RING_BYTES_(depth, max)), \
			{ max, MBX_RING_BYTES(depth, max) }, { 0, 0 }, type    \
	}
#define MBX_STATE(direction, bytes, slots, type)                               \
	MBX_SLOTS_(MBX_KIND_STATE, direction, bytes, slots, type)
#define MBX_LOG(direction, max, slots)                                         \
	MBX_SLOTS_(MBX_KIND_LOG, direction, max, slots, "char text[]")
#define MBX_CALL(direction, max_request, max_reply, depth, type)               \
	{                                                                      \
		MBX_KIND_CALL, direction, MBX_FAIL,                            \
			MBX_MUST_CALL_(direction, max_request, depth) +        \
				MBX_MUST_CALL_(direction, max_reply, depth),   \
			{ 8u + (max_request),                                  \
			  MBX_RING_BYTES(depth, 8u + (max_request)) },         \
			{ 8u + (max_reply),                                    \
			  MBX_RING_BYTES(depth, 8u + (max_reply)) },           \
			type                                                   \
	}

#define MBX_SLOTS_(kind, direction, max, slots, type)                          \
	{                                                                      \
		kind, direction, MBX_OVERWRITE,                                \
			(slots) +                                              \
				MBX_MUST_((slots) >= 2 &&                      \
					  ((slots) & ((slots)-1u)) == 0) +     \
				MBX_MUST_STREAM_(                              \
					direction, max,                        \
					(uint64_t)(slots) *                    \
						(8u + MBX_ROUND4(max))),       \
			{ max, (slots) * (8u + MBX_ROUND4(max)) }, { 0, 0 },   \
			type                                                   \
	}

/* Nothing (0), or no program: what does not hold here gives a negative size. */
#define MBX_MUST_(holds) (0u * (uint32_t)sizeof(char[(holds) ? 1 : -1]))
#define MBX_MUST_STREAM_(direction, max, total)                                \
	MBX_MUST_(((direction) == MBX_H2R || (direction) == MBX_R2H) &&        \
		  (max) >= 1 && (max) <= MBX_MAX_MESSAGE &&                    \
		  (total) <= MBX_MAX_REGION)
#define MBX_MUST_CALL_(direction, max, depth)                                  \
	MBX_MUST_STREAM_(direction, 8u + (max),                                \
			 MBX_RING_BYTES_(depth, 8u + (max)))
#define MBX_MUST_NAME_(name)                                                   \
	MBX_MUST_(sizeof(name) >= 2 && sizeof(name) <= MBX_NAME_BYTES)

#define MBX_CHANNEL_ID_(id, name, ...) id,
#define MBX_CHANNEL_ROW_(id, name, ...)                                        \
	{ &(name)[MBX_MUST_NAME_(name)], __VA_ARGS__ },
#define MBX_DECLARE_CHANNELS(table, LIST)                                      \
	enum { LIST(MBX_CHANNEL_ID_) table##_count };                          \
	static const struct mbx_channel table[] = { LIST(MBX_CHANNEL_ROW_) }

#endif
