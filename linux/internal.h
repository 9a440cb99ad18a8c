/* SPDX-License-Identifier: BSD-2-Clause */
/* What libmbx's files share among themselves. */
#ifndef MBX_INTERNAL_H
#define MBX_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* OFD locks, memfd_create(): include this file first */
#endif

#include <mbx/mbx.h>

#include <stdbool.h>
#include <sys/types.h>
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

#define MBXI_ERRMSG 512

/* An errno as an mbx error; those that mbx has no name for are MBX_EIO. */
int mbxi_errno(int e);

/*
 * Locks, one byte each, that die with their holder: 0 and 1 are the sides'
 * lives, others the offset in the region of what is owned. They are taken on
 * the file of mbxi_lock_open(), at the region's address in it, so that slices
 * of one file have their own. It is -1 for memory that nobody else can open:
 * there, all are free.
 */
int mbxi_lock_open(const struct mbx_region *r, int *fd);
bool mbxi_lock_take(const struct mbx *m, uint32_t off);
void mbxi_lock_drop(const struct mbx *m, uint32_t off);

/*
 * A lock could not be had: because of one for reading, which takes no right to
 * write? MBX_EBUSY then, explained.
 */
int mbxi_lock_kept(const struct mbx *m, uint32_t off);

/* A piece of memory, or of a file. */
struct mbxi_span {
	uint64_t start, bytes;
};

/*
 * "64K", "0x10000" and "0x3ed80000+64K": false if it is nothing of the kind;
 * what does not fit is UINT64_MAX. Is a size, is a span one for a region?
 */
bool mbxi_parse_size(const char *s, uint64_t *bytes);
bool mbxi_parse_span(const char *s, struct mbxi_span *span);
bool mbxi_good_size(uint64_t bytes);
/* What keeps it from being a span, for people; NULL: nothing does. */
#define MBXI_FAULT 100
const char *mbxi_span_fault(const char *s, char why[MBXI_FAULT]);
int mbxi_check_span(const char *name, const struct mbxi_span *span);

/*
 * The slice that the region is in a file of so many bytes, which then is all of
 * a board's RAM ("" for others); the same if it holds a region right now.
 */
#define MBXI_SLICE 48
const char *mbxi_ram_slice(uint64_t bytes, char slice[MBXI_SLICE]);
const char *mbxi_held_slice(const struct mbx_region *file,
			    char slice[MBXI_SLICE]);

/*
 * How many letters must be put in, taken out or changed to get from @a to @b, or
 * to its beginning: half a name is a good one.
 */
size_t mbxi_distance(const char *a, const char *b);

/* Map @bytes of @fd as @r->flags say. Returns 0 or -errno, unexplained. */
int mbxi_map(struct mbx_region *r, int fd, uint64_t off, size_t bytes);
void mbxi_unmap(struct mbx_region *r);

/*
 * Have this mapping replaced by zeros rather than the process killed when what
 * it maps goes away; mbxi_unmap() ends that. MBX_ENOMEM: too many, explained.
 */
#define MBXI_GUARDS 64
int mbxi_guard(struct mbx_region *r, const char *name);

/* Say how that is when it has happened: MBX_EIO. */
int mbxi_lost(const struct mbx_region *r);

/* How a kind of name becomes memory: region_file.c, region_phys.c, region_uio.c */
int mbxi_open_file(struct mbx_region *r, const char *name, const char *rest,
		   size_t bytes);
int mbxi_remove_file(const char *name, const char *rest);
int mbxi_open_anon(struct mbx_region *r, const char *name, const char *size,
		   size_t bytes);
int mbxi_open_mem(struct mbx_region *r, const char *name, const char *where,
		  size_t bytes);
int mbxi_open_dt(struct mbx_region *r, const char *name, const char *node,
		 size_t bytes);
int mbxi_open_uio(struct mbx_region *r, const char *name, const char *device,
		  size_t bytes);
int mbxi_open_board(struct mbx_region *r, const char *name, const char *board,
		    size_t bytes);

/* Is a file that stands in for the device @fd long enough to map up to @end? */
int mbxi_check_length(const char *name, int fd, uint64_t end);

/*
 * What is mapped answers, and is guarded; keep, as @r->fd, the file on which
 * owners of physical memory lock its addresses: whichever way they came to it,
 * they meet there. Unmaps on error.
 */
int mbxi_take_physical(struct mbx_region *r, const char *name);

/* ---- hardware.c: what Linux says of it, below the folder MBX_ROOT ---- */

const char *mbxi_root(void);
int mbxi_root_open(const char *path, int how);
bool mbxi_root_has(const char *path);
/* At most @cap bytes of a file: how many, or -1 and errno. */
ssize_t mbxi_root_read(const char *path, void *buf, size_t cap);
bool mbxi_parse_number(const char *s, uint64_t *v);

/* What the addresses of a span are used for, by /proc/iomem: the worst of it. */
struct mbxi_use {
	enum {
		MBXI_FREE,
		MBXI_UNKNOWN, /* not readable, or not for this user */
		MBXI_CLAIMED, /* by the driver @name */
		MBXI_RAM,     /* Linux's own */
	} is;
	uint64_t first, last; /* of what uses them */
	char name[64];
};
void mbxi_find_use(const struct mbxi_span *want, struct mbxi_use *use);

/* A node in the device tree's /reserved-memory. */
struct mbxi_carveout {
	char node[64];
	struct mbxi_span is;
	bool no_map;
	const char *why; /* why it has no address; NULL: it has */
};
/* Until @visit is false; -1: there is no /reserved-memory. */
int mbxi_each_carveout(bool (*visit)(const struct mbxi_carveout *c, void *arg),
		       void *arg);
/* The path in the device tree that a label stands for; or -1. */
int mbxi_label(const char *label, char *path, size_t cap);

struct mbxi_uio {
	unsigned int number;
	char name[64];
};
#define MBXI_UIO_MAPS 5 /* the kernel's MAX_UIO_MAPS */
struct mbxi_uio_map {
	unsigned int index;
	uint64_t address, bytes;
	uint64_t offset; /* from where it is mapped to where it begins */
};
/* These return 0, a descriptor, or an error, explained, about @name. */
int mbxi_uio_find(const char *name, const char *what, struct mbxi_uio *u);
int mbxi_uio_map(const char *name, const struct mbxi_uio *u, const char *map,
		 struct mbxi_uio_map *m);
int mbxi_uio_open(const char *name, const struct mbxi_uio *u, int how);
/* The interrupts of it that Linux has counted, of 32 bits; -1: not known. */
int64_t mbxi_uio_events(const struct mbxi_uio *u);
/* The number of the device whose memory has this address, or -1. */
int mbxi_uio_at(uint64_t address);

/* Is an option "=y" in the kernel's configuration: 1, 0; -1: not readable. */
int mbxi_kernel_option(const char *option);

/* ---- doorbell.c ---- */

#define MBXI_WATCH_MAX 64

/* A word to watch: there is news once it differs from @idle. */
struct mbxi_watch {
	const struct mbx_word *word;
	uint32_t idle;
};

struct mbxi_bell;

/*
 * Before anything else is opened: are the descriptors that @name names, if it
 * does, inherited, and can they be rung? Later, such a number may be that of a
 * file of our own, and a ring be stored in it.
 */
int mbxi_bell_check(const char *name);

/*
 * Make the doorbell named @name (see mbx.h); NULL or "" is the automatic one.
 */
int mbxi_bell_open(struct mbxi_bell **bell, const char *name);
void mbxi_bell_close(struct mbxi_bell *bell);

/* As it was named, or "automatic". */
const char *mbxi_bell_name(const struct mbxi_bell *bell);

/* Is there a line to ring the peer by? A futex is none. */
bool mbxi_bell_rings(const struct mbxi_bell *bell);

/* How the peer can wake this side: enum mbx_wakeup. */
uint32_t mbxi_bell_wakeup(const struct mbxi_bell *bell);

/* The number of the UIO device that a doorbell's name means; -1: none. */
int mbxi_bell_device(const char *name);

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
	int uio; /* number of the doorbell's device; -1: another doorbell */
	struct mbx_end *ends;
	struct mbx_options options; /* as opened with, for reopening */
	char *name;		    /* of the region, for errors */
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
