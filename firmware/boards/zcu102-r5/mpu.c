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

#include <mbx/port.h>

/* Access: never execute, who may what, and the kind of memory */
#define NO_EXECUTE 0x1000u
#define READ_WRITE 0x0100u
#define READ_ONLY  0x0500u
#define NON_CACHED 0x000cu /* Normal, shareable, non-cacheable */
#define DEVICE	   0x0005u /* shareable */

/* Regions up to SHARED are set once; OWN and on are what board_protect() says. */
enum { CODE, DATA, RESET_WORD, DEVICES, GIC, SHARED, OWN, REGIONS = 16 };

_Static_assert(BOARD_REGION_MAX == 1u << 16, "SHARED's size");

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
	set_region(SHARED, BOARD_REGION, PMSAV7_SIZE(16),
		   READ_WRITE | NON_CACHED | NO_EXECUTE);
	for (i = OWN; i < REGIONS; i++)
		set_region(i, 0, 0, 0);
	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	sctlr = (sctlr | 1u) & ~(1u << 17); /* M, and no BR: no background */
	__asm__ volatile("dsb\n\t"
			 "mcr p15, 0, %0, c1, c0, 0\n\t"
			 "isb" ::"r"(sctlr)
			 : "memory");
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
	__asm__ volatile("dmb sy" ::: "memory");
	set_region(SHARED, BOARD_REGION, PMSAV7_SIZE(16),
		   READ_ONLY | NON_CACHED | NO_EXECUTE);
	for (i = 0; i < REGIONS - OWN; i++)
		if (i < (uint32_t)n)
			set_region(OWN + i, own[i].base, own[i].size,
				   READ_WRITE | NON_CACHED | NO_EXECUTE);
		else
			set_region(OWN + i, 0, 0, 0);
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	mbx_port_unmask(was);
}
