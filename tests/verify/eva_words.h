/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared words for Frama-C: a load returns any value. The first ones of a call
 * are of the class that the harness gives, as tests of low bits and copies of a
 * length are followed only value by value; all classes are all 2^32 values. What
 * is checked is that the word is one of the region.
 */
#ifndef VERIFY_EVA_WORDS_H
#define VERIFY_EVA_WORDS_H

#include "__fc_builtin.h"

/* As in mbx/layout.h, which comes later. */
#define MBX_HDR_MSG 0xb6000000u
#define MBX_HDR_PAD 0xf6000000u

/* Values that are near something: each a class; and what is between them. */
#define NEAR	(RING + 1u)
#define CLASSES (3u * NEAR + 3u)
#define IS(v)                                                                  \
	((v) >= MBX_HDR_PAD   ? (v)-MBX_HDR_PAD + 2u * NEAR                    \
	 : (v) >= MBX_HDR_MSG ? (v)-MBX_HDR_MSG + NEAR                         \
			      : (v))

static uint32_t given[4], given_count, given_at;

static inline uint32_t of_class(uint32_t k)
{
	if (k < NEAR)
		return k;
	if (k < 2u * NEAR)
		return MBX_HDR_MSG + k - NEAR;
	if (k < 3u * NEAR)
		return MBX_HDR_PAD + k - 2u * NEAR;
	if (k == 3u * NEAR)
		return (uint32_t)Frama_C_unsigned_int_interval(
			NEAR, MBX_HDR_MSG - 1u);
	if (k == 3u * NEAR + 1u)
		return (uint32_t)Frama_C_unsigned_int_interval(
			MBX_HDR_MSG + NEAR, MBX_HDR_PAD - 1u);
	return (uint32_t)Frama_C_unsigned_int_interval(MBX_HDR_PAD + NEAR,
						       0xffffffffu);
}

static inline uint32_t eva_load(const struct mbx_word *w)
{
	uint32_t v = w->raw;

	if (given_at < given_count)
		return of_class(given[given_at++]);
	v = (uint32_t)Frama_C_unsigned_int_interval(0, 0xffffffffu);
	return v;
}

static inline void eva_store(struct mbx_word *w, uint32_t v)
{
	w->raw = v;
}

#define mbx_ld		   eva_load
#define mbx_st		   eva_store
#define mbx_ld_acquire	   eva_load
#define mbx_st_release	   eva_store
#define mbx_ld_data	   eva_load
#define mbx_st_data	   eva_store
#define mbx_order_stores() ((void)0)
#define mbx_order_loads()  ((void)0)
#define mbx_order_all()	   ((void)0)

#endif
