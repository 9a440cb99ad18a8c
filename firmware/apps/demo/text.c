/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

struct out {
	char *buf;
	uint32_t bytes, cap;
};

static void put(struct out *o, char c)
{
	if (o->bytes < o->cap)
		o->buf[o->bytes++] = c;
}

static void put_number(struct out *o, uint32_t value, uint32_t base)
{
	char digit[10];
	int n = 0;

	do {
		digit[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(o, digit[--n]);
}

static void put_text(struct out *o, const char *text)
{
	while (*text)
		put(o, *text++);
}

uint32_t text_vformat(char *buf, uint32_t cap, const char *format, va_list args)
{
	struct out o = { buf, 0, cap };

	for (; *format; format++) {
		if (*format != '%' || format[1] == 0) {
			put(&o, *format);
			continue;
		}
		switch (*++format) {
		case 's':
			put_text(&o, va_arg(args, const char *));
			break;
		case 'u':
			put_number(&o, va_arg(args, uint32_t), 10);
			break;
		case 'x':
			put_number(&o, va_arg(args, uint32_t), 16);
			break;
		default:
			put(&o, *format);
		}
	}
	return o.bytes;
}

uint32_t text_format(char *buf, uint32_t cap, const char *format, ...)
{
	va_list args;
	uint32_t n;

	va_start(args, format);
	n = text_vformat(buf, cap, format, args);
	va_end(args);
	return n;
}
