/* SPDX-License-Identifier: BSD-2-Clause */
/* A doorbell with faults: see bell.c. */
#ifndef TESTS_BELL_H
#define TESTS_BELL_H

#include <stdint.h>
#include <sys/types.h>

enum bell_fault {
	BELL_WELL,
	BELL_LATE,     /* a ring comes, but when all may have changed */
	BELL_DOUBLES,  /* ... and once more */
	BELL_SPURIOUS, /* waits are over without a ring */
	BELL_DROPS,    /* every other ring gets lost */
	BELL_NEVER,    /* every one */
	BELL_FAULTS
};

/* One of the two sides, by enum mbx_side. */
struct bell_side {
	pid_t pid, emulator; /* of the firmware for which this process stands */
	uint32_t sleeps;     /* waits begun and ended: odd within one */
	uint32_t
		wants; /* it has said that it will sleep, and is not awake yet */
};

/* Shared by all processes of a test. */
struct bell {
	enum bell_fault fault;
	uint32_t traffic; /* there is some: waits have no end of their own */
	uint32_t messages, rings, waits, faults;
	struct bell_side side[2];
};

struct bell *bell_make(void);

/* This process is that side from now on; before, its doorbell is as any. */
void bell_join(struct bell *bell, int side);

/* It is not, but passes on the rings of firmware in this emulator. */
void bell_stand_for(pid_t emulator);

/* How many rings there will be of one to that side. */
int bell_faulty(int side);

/* Do rings get lost? */
int bell_loses(const struct bell *bell);

/* Does it take time to wake a side? There is no traffic yet, or rings get lost. */
int bell_waits_for_time(const struct bell *bell);

/* Is a side in a wait that has no end of its own, and its emulator asleep? */
int bell_sleeps(const struct bell *bell, int side);

/*
 * Do both sides sleep, in waits without an end, and has no ring woken either?
 * That is how it will stay, unless somebody else does something. Where only
 * time wakes them, any wait counts.
 */
int bell_all_sleep(const struct bell *bell);

/* So much of their time passes that the wait of one of the sides is over. */
void bell_tick(const struct bell *bell);

#endif
