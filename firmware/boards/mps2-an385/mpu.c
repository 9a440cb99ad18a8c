/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protection by the MPU of Armv7-M: eight regions over the default memory map;
 * where two hold an address, the higher number decides.
 */
#include "board.h"

#include "pmsav7.h"

#include <mbx/port.h>

#define REG(addr) (*(volatile uint32_t *)(addr))
#define MPU_CTRL  REG(0xe000ed94u)
#define MPU_RBAR  REG(0xe000ed9cu)
#define MPU_RASR  REG(0xe000eda0u)

#define MPU_ON	  5u /* and the default map where there is no region */
#define NUMBER(n) ((n) | 1u << 4)

/* RASR: never execute, who may do what, and Normal, shareable, non-cacheable */
#define NO_ACCESS  (1u << 28)
#define READ_WRITE (1u << 28 | 1u << 24 | 1u << 19 | 1u << 18)
#define READ_ONLY  (1u << 28 | 5u << 24 | 1u << 19 | 1u << 18)

enum { GUARD = 0, SHARED = 1, OWN = 2, REGIONS = 8 };

_Static_assert(BOARD_REGION_MAX == 1u << 24, "SHARED's size");

extern uint32_t __stack_bottom[];

static void set_region(uint32_t number, uint32_t base, uint32_t size_access)
{
	MPU_RBAR = base | NUMBER(number);
	MPU_RASR = size_access;
}

/* The stack is the first thing in RAM: shut the 64 KiB below it. */
void board_guard_stack(void)
{
	set_region(GUARD, (uint32_t)__stack_bottom - 0x10000u,
		   NO_ACCESS | PMSAV7_SIZE(16));
	MPU_CTRL = MPU_ON;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

void board_protect(uint32_t from, uint32_t to)
{
	struct pmsav7_region own[REGIONS - OWN];
	int n = pmsav7_cover(BOARD_REGION + from, BOARD_REGION + to, own,
			     REGIONS - OWN);
	uint32_t was, i;

	if (n < 0)
		board_stop("board_protect: the MPU cannot divide there");
	was = mbx_port_mask();
	__asm__ volatile("dmb" ::: "memory");
	MPU_CTRL = 0;
	set_region(SHARED, BOARD_REGION, READ_ONLY | PMSAV7_SIZE(24));
	for (i = 0; i < REGIONS - OWN; i++)
		if (i < (uint32_t)n)
			set_region(OWN + i, own[i].base,
				   READ_WRITE | own[i].size);
		else
			set_region(OWN + i, 0, 0);
	MPU_CTRL = MPU_ON;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	mbx_port_unmask(was);
}
