/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest user of a queue each way, at places agreed on beforehand: takes
 * up both ends (with all of the recovery after a crash), sends, receives. What
 * it adds to an image that does nothing (-DNOTHING) is what a queue costs.
 * Names that are extern here are given addresses by the linker's command.
 */
#include <mbx/queue.h>

int main(void);

#ifndef NOTHING
extern struct mbx_word region[];
extern uint32_t buf[4];
extern volatile int result;

static const struct mbx_queue_place up = {
	.ring = region + 8,
	.tx = region,
	.rx = region + 4,
	.ring_bytes = 548,
	.max_bytes = 64,
};
static const struct mbx_queue_place down = {
	.ring = region + 208,
	.tx = region + 200,
	.rx = region + 204,
	.ring_bytes = 548,
	.max_bytes = 64,
};
extern struct mbx_tx tx;
extern struct mbx_rx rx;
#endif

int main(void)
{
#ifndef NOTHING
	if (mbx_tx_attach(&tx, &up) < 0 || mbx_rx_attach(&rx, &down) < 0)
		return 1;
	result = mbx_tx_send(&tx, buf, sizeof(buf));
	result = mbx_rx_recv(&rx, buf, sizeof(buf));
#endif
	return 0;
}
