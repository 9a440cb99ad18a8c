/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare.h"

extern uint32_t __data_start[], __data_end[], __data_load[];
extern uint32_t __bss_start[], __bss_end[];

void bare_fill_memory(void)
{
	const uint32_t *from = __data_load;
	uint32_t *to;

	for (to = __data_start; to < __data_end;)
		*to++ = *from++;
	for (to = __bss_start; to < __bss_end;)
		*to++ = 0;
}

void bare_put_text(const char *text)
{
	while (*text)
		board_put_char(*text++);
}

void bare_put_hex(const char *name, uint32_t value)
{
	int shift;

	bare_put_text(name);
	for (shift = 28; shift >= 0; shift -= 4)
		board_put_char("0123456789abcdef"[value >> shift & 15u]);
}
