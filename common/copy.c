/* SPDX-License-Identifier: BSD-2-Clause */
#include <mbx/word.h>

/*
 * The application's side is moved by __builtin_memcpy of a constant 4 bytes,
 * which compiles to one load or store wherever the core allows unaligned ones.
 * The last word goes through shifts: its bytes are in memory order, so the
 * first one is the low byte of the little-endian value.
 */
void mbx_copy_in(struct mbx_word mbx_shared *to, const void *from,
		 uint32_t bytes)
{
	const uint8_t *s = from;
	struct mbx_word mbx_shared *start = to;
	uint32_t left = bytes, w;

	for (; left >= 4; left -= 4, s += 4) {
		__builtin_memcpy(&w, s, 4);
		mbx_st_data(to, w);
		to = mbx_word_at(to, 4);
	}
	if (left) {
		w = 0;
		while (left)
			w = (w << 8) | s[--left];
		mbx_st_data(to, mbx_le32(w));
	}
	mbx_port_clean((void mbx_force *)(uintptr_t)start, bytes);
}

void mbx_copy_out(void *to, const struct mbx_word mbx_shared *from,
		  uint32_t bytes)
{
	uint8_t *d = to;
	uint32_t left = bytes, w;

	mbx_port_invalidate((void mbx_force *)(uintptr_t)from, bytes);
	for (; left >= 4; left -= 4, d += 4) {
		w = mbx_ld_data(from);
		__builtin_memcpy(d, &w, 4);
		from = mbx_word_at(from, 4);
	}
	if (left) {
		w = mbx_le32(mbx_ld_data(from));
		for (; left; left--, w >>= 8)
			*d++ = (uint8_t)w;
	}
}
