/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From reset to main(), and the end of all that went wrong.
 *
 * On the AN521 only CPU0 leaves reset: CPU1 waits until somebody clears its bit
 * in CPUWAIT, which nobody here does.
 */
#include "board.h"

#include "../bare.h"

#define REG(addr)    (*(volatile uint32_t *)(addr))
#define SYST_CSR     REG(0xe000e010u)
#define NVIC_ICER(n) REG(0xe000e180u + 4u * (n))
#define SCB_VTOR     REG(0xe000ed08u)
#define SCB_CFSR     REG(0xe000ed28u)
#define SCB_HFSR     REG(0xe000ed2cu)
#define SCB_MMFAR    REG(0xe000ed34u)
#define SCB_BFAR     REG(0xe000ed38u)

#define MMFAR_VALID (1u << 7) /* CFSR: the MPU refused this address */

/* CFSR: STKOF (Armv8-M), STKERR, MSTKERR: no room for an exception's frame */
#define STACK_FAULTS (1u << 20 | 1u << 12 | 1u << 4)

#define IRQS   64u
#define RX_IRQ (16u + BOARD_UART1_RX_IRQ)

extern uint32_t __stack_bottom[], __stack_top[];

static void fault(void);

typedef void (*handler)(void);

/* Faults, and exceptions that nobody asked for, end in fault(). */
__attribute__((section(".vectors"),
	       used)) static const handler vectors[16u + IRQS] = {
	[0] = (handler)(uintptr_t)__stack_top,
	[1] = reset,
	[2 ... 14] = fault,
	[15] = board_tick,
	[16 ... RX_IRQ - 1u] = fault,
	[RX_IRQ] = board_doorbell,
	[RX_IRQ + 1u ... 15u + IRQS] = fault,
};

void reset(void)
{
	bare_fill_memory();
	SCB_VTOR = (uint32_t)vectors;
	board_guard_stack();
	board_init();
	main();
	board_stop("main() returned");
}

/* ---- the end ---- */

void board_put_char(char c)
{
	struct cmsdk_uart *uart = (struct cmsdk_uart *)BOARD_UART0;
	uint32_t patience = 100000;

	while (uart->state & UART_TXFULL && --patience)
		;
	uart->data = (uint8_t)c;
}

static void begin_last_words(void)
{
	struct cmsdk_uart *uart = (struct cmsdk_uart *)BOARD_UART0;

	__asm__ volatile("cpsid i" ::: "memory");
	SYST_CSR = 0;
	NVIC_ICER(0) = ~0u;
	NVIC_ICER(1) = ~0u;
	board_died();
	uart->bauddiv = BOARD_CLOCK_HZ / 115200u;
	uart->ctrl = UART_TX_ENABLE;
	bare_put_text("mbx: " BOARD_NAME " stopped: ");
}

static void __attribute__((noreturn)) end_last_words(void)
{
	bare_put_text("; reset the board\n");
	for (;;)
		__asm__ volatile("wfi");
}

void board_stop(const char *why)
{
	begin_last_words();
	bare_put_text(why);
	end_last_words();
}

static int is_in_stack(const uint32_t *sp)
{
	return (uint32_t)sp >= (uint32_t)__stack_bottom &&
	       (uint32_t)sp + 32u <= (uint32_t)__stack_top;
}

/* @sp is where the processor left R0-R3, R12, LR, PC and xPSR, if it could. */
static void __attribute__((used, noreturn)) report_fault(const uint32_t *sp)
{
	uint32_t number, cfsr = SCB_CFSR;

	__asm__ volatile("mrs %0, ipsr" : "=r"(number));
	begin_last_words();
	bare_put_text(cfsr & STACK_FAULTS ? "stack overflow" : "fault");
	bare_put_hex(", exception 0x", number);
	bare_put_hex(" cfsr 0x", cfsr);
	bare_put_hex(" hfsr 0x", SCB_HFSR);
	bare_put_hex(" address 0x", cfsr & MMFAR_VALID ? SCB_MMFAR : SCB_BFAR);
	bare_put_hex(" sp 0x", (uint32_t)sp);
	if (!(cfsr & STACK_FAULTS) && is_in_stack(sp)) {
		bare_put_hex(" pc 0x", sp[6]);
		bare_put_hex(" lr 0x", sp[5]);
	}
	end_last_words();
}

/* The stack may be what broke, so the report begins a new one. */
static void __attribute__((naked)) fault(void)
{
	__asm__ volatile("mrs r0, msp\n\t"
			 "movw r1, #:lower16:__stack_top\n\t"
			 "movt r1, #:upper16:__stack_top\n\t"
			 "msr msp, r1\n\t"
			 "b report_fault");
}
