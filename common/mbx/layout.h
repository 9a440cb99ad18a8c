/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in a region, as C. LAYOUT.md is the specification; a test holds
 * the two together, for every compiler.
 */
#ifndef MBX_LAYOUT_H
#define MBX_LAYOUT_H

#include <mbx/word.h>

#define MBX_MAGIC	   0x3178626du /* the bytes "mbx1" in memory */
#define MBX_LAYOUT_MAJOR   1u	       /* differs: cannot be used */
#define MBX_LAYOUT_MINOR   0u /* differs: the older side ignores the newer's */
#define MBX_LAYOUT_VERSION (MBX_LAYOUT_MAJOR << 16 | MBX_LAYOUT_MINOR)

/* At offset 0. Written by the formatting side, magic last, then never again. */
struct mbx_super {
	struct mbx_word magic, version, region_bytes, instance, layout_hash,
		channels, line_bytes, section_align, host_off, remote_off,
		directory_off, text_off, end_off, formatter, reserved, check;
};

/* A ring or slots of one channel, in the directory. */
struct mbx_dir_stream {
	struct mbx_word max_bytes, bytes, data_off, read_off;
};

/* The directory: one entry a channel, written with the superblock. */
struct mbx_dir_entry {
	struct mbx_word name[4], kind, type_hash, type_off, slots;
	struct mbx_dir_stream fwd, back;
};

/* At host_off and remote_off: what a side says of itself. */
struct mbx_side_block {
	struct mbx_word state, session, ack, beat, time_us, instance,
		layout_hash, code_version, boot_reason, wakeup, owner,
		reserved[5];
};

/* Values of mbx_side_block.state. */
enum mbx_side_state {
	MBX_SIDE_DOWN = 0,
	MBX_SIDE_ATTACHING = 1, /* waits for the peer's acknowledgement */
	MBX_SIDE_UP = 2,
	MBX_SIDE_INCOMPATIBLE = 3, /* built with another layout; went away */
};

/* At a queue's data_off, in the producer's section; the ring one line on. */
struct mbx_tx_block {
	struct mbx_word full;  /* bit 0: wants room; 31..1: sends without */
	struct mbx_word owner; /* Linux: pid of the process that sends */
};

/* At a queue's read_off, in the consumer's section. */
struct mbx_rx_block {
	struct mbx_word read;  /* bit 0: the message here is in hand */
	struct mbx_word wait;  /* bit 0: asleep; 31..1: impossible words */
	struct mbx_word owner; /* Linux: pid of the process that receives */
};

/* At data_off of a state or log channel; the slots one line on. */
struct mbx_slots_block {
	struct mbx_word begin; /* number of the last record begun */
	struct mbx_word end;   /* number of the last record finished */
	struct mbx_word owner;
};

struct mbx_slot {
	struct mbx_word stamp_us;
	struct mbx_word info; /* bit 31: written; 27..24 level; 23..0 bytes */
			      /* data words follow */
};

/* Record headers of a queue: all else in the place of one is impossible. */
#define MBX_HDR_MSG 0xb6000000u /* plus the length in bytes */
#define MBX_HDR_PAD 0xf6000000u /* plus the bytes behind it to the end */

/* Calls: what stands before a request's and a reply's payload. */
struct mbx_call_head {
	struct mbx_word id;  /* chosen by the caller, echoed */
	struct mbx_word arg; /* request: timeout in us; reply: its status */
};

#define MBX_SLOT_WRITTEN     0x80000000u
#define MBX_SLOT_LEVEL_SHIFT 24
#define MBX_SLOT_BYTES_MASK  0x00ffffffu

/* What mbx_side_block.wakeup says of the ways to wake the side. */
enum mbx_wakeup {
	MBX_WAKE_POLL = 0, /* it looks by itself, now and then */
	MBX_WAKE_DOORBELL =
		1,	    /* a line or socket arranged outside the region */
	MBX_WAKE_FUTEX = 2, /* FUTEX_WAKE on the word that it waits for */
};

#ifdef __cplusplus
#define MBX_STATIC_ASSERT static_assert
#else
#define MBX_STATIC_ASSERT _Static_assert
#endif

MBX_STATIC_ASSERT(sizeof(struct mbx_super) == 64, "superblock");
MBX_STATIC_ASSERT(sizeof(struct mbx_dir_entry) == 64, "directory entry");
MBX_STATIC_ASSERT(sizeof(struct mbx_side_block) == 64, "side block");
MBX_STATIC_ASSERT(sizeof(struct mbx_tx_block) == 8, "producer's block");
MBX_STATIC_ASSERT(sizeof(struct mbx_rx_block) == 12, "consumer's block");
MBX_STATIC_ASSERT(sizeof(struct mbx_slots_block) == 12, "slots' block");

#endif
