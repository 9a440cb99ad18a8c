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

/* Sixteen bytes: inline, as most messages are short. */
static inline uint32_t mbx_short_in(void *to, const void *from)
{
	*(volatile mbx_wide *)to = mbx_wide_load((const uint8_t *)from);
	return MBX_WIDE;
}

static inline uint32_t mbx_short_out(void *to, const void *from)
{
	mbx_wide v = *(const volatile mbx_wide *)from;

	__builtin_memcpy(to, &v, MBX_WIDE);
	return MBX_WIDE;
}

/* Out of line: what is shorter is not to pay for their registers. */
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

#define mbx_wide_copy(way, to, from, bytes, memory)                            \
	((memory) != MBX_MEMORY_NORMAL || (bytes) < MBX_WIDE ? 0               \
	 : (bytes) < 2 * MBX_WIDE ? mbx_short_##way(to, from)                  \
				  : mbx_wide_##way(to, from, bytes))
#define mbx_port_copy_in(to, from, bytes, memory)                              \
	mbx_wide_copy(in, to, from, bytes, memory)
#define mbx_port_copy_out(to, from, bytes, memory)                             \
	mbx_wide_copy(out, to, from, bytes, memory)

#endif
