/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared words whose content is anything: content.c decides. */
#ifndef VERIFY_CONTENT_WORDS_H
#define VERIFY_CONTENT_WORDS_H

uint32_t content_load(const struct mbx_word *w, int data);
void content_store(struct mbx_word *w, uint32_t v, int data);

#define mbx_ld(w)	     content_load(w, 0)
#define mbx_st(w, v)	     content_store(w, v, 0)
#define mbx_ld_acquire(w)    content_load(w, 0)
#define mbx_st_release(w, v) content_store(w, v, 0)
#define mbx_ld_data(w)	     content_load(w, 1)
#define mbx_st_data(w, v)    content_store(w, v, 1)
#define mbx_order_stores()   ((void)0)
#define mbx_order_loads()    ((void)0)
#define mbx_order_all()	     ((void)0)

#endif
