/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every crash point: what plays, what a snapshot of it is, and who looks.
 *
 * cortex_scenes.c has the scenes: two sides of a small region with every kind of
 * channel, of which the remote, the mortal, is going to die in the midst of a
 * call. They are played in firmware, and in cortex_check.c, which reads the
 * snapshots that were taken of the former, lets a new life recover from each, and
 * compares what the survivor and the new life find with what was done.
 *
 * A snapshot is the shared memory as it is: the region, and the note behind it.
 * Whoever takes them does so before each instruction while note.open is 1, and
 * counts the instructions in note.executed of his copy; if nothing of the region
 * has changed since the last one, it may be left out. They follow each other in
 * a file without anything in between.
 */
#ifndef VERIFY_CORTEX_H
#define VERIFY_CORTEX_H

#include <mbx/link.h>

#define CRASH_BYTES    4096u  /* of the region */
#define CRASH_LONGEST  20u    /* bytes of a message */
#define CRASH_NEW_LIFE 128u   /* number of the first message of a new life */
#define CRASH_NUMBERS  256u   /* of messages of one side */
#define CRASH_LIVENESS 50000u /* us */

/* Behind the region: written by the scenes, but for @executed. */
struct crash_note {
	uint32_t open;	   /* a call of the mortal's is under way */
	uint32_t scene;	   /* which */
	uint32_t told;	   /* how many of its calls have returned */
	uint32_t executed; /* instructions so far while open */
};

struct crash_shot {
	uint32_t region[CRASH_BYTES / 4u];
	struct crash_note note;
};

/* What a side has done to the channels, as the other side could see. */
struct crash_did {
	uint32_t fresh;	  /* the region is to be formatted */
	uint32_t sent;	  /* messages that are visible, ever */
	uint32_t taken;	  /* and taken from the other side */
	uint32_t in_hand; /* the next one was peeked and not released */
	uint32_t state;	  /* records finished */
	uint32_t log;
	uint32_t asked;	   /* requests that are visible */
	uint32_t answered; /* replies that are visible */
	uint32_t served;   /* requests that are released */
	uint32_t serving;  /* the next one was taken and not released */
};

/* One life of a side: all private memory. */
struct crash_side {
	enum mbx_side is;
	uint32_t life; /* of this side, from 1 */
	uint32_t events;
	struct mbx_link link;
	struct mbx_tx tx;
	struct mbx_rx rx;
	struct mbx_writer state, log;
	struct mbx_reader state_in, log_in;
	struct mbx_caller caller;
	struct mbx_server server;
	struct mbx_request request;
	uint32_t request_number;
	uint32_t put;			   /* in the batch that is open */
	uint32_t was_in_hand, was_serving; /* by the life before */
	uint32_t replies;		   /* taken, stale ones too */
	uint32_t record, record_life;	   /* the last one read; 0: none */
	uint32_t missed, last_log;	   /* before it; of the log */
	int heard, taking;		   /* what listen, take returned */
	struct crash_did did;
};

struct crash_world {
	uintptr_t base;
	uint32_t now_us;
	uint32_t scene, skew, told;
	struct crash_side mortal, survivor;
	struct crash_did halfway; /* of the mortal, if a call has two effects */
	uint32_t has_halfway;
	uint8_t bytes[2][CRASH_NUMBERS]; /* of each side's messages */
};

uint32_t crash_scenes(void);
const char *crash_text(uint32_t scene, uint32_t *skew);

/*
 * Play a scene in the region at @base to its end, with crash_begin() and
 * crash_end() round each of the mortal's calls.
 */
void crash_play(struct crash_world *w, uintptr_t base, uint32_t scene);

/* One word of a scene's text, by @s: see cortex_scenes.c. */
void crash_do(struct crash_world *w, struct crash_side *s, const char *word);

/* A life of @is, not attached. */
void crash_new_life(struct crash_world *w, struct crash_side *s,
		    enum mbx_side is, uint32_t life);

/* Is it message @number of side @from? */
int crash_is_message(const struct crash_world *w, enum mbx_side from,
		     uint32_t number, const uint8_t *buf, int bytes);

/* ---- of the program that plays ---- */

void crash_begin(struct crash_world *w);
void crash_end(struct crash_world *w);
_Noreturn void crash_wrong(const struct crash_world *w, int line,
			   const char *what);

#define crash_must(w, truth)                                                   \
	((truth) ? (void)0 : crash_wrong(w, __LINE__, #truth))

#endif
