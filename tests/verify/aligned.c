/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86 with EFLAGS.AC set: an access that is not aligned to its size ends in
 * SIGBUS, as on Device memory. Every call that moves payload, every length. The
 * application's buffers are aligned here: theirs may be accessed unaligned.
 */
#include <mbx/link.h>

#include <stdio.h>
#include <string.h>

#define MAX 72u

static struct mbx_word tx_block[2], rx_block[3], ring[200];
static struct mbx_word ctl[3], slots[4 * (2 + MAX / 4)];
static uint64_t in[16], out[16];
static unsigned long calls;

static void alignment_checks(int on)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
	flags = on ? flags | 0x40000ul : flags & ~0x40000ul;
	__asm__ volatile("pushq %0; popfq" ::"r"(flags) : "memory", "cc");
}

static int move(struct mbx_tx *tx, struct mbx_rx *rx, uint32_t bytes)
{
	struct mbx_word *data;

	calls += 6;
	if (mbx_tx_send(tx, in, bytes) ||
	    mbx_rx_recv(rx, out, sizeof(out)) != (int)bytes ||
	    mbx_tx_claim(tx, bytes, &data))
		return 1;
	mbx_copy_in(data, in, bytes);
	if (mbx_tx_commit(tx, bytes) || mbx_rx_peek(rx, &data) != (int)bytes)
		return 1;
	mbx_copy_out(out, data, bytes);
	mbx_rx_release(rx);
	return 0;
}

static int log_one(struct mbx_writer *w, struct mbx_reader *r, uint32_t bytes)
{
	struct mbx_record rec;

	calls += 3;
	return mbx_writer_write(w, 0, in, bytes, 1) ||
	       mbx_reader_next(r, out, sizeof(out), &rec) != (int)bytes ||
	       mbx_reader_newest(r, out, sizeof(out), &rec) != (int)bytes;
}

int main(void)
{
	struct mbx_queue_place q = { ring,	   tx_block, rx_block,
				     sizeof(ring), MAX,	     MBX_FAIL };
	struct mbx_slots_place s = { ctl, slots, 4, MAX };
	struct mbx_writer w;
	struct mbx_reader r;
	struct mbx_tx tx;
	struct mbx_rx rx;
	uint32_t round, bytes, bad = 0;

	alignment_checks(1);
	bad |= mbx_tx_attach(&tx, &q) || mbx_rx_attach(&rx, &q);
	mbx_writer_attach(&w, &s);
	mbx_reader_attach(&r, &s);
	for (round = 0; round < 100; round++)
		for (bytes = 0; bytes <= MAX; bytes++)
			bad |= move(&tx, &rx, bytes) || log_one(&w, &r, bytes);
	alignment_checks(0);
	if (bad)
		printf("a call failed\n");
	else
		printf("%lu calls\n", calls);
	return (int)bad;
}
