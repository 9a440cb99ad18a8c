/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frama-C's Eva: neither side of a link, nor an observer, leaves the region or
 * its own memory, whatever the loads return: all 2^32 values of each. Attaching,
 * polling, leaving; the remote's formatting and adopting; and what a tool
 * declares that has its channels from a region.
 *
 * But for two words of the superblock: the sizes that the layout is computed with
 * are looked at one by one, those of LINES and ALIGNS and a few that are none.
 */
#define MBX_WORD_HEADER "verify/eva_words.h"

#include <string.h>
#define __builtin_memcpy memcpy
#define __builtin_memset memset

#include <mbx/layout.h>

#include "../../common/link.c"
#include "../../common/declared.c"

#ifndef LINES
#define LINES  4u, 64u
#define ALIGNS 64u, 4096u
#endif
#ifndef BYTES
#define BYTES 1024u
#endif

static struct mbx_word region[BYTES / 4u];

static const struct mbx_channel channels[] = {
	{ .name = "q",
	  .is = { .kind = MBX_KIND_QUEUE,
		  .direction = MBX_H2R,
		  .type = "u8",
		  .fwd = { 8, 24 } } },
	{ .name = "s",
	  .is = { .kind = MBX_KIND_STATE,
		  .direction = MBX_R2H,
		  .full = MBX_OVERWRITE,
		  .slots = 2,
		  .type = "",
		  .fwd = { 4, 24 } } },
};

static uint32_t one_of(const uint32_t *one, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (maybe())
			return one[i];
	return 3u;
}

static uint32_t control(const struct mbx_word *w)
{
	static const uint32_t lines[] = { 0, LINES, 0xffffffffu },
			      aligns[] = { 0, ALIGNS, 0xffffffffu };

	if (w == &region[6])
		return one_of(lines, sizeof(lines) / 4u);
	if (w == &region[7])
		return one_of(aligns, sizeof(aligns) / 4u);
	return any_of(0, 0xffffffffu);
}

static void init(struct mbx_link *l, enum mbx_side side)
{
	struct mbx_link_config c = { .base = (uintptr_t)region,
				     .bytes = BYTES,
				     .side = side,
				     .channels = channels,
				     .count = 2 };

	mbx_link_init(l, &c);
}

static void ends(const struct mbx_link *l)
{
	struct mbx_queue_place q;
	struct mbx_slots_place s;

	mbx_link_queue(l, 0, &q);
	mbx_link_slots(l, 1, &s);
}

static void live(struct mbx_link *l)
{
	if (mbx_link_attach(l))
		return;
	ends(l);
	mbx_link_poll(l, any_of(0, 0xffffffffu));
	mbx_link_poll(l, any_of(0, 0xffffffffu));
	mbx_link_detach(l);
}

/* As a tool that has found them in a region. */
static void declare(void)
{
	char name[17];
	struct mbx_channel c = { .name = name, .is = { .type = "" } };
	struct mbx_link_config config = { .base = (uintptr_t)region,
					  .bytes = BYTES,
					  .channels = &c,
					  .count = 1 };
	struct mbx_link l;
	uint32_t i;

	for (i = 0; i < 16u; i++)
		name[i] = (char)any_of(0, 255);
	name[16] = 0;
	c.is.kind = (uint8_t)any_of(0, 255);
	c.is.direction = (uint8_t)any_of(0, 255);
	c.is.full = (uint8_t)any_of(0, 255);
	c.is.slots = any_of(0, 0xffffffffu);
	c.is.fwd.max_bytes = any_of(0, 0xffffffffu);
	c.is.fwd.bytes = any_of(0, 0xffffffffu);
	c.is.back = c.is.fwd;
	mbx_link_init_checked(&l, &config);
}

int main(void)
{
	struct mbx_link l;

#if PART == 0
	init(&l, MBX_HOST);
	live(&l);
#elif PART == 1
	init(&l, MBX_REMOTE);
	live(&l);
#elif PART == 2
	init(&l, MBX_HOST);
	if (mbx_link_observe(&l) == 0) {
		ends(&l);
		mbx_link_poll(&l, any_of(0, 0xffffffffu));
	}
#elif PART == 3
	init(&l, MBX_REMOTE);
	if (mbx_link_format(&l, 0) == MBX_EAGAIN)
		mbx_link_format(&l, any_of(0, 0xffffffffu));
#else
	(void)l, (void)init, (void)live, (void)ends;
	declare();
#endif
	return 0;
}
