/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared words for Frama-C: a load returns any value, and what is checked is
 * that its word is one of the region. Tests of low bits, and copies of a length,
 * are followed only value by value: so the harness says by control() which
 * values of a control word are to be looked at one by one, and which together;
 * all of them are all 2^32.
 */
#ifndef VERIFY_EVA_WORDS_H
#define VERIFY_EVA_WORDS_H

#include "__fc_builtin.h"

static uint32_t control(const struct mbx_word *w);

static inline uint32_t any_of(uint32_t from, uint32_t to)
{
	return (uint32_t)Frama_C_unsigned_int_interval(from, to);
}

/* Neither is known: whoever asks goes on with both, each by itself. */
static inline int maybe(void)
{
	return Frama_C_interval(0, 1);
}

static inline uint32_t eva_load(const struct mbx_word *w)
{
	uint32_t v = w->raw;

	v = control(w);
	return v;
}

static inline uint32_t eva_load_data(const struct mbx_word *w)
{
	uint32_t v = w->raw;

	v = any_of(0, 0xffffffffu);
	return v;
}

/* It is not kept, as no load would give it: fewer states differ. */
static inline void eva_store(struct mbx_word *w, uint32_t v)
{
	(void)v;
	w->raw = 0;
}

#define mbx_ld		   eva_load
#define mbx_st		   eva_store
#define mbx_ld_acquire	   eva_load
#define mbx_st_release	   eva_store
#define mbx_ld_data	   eva_load_data
#define mbx_st_data	   eva_store
#define mbx_order_stores() ((void)0)
#define mbx_order_loads()  ((void)0)
#define mbx_order_all()	   ((void)0)

#endif
