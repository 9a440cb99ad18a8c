/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of text without a C library. */
#ifndef DEMO_TEXT_H
#define DEMO_TEXT_H

#include <stdarg.h>
#include <stdint.h>

/*
 * Write to @buf as printf would, cut at @cap bytes and without a NUL. Knows
 * %s (const char *), %u and %x (uint32_t), and %%.
 *
 * Both return the length in bytes, at most @cap.
 */
uint32_t text_format(char *buf, uint32_t cap, const char *format, ...);
uint32_t text_vformat(char *buf, uint32_t cap, const char *format,
		      va_list args);

#endif
