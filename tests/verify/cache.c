/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches for unit tests that know nothing of them. Each end has one: producers,
 * consumers, and each side's link. A call sees memory through its own: when it
 * begins, the words that it can reach are exchanged for what its cache has of
 * them, however old, and memory's come back when it ends. Between, and by
 * chance, words move by mbx_port_clean() and mbx_port_invalidate() only. A line
 * has one word: tests lay out more closely than on lines of more; for those,
 * and for what may happen while a copy is under way, see unit/test_cache.c.
 */
#include "verify/cache.h"

#undef mprotect

#define WORDS 65536u /* of the table; what is larger has no cache */
#define MOST  (64u << 10)

static struct word {
	uint32_t *at;
	uint32_t memory; /* while a call looks through a cache */
	uint32_t view[CACHES], clean[CACHES];
	uint8_t has[CACHES];
} table[WORDS];

static uint32_t used, seed = 1, moved[3];
static struct word *reach[3 * MOST / 4];
static uint32_t reached;
static int depth, bare, claimed;
static enum cache current;

static struct word *find(uint32_t *at, int add)
{
	uint32_t i = (uint32_t)((uintptr_t)at >> 2) * 2654435761u >> 16;

	while (table[i].at && table[i].at != at)
		i = (i + 1) % WORDS;
	if (table[i].at)
		return &table[i];
	if (!add)
		return NULL;
	used++;
	table[i].at = at;
	return &table[i];
}

/* A cache lets go of what it will: here, of all, dirty or not. */
static void forget_all(void)
{
	memset(table, 0, sizeof(table));
	used = 0;
}

static void fetch(struct word *w)
{
	*w->at = w->clean[current] = w->memory;
	w->has[current] = 1;
}

static void write_back(struct word *w)
{
	w->memory = w->clean[current] = *w->at;
}

static void evict(struct word *w)
{
	if (*w->at != w->clean[current])
		write_back(w);
	fetch(w);
	moved[0]++;
}

static void evict_some(void)
{
	uint32_t n;

	for (n = reached ? rnd_below(&seed, 4) : 0; n; n--)
		evict(reach[rnd_below(&seed, reached)]);
}

static void see(const void *from, uint32_t bytes)
{
	uint32_t *at = (uint32_t *)(uintptr_t)from, i;

	for (i = 0; i < bytes / 4; i++) {
		struct word *w = find(at + i, 1);

		w->memory = at[i];
		reach[reached++] = w;
		if (w->has[current])
			at[i] = w->view[current];
		else
			fetch(w);
	}
}

static int begin(enum cache which, uint32_t bytes)
{
	if (depth++)
		abort();
	reached = 0;
	claimed = 0;
	current = which;
	if (used > WORDS / 2)
		forget_all();
	return !bare && bytes <= MOST;
}

void cache_queue(enum cache which, const struct mbx_queue_place *at)
{
	if (!begin(which, at->ring_bytes))
		return;
	see(at->ring, at->ring_bytes);
	see(at->tx, 4);
	see(at->rx, 8);
	evict_some();
}

void cache_claim(const struct mbx_queue_place *at)
{
	cache_queue(OF_PRODUCER, at);
	claimed = 1;
}

void cache_call(enum cache which, const struct mbx_queue_place *req,
		const struct mbx_queue_place *rep)
{
	cache_queue(which, req);
	see(rep->ring, rep->ring_bytes);
	see(rep->tx, 4);
	see(rep->rx, 8);
}

void cache_slots(enum cache which, const struct mbx_slots_place *at)
{
	uint32_t bytes = at->slots * (8u + MBX_ROUND4(at->max_bytes));

	if (!begin(which, bytes))
		return;
	see(at->ctl, 8);
	see(at->slot, bytes);
	evict_some();
}

void cache_link(const struct mbx_link *l)
{
	if (!begin(l->is.side == MBX_HOST ? OF_HOST : OF_REMOTE, l->is.bytes))
		return;
	see((const void *)l->is.base, l->is.bytes);
	evict_some();
}

void cache_leave(void)
{
	uint32_t i;

	evict_some();
	for (i = 0; i < reached; i++) {
		struct word *w = reach[i];

		w->view[current] = *w->at;
		*w->at = w->memory;
	}
	reached = 0;
	depth--;
}

int cache_protect(void *at, size_t bytes, int access)
{
	bare = !(access & PROT_WRITE);
	return mprotect(at, bytes, access);
}

/* ---- the hooks ---- */

static void each(const void *addr, uint32_t bytes, void (*move)(struct word *w))
{
	uint32_t *at = (uint32_t *)((uintptr_t)addr & ~(uintptr_t)3);
	uint32_t *end = (uint32_t *)((uintptr_t)addr + bytes);
	struct word *w;

	if (!reached)
		return;
	for (; at < end; at++) {
		w = find(at, 0);
		if (w)
			move(w);
	}
	evict_some();
}

/*
 * What was stored into a claim went past the cache, and is cleaned first when it
 * ends. Else what is cleaned was stored, be it what stood there before.
 */
static void clean_word(struct word *w)
{
	if (!claimed || *w->at != w->clean[current])
		write_back(w);
	moved[1]++;
}

/* Dirty words may be written back here, or get lost: there should be none. */
static void invalidate_word(struct word *w)
{
	if (*w->at != w->clean[current] && rnd(&seed) & 1u)
		write_back(w);
	fetch(w);
	moved[2]++;
}

void cache_clean(const void *addr, uint32_t bytes);
void cache_clean(const void *addr, uint32_t bytes)
{
	each(addr, bytes, clean_word);
	claimed = 0;
}

void cache_invalidate(const void *addr, uint32_t bytes);
void cache_invalidate(const void *addr, uint32_t bytes)
{
	each(addr, bytes, invalidate_word);
}

static void __attribute__((destructor)) report(void)
{
	printf("%u evictions, %u words cleaned, %u invalidated\n", moved[0],
	       moved[1], moved[2]);
}
