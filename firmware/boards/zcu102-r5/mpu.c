/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this core may touch at all: 16 regions of PMSAv7, the higher number wins,
 * and outside of them everything is a fault.
 *
 * QEMU has no caches, and neither does this use any: on silicon, code and data
 * in OCM may become write-back here and SCTLR.C and .I be set after both caches
 * are invalidated. The shared region has to stay as it is, Normal, shareable and
 * non-cacheable, or mbx_port_clean() and mbx_port_invalidate() be written.
 */
#include "board.h"

#include "pmsav7.h"

/* Access: never execute, who may what, and the kind of memory */
#define NO_EXECUTE 0x1000u
#define READ_WRITE 0x0100u
#define READ_ONLY  0x0500u
#define NON_CACHED 0x000cu /* Normal, shareable, non-cacheable */
#define DEVICE	   0x0005u /* shareable */

/* Set once; the shared memory's, behind them, are board_protect()'s. */
enum { CODE, DATA, RESET_WORD, DEVICES, GIC, FIXED };

_Static_assert(FIXED == BOARD_MPU_SHARED, "the next region");

extern uint32_t __stack_bottom[];

static void set_region(uint32_t number, uint32_t base, uint32_t size,
		       uint32_t access)
{
	__asm__ volatile("mcr p15, 0, %0, c6, c2, 0" ::"r"(number));
	__asm__ volatile("isb");
	__asm__ volatile("mcr p15, 0, %0, c6, c1, 2" ::"r"(0)); /* off */
	__asm__ volatile("mcr p15, 0, %0, c6, c1, 0" ::"r"(base));
	__asm__ volatile("mcr p15, 0, %0, c6, c1, 4" ::"r"(access));
	__asm__ volatile("mcr p15, 0, %0, c6, c1, 2" ::"r"(size));
}

void board_mpu_share(uint32_t number, uint32_t base, uint32_t size,
		     int writable)
{
	set_region(number, base, size,
		   (writable ? READ_WRITE : READ_ONLY) | NON_CACHED |
			   NO_EXECUTE);
}

/* Until board_protect() is called, all of the shared region can be written. */
void board_mpu_init(void)
{
	uint32_t sctlr, i;

	set_region(CODE, 0xffff0000u, PMSAV7_SIZE(16), READ_ONLY | NON_CACHED);
	set_region(DATA, (uint32_t)__stack_bottom, PMSAV7_SIZE(16),
		   READ_WRITE | NON_CACHED | NO_EXECUTE);
	set_region(RESET_WORD, BOARD_RESET_WORD, PMSAV7_SIZE(12),
		   READ_WRITE | NON_CACHED | NO_EXECUTE);
	set_region(DEVICES, 0xff000000u, PMSAV7_SIZE(22),
		   READ_WRITE | DEVICE | NO_EXECUTE);
	set_region(GIC, BOARD_GICD, PMSAV7_SIZE(12),
		   READ_WRITE | DEVICE | NO_EXECUTE);
	board_mpu_share(BOARD_MPU_SHARED, BOARD_REGION, PMSAV7_SIZE(16), 1);
	for (i = BOARD_MPU_SHARED + 1u; i < BOARD_MPU_REGIONS; i++)
		set_region(i, 0, 0, 0);
	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	sctlr = (sctlr | 1u) & ~(1u << 17); /* M, and no BR: no background */
	__asm__ volatile("dsb\n\t"
			 "mcr p15, 0, %0, c1, c0, 0\n\t"
			 "isb" ::"r"(sctlr)
			 : "memory");
}
