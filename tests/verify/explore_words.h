/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared words for the explorer: each access is its to decide. */
#ifndef VERIFY_EXPLORE_WORDS_H
#define VERIFY_EXPLORE_WORDS_H

enum explore_order { PLAIN, ORDERED, DATA };
enum explore_fence { FENCE_STORES, FENCE_LOADS, FENCE_ALL };
uint32_t explore_load(const struct mbx_word *w, enum explore_order order);
void explore_store(struct mbx_word *w, uint32_t v, enum explore_order order);
void explore_fence(enum explore_fence fence);

#define mbx_ld(w)	     explore_load(w, PLAIN)
#define mbx_st(w, v)	     explore_store(w, v, PLAIN)
#define mbx_ld_acquire(w)    explore_load(w, ORDERED)
#define mbx_st_release(w, v) explore_store(w, v, ORDERED)
#define mbx_ld_data(w)	     explore_load(w, DATA)
#define mbx_st_data(w, v)    explore_store(w, v, DATA)
#define mbx_order_stores()   explore_fence(FENCE_STORES)
#define mbx_order_loads()    explore_fence(FENCE_LOADS)
#define mbx_order_all()	     explore_fence(FENCE_ALL)

#endif
