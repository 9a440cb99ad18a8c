/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State and log: numbered records in a ring of slots, the oldest overwritten.
 *
 * The two are one mechanism. A state's reader wants the newest record, a log's
 * reader each one in turn. The writer never waits and knows nothing of its
 * readers, which may be any number and map the region read-only. Records
 * survive their writer's death: the log of a crashed core is still there.
 *
 * Common to all functions: never block, structs are private memory of the
 * caller. Shared accesses, for a record of n words: write 4 + n; next 7 + 2n, as it
 * may look at a second record; newest 4 (4 + n), as it tries that often; attach of
 * a reader 2 and one for each slot. Within a try, no word is loaded twice.
 */
#ifndef MBX_SLOTS_H
#define MBX_SLOTS_H

#include <mbx/channel.h>
#include <mbx/err.h>
#include <mbx/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mbx_slots_place {
	struct mbx_word mbx_shared *ctl;  /* struct mbx_slots_block */
	struct mbx_word mbx_shared *slot; /* the first struct mbx_slot */
	uint32_t slots;			  /* a power of two */
	uint32_t max_bytes;		  /* of one record */
	uint8_t memory; /* enum mbx_memory, where the port asks for it */
};

struct mbx_writer {
	struct mbx_slots_place at;
	uint32_t number; /* of the last record written */
};

struct mbx_reader {
	struct mbx_slots_place at;
	uint32_t next; /* number of the record wanted next */
};

/* What is known of a record that was read. */
struct mbx_record {
	uint32_t number;   /* counts the records of this channel, wraps */
	uint32_t missed;   /* records lost to this reader just before it */
	uint32_t stamp_us; /* the writer's clock when it was written */
	uint8_t level;	   /* log: enum mbx_level */
};

/* Levels of log records: the numbers and the order of syslog (RFC 5424). */
enum mbx_level {
	MBX_LOG_ERROR = 3,
	MBX_LOG_WARNING = 4,
	MBX_LOG_INFO = 6,
	MBX_LOG_DEBUG = 7,
};

/* Take up the writer's end, going on behind an earlier life's last record. */
void mbx_writer_attach(struct mbx_writer *w, const struct mbx_slots_place *at);

/*
 * Write a record of @bytes, overwriting the oldest. @level is 0..15 and 0 for
 * a state. Any context on the writer's core, ISRs too: interrupts are masked
 * meanwhile (mbx_port_mask()), for about max_bytes / 4 stores. On Linux, one
 * thread at a time.
 *
 * Returns 0, or
 *   MBX_EMSGSIZE	@bytes exceeds max_bytes; nothing written
 */
int mbx_writer_write(struct mbx_writer *w, unsigned int level, const void *data,
		     uint32_t bytes, uint32_t now_us);

/* Take up a reader's end, before the oldest record that is still there. */
void mbx_reader_attach(struct mbx_reader *r, const struct mbx_slots_place *at);

/* Forget what is there: the next record read is the next one written. */
void mbx_reader_skip(struct mbx_reader *r);

/*
 * The newest record, whether it was read before or not. rec->missed counts
 * those overwritten or passed over since the last one read.
 *
 * Returns its length in bytes, or
 *   MBX_ENODATA	nothing was ever written
 *   MBX_EAGAIN		the writer overtook this reader at each of some tries
 *   MBX_EMSGSIZE	it is longer than @cap
 *   MBX_EPROTO		the slot holds what no honest writer writes
 */
int mbx_reader_newest(struct mbx_reader *r, void *buf, uint32_t cap,
		      struct mbx_record *rec);

/*
 * The next record in order; those overwritten before this reader came are
 * counted in rec->missed.
 *
 * Returns its length in bytes, or
 *   MBX_EAGAIN		no new record (or overtaken: call again)
 *   MBX_EMSGSIZE	it is longer than @cap; it stays the next
 *   MBX_EPROTO		the slot holds what no honest writer writes; the next
 *			call goes on with the record after it
 */
int mbx_reader_next(struct mbx_reader *r, void *buf, uint32_t cap,
		    struct mbx_record *rec);

#ifdef __cplusplus
}
#endif
#endif
