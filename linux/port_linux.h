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

/* Out of line: what is too short for them is not to pay for their registers. */
__attribute__((noinline, unused)) static uint32_t mbx_wide_in(void *to,
							      const void *from,
							      uint32_t bytes)
{
	volatile mbx_wide *d = (volatile mbx_wide *)to;
	const uint8_t *s = (const uint8_t *)from;
	uint32_t left = bytes;
	mbx_wide v[4];

	for (; left >= sizeof(v); left -= (uint32_t)sizeof(v)) {
		__builtin_memcpy(v, s, sizeof(v));
		d[0] = v[0];
		d[1] = v[1];
		d[2] = v[2];
		d[3] = v[3];
		s += sizeof(v);
		d += 4;
	}
	for (; left >= MBX_WIDE; left -= MBX_WIDE) {
		__builtin_memcpy(v, s, MBX_WIDE);
		*d++ = v[0];
		s += MBX_WIDE;
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
	mbx_wide v[4];

	for (; left >= sizeof(v); left -= (uint32_t)sizeof(v)) {
		v[0] = s[0];
		v[1] = s[1];
		v[2] = s[2];
		v[3] = s[3];
		__builtin_memcpy(d, v, sizeof(v));
		d += sizeof(v);
		s += 4;
	}
	for (; left >= MBX_WIDE; left -= MBX_WIDE) {
		v[0] = *s++;
		__builtin_memcpy(d, v, MBX_WIDE);
		d += MBX_WIDE;
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
