/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared words, and the only functions that touch them.
 *
 * Everything in a region is 32-bit little-endian words. Nothing but this file
 * loads or stores them, so a test harness replaces all shared accesses by
 * naming a header of its own as -DMBX_WORD_HEADER='"harness.h"'.
 *
 * Orders, by name: plain (no order), acquire (later accesses stay later),
 * release (earlier accesses stay earlier). "data" words carry bytes of the
 * application in memory order, without the byte swap of control words.
 */
#ifndef MBX_WORD_H
#define MBX_WORD_H

#include <mbx/port.h>

/* sparse (and Clang) check that nothing dereferences a shared pointer */
#ifdef __CHECKER__
#define mbx_shared __attribute__((noderef, address_space(1)))
#define mbx_force  __attribute__((force))
#else
#define mbx_shared
#define mbx_force
#endif

/* A struct, so that "word + 1" on a value does not compile. */
struct mbx_word {
	uint32_t raw;
};

#define MBX_INLINE static inline __attribute__((always_inline))

/* Control words are little-endian in the region, whatever the core is. */
MBX_INLINE uint32_t mbx_le32(uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap32(v);
#else
	return v;
#endif
}

/* The word @bytes behind @w. Never NULL-checked: a region may start at 0. */
MBX_INLINE struct mbx_word mbx_shared *mbx_word_at(
	const struct mbx_word mbx_shared *w, uint32_t bytes)
{
	return (struct mbx_word mbx_shared *)((uintptr_t)w + bytes);
}

#ifdef MBX_WORD_HEADER
#include MBX_WORD_HEADER
#else

MBX_INLINE uint32_t *mbx_word_raw(const struct mbx_word mbx_shared *w)
{
	return &((struct mbx_word mbx_force *)(uintptr_t)w)->raw;
}

MBX_INLINE uint32_t mbx_ld(const struct mbx_word mbx_shared *w)
{
	mbx_port_invalidate(mbx_word_raw(w), 4u);
	return mbx_le32(__atomic_load_n(mbx_word_raw(w), __ATOMIC_RELAXED));
}

MBX_INLINE void mbx_st(struct mbx_word mbx_shared *w, uint32_t v)
{
	__atomic_store_n(mbx_word_raw(w), mbx_le32(v), __ATOMIC_RELAXED);
	mbx_port_clean(mbx_word_raw(w), 4u);
}

#if defined(__arm__)
/* 32-bit Arm: DMB SY reaches every bus master; C11's DMB ISH need not. */
MBX_INLINE uint32_t mbx_ld_acquire(const struct mbx_word mbx_shared *w)
{
	uint32_t v = mbx_ld(w);

	mbx_port_barrier();
	return v;
}

MBX_INLINE void mbx_st_release(struct mbx_word mbx_shared *w, uint32_t v)
{
	mbx_port_barrier();
	mbx_st(w, v);
}

#else
MBX_INLINE uint32_t mbx_ld_acquire(const struct mbx_word mbx_shared *w)
{
	mbx_port_invalidate(mbx_word_raw(w), 4u);
	return mbx_le32(__atomic_load_n(mbx_word_raw(w), __ATOMIC_ACQUIRE));
}

MBX_INLINE void mbx_st_release(struct mbx_word mbx_shared *w, uint32_t v)
{
	__atomic_store_n(mbx_word_raw(w), mbx_le32(v), __ATOMIC_RELEASE);
	mbx_port_clean(mbx_word_raw(w), 4u);
}

#endif

/* Stores (loads) before it stay before stores (loads) after it. */
#if defined(__arm__) || defined(__aarch64__)
#define mbx_order_stores() mbx_port_barrier() /* C11's would be DMB ISH */
#define mbx_order_loads()  mbx_port_barrier()
#else
#define mbx_order_stores() __atomic_thread_fence(__ATOMIC_RELEASE)
#define mbx_order_loads()  __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif

/* The store->load barrier of the sleep handshake, and of attach. */
#define mbx_order_all() mbx_port_barrier()

/*
 * Payload words. Shipped as atomics, which a hostile peer can't turn into
 * undefined behaviour; MBX_DATA_PLAIN makes them plain, so that
 * ThreadSanitizer sees a payload access that no control word orders.
 */
MBX_INLINE uint32_t mbx_ld_data(const struct mbx_word mbx_shared *w)
{
#ifdef MBX_DATA_PLAIN
	return *mbx_word_raw(w);
#else
	return __atomic_load_n(mbx_word_raw(w), __ATOMIC_RELAXED);
#endif
}

MBX_INLINE void mbx_st_data(struct mbx_word mbx_shared *w, uint32_t v)
{
#ifdef MBX_DATA_PLAIN
	*mbx_word_raw(w) = v;
#else
	__atomic_store_n(mbx_word_raw(w), v, __ATOMIC_RELAXED);
#endif
}
#endif /* MBX_WORD_HEADER */

/*
 * The application's side is moved by __builtin_memcpy of a constant 4 bytes,
 * which compiles to one load or store wherever the core allows unaligned ones.
 */
MBX_INLINE void mbx_word_in(struct mbx_word mbx_shared *to, const uint8_t *from)
{
	uint32_t w;

	__builtin_memcpy(&w, from, 4);
	mbx_st_data(to, w);
}

MBX_INLINE void mbx_word_out(uint8_t *to,
			     const struct mbx_word mbx_shared *from)
{
	uint32_t w = mbx_ld_data(from);

	__builtin_memcpy(to, &w, 4);
}

/*
 * Word by word. The last one goes through shifts: its bytes are in memory order,
 * so the first one is the low byte of the little-endian value.
 */
MBX_INLINE void mbx_words_in(struct mbx_word mbx_shared *to,
			     const uint8_t *from, uint32_t bytes)
{
	const uint8_t *end = from + (bytes & ~3u);
	uint32_t w = 0;

	for (; from != end; from += 4, to = mbx_word_at(to, 4))
		mbx_word_in(to, from);
	bytes &= 3u;
	if (!bytes)
		return;
	while (bytes)
		w = (w << 8) | from[--bytes];
	mbx_st_data(to, mbx_le32(w));
}

MBX_INLINE void mbx_words_out(uint8_t *to,
			      const struct mbx_word mbx_shared *from,
			      uint32_t bytes)
{
	uint8_t *end = to + (bytes & ~3u);
	uint32_t w;

	for (; to != end; to += 4, from = mbx_word_at(from, 4))
		mbx_word_out(to, from);
	bytes &= 3u;
	if (!bytes)
		return;
	w = mbx_le32(mbx_ld_data(from));
	for (; bytes; bytes--, w >>= 8)
		*to++ = (uint8_t)w;
}

enum mbx_copy { MBX_COPY_IN, MBX_COPY_OUT };

/* What the next two share, without the upkeep of caches. */
#ifdef __cplusplus
extern "C" {
#endif
void mbx_copy_words(void *to, const void *from, uint32_t bytes,
		    enum mbx_copy way);
#ifdef __cplusplus
}
#endif

/*
 * Copy @bytes between application memory (any alignment) and the region
 * (whole aligned words only, so Device memory is fine). Bytes of the last
 * region word behind the end are stored as 0 and ignored when loaded.
 */
MBX_INLINE void mbx_copy_in(struct mbx_word mbx_shared *to, const void *from,
			    uint32_t bytes)
{
	void *region = (void mbx_force *)(uintptr_t)to;

	mbx_copy_words(region, from, bytes, MBX_COPY_IN);
	mbx_port_clean(region, bytes);
}

MBX_INLINE void mbx_copy_out(void *to, const struct mbx_word mbx_shared *from,
			     uint32_t bytes)
{
	const void *region = (const void mbx_force *)(uintptr_t)from;

	mbx_port_invalidate(region, bytes);
	mbx_copy_words(to, region, bytes, MBX_COPY_OUT);
}

/*
 * The same, as fast as the kind of @memory lets the port do it: then without a
 * call, which would have every sender and receiver save registers.
 */
MBX_INLINE void mbx_payload_in(struct mbx_word mbx_shared *to, const void *from,
			       uint32_t bytes, uint32_t memory)
{
	uint32_t n = mbx_port_copy_in((void mbx_force *)(uintptr_t)to, from,
				      bytes, memory);

	if (!MBX_PORT_COPIES) {
		mbx_copy_in(to, from, bytes);
		return;
	}
	if (n == bytes)
		return;
	to = mbx_word_at(to, n);
	mbx_words_in(to, (const uint8_t *)from + n, bytes - n);
	mbx_port_clean((void mbx_force *)(uintptr_t)to, bytes - n);
}

MBX_INLINE void mbx_payload_out(void *to,
				const struct mbx_word mbx_shared *from,
				uint32_t bytes, uint32_t memory)
{
	uint32_t n = mbx_port_copy_out(to, (void mbx_force *)(uintptr_t)from,
				       bytes, memory);

	if (!MBX_PORT_COPIES) {
		mbx_copy_out(to, from, bytes);
		return;
	}
	if (n == bytes)
		return;
	from = mbx_word_at(from, n);
	mbx_port_invalidate((void mbx_force *)(uintptr_t)from, bytes - n);
	mbx_words_out((uint8_t *)to + n, from, bytes - n);
}

#endif
