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

/* Access: never execute, who may what, and the kind of memory */
#define NO_EXECUTE 0x1000u
#define NO_ACCESS  0x0000u
#define READ_WRITE 0x0100u
#define READ_ONLY  0x0500u
#define NON_CACHED 0x000cu /* Normal, shareable, non-cacheable */
#define DEVICE	   0x0005u /* shareable */

/* Size: a power of two, and on */
#define SIZE(log2) (((log2)-1u) << 1 | 1u)

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

void board_mpu_init(void)
{
	uint32_t sctlr, i;

	for (i = 0; i < 16u; i++)
		set_region(i, 0, 0, 0);
	set_region(0, 0xffff0000u, SIZE(16u), READ_ONLY | NON_CACHED);
	set_region(1, (uint32_t)__stack_bottom, SIZE(16u),
		   READ_WRITE | NON_CACHED | NO_EXECUTE);
	set_region(2, BOARD_RESET_WORD, SIZE(12u),
		   READ_WRITE | NON_CACHED | NO_EXECUTE);
	set_region(3, 0xff000000u, SIZE(22u), READ_WRITE | DEVICE | NO_EXECUTE);
	set_region(4, BOARD_GICD, SIZE(12u), READ_WRITE | DEVICE | NO_EXECUTE);
	set_region(5, BOARD_REGION, SIZE(16u),
		   READ_WRITE | NON_CACHED | NO_EXECUTE);
	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	sctlr = (sctlr | 1u) & ~(1u << 17); /* M, and no BR: no background */
	__asm__ volatile("dsb\n\t"
			 "mcr p15, 0, %0, c1, c0, 0\n\t"
			 "isb" ::"r"(sctlr)
			 : "memory");
}
