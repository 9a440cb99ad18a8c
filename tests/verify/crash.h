/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Death after every instruction. crash.c steps one side through its calls and
 * makes the snapshots; crash_lives.c has the calls, and what must be true of each
 * snapshot.
 */
#ifndef TESTS_VERIFY_CRASH_H
#define TESTS_VERIFY_CRASH_H

#include <stdint.h>

/* What no death touches: how far each side had come, as it was told. */
struct desk {
	volatile uint32_t in_call, at_mark;
	/* the queue: ids sent, and at most begun; taken, and at most begun */
	uint32_t accepted, making, put, taken, taking;
	enum { NO, MAYBE, YES } hand; /* a message was handed out by peek */
	/* state and log: records written, and at most begun */
	uint32_t written, writing;
	/* calls: asked, and at most begun; handed to the server; answered */
	uint32_t asked, asking, serving, served, answered;
	/* what was met on the way */
	uint32_t padding, full, asleep, repeats;
	char why[240];
};
extern struct desk *desk;

#define REGION_BYTES 4096u
extern uint8_t *region;

/* In the stepped child: a stop before each call. Elsewhere just the call. */
extern int stepped;
void mark(void);
#define CALL(expr)                                                             \
	({                                                                     \
		__typeof__(expr) result_;                                      \
		mark();                                                        \
		desk->in_call = 1;                                             \
		result_ = (expr);                                              \
		desk->in_call = 0;                                             \
		result_;                                                       \
	})

/* Says what is wrong, and ends the process. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define check(expr)                                                            \
	do {                                                                   \
		if (!(expr))                                                   \
			fail("line %d: %s", __LINE__, #expr);                  \
	} while (0)

/* How things stand before the calls. */
struct situation {
	uint8_t lib;	/* by libmbx, else by common/ */
	uint8_t memory; /* enum mbx_memory, without libmbx */
	uint8_t warm;	/* messages that went through: where the ring stands */
	uint8_t queued; /* messages that wait */
	uint8_t asleep; /* the other side of the queue wants to be rung */
	uint8_t held;	/* and has the oldest message in hand */
};

struct act {
	const char *name;
	int actor; /* enum mbx_side */
	enum {
		PLAIN,
		QUEUE,	    /* a matter of how the queue stands */
		LIFE,	    /* the actor's last life is over */
		FORMAT,	    /* there is nothing yet */
		FORMAT_ANEW /* there is another layout, and the host up on it */
	} kind;
	void (*calls)(void);
};
extern const struct act acts[];

/* Region and both sides as @s says; the other one lives here. */
void set_up(const struct act *act, const struct situation *s);
/* The other side dies, begins anew, and goes on; then again between calls. */
void other_reborn(const struct act *act);
void other_goes_on(const struct act *act);
/*
 * The actor is dead, perhaps (@both) the other one, too. New lives begin, the
 * other side going on before that if @other_first; nothing may be lost.
 */
void recover(const struct act *act, int both, int other_first);

#endif
