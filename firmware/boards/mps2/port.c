/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of mbx/port.h: SysTick is the clock, UART1 the doorbell. */
#include "board.h"

#include <mbx/port.h>

/*
 * How much of the shared RAM becomes the region. All of it would do as well,
 * but formatting then takes longer.
 */
#ifndef MBX_REGION_BYTES
#define MBX_REGION_BYTES 65536u
#endif
_Static_assert(MBX_REGION_BYTES <= BOARD_REGION_MAX, "more than there is");

/*
 * How often to look without a doorbell. 0 is for the test of the doorbell: no
 * tick at all, and a clock that stands still once SysTick has gone round.
 */
#ifndef MBX_TICK_HZ
#define MBX_TICK_HZ 50u
#endif

#if MBX_TICK_HZ
#define TICK_US	    (1000000u / MBX_TICK_HZ)
#define TICK_CYCLES (BOARD_CLOCK_HZ / MBX_TICK_HZ)
#define TICK_ON	    7 /* processor clock, interrupt, on */
#else
#define TICK_US	    0u
#define TICK_CYCLES (1u << 24)
#define TICK_ON	    5
#endif
_Static_assert(TICK_CYCLES <= 1u << 24, "SysTick has 24 bits");
#define CYCLES_A_US (BOARD_CLOCK_HZ / 1000000u)

#define REG(addr)    (*(volatile uint32_t *)(addr))
#define SYST_CSR     REG(0xe000e010u)
#define SYST_RVR     REG(0xe000e014u)
#define SYST_CVR     REG(0xe000e018u)
#define NVIC_ISER(n) REG(0xe000e100u + 4u * ((n) / 32u))
#define SCB_ICSR     REG(0xe000ed04u)
#define PENDSTSET    (1u << 26)

/* What mbx_port_boot_reason() says; tools show it as hex. */
enum { POWER_ON = 0, RESET = 1, RESET_AFTER_DEATH = 2 };

#define ALIVE 0x616c6976u
#define DEAD  0x64656164u

static struct cmsdk_uart *const doorbell = (struct cmsdk_uart *)BOARD_UART1;
static uint32_t life __attribute__((section(".noinit")));
static uint32_t boot_reason;
static volatile uint32_t ticks;
static uint32_t last_us;

void board_init(void)
{
	boot_reason = life == ALIVE  ? RESET
		      : life == DEAD ? RESET_AFTER_DEATH
				     : POWER_ON;
	life = ALIVE;

	SYST_RVR = TICK_CYCLES - 1u;
	SYST_CVR = 0;
	SYST_CSR = TICK_ON;

	doorbell->bauddiv = 16;
	doorbell->ctrl = UART_TX_ENABLE | UART_RX_ENABLE | UART_RX_IRQ;
	NVIC_ISER(BOARD_UART1_RX_IRQ) = 1u << (BOARD_UART1_RX_IRQ % 32u);
}

void board_died(void)
{
	life = DEAD;
}

uint32_t mbx_port_boot_reason(void)
{
	return boot_reason;
}

uintptr_t mbx_port_region(uint32_t *bytes)
{
	*bytes = MBX_REGION_BYTES;
	return BOARD_REGION;
}

/* ---- time ---- */

void board_tick(void)
{
	ticks++;
}

/*
 * The tick is raised when the counter reaches 0, so 0 is the start of a tick.
 * With interrupts masked one may be pending that @ticks does not count yet; the
 * counter is read again then, since the first value may be from before.
 * Whoever masks interrupts for longer than a tick loses ticks, and the clock
 * stands still instead of going backwards.
 */
uint32_t mbx_port_time_us(void)
{
	uint32_t was = mbx_port_mask(), whole = ticks, left = SYST_CVR, now;

	if (SCB_ICSR & PENDSTSET) {
		left = SYST_CVR;
		whole++;
	}
	now = whole * TICK_US;
	if (left)
		now += (TICK_CYCLES - left) / CYCLES_A_US;
	if (now - last_us < 0x80000000u)
		last_us = now;
	else
		now = last_us;
	mbx_port_unmask(was);
	return now;
}

/* ---- doorbell ---- */

/*
 * That it came is all there is to know: sleep has ended. The interrupt is
 * cleared before the byte is taken, since taking it lets the next one in; the
 * other way round would clear the next one's interrupt, and with its byte left
 * in the register no further one could ever come.
 */
void board_doorbell(void)
{
	doorbell->intstatus = UART_RX_PENDING;
	(void)doorbell->data;
}

/* Full means that a ring is under way already, so there is nothing to wait for. */
void mbx_port_ring(void)
{
	uint32_t was = mbx_port_mask();

	if (!(doorbell->state & UART_TXFULL))
		doorbell->data = '!';
	mbx_port_unmask(was);
}

/*
 * WFI ends for an interrupt that is pending, masked or not: a doorbell between
 * the question and the WFI is not lost. It is served once they are unmasked.
 */
void mbx_port_sleep(int (*idle)(void *), void *arg)
{
	__asm__ volatile("cpsid i" ::: "memory");
	if (idle(arg))
		__asm__ volatile("dsb sy\n\twfi" ::: "memory");
	__asm__ volatile("cpsie i\n\tisb" ::: "memory");
}
