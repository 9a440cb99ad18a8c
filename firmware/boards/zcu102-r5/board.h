/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first Cortex-R5F of a Xilinx ZCU102 (Zynq UltraScale+), as QEMU's
 * machine xlnx-zcu102 has it.
 *
 * That machine wires no interrupt to the R5: of its GIC there is nothing. QEMU's
 * monitor can lay the wires instead, and the firmware knows which: the tick is
 * its IRQ, the doorbell its FIQ. One ELF runs in both of these:
 *
 * Beside Linux, loaded by "-device loader,file=demo.elf", with -S and then
 *
 *	qom-set /machine/soc/rpu-cluster/rpu-cpu[0] start-powered-off false
 *	qom-set /machine/soc/ttc[0] sysbus-irq[1] /machine/soc/rpu-cluster/rpu-cpu[0]/unnamed-gpio-in[0]
 *	qom-set /machine/soc/ipi APU[0] /machine/soc/ipi/IPI_INPUTS[0]
 *	qom-set /machine/soc/ipi sysbus-irq[0] /machine/soc/rpu-cluster/rpu-cpu[0]/unnamed-gpio-in[1]
 *	system_reset
 *	cont
 *
 * Linux rings by storing 1 to 0xff300000 and is rung by SPI 100 (edge).
 *
 * Without Linux, with a process on the emulator's host that maps DDR from a
 * file: "mbx sim --board zcu102-r5" does it all. UART1's interrupt is wired to
 * the FIQ, and a byte each way is a ring.
 *
 * The firmware does not know which of the two it is in: it takes either
 * doorbell, and rings both.
 *
 * On silicon both interrupts come through the RPU's GIC (0xf9000000), of which
 * nothing is done here; the IPI block to read is the RPU's own (0xff310000), which
 * Linux triggers by bit 8 of 0xff300000.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_NAME	 "zcu102-r5"
#define BOARD_REGION	 0x3ed80000u /* DDR that Linux keeps out of: no-map */
#define BOARD_REGION_MAX 0x00010000u

#define BOARD_UART0    0xff000000u /* text, only when all is lost */
#define BOARD_UART1    0xff010000u /* the doorbell without Linux */
#define BOARD_IPI      0xff300000u /* the doorbell from Linux */
#define BOARD_GICD     0xf9010000u /* Linux's GIC: the doorbell to it, by */
#define BOARD_HOST_SPI 100u	   /* this interrupt, which nothing else uses */
#define BOARD_TTC      0xff110000u /* TTC0: clock and tick */
#define BOARD_TTC_HZ   133000000u  /* QEMU's; 100 MHz on silicon */

/*
 * The stand-in for remoteproc's stop and start: when this word, behind the
 * region and like it in memory that Linux keeps out of, holds the magic and the
 * doorbell comes, the firmware begins again from its reset vector, at whatever
 * instruction it is, and clears the word. The doorbell is an FIQ, which is
 * masked for nothing but the last question before sleep.
 */
#define BOARD_RESET_WORD  0x3ed90000u
#define BOARD_RESET_MAGIC 0x52455354u /* "TSER" in memory */

/* How the peer may wake this side: enum mbx_wakeup, for the link's config. */
#define BOARD_WAKEUP MBX_WAKE_DOORBELL

/* No light: QEMU has none at this machine's pins. */
static inline void board_led(uint32_t on)
{
	(void)on;
}

/*
 * It makes no sense to go on: say @why on UART0 (115200 8N1; beside Linux that
 * is its console), then sleep until somebody resets the board or asks for a
 * reset by BOARD_RESET_WORD. Any context.
 */
void board_stop(const char *why) __attribute__((noreturn));

/*
 * From now on this core can write the region's bytes from @from up to @to, and
 * only read all others of its memory, on pain of a fault; the MPU also makes all
 * of it Normal, shareable and non-cacheable. See PORTING.md. Thread context.
 * Stops the board if an end is not on 32 bytes.
 */
void board_protect(uint32_t from, uint32_t to);

/* Shared by the files in this folder. */
void reset(void);
void board_init(void);
void board_tick(void);	   /* the handler of IRQ: TTC0's second counter */
void board_doorbell(void); /* the handler of FIQ: IPI, or UART1 received */
void board_died(void);	   /* no more ticks; the next boot shall know */
void board_mpu_init(void);

/* The MPU's regions: those below are fixed. See pmsav7_protect.c. */
#define BOARD_MPU_SHARED  5u
#define BOARD_MPU_REGIONS 16u

/* Region @number over shared memory; @size as PMSAV7_SIZE(), 0: off. */
void board_mpu_share(uint32_t number, uint32_t base, uint32_t size,
		     int writable);

#endif
