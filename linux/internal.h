/* SPDX-License-Identifier: BSD-2-Clause */
/* What libmbx's files share among themselves. */
#ifndef MBX_INTERNAL_H
#define MBX_INTERNAL_H

#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64 /* mem: above 2 GiB on 32-bit hosts */
#endif
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* OFD locks, memfd_create(): include this file first */
#endif

#include <mbx/mbx.h>

#include <stdbool.h>
#include <time.h>

/* ---- region.c ---- */

/* Note the text behind an error for mbx_errmsg(); returns @err. */
int mbxi_fail(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The same for an everyday answer, whose text few ask for: @fmt, a constant with
 * a %s for @name (a channel's) and a %d, is filled in when somebody does.
 */
int mbxi_fail_later(int err, const char *fmt, const char *name, int number);

/* An errno as an mbx error; those that mbx has no name for are MBX_EIO. */
int mbxi_errno(int e);

/*
 * Locks, one byte each, that die with their holder: 0 and 1 are the sides'
 * lives, others the offset of what is owned. @fd is of mbxi_lock_open(), which
 * makes it -1 for memory that nobody else can open: there, all are free.
 */
int mbxi_lock_open(const struct mbx_region *r, int *fd);
bool mbxi_lock_take(int fd, uint32_t off);
void mbxi_lock_drop(int fd, uint32_t off);

/* ---- doorbell.c ---- */

#define MBXI_WATCH_MAX 64

/* A word to watch: there is news once it differs from @idle. */
struct mbxi_watch {
	const struct mbx_word *word;
	uint32_t idle;
};

struct mbxi_bell;

/*
 * Make the doorbell named @name (see mbx.h); NULL or "" is the automatic one.
 */
int mbxi_bell_open(struct mbxi_bell **bell, const char *name);
void mbxi_bell_close(struct mbxi_bell *bell);

/* How the peer can wake this side: enum mbx_wakeup. */
uint32_t mbxi_bell_wakeup(const struct mbxi_bell *bell);

/* Whether the peer uses futexes, too. */
void mbxi_bell_peer(struct mbxi_bell *bell, bool futex);

/* Ring: wake the peer, which sleeps on @word. Never blocks. */
void mbxi_bell_ring(struct mbxi_bell *bell, const struct mbx_word *word);

/* Sleep until the bell rings, a watched word changes, or @us have passed. */
void mbxi_bell_wait(struct mbxi_bell *bell, const struct mbxi_watch *watch,
		    int count, uint32_t us);

/* A descriptor that is readable after a ring; or a negative error. */
int mbxi_bell_fd(struct mbxi_bell *bell);

/* Before the caller polls that descriptor: watch these, forget old rings. */
void mbxi_bell_arm(struct mbxi_bell *bell, const struct mbxi_watch *watch,
		   int count);

/* ---- mbx.c ---- */

struct mbx_end {
	struct mbx *m;
	struct mbx_end *next;
	uint32_t index; /* of the channel */
	const struct mbx_channel *channel;
	enum {
		END_SENDER,
		END_RECEIVER,
		END_WRITER,
		END_READER,
		END_CALLER,
		END_SERVER,
	} role;
	union {
		struct mbx_tx tx;
		struct mbx_rx rx;
		struct mbx_writer writer;
		struct mbx_reader reader;
		struct mbx_caller caller;
		struct mbx_server server;
	};
	struct mbx_word *owner; /* where our pid stands; NULL: a reader */
	bool first_again;	/* the next message was in hand before */
	bool no_room;		/* a server's last look: no room for a reply */
	bool again;		/* the last one was */
};

struct mbx {
	struct mbx_region region;
	bool own_region;
	struct mbx_link link;
	struct mbx_channel *decls; /* read from the region, or NULL */
	char *texts;
	int lock_fd;
	bool observer;
	bool duty;	    /* this process lives the side's life */
	int dead;	    /* MBX_ESTALE or MBX_EIO, once and for all */
	uint32_t events;    /* happened, not told yet */
	uint32_t looked_ms; /* when the link was last looked at */
	struct mbxi_bell *bell;
	struct mbx_end *ends;
	int timeout_ms;
};

uint32_t mbxi_now_us(void);

/* How long a call may still wait: from the first time that it has to. */
struct mbxi_patience {
	int timeout_ms;
	uint64_t until_us; /* 0: did not have to yet */
};

/* What is left of it, at most the time between two heartbeats; 0: over. */
uint32_t mbxi_left_us(struct mbxi_patience *p);

#define MBXI_LOOK_MS 5u /* how often a busy caller looks at the link */

/* By the kernel's timer tick, of 10 ms at most: a seventh of the exact one. */
static inline uint32_t mbxi_coarse_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint32_t)t.tv_sec * 1000u + (uint32_t)t.tv_nsec / 1000000u;
}

/* Nothing is to be done about the link by this call: what most of them ask. */
static inline bool mbxi_looked(const struct mbx *m)
{
	return !m->dead && mbxi_coarse_ms() - m->looked_ms < MBXI_LOOK_MS;
}

/*
 * Look at the link if that was not done for a while (or @now is set), keep the
 * events for mbx_poll(). Returns 0 or m->dead, explained.
 */
int mbxi_tick(struct mbx *m, bool now);

/* Wake a peer that is not up, and give it a millisecond. */
void mbxi_knock(struct mbx *m);

#endif
