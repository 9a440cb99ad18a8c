/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each order between two accesses of one plain word, which a compiler that is
 * told of no order makes one of: static.py looks at what is left in object code.
 */
#include <mbx/word.h>

uint32_t acquire(const struct mbx_word *w, const uint32_t *p);
void release(struct mbx_word *w, uint32_t *p);
void stores(uint32_t *p);
uint32_t loads(const uint32_t *p);
uint32_t all(uint32_t *p);
void masked(uint32_t *p);

uint32_t acquire(const struct mbx_word *w, const uint32_t *p)
{
	uint32_t v = *p + mbx_ld_acquire(w);

	return v + *p;
}

void release(struct mbx_word *w, uint32_t *p)
{
	*p = 1;
	mbx_st_release(w, 2);
	*p = 3;
}

void stores(uint32_t *p)
{
	*p = 1;
	mbx_order_stores();
	*p = 2;
}

uint32_t loads(const uint32_t *p)
{
	uint32_t v = *p;

	mbx_order_loads();
	return v + *p;
}

uint32_t all(uint32_t *p)
{
	*p = 1;
	mbx_order_all();
	return *p;
}

void masked(uint32_t *p)
{
	uint32_t was;

	*p = 1;
	was = mbx_port_mask();
	*p = 2;
	mbx_port_unmask(was);
	*p = 3;
}
