/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The explorer: runs the two sides of a scenario in every order, lets each load
 * return every value that C11 allows it (stale ones too), and lets either side
 * die before any access; with the code of common/ as it is.
 *
 * The memory model is RC11 without load buffering, told by views: each word has
 * the list of all values stored there, each side a place in each list behind
 * which it may not read again. Release stores and fences hand views on.
 * Sequentially consistent fences share one view. A store becomes visible to
 * each reader when the reader chooses, so only loads and fences are points where
 * the other side may come in.
 *
 * States that were seen before are not explored again: a state is the readable
 * part of the lists, the views, what each side has been told since its last
 * checkpoint, and the scenario's account. They are told apart by 64-bit hashes.
 * Nor is a state explored from which less can follow than from one that was.
 */
#ifndef VERIFY_EXPLORE_H
#define VERIFY_EXPLORE_H

#include <mbx/link.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MAX_WORDS
#define MAX_WORDS 64u /* few are fast: a view is as many bytes */
#endif

extern struct mbx_word shared[MAX_WORDS]; /* addresses; the values are lists */

struct scenario {
	uint32_t words;		/* of shared[] that are used */
	uint32_t constant;	/* of the first ones: nobody stores there */
	int one_writer;		/* each word: checked, and made use of */
	void *account;		/* what is true of the run so far: the */
	uint32_t account_bytes; /* scenario's own, not the sides' */
	void *private_of[2];	/* all that a side knows at a checkpoint */
	uint32_t private_bytes[2];
	void (*begin)(void);	/* zero accounts, explore_set() words */
	void (*life)(int side); /* one life of a side, to its end */
	void (*died)(int side); /* it did; account for it */
	void (*end)(void);	/* neither side can go on: as it should? */
	int (*may_be_stale)(uint32_t word); /* or NULL: each word may */
	void (*stored)(int side, uint32_t word, uint32_t value); /* or NULL */
};

/* The scenario, configured from the arguments by option(). */
extern struct scenario scenario;
void scenario_configure(void);

/* name=value of the command line, or @otherwise. */
uint32_t option(const char *name, uint32_t otherwise);

/* ---- for scenarios ---- */

void explore_set(struct mbx_word *w,
		 uint32_t value); /* before the first life */
void explore_settle(void);	  /* all that was stored so far, too */
uint32_t choose(uint32_t n);	  /* every value below @n, in turn */
void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* The side is told @v of the account, and may act on it. Returns it. */
uint32_t learn(uint32_t v);

/* All that this side knows is in its private memory now, nothing on its stack */
void checkpoint(void);

/* Each shared word that is loaded between the two is waited for to change. */
void watch(void);
void await_change(void);
/* The same; or, when neither side can go on, time: returns 1 if that passed. */
int await_change_or_time(void);

/* For end(): from now on as @side, alone, and nothing is stale any more. */
void explore_calmly(int side);

/* A doorbell: remembered while nobody waits for it. Brings no view along. */
void ring_bell(int side);
void await_bell(void);

/* Since watch(): shared loads and stores of this side; loads of a word again. */
uint32_t accesses(void);
int loaded_twice(void);

#endif
