/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage: x86 BYTES. Sends and receives CALLS messages of so many; callgrind counts
 * what mbx_tx_send() or mbx_rx_recv() execute. All of them on the fast path: the
 * ring is larger than all messages.
 */
#include <mbx/queue.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 100
#define RING  (CALLS * 300u)

static struct mbx_word shared[RING / 4 + 8];

int main(int argc, char **argv)
{
	struct mbx_queue_place at = { .tx = &shared[0],
				      .rx = &shared[4],
				      .ring = &shared[8],
				      .ring_bytes = RING,
				      .max_bytes = 256,
				      .memory = MBX_MEMORY_NORMAL };
	static char src[256], dst[256];
	struct mbx_tx tx;
	struct mbx_rx rx;
	uint32_t bytes, i;

	if (argc != 2 || (bytes = (uint32_t)atoi(argv[1])) > sizeof(src))
		return 2;
	memset(src, 0x5a, bytes);
	if (mbx_tx_attach(&tx, &at) || mbx_rx_attach(&rx, &at))
		return 1;
	tx.limit = RING - 4u; /* as if it had looked */
	for (i = 0; i < CALLS; i++)
		if (mbx_tx_send(&tx, src, bytes) ||
		    mbx_rx_recv(&rx, dst, sizeof(dst)) != (int)bytes)
			return 1;
	return memcmp(src, dst, sizeof(src)) != 0;
}
