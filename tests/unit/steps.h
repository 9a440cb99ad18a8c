/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared words for test_steps.c: before each access something can happen. The
 * other side runs, an interrupt comes, this side dies.
 */
#ifndef MBX_TESTS_STEPS_H
#define MBX_TESTS_STEPS_H

enum access { LOAD, STORE };

extern void (*on_step)(const struct mbx_word *w, enum access access);

static inline void step(const struct mbx_word *w, enum access access)
{
	void (*hook)(const struct mbx_word *, enum access) = on_step;

	if (!hook)
		return;
	on_step = NULL; /* what it does itself takes no steps */
	hook(w, access);
	on_step = hook;
}

static inline uint32_t mbx_ld(const struct mbx_word *w)
{
	step(w, LOAD);
	return mbx_le32(w->raw);
}

static inline void mbx_st(struct mbx_word *w, uint32_t v)
{
	step(w, STORE);
	w->raw = mbx_le32(v);
}

static inline uint32_t mbx_ld_data(const struct mbx_word *w)
{
	step(w, LOAD);
	return w->raw;
}

static inline void mbx_st_data(struct mbx_word *w, uint32_t v)
{
	step(w, STORE);
	w->raw = v;
}

#define mbx_ld_acquire	   mbx_ld
#define mbx_st_release	   mbx_st
#define mbx_order_stores() ((void)0)
#define mbx_order_loads()  ((void)0)
#define mbx_order_all()	   ((void)0)

#endif
