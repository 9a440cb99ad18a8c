/* SPDX-License-Identifier: BSD-2-Clause */
/* Two cores whose caches nothing but the port's hooks and test_cache.c move. */
#ifndef MBX_TESTS_CACHE_PORT_H
#define MBX_TESTS_CACHE_PORT_H

void cache_clean(const void *addr, uint32_t bytes);
void cache_invalidate(const void *addr, uint32_t bytes);

#define mbx_port_clean(addr, bytes)	 cache_clean(addr, bytes)
#define mbx_port_invalidate(addr, bytes) cache_invalidate(addr, bytes)

/* And one that copies the first half itself, with its upkeep. */
#ifdef CACHE_COPIES
static inline uint32_t cache_copy_in(void *to, const void *from, uint32_t bytes)
{
	uint32_t n = bytes / 2 & ~3u;

	__builtin_memcpy(to, from, n);
	cache_clean(to, n);
	return n;
}

static inline uint32_t cache_copy_out(void *to, const void *from,
				      uint32_t bytes)
{
	uint32_t n = bytes / 2 & ~3u;

	cache_invalidate(from, n);
	__builtin_memcpy(to, from, n);
	return n;
}

#define mbx_port_copy_in(to, from, bytes, memory)                              \
	((void)(memory), cache_copy_in(to, from, bytes))
#define mbx_port_copy_out(to, from, bytes, memory)                             \
	((void)(memory), cache_copy_out(to, from, bytes))
#endif

#endif
