/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frama-C's Eva: state and log do not leave slots, block and buffers, whatever
 * their loads return: all 2^32 values of each, but for the upper byte of a slot's
 * info word, which is one of UPPER. From anything that attach can find, each call
 * with each length.
 */
#ifndef SLOTS
#define SLOTS 2u
#endif
#ifndef MAX
#define MAX 7u
#endif
#ifndef UPPER
#define UPPER 0x00, 0x80, 0x86, 0xff
#endif

#define MBX_WORD_HEADER "verify/eva_words.h"

#include <string.h>
#define __builtin_memcpy memcpy

#include <mbx/layout.h>

#include "../../common/copy.c"
#include "../../common/slots.c"

#define STRIDE (2u + (MAX + 3u) / 4u)

static struct mbx_word block[3], slot[SLOTS * STRIDE];
static uint8_t buf[MAX + 4u]; /* the last ones of it are lent */

/* An info word: the byte with flag and level, and each length that may fit. */
static uint32_t info(void)
{
	static const uint8_t bytes_above[] = { UPPER };
	uint32_t i, upper, bytes;

	for (i = 0; i < sizeof(bytes_above) - 1u; i++)
		if (maybe())
			break;
	upper = (uint32_t)bytes_above[i] << 24;
	for (bytes = 0; bytes <= MAX; bytes++)
		if (maybe())
			return upper + bytes;
	return any_of(upper + MAX + 1u, upper + MBX_SLOT_BYTES_MASK);
}

static uint32_t control(const struct mbx_word *w)
{
	uint32_t i;

	for (i = 0; i < SLOTS; i++)
		if (w == &slot[i * STRIDE + 1u])
			return info();
	return any_of(0, 0xffffffffu);
}

/* Anything, so that what was read before makes no difference. */
static void any_buffer(void)
{
	uint32_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)any_of(0, 255);
}

static void read_all(const struct mbx_slots_place *at, uint32_t cap)
{
	uint8_t *lent = buf + sizeof(buf) - cap;
	struct mbx_record rec;
	struct mbx_reader r;

	any_buffer();
	mbx_reader_attach(&r, at);
	mbx_reader_next(&r, lent, cap, &rec);
	any_buffer();
	r.next = any_of(0, 0xffffffffu);
	mbx_reader_newest(&r, lent, cap, &rec);
	mbx_reader_skip(&r);
}

int main(void)
{
	struct mbx_slots_place at = {
		.ctl = block, .slot = slot, .slots = SLOTS, .max_bytes = MAX
	};
	struct mbx_writer w;
	uint32_t bytes;

	for (bytes = 0; bytes <= MAX + 1u; bytes++) {
		mbx_writer_attach(&w, &at);
		mbx_writer_write(&w, any_of(0, 0xffffffffu), buf, bytes, 0);
	}
	for (bytes = 0; bytes <= sizeof(buf); bytes++)
		read_all(&at, bytes);
	return 0;
}
