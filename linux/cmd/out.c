/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON trees: what is printed for people is read from the same tree. */
#include "cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void set_num(json_t *o, const char *key, long long v)
{
	json_object_set_new(o, key, json_integer(v));
}

void set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_untrusted(text, strlen(text)));
}

long long get_num(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

const char *get_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Bytes of the UTF-8 character at @p that a terminal may see; 0: none. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
	size_t len, i;
	uint32_t c;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	c = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	/* no C1 controls, no overlong forms, no surrogates */
	if (c < 0xa0 || (len == 3 && c < 0x800) || (len == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	return len;
}

char *printable(const void *text, size_t n)
{
	const uint8_t *p = text, *end = p + n;
	char *s = malloc(n * 4 + 1), *to = s;

	if (!s)
		fail(FAILED, "out of memory");
	while (p < end) {
		size_t len = utf8_length(p, (size_t)(end - p));

		if (len) {
			memcpy(to, p, len);
			to += len;
			p += len;
		} else if (*p == '\n' || *p == '\t' || *p == '\r') {
			*to++ = '\\';
			*to++ = *p == '\n' ? 'n' : *p == '\t' ? 't' : 'r';
			p++;
		} else {
			to += sprintf(to, "\\x%02x", *p++);
		}
	}
	*to = 0;
	return s;
}

json_t *json_untrusted(const void *text, size_t n)
{
	json_t *o = json_stringn(text, n); /* NULL: it is no UTF-8 */
	char *s;

	if (!o) {
		s = printable(text, n);
		o = json_string(s);
		free(s);
	}
	return o;
}

char *hex_of(const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	char *s = malloc(n * 2 + 1);
	size_t i;

	if (!s)
		fail(FAILED, "out of memory");
	for (i = 0; i < n; i++) {
		s[2 * i] = digits[p[i] >> 4];
		s[2 * i + 1] = digits[p[i] & 15];
	}
	s[2 * n] = 0;
	return s;
}

void flush(void)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && !stopped())
		fail(FAILED, "standard output: %s", strerror(errno));
}

void print_json(json_t *o, bool line)
{
	json_dumpf(o, stdout, line ? JSON_COMPACT : JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
	flush();
}
