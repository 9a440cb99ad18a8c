/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port for Linux: payloads in Normal memory go sixteen bytes at a time. Not
 * by memcpy(), whose accesses are anybody's guess, may overlap, and differ from
 * one libc to the next; a volatile access is made once, whatever the peer does to
 * the bytes meanwhile.
 */
#ifndef MBX_PORT_LINUX_H
#define MBX_PORT_LINUX_H

#include <stddef.h>
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

static inline volatile mbx_wide *mbx_wide_at(const void *p)
{
	return (volatile mbx_wide *)(uintptr_t)p;
}

static inline void mbx_wide_store(uint8_t *to, mbx_wide v)
{
	__builtin_memcpy(to, &v, sizeof(v));
}

/* By an index: messages of 16 bytes are to pay for no other registers. */
static inline uint32_t mbx_wide_in(uint8_t *to, const uint8_t *from,
				   uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i + 2 * MBX_WIDE <= bytes; i += 2 * MBX_WIDE) {
		*mbx_wide_at(to + i) = mbx_wide_load(from + i);
		*mbx_wide_at(to + i + MBX_WIDE) = mbx_wide_load(from + i +
								MBX_WIDE);
	}
	if (bytes & MBX_WIDE)
		*mbx_wide_at(to + i) = mbx_wide_load(from + i);
	return bytes & ~(MBX_WIDE - 1);
}

static inline uint32_t mbx_wide_out(uint8_t *to, const uint8_t *from,
				    uint32_t bytes)
{
	uint32_t i;
	mbx_wide v, w;

	for (i = 0; i + 2 * MBX_WIDE <= bytes; i += 2 * MBX_WIDE) {
		v = *mbx_wide_at(from + i);
		w = *mbx_wide_at(from + i + MBX_WIDE);
		mbx_wide_store(to + i, v);
		mbx_wide_store(to + i + MBX_WIDE, w);
	}
	if (bytes & MBX_WIDE)
		mbx_wide_store(to + i, *mbx_wide_at(from + i));
	return bytes & ~(MBX_WIDE - 1);
}

#define mbx_port_copy_in(to, from, bytes, memory)                              \
	((memory) == MBX_MEMORY_NORMAL                                         \
		 ? mbx_wide_in((uint8_t *)(to), (const uint8_t *)(from),       \
			       bytes)                                          \
		 : 0)
#define mbx_port_copy_out(to, from, bytes, memory)                             \
	((memory) == MBX_MEMORY_NORMAL                                         \
		 ? mbx_wide_out((uint8_t *)(to), (const uint8_t *)(from),      \
				bytes)                                         \
		 : 0)

#endif
