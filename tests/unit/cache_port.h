/* SPDX-License-Identifier: BSD-2-Clause */
/* Two cores whose caches nothing but the port's hooks and test_cache.c move. */
#ifndef MBX_TESTS_CACHE_PORT_H
#define MBX_TESTS_CACHE_PORT_H

void cache_clean(const void *addr, uint32_t bytes);
void cache_invalidate(const void *addr, uint32_t bytes);

#define mbx_port_clean(addr, bytes)	 cache_clean(addr, bytes)
#define mbx_port_invalidate(addr, bytes) cache_invalidate(addr, bytes)

#endif
