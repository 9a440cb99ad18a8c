/* SPDX-License-Identifier: BSD-2-Clause */
/* A doorbell with faults: see bell.c. */
#ifndef TESTS_BELL_H
#define TESTS_BELL_H

#include <stdint.h>

enum bell_fault {
	BELL_WELL,
	BELL_DROPS,    /* every other ring gets lost */
	BELL_NEVER,    /* every one */
	BELL_LATE,     /* a ring comes, but when all may have changed */
	BELL_DOUBLES,  /* ... and once more */
	BELL_SPURIOUS, /* waits are over without a ring */
	BELL_FAULTS
};

#define BELL_MISSED 4 /* a computer that was stopped does not count */

/* Shared by all processes of a test. */
struct bell {
	enum bell_fault fault;
	uint32_t traffic; /* there is some: nobody sleeps long */
	uint32_t messages, rings, waits, faults;
	uint32_t missed; /* waits that only their time ended: more is the end */
};

struct bell *bell_make(void);

#endif
