/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On zcu102-r5, what stands in for remoteproc's stop and start: a word that asks
 * for it, and a ring that nobody waits for.
 */
#ifndef TESTS_R5_H
#define TESTS_R5_H

#include "../unit/host.h"

#include "../../firmware/boards/zcu102-r5/board.h"

/* @memory: what is before the address in the name of a region of its memory */
static inline struct mbx_word *open_reset_word(struct mbx_region *page,
					       const char *memory)
{
	char name[160];

	snprintf(name, sizeof(name), "%s%#x+4K", memory, BOARD_RESET_WORD);
	assert_mbx(mbx_region_open(page, name, 0, 0), 0);
	return page->base;
}

/* The word is 0 once the next life has begun. */
static inline void reset_r5(struct mbx_word *word, void (*ring)(void))
{
	int i;

	mbx_st_release(word, BOARD_RESET_MAGIC);
	ring();
	for (i = 0; i < PATIENCE_MS && mbx_ld(word); i++)
		usleep(1000);
	assert_true(i < PATIENCE_MS);
}

#endif
