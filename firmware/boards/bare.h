/* SPDX-License-Identifier: BSD-2-Clause */
/* What boards without an operating system do alike. */
#ifndef BARE_H
#define BARE_H

#include <stdint.h>

/* Fill .data and clear .bss, as sections.ld places them: before all else. */
void bare_fill_memory(void);

/* Say something when all is lost; the board has board_put_char() for it. */
void bare_put_text(const char *text);
void bare_put_hex(const char *name, uint32_t value);

void board_put_char(char c);

#endif
