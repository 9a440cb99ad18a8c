/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What applications may use of the board besides mbx/port.h. Included at the
 * end of board.h, whose addresses it needs.
 */
#ifndef MPS2_H
#define MPS2_H

#include <stdint.h>

/* How the peer may wake this side: enum mbx_wakeup, for the link's config. */
#define BOARD_WAKEUP MBX_WAKE_DOORBELL

/* Light the first LED, or not. Any context. */
static inline void board_led(uint32_t on)
{
	*(volatile uint32_t *)BOARD_LEDS = on ? 1u : 0u;
}

/*
 * It makes no sense to go on: say @why on UART0 (115200 8N1, QEMU's first
 * -serial), then sleep until somebody resets the board. Any context.
 */
void board_stop(const char *why) __attribute__((noreturn));

/*
 * From now on this core can write the region's bytes from @from up to @to, and
 * only read all others of its memory, on pain of a fault; the MPU also makes all
 * of it Normal, shareable and non-cacheable. See PORTING.md. Thread context.
 * Stops the board if an end is not on 32 bytes.
 */
void board_protect(uint32_t from, uint32_t to);

/* Shared by the files in this folder and the boards'. */
struct cmsdk_uart {
	volatile uint32_t data, state, ctrl, intstatus, bauddiv;
};
#define UART_TXFULL	1u /* state */
#define UART_TX_ENABLE	1u /* ctrl */
#define UART_RX_ENABLE	2u
#define UART_RX_IRQ	8u
#define UART_RX_PENDING 2u /* intstatus, write 1 to clear */

int main(void);
void reset(void);
void board_init(void);
void board_guard_stack(void); /* an overflow shall fault */
void board_tick(void);	      /* SysTick's handler */
void board_doorbell(void);    /* the handler of UART1's receive interrupt */
void board_died(void);	      /* the next boot shall know */

#endif
