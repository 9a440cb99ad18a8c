/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared words for Frama-C: a load returns any value, each time; what is
 * checked is that the word is one of the region.
 */
#ifndef VERIFY_EVA_WORDS_H
#define VERIFY_EVA_WORDS_H

#include "__fc_builtin.h"

/* Small values one by one: a test of their low bits is followed only so. */
#ifndef SMALL
#define SMALL 32u
#endif

static inline uint32_t eva_load(const struct mbx_word *w)
{
	uint32_t v = w->raw;

	if (Frama_C_unsigned_int_interval(0, 1)) {
		v = (uint32_t)Frama_C_unsigned_int_interval(0, SMALL);
		//@ split v;
		return v;
	}
	return (uint32_t)Frama_C_unsigned_int_interval(SMALL + 1u, 0xffffffffu);
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
