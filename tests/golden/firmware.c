/* SPDX-License-Identifier: BSD-2-Clause */
/* The golden region, made and read back by a core that has nothing but memory. */
#include "bare.h"
#include "region.h"

extern const uint32_t golden_words[]; /* those of region.hex */

static uint32_t memory[REGION_BYTES / 4u]
	__attribute__((section(".shared"), aligned(64)));

void not_true(int line, const char *what)
{
	bare_print("line ");
	bare_print_number((uint32_t)line);
	bare_print(": not true: ");
	bare_print(what);
	bare_print("\n");
	__builtin_trap(); /* which ends all, with failure */
}

void protect_region(uintptr_t base, int on)
{
	(void)base, (void)on;
}

int main(void)
{
	uintptr_t base = (uintptr_t)memory;
	uint32_t off;

	make_region(base);
	for (off = 0; off < REGION_BYTES; off += 4u)
		if (region_word(base, off) != golden_words[off / 4u])
			not_true((int)off, "the bytes of region.hex");
	for (off = 0; off < REGION_BYTES; off += 4u)
		set_region_word(base, off, golden_words[off / 4u]);
	read_region(base);
	bare_print("made, compared and read back\n");
	return 0;
}
