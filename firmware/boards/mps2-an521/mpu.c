/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protection by the MPU of Armv8-M: regions from one multiple of 32 bytes to
 * another, over the default memory map; no two may hold the same address.
 */
#include "board.h"

#include <mbx/port.h>

#define REG(addr) (*(volatile uint32_t *)(addr))
#define MPU_CTRL  REG(0xe000ed94u)
#define MPU_RNR	  REG(0xe000ed98u)
#define MPU_RBAR  REG(0xe000ed9cu)
#define MPU_RLAR  REG(0xe000eda0u)
#define MPU_MAIR0 REG(0xe000edc0u)

#define MPU_ON	   5u	 /* and the default map where there is no region */
#define NON_CACHED 0x44u /* MAIR0's first kind: Normal, non-cacheable */

/* RBAR: outer shareable, never execute */
#define READ_WRITE 0x11u
#define READ_ONLY  0x15u

extern uint32_t __stack_bottom[];

/* The stack is the first thing in RAM, and the core knows its limit. */
void board_guard_stack(void)
{
	__asm__ volatile("msr msplim, %0" ::"r"(__stack_bottom));
}

static void set_region(uint32_t number, uint32_t from, uint32_t to,
		       uint32_t access)
{
	MPU_RNR = number;
	MPU_RLAR = 0;
	if (from == to)
		return;
	MPU_RBAR = (BOARD_REGION + from) | access;
	MPU_RLAR = (BOARD_REGION + to - 32u) | 1u;
}

void board_protect(uint32_t from, uint32_t to)
{
	uint32_t was = mbx_port_mask();

	if ((from | to) & 31u)
		board_stop("board_protect: the MPU cannot divide there");
	__asm__ volatile("dmb" ::: "memory");
	MPU_CTRL = 0;
	MPU_MAIR0 = NON_CACHED;
	set_region(0, 0, from, READ_ONLY);
	set_region(1, from, to, READ_WRITE);
	set_region(2, to, BOARD_REGION_MAX, READ_ONLY);
	MPU_CTRL = MPU_ON;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	mbx_port_unmask(was);
}
