/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board_protect() for boards with an Armv7 MPU: one region makes all of the
 * shared memory read-only, and those with higher numbers, which win, give back
 * what is this core's.
 */
#include "board.h"

#include "pmsav7.h"

#include <mbx/port.h>

#define OWN (BOARD_MPU_SHARED + 1u)

_Static_assert((BOARD_REGION_MAX & (BOARD_REGION_MAX - 1u)) == 0,
	       "one region covers it");

void board_protect(uint32_t from, uint32_t to)
{
	struct pmsav7_region own[BOARD_MPU_REGIONS - OWN] = { { 0 } };
	int n = pmsav7_cover(BOARD_REGION + from, BOARD_REGION + to, own,
			     BOARD_MPU_REGIONS - OWN);
	uint32_t was, i;

	if (n < 0)
		board_stop("board_protect: the MPU cannot divide there");
	was = mbx_port_mask();
	__asm__ volatile("dmb sy" ::: "memory");
	board_mpu_share(BOARD_MPU_SHARED, BOARD_REGION,
			PMSAV7_SIZE(__builtin_ctz(BOARD_REGION_MAX)), 0);
	for (i = 0; i < BOARD_MPU_REGIONS - OWN; i++)
		board_mpu_share(OWN + i, own[i].base, own[i].size, 1);
	__asm__ volatile("dsb sy\n\tisb" ::: "memory");
	mbx_port_unmask(was);
}
