/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of the Armv7 MPU (Cortex-M3 to M7, Cortex-R): a region is a
 * power of two in size and place, and from 256 bytes on each of its eight parts
 * can be left out. Boards add how a region is written to their core.
 */
#ifndef PMSAV7_H
#define PMSAV7_H

#include <stdint.h>

/* What a region's base and size registers take; the size with "on" in it. */
struct pmsav7_region {
	uint32_t base, size;
};

/* All of 2^@log2 bytes, 5 to 31, and on. */
#define PMSAV7_SIZE(log2) ((uint32_t)((log2)-1) << 1 | 1u)

/*
 * Cover the addresses from @from up to @to, and no others, by at most @most
 * regions.
 *
 * Returns how many it took, or -1: it takes more, or an end is not a multiple of
 * 32, which no region can do.
 */
int pmsav7_cover(uint32_t from, uint32_t to, struct pmsav7_region *regions,
		 int most);

#endif
