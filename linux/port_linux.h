/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port for Linux: payloads in Normal memory go sixteen bytes at a time. Not
 * by memcpy(), whose accesses are anybody's guess, may overlap, and differ from
 * one libc to the next; a volatile access is made once, whatever the peer does to
 * the bytes meanwhile.
 */
#ifndef MBX_PORT_LINUX_H
#define MBX_PORT_LINUX_H

#include <stdint.h>

/* The region is aligned to words, the application's memory to nothing. */
typedef uint32_t mbx_wide
	__attribute__((vector_size(16), may_alias, aligned(4)));

#define MBX_WIDE ((uint32_t)sizeof(mbx_wide))

static inline mbx_wide mbx_wide_load(const uint8_t *from)
{
	mbx_wide v;

	__builtin_memcpy(&v, from, sizeof(v));
	return v;
}

/* Out of line: what is too short for them is not to pay for their registers. */
__attribute__((noinline, unused)) static uint32_t mbx_wide_in(void *to,
							      const void *from,
							      uint32_t bytes)
{
	volatile mbx_wide *d = (volatile mbx_wide *)to;
	const uint8_t *s = (const uint8_t *)from;
	uint32_t left = bytes;

	for (; left >= 2 * MBX_WIDE; left -= 2 * MBX_WIDE) {
		d[0] = mbx_wide_load(s);
		d[1] = mbx_wide_load(s + MBX_WIDE);
		s += 2 * MBX_WIDE;
		d += 2;
	}
	if (left >= MBX_WIDE) {
		*d = mbx_wide_load(s);
		left -= MBX_WIDE;
	}
	return bytes - left;
}

__attribute__((noinline, unused)) static uint32_t mbx_wide_out(void *to,
							       const void *from,
							       uint32_t bytes)
{
	const volatile mbx_wide *s = (const volatile mbx_wide *)from;
	uint8_t *d = (uint8_t *)to;
	uint32_t left = bytes;
	mbx_wide v, w;

	for (; left >= 2 * MBX_WIDE; left -= 2 * MBX_WIDE) {
		v = s[0];
		w = s[1];
		__builtin_memcpy(d, &v, MBX_WIDE);
		__builtin_memcpy(d + MBX_WIDE, &w, MBX_WIDE);
		d += 2 * MBX_WIDE;
		s += 2;
	}
	if (left >= MBX_WIDE) {
		v = *s;
		__builtin_memcpy(d, &v, MBX_WIDE);
		left -= MBX_WIDE;
	}
	return bytes - left;
}

#define mbx_port_copy_in(to, from, bytes, memory)                              \
	((memory) == MBX_MEMORY_NORMAL && (bytes) >= MBX_WIDE                  \
		 ? mbx_wide_in(to, from, bytes)                                \
		 : 0)
#define mbx_port_copy_out(to, from, bytes, memory)                             \
	((memory) == MBX_MEMORY_NORMAL && (bytes) >= MBX_WIDE                  \
		 ? mbx_wide_out(to, from, bytes)                               \
		 : 0)

#endif
