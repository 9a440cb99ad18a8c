/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes, as those of symbols: of what callers own, and of rings for 8 x 64 B. */
#include <mbx/link.h>

#define SIZE(name, bytes)                                                      \
	extern const char size_of_##name[bytes];                               \
	const char size_of_##name[bytes] = { 0 }

SIZE(mbx_tx, sizeof(struct mbx_tx));
SIZE(mbx_rx, sizeof(struct mbx_rx));
SIZE(mbx_writer, sizeof(struct mbx_writer));
SIZE(mbx_reader, sizeof(struct mbx_reader));
SIZE(mbx_link, sizeof(struct mbx_link));
/* filled once from offset 0: the records, and the word behind the last */
SIZE(ring0, 8 * (4 + 64) + 4);
SIZE(ring, MBX_RING_BYTES(8, 64));
