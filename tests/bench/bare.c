/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that an image of the benchmarks needs of a core: a start, and
 * semihosting to print and to end. Cortex-M and Cortex-R.
 */
#include "bare.h"

#if __ARM_ARCH_PROFILE == 'M'
#define SEMIHOSTING "bkpt 0xab"
#else
#define SEMIHOSTING "svc 0xab"
#endif
#define SYS_WRITE0	   4u
#define SYS_EXIT	   0x18u
#define APPLICATION_EXIT   0x20026u
#define APPLICATION_FAILED 0x20023u

int main(void);
void reset(void);
extern char stack_top[];

static void semihosting(uint32_t op, uintptr_t arg)
{
	register uint32_t r0 __asm__("r0") = op;
	register uintptr_t r1 __asm__("r1") = arg;

	__asm__ volatile(SEMIHOSTING : "+r"(r0) : "r"(r1) : "memory");
}

void bare_print(const char *text)
{
	semihosting(SYS_WRITE0, (uintptr_t)text);
}

void bare_print_number(uint32_t n)
{
	char text[11], *p = text + sizeof(text) - 1;

	*p = 0;
	do
		*--p = (char)('0' + n % 10u);
	while (n /= 10u);
	bare_print(p);
}

static __attribute__((used, noreturn)) void run(void)
{
	semihosting(SYS_EXIT, main() ? APPLICATION_FAILED : APPLICATION_EXIT);
	for (;;)
		;
}

__attribute__((naked, noreturn)) void reset(void)
{
	__asm__("ldr r0, =stack_top\n\tmov sp, r0\n\tbl run");
}

#if __ARM_ARCH_PROFILE == 'M'
static void fault(void)
{
	semihosting(SYS_EXIT, APPLICATION_FAILED);
	for (;;)
		;
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
	stack_top,     (void *)reset, (void *)fault, (void *)fault,
	(void *)fault, (void *)fault, (void *)fault,
};
#endif
