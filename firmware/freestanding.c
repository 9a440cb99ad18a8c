/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four functions that GCC and Clang may call in freestanding code too, for
 * boards that link no C library. mbx itself never calls them on the region.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/* or the compiler turns the loops into calls of the functions they are in */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	const uint8_t *s = from;
	uint8_t *d = to;

	while (bytes--)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	const uint8_t *s = from;
	uint8_t *d = to;

	if (d < s) {
		while (bytes--)
			*d++ = *s++;
	} else {
		while (bytes--)
			d[bytes] = s[bytes];
	}
	return to;
}

void *memset(void *to, int byte, size_t bytes)
{
	uint8_t *d = to;

	while (bytes--)
		*d++ = (uint8_t)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *p = a, *q = b;

	for (; bytes--; p++, q++)
		if (*p != *q)
			return *p < *q ? -1 : 1;
	return 0;
}
