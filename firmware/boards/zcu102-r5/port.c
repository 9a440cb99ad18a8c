/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of mbx/port.h: one counter of TTC0 is the clock, another the
 * tick, and the doorbell is an IPI or UART1, as board.h says.
 */
#include "board.h"

#include <mbx/port.h>

/* How often to look without a doorbell; 0, for a test of the doorbell: never. */
#ifndef MBX_TICK_HZ
#define MBX_TICK_HZ 50u
#endif

#define REG(addr) (*(volatile uint32_t *)(addr))

/* Counter @n, 0 to 2, of a triple timer counter */
#define TTC_CLOCK(n)	REG(BOARD_TTC + 0x00u + 4u * (n))
#define TTC_CONTROL(n)	REG(BOARD_TTC + 0x0cu + 4u * (n))
#define TTC_VALUE(n)	REG(BOARD_TTC + 0x18u + 4u * (n))
#define TTC_INTERVAL(n) REG(BOARD_TTC + 0x24u + 4u * (n))
#define TTC_STATUS(n)	REG(BOARD_TTC + 0x54u + 4u * (n)) /* read clears */
#define TTC_ENABLE(n)	REG(BOARD_TTC + 0x60u + 4u * (n))

enum { CLOCK = 0, TICK = 1 };

#define TTC_PRESCALE(log2) (((log2)-1u) << 1 | 1u) /* clock */
#define TTC_OFF		   0x31u /* control: and the counter to 0 */
#define TTC_ON		   0x32u /* count to the interval, restart now */
#define TTC_AT_INTERVAL	   1u	 /* status, enable */

/* 256 / 133 MHz: 1.9 us, and 16 bits of it (silicon has 32) last for 126 ms. */
#define CLOCK_SHIFT 8u
#define TICK_SHIFT  12u
#define TICK_COUNTS (133u * (244u / MBX_TICK_HZ)) /* of 4.096 ms: see below */
#if MBX_TICK_HZ
_Static_assert(TICK_COUNTS <= 1u << 16, "QEMU's counters have 16 bits");
#endif

#define UART_CR	      REG(BOARD_UART1 + 0x00u)
#define UART_IER      REG(BOARD_UART1 + 0x08u)
#define UART_ISR      REG(BOARD_UART1 + 0x14u) /* write 1 to clear */
#define UART_RXTRIG   REG(BOARD_UART1 + 0x20u)
#define UART_SR	      REG(BOARD_UART1 + 0x2cu)
#define UART_FIFO     REG(BOARD_UART1 + 0x30u)
#define UART_ON	      0x17u /* CR: transmit and receive, both emptied */
#define UART_RECEIVED 0x01u /* IER, ISR: as many as RXTRIG says */
#define UART_RX_EMPTY 0x02u /* SR */
#define UART_TX_FULL  0x10u

#define IPI_ISR	      REG(BOARD_IPI + 0x10u) /* write 1 to clear */
#define IPI_IER	      REG(BOARD_IPI + 0x18u)
#define IPI_FROM_HOST 1u

#define HOST_IRQ     (32u + BOARD_HOST_SPI)
#define GICD_ISPENDR REG(BOARD_GICD + 0x200u + 4u * (HOST_IRQ / 32u))

/* What mbx_port_boot_reason() says; tools show it as hex. */
enum { POWER_ON = 0, RESET = 1, RESET_AFTER_DEATH = 2 };

#define ALIVE 0x616c6976u
#define DEAD  0x64656164u

static uint32_t life __attribute__((section(".noinit")));
static uint32_t boot_reason;
static uint32_t clock_us, clock_rest, clock_value;

void board_init(void)
{
	boot_reason = life == ALIVE  ? RESET
		      : life == DEAD ? RESET_AFTER_DEATH
				     : POWER_ON;
	life = ALIVE;
	REG(BOARD_RESET_WORD) = 0;

	TTC_CLOCK(CLOCK) = TTC_PRESCALE(CLOCK_SHIFT);
	TTC_INTERVAL(CLOCK) = 0xffffu;
	TTC_ENABLE(CLOCK) = 0;
	TTC_CONTROL(CLOCK) = TTC_ON;
#if MBX_TICK_HZ
	TTC_CLOCK(TICK) = TTC_PRESCALE(TICK_SHIFT);
	TTC_INTERVAL(TICK) = TICK_COUNTS - 1u;
	TTC_ENABLE(TICK) = TTC_AT_INTERVAL;
	TTC_CONTROL(TICK) = TTC_ON;
#endif
	UART_CR = UART_ON;
	UART_RXTRIG = 1;
	UART_IER = UART_RECEIVED;
	IPI_IER = IPI_FROM_HOST;
}

void board_died(void)
{
	life = DEAD;
	TTC_ENABLE(TICK) = 0;
	TTC_CONTROL(TICK) = TTC_OFF;
	(void)TTC_STATUS(TICK);
}

uint32_t mbx_port_boot_reason(void)
{
	return boot_reason;
}

uintptr_t mbx_port_region(uint32_t *bytes)
{
	*bytes = BOARD_REGION_MAX;
	return BOARD_REGION;
}

/* ---- time ---- */

/*
 * What the counter has moved since it was last read. The tick reads it often
 * enough; without a tick, or while interrupts are masked for longer than the
 * counter takes to go round, the clock loses that time.
 */
uint32_t mbx_port_time_us(void)
{
	uint32_t was = mbx_port_mask(), value = TTC_VALUE(CLOCK) & 0xffffu;

	clock_rest += ((value - clock_value) & 0xffffu) << CLOCK_SHIFT;
	clock_value = value;
	clock_us += clock_rest / (BOARD_TTC_HZ / 1000000u);
	clock_rest %= BOARD_TTC_HZ / 1000000u;
	value = clock_us;
	mbx_port_unmask(was);
	return value;
}

/*
 * QEMU rounds a counter's event down to a nanosecond, and the count that has
 * passed by then down as well. A counter that was read in between can come up
 * short by less than a nanosecond, and by instructions counted (-icount) that
 * last bit never passes: QEMU hangs. So the tick begins anew after each look, with a
 * period that is whole nanoseconds, and the clock before it comes round.
 */
void board_tick(void)
{
	(void)TTC_STATUS(TICK);
	TTC_CONTROL(TICK) = TTC_ON;
	mbx_port_time_us();
	TTC_CONTROL(CLOCK) = TTC_ON;
	clock_value = 0;
}

/* ---- doorbell ---- */

/*
 * That it came is all there is to know: sleep has ended. The interrupts are
 * cleared before the bytes are taken; the other way round would lose one that
 * came in between. Whoever left the magic word wants all of it to begin anew.
 */
void board_doorbell(void)
{
	IPI_ISR = IPI_FROM_HOST;
	UART_ISR = UART_RECEIVED;
	while (!(UART_SR & UART_RX_EMPTY))
		(void)UART_FIFO;
	if (REG(BOARD_RESET_WORD) == BOARD_RESET_MAGIC)
		reset();
}

/*
 * Whichever of the two has nobody listening does no harm. A full UART means that
 * a ring is under way already, so there is nothing to wait for.
 */
void mbx_port_ring(void)
{
	uint32_t was = mbx_port_mask();

	__asm__ volatile("dsb sy" ::: "memory");
	GICD_ISPENDR = 1u << (HOST_IRQ % 32u);
	if (!(UART_SR & UART_TX_FULL))
		UART_FIFO = '!';
	mbx_port_unmask(was);
}

/*
 * WFI ends for an interrupt that is pending, masked or not: a doorbell between
 * the question and the WFI is not lost. It is served once they are unmasked.
 */
void mbx_port_sleep(int (*idle)(void *), void *arg)
{
	__asm__ volatile("cpsid if" ::: "memory");
	if (idle(arg))
		__asm__ volatile("dsb sy\n\twfi" ::: "memory");
	__asm__ volatile("cpsie if\n\tisb" ::: "memory");
}
