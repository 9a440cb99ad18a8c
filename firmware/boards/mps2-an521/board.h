/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of the MPS2+ AN521 (Arm application note 521), as CPU0 sees them. */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_NAME	   "mps2-an521"
#define BOARD_CLOCK_HZ	   20000000u
#define BOARD_UART0	   0x50200000u /* text, only when all is lost */
#define BOARD_UART1	   0x50201000u /* the doorbell */
#define BOARD_UART1_RX_IRQ 34u
#define BOARD_LEDS	   0x50302000u /* FPGAIO */
#define BOARD_REGION	   0x80000000u /* PSRAM */
#define BOARD_REGION_MAX   0x01000000u

#include "../mps2/mps2.h"

#endif
