/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included in front of a unit test of common/, so that its calls run on caches
 * that nothing but the port's hooks keeps right: see cache.c. What the test
 * itself loads and stores is memory's, as another bus master sees it.
 */
#ifndef TESTS_CACHE_H
#define TESTS_CACHE_H

#include "unit/fixture.h"

#include <pthread.h>

enum cache { OF_PRODUCER, OF_CONSUMER, OF_HOST, OF_REMOTE, CACHES };

/* Until cache_leave(), what these reach is seen through that cache. */
void cache_queue(enum cache which, const struct mbx_queue_place *at);
void cache_claim(const struct mbx_queue_place *at);
void cache_slots(enum cache which, const struct mbx_slots_place *at);
void cache_link(const struct mbx_link *l);
void cache_call(enum cache which, const struct mbx_queue_place *req,
		const struct mbx_queue_place *rep);
void cache_leave(void);
/* A test that takes rights away from memory has it without caches. */
int cache_protect(void *at, size_t bytes, int access);

#define ON(enter, call)                                                        \
	({                                                                     \
		enter;                                                         \
		__typeof__(call) result_ = call;                               \
		cache_leave();                                                 \
		result_;                                                       \
	})
#define ON_VOID(enter, call)                                                   \
	({                                                                     \
		enter;                                                         \
		call;                                                          \
		cache_leave();                                                 \
	})

#define ON_TX(tx, call)	     ON(cache_queue(OF_PRODUCER, &(tx)->at), call)
#define ON_RX(rx, call)	     ON(cache_queue(OF_CONSUMER, &(rx)->at), call)
#define ON_TX_VOID(tx, call) ON_VOID(cache_queue(OF_PRODUCER, &(tx)->at), call)
#define ON_RX_VOID(rx, call) ON_VOID(cache_queue(OF_CONSUMER, &(rx)->at), call)
#define ON_READER(r, call)   ON(cache_slots(OF_CONSUMER, &(r)->at), call)
#define ON_CALLER(c, call)                                                     \
	ON(cache_call(OF_PRODUCER, &(c)->tx.at, &(c)->rx.at), call)
#define ON_SERVER(s, call)                                                     \
	ON(cache_call(OF_CONSUMER, &(s)->rx.at, &(s)->tx.at), call)
#define ON_LINK(l, call)      ON(cache_link(l), call)
#define ON_LINK_VOID(l, call) ON_VOID(cache_link(l), call)

#define mbx_tx_attach(tx, at)                                                  \
	ON(cache_queue(OF_PRODUCER, at), mbx_tx_attach(tx, at))
#define mbx_tx_send(tx, ...)	 ON_TX(tx, mbx_tx_send(tx, __VA_ARGS__))
#define mbx_tx_put(tx, ...)	 ON_TX(tx, mbx_tx_put(tx, __VA_ARGS__))
#define mbx_tx_put_many(tx, ...) ON_TX(tx, mbx_tx_put_many(tx, __VA_ARGS__))
#define mbx_tx_flush(tx)	 ON_TX_VOID(tx, mbx_tx_flush(tx))
#define mbx_tx_claim(tx, ...)	 ON_TX(tx, mbx_tx_claim(tx, __VA_ARGS__))
#define mbx_tx_commit(tx, bytes)                                               \
	ON(cache_claim(&(tx)->at), mbx_tx_commit(tx, bytes))
#define mbx_tx_abort(tx)	 ON_VOID(cache_claim(&(tx)->at), mbx_tx_abort(tx))
#define mbx_tx_notify(tx)	 ON_TX(tx, mbx_tx_notify(tx))
#define mbx_tx_want_room(tx, on) ON_TX(tx, mbx_tx_want_room(tx, on))
#define mbx_rx_attach(rx, at)                                                  \
	ON(cache_queue(OF_CONSUMER, at), mbx_rx_attach(rx, at))
#define mbx_rx_recv(rx, ...)	 ON_RX(rx, mbx_rx_recv(rx, __VA_ARGS__))
#define mbx_rx_peek(rx, data)	 ON_RX(rx, mbx_rx_peek(rx, data))
#define mbx_rx_release(rx)	 ON_RX_VOID(rx, mbx_rx_release(rx))
#define mbx_rx_notify(rx)	 ON_RX(rx, mbx_rx_notify(rx))
#define mbx_rx_want_data(rx, on) ON_RX(rx, mbx_rx_want_data(rx, on))

#define mbx_writer_attach(w, at)                                               \
	ON_VOID(cache_slots(OF_PRODUCER, at), mbx_writer_attach(w, at))
#define mbx_writer_write(w, ...)                                               \
	ON(cache_slots(OF_PRODUCER, &(w)->at), mbx_writer_write(w, __VA_ARGS__))
#define mbx_reader_attach(r, at)                                               \
	ON_VOID(cache_slots(OF_CONSUMER, at), mbx_reader_attach(r, at))
#define mbx_reader_skip(r)                                                     \
	ON_VOID(cache_slots(OF_CONSUMER, &(r)->at), mbx_reader_skip(r))
#define mbx_reader_newest(r, ...)                                              \
	ON_READER(r, mbx_reader_newest(r, __VA_ARGS__))
#define mbx_reader_next(r, ...) ON_READER(r, mbx_reader_next(r, __VA_ARGS__))

#define mbx_caller_attach(c, req, rep, session)                                \
	ON(cache_call(OF_PRODUCER, req, rep),                                  \
	   mbx_caller_attach(c, req, rep, session))
#define mbx_caller_start(c, ...) ON_CALLER(c, mbx_caller_start(c, __VA_ARGS__))
#define mbx_caller_poll(c, ...)	 ON_CALLER(c, mbx_caller_poll(c, __VA_ARGS__))
#define mbx_server_attach(s, req, rep)                                         \
	ON(cache_call(OF_CONSUMER, req, rep), mbx_server_attach(s, req, rep))
#define mbx_server_take(s, ...)	 ON_SERVER(s, mbx_server_take(s, __VA_ARGS__))
#define mbx_server_reply(s, ...) ON_SERVER(s, mbx_server_reply(s, __VA_ARGS__))

#define mbx_link_format(l, now) ON_LINK(l, mbx_link_format(l, now))
#define mbx_link_discard(l)	ON_LINK_VOID(l, mbx_link_discard(l))
#define mbx_link_attach(l)	ON_LINK(l, mbx_link_attach(l))
#define mbx_link_observe(l)	ON_LINK(l, mbx_link_observe(l))
#define mbx_link_poll(l, now)	ON_LINK(l, mbx_link_poll(l, now))
#define mbx_link_detach(l)	ON_LINK_VOID(l, mbx_link_detach(l))

#define mprotect cache_protect
/* Two threads would be on one cache, and on the other's. */
#define pthread_create(...) (skip(), 0)

#endif
