/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmsav7.h"

/* The region that covers most of what begins at @from; how many bytes. */
static uint32_t cover_most(uint32_t from, uint32_t bytes,
			   struct pmsav7_region *region)
{
	uint32_t log2, best = 0;

	for (log2 = 5; log2 < 32; log2++) {
		uint32_t size = 1u << log2, part = log2 < 8 ? size : size / 8u;
		uint32_t begin = from & (size - 1u), off = 0;
		uint32_t covers = bytes & ~(part - 1u);

		if (from & (part - 1u))
			break;
		if (covers > size - begin)
			covers = size - begin;
		if (covers <= best)
			continue;
		best = covers;
		if (log2 >= 8)
			off = ~(((1u << covers / part) - 1u) << begin / part) &
			      0xffu;
		region->base = from - begin;
		region->size = off << 8 | PMSAV7_SIZE(log2);
	}
	return best;
}

int pmsav7_cover(uint32_t from, uint32_t to, struct pmsav7_region *regions,
		 int most)
{
	int n = 0;

	if ((from | to) & 31u)
		return -1;
	while (from < to) {
		if (n == most)
			return -1;
		from += cover_most(from, to - from, &regions[n++]);
	}
	return n;
}
