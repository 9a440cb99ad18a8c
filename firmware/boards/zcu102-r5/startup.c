/* SPDX-License-Identifier: BSD-2-Clause */
/* From reset to main(), and the end of all that went wrong. */
#include "board.h"

#include "../bare.h"

#define REG(addr) (*(volatile uint32_t *)(addr))

/* Cadence UART */
#define UART_CR(uart)	   REG((uart) + 0x00u)
#define UART_MR(uart)	   REG((uart) + 0x04u)
#define UART_BAUDGEN(uart) REG((uart) + 0x18u)
#define UART_SR(uart)	   REG((uart) + 0x2cu)
#define UART_FIFO(uart)	   REG((uart) + 0x30u)
#define UART_BAUDDIV(uart) REG((uart) + 0x34u)
#define UART_TX_ENABLE	   0x10u /* CR */
#define UART_TX_FULL	   0x10u /* SR */

#define MODE_SVC "0x13"
#define MODE_FIQ "0x11"
#define MODE_IRQ "0x12"
#define MODE_ABT "0x17"

extern uint32_t __stack_bottom[], __stack_top[];

/* Of the modes other than main()'s; the handlers hardly need any. */
#define MODE_STACK 512
static uint8_t __attribute__((aligned(8), used)) irq_stack[MODE_STACK];
static uint8_t __attribute__((aligned(8), used)) fiq_stack[MODE_STACK];
static uint8_t __attribute__((aligned(8), used)) abort_stack[MODE_STACK];

int main(void);
static void start(void) __attribute__((noreturn, used));

/* How exceptions are taken; all else is Thumb. */
#define IN_ARM_STATE __attribute__((used, target("arm")))

/* High vectors: this is at 0xffff0000. */
static void IN_ARM_STATE __attribute__((naked, section(".vectors")))
vectors(void)
{
	__asm__ volatile("b reset\n\t"
			 "b undefined\n\t"
			 "b undefined\n\t" /* SVC: nobody calls */
			 "b prefetch_abort\n\t"
			 "b data_abort\n\t"
			 "b undefined\n\t" /* not used by the architecture */
			 "b irq\n\t"
			 "b fiq");
}

/*
 * Also reached in the middle of everything, from the FIQ: so the MPU goes off
 * first, and nothing is taken to be as a reset leaves it. SCTLR: V set, M, C, I
 * and TE (exceptions in ARM state) clear.
 */
void IN_ARM_STATE __attribute__((naked)) reset(void)
{
	__asm__ volatile("cpsid aif, #" MODE_SVC "\n\t"
			 "mrc p15, 0, r0, c1, c0, 0\n\t"
			 "orr r0, r0, #1 << 13\n\t"
			 "bic r0, r0, #1 << 30\n\t"
			 "bic r0, r0, #1 << 12\n\t"
			 "bic r0, r0, #5\n\t"
			 "dsb\n\t"
			 "mcr p15, 0, r0, c1, c0, 0\n\t"
			 "isb\n\t"
			 "cps #" MODE_FIQ "\n\t"
			 "ldr sp, =fiq_stack + %c0\n\t"
			 "cps #" MODE_IRQ "\n\t"
			 "ldr sp, =irq_stack + %c0\n\t"
			 "cps #" MODE_SVC "\n\t"
			 "ldr sp, =__stack_top\n\t"
			 "b start" ::"i"(MODE_STACK));
}

/* The initial values of .data are kept apart: each start copies them anew. */
static void start(void)
{
	bare_fill_memory();
	board_mpu_init();
	board_init();
	__asm__ volatile("cpsie aif" ::: "memory");
	main();
	board_stop("main() returned");
}

static void IN_ARM_STATE __attribute__((interrupt("IRQ"))) irq(void)
{
	board_tick();
}

static void IN_ARM_STATE __attribute__((interrupt("FIQ"))) fiq(void)
{
	board_doorbell();
}

/* ---- the end ---- */

void board_put_char(char c)
{
	uint32_t patience = 100000;

	while (UART_SR(BOARD_UART0) & UART_TX_FULL && --patience)
		;
	UART_FIFO(BOARD_UART0) = (uint8_t)c;
}

/* Linux's console is left as Linux set it up. */
static void open_console(void)
{
	if (UART_CR(BOARD_UART0) & UART_TX_ENABLE)
		return;
	UART_BAUDGEN(BOARD_UART0) = 124; /* 100 MHz / (124 * 7) = 115207 */
	UART_BAUDDIV(BOARD_UART0) = 6;
	UART_MR(BOARD_UART0) = 0x20; /* 8N1 */
	UART_CR(BOARD_UART0) = UART_TX_ENABLE;
}

static void begin_last_words(void)
{
	__asm__ volatile("cpsid i" ::: "memory");
	board_died();
	open_console();
	bare_put_text("mbx: " BOARD_NAME " stopped: ");
}

/* The FIQ stays on, for somebody may ask for a reset. */
static void __attribute__((noreturn)) end_last_words(void)
{
	bare_put_text("; reset the board\n");
	for (;;)
		__asm__ volatile("cpsie f\n\tdsb\n\twfi" ::: "memory");
}

void board_stop(const char *why)
{
	begin_last_words();
	bare_put_text(why);
	end_last_words();
}

static uint32_t is_below_stack(uint32_t address)
{
	return (uint32_t)__stack_bottom - address - 1u < 0x10000u;
}

/* @pc did it; @sp and @lr are the thread's. */
static void __attribute__((used, noreturn))
report_fault(const char *what, uint32_t pc, uint32_t sp, uint32_t lr)
{
	uint32_t dfsr, dfar, ifsr;

	__asm__ volatile("mrc p15, 0, %0, c5, c0, 0" : "=r"(dfsr));
	__asm__ volatile("mrc p15, 0, %0, c6, c0, 0" : "=r"(dfar));
	__asm__ volatile("mrc p15, 0, %0, c5, c0, 1" : "=r"(ifsr));
	begin_last_words();
	bare_put_text(what[0] == 'd' && is_below_stack(dfar) ? "stack overflow"
							     : "fault");
	bare_put_text(", ");
	bare_put_text(what);
	bare_put_hex(" dfsr 0x", dfsr);
	bare_put_hex(" ifsr 0x", ifsr);
	bare_put_hex(" address 0x", dfar);
	bare_put_hex(" sp 0x", sp);
	bare_put_hex(" pc 0x", pc);
	bare_put_hex(" lr 0x", lr);
	end_last_words();
}

/*
 * The stack may be what broke, so the report begins another one, always at its
 * top: a fault in the report is the last one.
 */
#define FAULT(name, text, offset)                                              \
	static void IN_ARM_STATE __attribute__((naked)) name(void)             \
	{                                                                      \
		__asm__ volatile("sub r1, lr, #" #offset "\n\t"                \
				 "cps #" MODE_SVC "\n\t"                       \
				 "mov r2, sp\n\t"                              \
				 "mov r3, lr\n\t"                              \
				 "cps #" MODE_ABT "\n\t"                       \
				 "ldr sp, =abort_stack + %c0\n\t"              \
				 "ldr r0, =1f\n\t"                             \
				 "b report_fault\n\t"                          \
				 ".ltorg\n"                                    \
				 "1: .asciz \"" text "\"\n\t"                  \
				 ".balign 4" ::"i"(MODE_STACK));               \
	}

FAULT(undefined, "undefined instruction", 2) /* of Thumb, as all but this is */
FAULT(prefetch_abort, "prefetch abort", 4)
FAULT(data_abort, "data abort", 8)
