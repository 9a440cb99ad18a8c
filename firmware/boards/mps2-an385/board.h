/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of the MPS2+ AN385 (Arm application note 385). */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_NAME	   "mps2-an385"
#define BOARD_CLOCK_HZ	   25000000u
#define BOARD_UART0	   0x40004000u /* text, only when all is lost */
#define BOARD_UART1	   0x40005000u /* the doorbell */
#define BOARD_UART1_RX_IRQ 2u
#define BOARD_LEDS	   0x40028000u /* FPGAIO */
#define BOARD_REGION	   0x21000000u /* PSRAM */
#define BOARD_REGION_MAX   0x01000000u

#include "../mps2/mps2.h"

/* The MPU's regions: the first is the stack's guard. See pmsav7_protect.c. */
#define BOARD_MPU_SHARED  1u
#define BOARD_MPU_REGIONS 8u

/* Region @number over shared memory; @size as PMSAV7_SIZE(), 0: off. */
void board_mpu_share(uint32_t number, uint32_t base, uint32_t size,
		     int writable);

#endif
