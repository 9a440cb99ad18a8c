/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On zcu102-r5, what stands in for remoteproc's stop and start: a word that asks
 * for it, and a ring that nobody waits for.
 */
#ifndef TESTS_R5_H
#define TESTS_R5_H

#include "../unit/host.h"

#include "../../firmware/boards/zcu102-r5/board.h"

/* @memory: how the region that has the R5's memory is called, up to its "@" or ":" */
static inline void reset_r5(const char *memory, void (*ring)(void))
{
	struct mbx_region page;
	struct mbx_word *word;
	char name[160];
	int i;

	snprintf(name, sizeof(name), "%s%#x+4K", memory, BOARD_RESET_WORD);
	assert_mbx(mbx_region_open(&page, name, 0, 0), 0);
	word = page.base;
	mbx_st_release(word, BOARD_RESET_MAGIC);
	ring();
	/* it is 0 once the next life has begun */
	for (i = 0; i < PATIENCE_MS && mbx_ld(word); i++)
		usleep(1000);
	mbx_region_close(&page);
	assert_true(i < PATIENCE_MS);
}

#endif
