/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link: a region with its directory, the two sides' lives, and the ends of
 * its channels. This header brings in all of common/.
 *
 * A life on either side:
 *
 *	mbx_link_init(&link, &config);
 *	while ((err = mbx_link_format(&link, now)) == MBX_EAGAIN)   owner only
 *		;
 *	while ((err = mbx_link_attach(&link)) == MBX_EAGAIN)
 *		;
 *	mbx_link_queue(&link, MY_COMMANDS, &place); mbx_rx_attach(&rx, &place);
 *	for (;;) { events = mbx_link_poll(&link, now); ... }
 *
 * Nothing here blocks. A link is used from one context at a time: the thread, or
 * an ISR for mbx_link_poll() alone, whose work is bounded by a dozen words;
 * formatting and attaching touch every word of the layout or the directory.
 */
#ifndef MBX_LINK_H
#define MBX_LINK_H

#include <mbx/call.h>
#include <mbx/channel.h>
#include <mbx/err.h>
#include <mbx/layout.h>
#include <mbx/queue.h>
#include <mbx/slots.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MBX_CODE_VERSION 0x00010000u /* 0.1.0: of the code, not the layout */

/* What to do with @err and the values to show: a mismatch, explained. */
struct mbx_why {
	int16_t channel;       /* index, or -1: the superblock */
	uint8_t word;	       /* which word of the entry or superblock */
	uint32_t ours, theirs; /* its value here, and in the region */
};

struct mbx_link_config {
	uintptr_t base;	    /* where the region is mapped; 0 is allowed */
	uint32_t bytes;	    /* how much is mapped there */
	enum mbx_side side; /* which one this is */
	const struct mbx_channel *channels; /* kept, not copied */
	uint32_t count;
	uint32_t line_bytes; /* to format with: 4..4096, 0 = 64 */
	uint32_t page_bytes; /* 64..65536, 0 = 4096; at least a line is taken */
	uint32_t liveness_us;	/* peer silent for so long is down; 0 = 2 s */
	uint32_t wakeup;	/* enum mbx_wakeup, for the peer to read */
	uint32_t boot_reason;	/* for tools */
	uint32_t owner;		/* Linux: the pid; firmware: 0 */
	enum mbx_memory memory; /* how it is mapped; 0: by words only */
};

/*
 * Private memory of the caller; its fields may be read, not written. Bytes come
 * first, where Thumb's short instructions reach them.
 */
struct mbx_link {
	struct mbx_why why; /* of the last MBX_EMISMATCH, EVERSION, ... */
	uint8_t beaten;	    /* the peer's beat was seen to change */
	uint8_t formatting; /* the peer is asked to let go */
	uint8_t discard;    /* what is there is not to be adopted */
	struct mbx_link_config is;
	uint32_t line, align; /* as formatted */
	uint32_t section[2];  /* offsets of the host's and remote's section */
	uint32_t text_off;
	uint32_t end_off;     /* bytes the layout takes, once computed */
	uint32_t layout_hash; /* once formatted or attached */
	struct mbx_side_block mbx_shared *mine, *peer; /* from attach on */
	uint32_t instance;     /* of the region's formatting; 0: not attached */
	uint32_t session;      /* of this life; 0: an observer */
	uint32_t peer_session; /* of the peer's, 0 while it is not up */
	uint32_t last_session; /* of the peer when it was last up */
	uint32_t peer_beat, peer_seen_us; /* its heartbeat, when it changed */
	uint32_t beat;
	uint32_t incompatible; /* session of a peer that was told of already */
	uint32_t let_go_us;    /* formatting: since when the peer is asked */
};

/* Bits of what mbx_link_poll() returns. */
enum mbx_event {
	MBX_EVENT_UP = 1,	 /* the peer is there and knows of us */
	MBX_EVENT_DOWN = 2,	 /* it left, fell silent, or is starting anew */
	MBX_EVENT_RESTARTED = 4, /* it is up again, in a new life */
	MBX_EVENT_INCOMPATIBLE = 8, /* it found other channels than its own */
	MBX_EVENT_RESET = 16, /* the region is being formatted: MBX_ESTALE */
};

/*
 * Copy the configuration and work out the layout. Touches no shared memory. For
 * configurations of constants, with channels declared by the macros of
 * mbx/channel.h, which the compiler has checked. Nothing else is checked here: a
 * line or page that cannot be is what mbx_link_attach() finds (MBX_ECORRUPT).
 */
void mbx_link_init(struct mbx_link *link, const struct mbx_link_config *config);

/*
 * The same for a configuration and channels from anywhere else, checked first.
 *
 * Returns 0, or
 *   MBX_EINVAL	a channel is declared in a way that cannot be (why.channel); or
 *		(why.channel is -1) base or bytes is not a multiple of 4 or goes
 *		beyond the end of memory, line or page bytes is not a power of
 *		two in range, there are too many channels, or side is neither
 */
int mbx_link_init_checked(struct mbx_link *link,
			  const struct mbx_link_config *config);

/*
 * For the side that owns the layout, before attach: adopt the region if it
 * already has this layout (what is queued in it stays), else format it. A peer
 * attached to another layout is asked to let go first, and given half a second.
 *
 * Returns 1 if it adopted, 0 if it formatted, or
 *   MBX_EAGAIN		the peer has not let go yet: call again
 *   MBX_ENOSPC		the channels need link->end_off bytes
 */
int mbx_link_format(struct mbx_link *link, uint32_t now_us);

/*
 * For the side that owns the layout, when the region's contents turned out to be
 * impossible (MBX_EPROTO, MBX_ECORRUPT) and it decides to give them up: detach,
 * and have the next mbx_link_format() format in any case. What is queued is
 * lost; the peer sees MBX_EVENT_RESET.
 */
void mbx_link_discard(struct mbx_link *link);

/*
 * Check superblock and directory against the declared channels and begin a
 * life: a new session, state "attaching". mbx_link_poll() brings the link up.
 *
 * Returns 0, or, with the details in link->why,
 *   MBX_EAGAIN		not formatted (yet): all zero, or being formatted
 *   MBX_ENOTREGION	something else stands there
 *   MBX_EVERSION	another major version of the layout
 *   MBX_ECORRUPT	the superblock's check does not match its contents, or one
 *			of its words cannot be
 *   MBX_ENOSPC		the region is larger than what is mapped, or that is less
 *			than a superblock
 *   MBX_EMISMATCH	other channels; the peer is told
 */
int mbx_link_attach(struct mbx_link *link);

/*
 * For observers, who map the region read-only: as attach, but without a life.
 * Nothing is stored, ever; only readers of state and log may be used. An
 * observer may poll: the one event it is told of is MBX_EVENT_RESET.
 *
 * Returns as mbx_link_attach().
 */
int mbx_link_observe(struct mbx_link *link);

/*
 * Heartbeat, acknowledgement, and a look at the peer: call it at least a few
 * times per liveness_us, and before trusting link->peer_session.
 *
 * Returns a set of enum mbx_event, 0 for nothing new. After MBX_EVENT_RESET
 * the link is detached; attach again, and all channel ends too. The ends as they
 * are, an ISR's too, are not to be called any more, not even to abort a claim:
 * where they stand something else may be now.
 */
uint32_t mbx_link_poll(struct mbx_link *link, uint32_t now_us);

/* Say good-bye: the peer sees DOWN at once instead of after its patience. */
void mbx_link_detach(struct mbx_link *link);

/*
 * Where channel @index stands, for mbx_tx_attach() and its kin. The positions
 * are computed from the declaration, never taken from the region. For a call,
 * mbx_link_queue() gives the requests and mbx_link_back() the replies.
 *
 * Returns 0, or
 *   MBX_ENOENT		no such channel
 *   MBX_ENOTSUP	it is of another kind
 *   MBX_ENOTCONN	the link is not attached
 */
int mbx_link_queue(const struct mbx_link *link, uint32_t index,
		   struct mbx_queue_place *at);
int mbx_link_back(const struct mbx_link *link, uint32_t index,
		  struct mbx_queue_place *at);
int mbx_link_slots(const struct mbx_link *link, uint32_t index,
		   struct mbx_slots_place *at);

/* A word of the region at @off bytes, for tools; unchecked. */
MBX_INLINE struct mbx_word mbx_shared *mbx_link_word(const struct mbx_link *l,
						     uint32_t off)
{
	return (struct mbx_word mbx_shared *)(l->is.base + off);
}

/* FNV-1a over the bytes of @text (http://www.isthe.com/chongo/tech/comp/fnv/) */
uint32_t mbx_text_hash(const char *text);

#ifdef __cplusplus
}
#endif
#endif
