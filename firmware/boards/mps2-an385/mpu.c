/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MPU of Armv7-M: eight regions over the default memory map; where two hold
 * an address, the higher number decides.
 */
#include "board.h"

#include "pmsav7.h"

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

extern uint32_t __stack_bottom[];

static void set_region(uint32_t number, uint32_t base, uint32_t size_access)
{
	MPU_RBAR = NUMBER(number); /* selects it, to be off meanwhile */
	MPU_RASR = 0;
	MPU_RBAR = base | NUMBER(number);
	MPU_RASR = size_access;
}

/* The stack is the first thing in RAM: shut the 64 KiB below it. */
void board_guard_stack(void)
{
	set_region(0, (uint32_t)__stack_bottom - 0x10000u,
		   NO_ACCESS | PMSAV7_SIZE(16));
	MPU_CTRL = MPU_ON;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

void board_mpu_share(uint32_t number, uint32_t base, uint32_t size,
		     int writable)
{
	set_region(number, base, size | (writable ? READ_WRITE : READ_ONLY));
}
