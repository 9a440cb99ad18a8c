/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmbx: the Linux side.
 *
 *	struct mbx *m;
 *	struct mbx_end *ping;
 *
 *	mbx_open(&m, NULL, &(struct mbx_options){ .timeout_ms = 1000 });
 *	mbx_wait_peer(m, 1000);
 *	mbx_end_open(m, "ping", &ping);
 *	mbx_send(ping, "hello", 5, 1000);
 *
 * Every function returns 0 or a count, or a negative enum mbx_err; then
 * mbx_errmsg() says in one line what was wrong, with which value, and what to
 * do. Every function that may wait takes a timeout in milliseconds, 0 for "do
 * not wait"; a negative timeout is MBX_EINVAL.
 *
 * A struct mbx and its ends belong to one thread at a time. Two threads open
 * the region twice. A process should be in some mbx call, or call mbx_poll(),
 * more often than the peer's liveness time (2 s unless it chose otherwise), or
 * the peer takes it for dead until the next call. A child made by fork() leaves
 * its parent's alone, and opens its own; until it ends, or execs, it keeps the
 * parent's locks.
 *
 * Mapping a file or shared memory object, which somebody might truncate later,
 * installs a SIGBUS handler (in front of the one there was, which still gets the
 * signals that are not about a region). A program that installs its own later
 * loses that protection until its next mapping.
 */
#ifndef MBX_MBX_H
#define MBX_MBX_H

#include <mbx/channel.h>
#include <mbx/err.h>
#include <mbx/link.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The text of the calling thread's last error, never NULL; until the next. */
const char *mbx_errmsg(void);

/* ---- regions: memory by a name ---- */

/*
 * Names of regions:
 *	shm:/NAME	a POSIX shared memory object; NAME is [A-Za-z0-9_.-]+
 *	file:PATH	a file: QEMU's RAM, or a saved region
 *	anon:SIZE	new anonymous memory, shared with children by fork()
 *	mem:ADDR+SIZE	physical memory, by /dev/mem
 *	dt:NODE		the same, of a node in the device tree's
 *			/reserved-memory: its name, with or without its address,
 *			its path, or its label
 *	uio:DEVICE[/MAP]
 *			memory of a UIO device, called by its name or number, and
 *			its map likewise (0)
 *	board:NAME	of a board's profile (see struct mbx_board), by the UIO device
 *			that has its address, else as mem:
 * A shm: or file: name may end in "@OFFSET+SIZE": a slice of something larger,
 * as of a board's RAM that an emulator keeps in one file. An "@" that is not
 * followed by just that is a character like others.
 * ADDR, OFFSET and SIZE are C numbers, SIZE with an optional K, M or G; ADDR and
 * OFFSET are multiples of the page size, SIZE of 4.
 *
 * The last four are physical memory, mapped as Device memory or as good as:
 * see struct mbx_region. Before mem: and dt: map anything, they look at what
 * Linux says of the addresses (the device tree, /proc/iomem), and refuse RAM that
 * is not reserved with no-map and what a driver has claimed. They take root. By
 * whichever name, owners of one physical address exclude each other, by locks on
 * the UIO device whose memory it is, or on /run/mbx.lock.
 *
 * All that is known of hardware is looked up below the folder named by the
 * environment's MBX_ROOT ("/", unless set): /proc, /sys, /dev, /boot and /run.
 * Of a program that has more rights than its caller (set-user-ID, capabilities of
 * the file), libmbx does not look at the environment.
 *
 * The names of shm: are all users': what another one but root has made there,
 * what anybody may write to, and what is a link is MBX_EACCES or MBX_ENOTSUP;
 * root may look at any user's. What file: names is not judged like that.
 */
enum mbx_region_flags {
	MBX_REGION_CREATE = 1, /* make it: it must not exist yet (mode 0600) */
	MBX_REGION_READ = 2,   /* map read-only */
	MBX_REGION_PRIVATE =
		4, /* copy on write: changes stay in this process */
};

struct mbx_region {
	void *base;
	size_t bytes;
	int fd;	   /* kept for locks and size checks; -1: none */
	int guard; /* the library's own; leave it alone */
	unsigned int flags;
	/*
	 * How it is mapped. MBX_MEMORY_DEVICE: only aligned loads and stores are
	 * safe, of words at best; memcpy() is not.
	 */
	enum mbx_memory memory;
	const char *kind; /* "shm", "file", "anon", "mem", "dt", "uio" */
	uint64_t address; /* physical, or a slice's offset in its file; or 0 */
};

/*
 * Map a region. @name NULL means the environment's MBX_REGION. @bytes is the
 * size to create, or, when not creating, how much to map at most (0: all).
 *
 * Returns 0, or
 *   MBX_EINVAL		the name is not one of the forms above, or no name;
 *			creating a slice
 *   MBX_ENOENT		there is none of that name (MBX_REGION_CREATE not given);
 *			no /dev/mem, no such device, map or node
 *   MBX_EEXIST		there is one already (MBX_REGION_CREATE given)
 *   MBX_ENOSPC		it is smaller than 64 bytes, or ends before the slice
 *   MBX_EACCES, MBX_EPERM	the system refuses, or see shm: above; the text says
 *			which rule
 *   MBX_EBUSY		a driver has claimed that physical memory
 *   MBX_ENOTSUP	it is not a regular file; the node has no fixed address
 *   MBX_ENOMEM		64 regions are mapped already, or as the system says
 *   MBX_EIO		no bus knows the physical address, or what is there has
 *			no power or clock; or as the system says
 */
int mbx_region_open(struct mbx_region *r, const char *name, unsigned int flags,
		    size_t bytes);
void mbx_region_close(struct mbx_region *r);

/*
 * Remove a shm: or file: region's name; those who have it mapped keep it.
 * A file is removed only if it holds an mbx region, only zeros, or nothing; one
 * of which a region is but a slice is not.
 *
 * Returns 0, MBX_ENOTSUP (another kind, a slice), MBX_ENOTREGION (it holds something
 * else), or as mbx_region_open().
 */
int mbx_region_remove(const char *name);

/*
 * What an open region holds: 1 an mbx region, 0 nothing yet (a file of zeros;
 * memory that is no file, whatever is in it), or MBX_ENOTREGION when a file
 * holds something else, which formatting would destroy.
 */
int mbx_region_holds(const struct mbx_region *r);

/*
 * 0 while the mapping is whole; MBX_EIO once the file was truncated under it, or
 * a load from physical memory has ended in a bus error: zeros stand there then.
 */
int mbx_region_check(const struct mbx_region *r);

/* ---- boards: where the memory is ---- */

/* What is known of a board; all texts are constant and never NULL, unless said. */
struct mbx_board {
	const char *name;   /* of the profile, letters, digits and "-" */
	const char *title;  /* board and SoC */
	const char *core;   /* the remote one */
	const char *memory; /* what kind the region is in */
	uint64_t address;   /* of the region, as Linux sees it */
	uint64_t remote;    /* of the same bytes, as the core sees them */
	uint32_t bytes;	    /* of the region */
	uint64_t ram_bytes; /* of all RAM, if "mbx sim" makes it a file; or 0 */
	const char *compatible; /* in the root of the board's device tree */
	const char *remoteproc; /* sysfs's name of the core; NULL: none */
	const char *doorbell;	/* for MBX_DOORBELL */
	const char *hardware;	/* what there is to interrupt the other core */
	const char *notes;	/* what goes wrong on this one */
	const char *source;	/* of these facts */
	const char *tried;	/* where mbx ran on it, or that it did not */
};

/* The profile at @index, from 0; NULL behind the last. */
const struct mbx_board *mbx_board_at(unsigned int index);

/* The one of that name, or NULL: mbx_errmsg() lists them. */
const struct mbx_board *mbx_board_find(const char *name);

/* ---- the link ---- */

struct mbx;

struct mbx_options {
	enum mbx_side side;		    /* which one this process is */
	const struct mbx_channel *channels; /* NULL: as the region says */
	uint32_t count;
	int create;	      /* make the region, format it, be first */
	size_t bytes;	      /* with create; 0: what the channels need */
	int format;	      /* format or adopt; takes up to half a second */
	int observe;	      /* read-only: state, log, tools */
	const char *doorbell; /* NULL: MBX_DOORBELL, else automatic */
	int timeout_ms;	      /* to wait for the region to be formatted */
	uint32_t line_bytes, page_bytes; /* to format with; 0: 64 and 4096 */
	uint32_t liveness_ms; /* peer silent for so long is down; 0: 2 s */
	/*
	 * Only open region, locks and doorbell, and look at nothing that stands in
	 * the region: mbx_reopen() attaches. Whoever needed privileges for the
	 * former gives them up in between. Until then nothing else may be called but
	 * mbx_get_region() and mbx_close().
	 */
	int attach_later;
};

/*
 * Doorbells, as named in MBX_DOORBELL and options.doorbell:
 *	poll[:US]	look every US microseconds (1000)
 *	futex		the peer is a Linux process that does the same
 *	eventfd:IN,OUT	inherited descriptors: wait on IN, ring OUT; each an
 *			eventfd, pipe, socket or character device
 *	socket:PATH	a byte each way: QEMU's UART
 *	uio:DEVICE[,MAP+OFFSET=VALUE]
 *			wait for the interrupt of a UIO device, and switch it on
 *			again; ring by storing VALUE, a word, at OFFSET of one of
 *			its maps. Without that part there is no way to ring: the
 *			peer finds what was sent when it looks by itself
 * Automatic: of a uio: region the device's own interrupt, if it has one; of a
 * board: region in a UIO device's memory, the profile's doorbell; else futex where
 * the peer says so, else poll.
 */

/*
 * Open a region and attach to it. @options NULL: host side, channels as the
 * region says, no waiting. Does not wait for the peer: see mbx_wait_peer().
 * A second opener for the same side shares the side's life: only the ends of
 * channels have owners. The doorbell is the first one's (a line has two ends);
 * the others look every millisecond, and firmware sees what they send at its
 * next wake-up. Should the first one end, another takes over in a new life, and
 * is told MBX_EVENT_DOWN; with the doorbell, unless it has called mbx_fd().
 *
 * Once attached, all of the mapping but this side's own section is read-only to
 * this process, if the region's sections are whole pages of this system: a stray
 * store faults (SIGSEGV) and does not reach the peer. Where sections are on lines
 * (small regions, or formatted with smaller pages) all of it stays writable. An
 * observer's mapping is always read-only.
 *
 * Returns 0, or as mbx_region_open() and mbx_link_attach() (MBX_EAGAIN: still
 * not formatted when the time was up), or
 *   MBX_EINVAL		contradictory options, bad declaration, bad doorbell
 *   MBX_EBUSY		create or format, but another process lives this side's
 *			life; or somebody who may only read the file has taken
 *			a lock that keeps owners out
 */
int mbx_open(struct mbx **m, const char *region,
	     const struct mbx_options *options);

/*
 * The same on memory that is mapped already: anonymous memory shared with a
 * child, a buffer of a test. @region stays the caller's and must outlive *@m; who
 * may write to it is left as it is.
 */
int mbx_open_at(struct mbx **m, const struct mbx_region *region,
		const struct mbx_options *options);

/*
 * After MBX_ESTALE: attach anew to the same mapping, with the options it was
 * opened with; nothing is opened, so that it takes no privileges, and no other
 * process can slip in. All its ends are closed, and what mbx_channel_at() gave is
 * gone: find and open them again. @options' channels must still be there.
 *
 * Returns as mbx_open(); after an error @m may be reopened once more, or closed.
 * MBX_EIO: the region is lost (see mbx_region_check()); close it, and open it by
 * its name.
 */
int mbx_reopen(struct mbx *m);

/* Detach and unmap; closes all ends. NULL is allowed. The region stays. */
void mbx_close(struct mbx *m);

/* Wait until the peer is up: 0, or MBX_ENOTCONN, MBX_ESTALE, MBX_EIO. */
int mbx_wait_peer(struct mbx *m, int timeout_ms);

/*
 * Heartbeat, and what has happened to the link: a set of enum mbx_event (>= 0),
 * or MBX_ESTALE: mbx_reopen(), MBX_EIO: close and open again. Never blocks.
 */
int mbx_poll(struct mbx *m);

/*
 * For an own poll loop: mbx_fd() is a descriptor to poll for input with every
 * doorbell kind. Before each poll(), mbx_arm(): 1 means something is there
 * already (do not sleep), 0 that the peer will ring. After it, mbx_poll(), then
 * empty the channels with timeouts of 0. Poll with a timeout of at most half
 * the liveness time, for the heartbeat.
 * mbx_fd() returns MBX_ENOMEM or a system's error if there is no descriptor.
 */
int mbx_fd(struct mbx *m);
int mbx_arm(struct mbx *m);

/*
 * How many interrupts Linux has counted of the doorbell's UIO device (of an
 * observer: of the one that MBX_DOORBELL or the region names) since its driver
 * was loaded, those that came together counted each; goes round at 2^32. Or
 * MBX_ENOTSUP: it is another doorbell.
 */
int64_t mbx_doorbell_count(const struct mbx *m);

/*
 * Sleep until an end that receives (a queue's, a caller's, a server's) has
 * something, or the link changes, or the time is over; an observer, which nobody
 * can wake, looks every millisecond. New records of a state or log end no wait.
 * Returns as mbx_poll(); 0 also when there is something to take.
 */
int mbx_wait(struct mbx *m, int timeout_ms);

/* What the region says of itself. The link is to be read, not changed. */
const struct mbx_link *mbx_get_link(const struct mbx *m);
const struct mbx_region *mbx_get_region(const struct mbx *m);
uint32_t mbx_channel_count(const struct mbx *m);
const struct mbx_channel *mbx_channel_at(const struct mbx *m, uint32_t index);
int mbx_channel_find(const struct mbx *m, const char *name);

/* A look at one stream of a channel from outside; changes nothing. */
struct mbx_stream_stats {
	uint32_t ring_bytes, used_bytes; /* queue */
	uint32_t messages;		 /* queue: waiting to be taken */
	uint32_t full; /* queue: sends that found no room, a wait counts once */
	uint32_t impossible; /* queue: words the consumer could not believe */
	uint32_t written;    /* state, log: records so far */
	uint32_t writer_pid, reader_pid; /* Linux owners; 0: none or firmware */
	uint8_t wants_room, waits;	 /* producer, consumer asleep */
	uint8_t corrupt;		 /* queue: headers that can't be, now */
};

/* @back: 1 for the replies of a call. Returns 0, MBX_ENOENT, MBX_ENOTSUP. */
int mbx_stream_stats(const struct mbx *m, uint32_t index, int back,
		     struct mbx_stream_stats *stats);

/*
 * Copy the @nth waiting message of a queue (0: the oldest) without taking it;
 * traffic may move meanwhile. Returns its true length (at most @cap bytes are
 * copied), MBX_EAGAIN behind the last, MBX_EPROTO, MBX_ENOENT, MBX_ENOTSUP.
 */
int mbx_stream_look(const struct mbx *m, uint32_t index, int back, uint32_t nth,
		    void *buf, uint32_t cap);

/* ---- ends of channels ---- */

struct mbx_end;

/*
 * This side's end of a channel: of a queue, sender or receiver as its direction
 * says; of a state or log, its writer or a reader; of a call, the caller or the
 * server. Ends other than readers have one owner on this side at a time, by a
 * lock that dies with the process.
 *
 * Returns 0, or
 *   MBX_ENOENT		no such channel
 *   MBX_EBUSY		another has it; mbx_errmsg() names the process, or says
 *			that it is a reader's lock
 *   MBX_ENOMEM, MBX_ESTALE, MBX_EIO
 *   MBX_EACCES		an observer may only read state and log
 *   MBX_EPROTO		what stands in the region is impossible
 */
int mbx_end_open(struct mbx *m, const char *name, struct mbx_end **end);

/* Give the end back, an open batch flushed, a claim dropped. NULL is allowed. */
void mbx_end_close(struct mbx_end *end);

/*
 * Sending, serving and calling wait for the peer too, within their timeout.
 * Common to all below, besides what they say:
 *   MBX_ENOTSUP	the channel is of another kind or direction
 *   MBX_ENOTCONN	the peer is not there (queues, calls)
 *   MBX_ESTALE		the region was formatted again: mbx_reopen()
 *   MBX_EIO		the region is lost: see mbx_region_check()
 *   MBX_EPROTO		an impossible word; the text says which
 *   MBX_EINVAL		negative timeout
 */

/*
 * Queue, sending: copy a message in, make it visible, ring if the peer sleeps.
 * A full MBX_BLOCK channel waits up to @timeout_ms; the others do not wait.
 * Returns 0, 1 if an MBX_DROP channel dropped it, MBX_EMSGSIZE, or MBX_EAGAIN
 * (full, at once or still when the time was up).
 */
int mbx_send(struct mbx_end *end, const void *msg, size_t bytes,
	     int timeout_ms);

/*
 * In batches: put many, which stay invisible, then flush, which shows them at
 * once with one ring. A ring that is full, mbx_send() and mbx_claim() flush too.
 * Put waits and returns as mbx_send(); flush never waits and returns 0.
 */
int mbx_put(struct mbx_end *end, const void *msg, size_t bytes, int timeout_ms);
int mbx_flush(struct mbx_end *end);

/*
 * Put @count messages of @bytes each, which stand one behind the other at @msgs:
 * the cheapest way to send many. Each waits as mbx_put().
 * Returns how many were put, fewer than @count if then one was not (0: an
 * MBX_DROP channel dropped the first); or as mbx_put() if it was the first.
 */
int mbx_put_many(struct mbx_end *end, const void *msgs, size_t bytes,
		 size_t count, int timeout_ms);

/*
 * Zero copy: claim a place for up to @bytes in the ring itself (4-byte aligned,
 * the ring's memory, yours until commit or abort), fill it, then commit with the
 * true length, or abort. Where mbx_get_region() says MBX_MEMORY_DEVICE, fill it by
 * aligned words only, as mbx_copy_in() does, never by memcpy(). One claim at a
 * time; nothing is visible before the commit. Claim waits and returns as
 * mbx_send(), and MBX_EBUSY while another is open; commit and abort never wait
 * and return 0, or for commit MBX_EINVAL (no claim is open), MBX_EMSGSIZE (more
 * than was claimed; the claim stays open).
 */
int mbx_claim(struct mbx_end *end, size_t bytes, void **data, int timeout_ms);
int mbx_commit(struct mbx_end *end, size_t bytes);
int mbx_abort(struct mbx_end *end);

/*
 * Queue, receiving: wait up to @timeout_ms for a message and copy it. What was
 * sent before the peer died can still be taken.
 * Returns its length, or MBX_EAGAIN (none), MBX_EMSGSIZE (longer than @cap; it
 * stays), MBX_ENOTCONN (none, and the peer is not there).
 */
int mbx_recv(struct mbx_end *end, void *buf, size_t cap, int timeout_ms);

/*
 * Zero copy: look at the oldest in the ring itself (4-byte aligned; a hostile
 * peer can change it meanwhile; Device memory by aligned words only, as
 * mbx_copy_out() does), and mark it as in hand until it is released: a
 * process that dies in between leaves it to the next, marked as repeated. Peek
 * waits and returns as mbx_recv(), and gives the same one until the release;
 * release never waits and returns 0, also when nothing is in hand.
 */
int mbx_peek(struct mbx_end *end, const void **data, int timeout_ms);
int mbx_release(struct mbx_end *end);

/* 1 if the message last taken or peeked had been in hand in an earlier life. */
int mbx_repeated(const struct mbx_end *end);

/*
 * State: write the latest value, which has to be just as long as declared. Never
 * waits. Returns 0 or MBX_EMSGSIZE.
 */
int mbx_set(struct mbx_end *end, const void *value, size_t bytes);

/*
 * State: the latest value, its number and how many were passed over since the
 * last get in *@rec (may be NULL), and its age by the writer's own clock, as of
 * its last heartbeat, in *@age_us (may be NULL). The clock goes round in 71.6
 * minutes, and with it the age, and begins anew when firmware does: an age says
 * how fresh the values of a writer are that goes on writing.
 * Returns its length, or MBX_ENODATA, MBX_EMSGSIZE, MBX_EAGAIN.
 */
int mbx_get(struct mbx_end *end, void *buf, size_t cap, struct mbx_record *rec,
	    uint32_t *age_us);

/*
 * Log: write a line, overwriting the oldest; longer ones than declared are cut,
 * and end in "...". Never waits. Returns 0, or MBX_EINVAL (@fmt makes no sense).
 */
int mbx_log(struct mbx_end *end, enum mbx_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Log: the next record, waiting up to @timeout_ms (looks every 10 ms); what is
 * known of it, also how many were missed before it, goes to *@rec (may be NULL).
 * Returns its length in bytes (no terminating NUL), MBX_EAGAIN (none), or
 * MBX_EMSGSIZE (longer than @cap: it stays the next).
 */
int mbx_log_read(struct mbx_end *end, void *buf, size_t cap,
		 struct mbx_record *rec, int timeout_ms);

/*
 * Log, state: go on with the next record written, not with what is there. Never
 * waits. Returns 0.
 */
int mbx_skip(struct mbx_end *end);

/*
 * Call: send a request and wait for its reply. The server's status goes to
 * *@status (may be NULL; then a status other than 0 is returned).
 * Returns the reply's length, or MBX_ETIMEDOUT, MBX_ECONNRESET (the peer went
 * away meanwhile: it may or may not have acted), MBX_EAGAIN (the request queue
 * is full), MBX_EMSGSIZE (the request, or the reply to this buffer: that one is
 * thrown away), MBX_EBUSY (a call is open), MBX_EINVAL (a timeout of 0, or more
 * than 2000000 ms).
 */
int mbx_call(struct mbx_end *end, const void *req, size_t bytes, void *rep,
	     size_t cap, int *status, int timeout_ms);

/*
 * The same in two steps, for poll loops: poll says MBX_EAGAIN until it ends, and
 * MBX_EMSGSIZE where a larger buffer will do until the call's time is up.
 */
int mbx_call_start(struct mbx_end *end, const void *req, size_t bytes,
		   int timeout_ms);
int mbx_call_poll(struct mbx_end *end, void *rep, size_t cap, int *status);

/*
 * Call, serving: take the oldest request, waiting up to @timeout_ms for one and
 * for room to answer it; it stays in the queue until the reply, so that a server
 * that dies in between leaves it to the next, marked as repeated.
 * Serve returns the request's length, MBX_EAGAIN (none, or no room to answer),
 * MBX_EMSGSIZE (longer than @cap; it stays), MBX_EBUSY (one is not answered yet).
 * Reply never waits and returns 0, MBX_EINVAL (no request was taken), or
 * MBX_EMSGSIZE (longer than declared; nothing was sent).
 */
int mbx_serve(struct mbx_end *end, void *req, size_t cap,
	      struct mbx_request *request, int timeout_ms);
int mbx_reply(struct mbx_end *end, const struct mbx_request *request,
	      int status, const void *rep, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
