/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest mbx firmware: what comes on "ping" goes back on "pong". */
#include "board.h"

#include <mbx/link.h>

#define BYTES 64
#define ECHO_CHANNELS(CHANNEL)                                                 \
	CHANNEL(PING, "ping", MBX_QUEUE(MBX_H2R, BYTES, 8, MBX_BLOCK, ""))     \
	CHANNEL(PONG, "pong", MBX_QUEUE(MBX_R2H, BYTES, 8, MBX_BLOCK, ""))
MBX_DECLARE_CHANNELS(channels, ECHO_CHANNELS);

static struct mbx_link mbx;
static struct mbx_rx ping;
static struct mbx_tx pong;
static int last; /* why the last ping was not answered */

static void attach(void)
{
	struct mbx_queue_place at;

	board_protect(0, mbx.is.bytes);
	while ((last = mbx_link_format(&mbx, mbx_port_time_us())) == MBX_EAGAIN)
		;
	if (last < 0 || mbx_link_attach(&mbx) ||
	    mbx_link_queue(&mbx, PING, &at) || mbx_rx_attach(&ping, &at) < 0 ||
	    mbx_link_queue(&mbx, PONG, &at) || mbx_tx_attach(&pong, &at) < 0)
		board_stop("no region, or a damaged one");
	board_protect(mbx.section[MBX_REMOTE], mbx.end_off);
}

static int echo(void)
{
	struct mbx_word mbx_shared *at;
	uint8_t buf[BYTES];
	int n = mbx_rx_peek(&ping, &at);

	if (n < 0)
		return n;
	mbx_copy_out(buf, at, (uint32_t)n);
	n = mbx_tx_send(&pong, buf, (uint32_t)n);
	if (n == 0)
		mbx_rx_release(&ping);
	return n == MBX_EAGAIN ? MBX_ENOSPC : n;
}

static int idle(void *unused __attribute__((unused)))
{
	if (last == MBX_ENOSPC)
		return !mbx_tx_want_room(&pong, 1);
	return last != MBX_EAGAIN || !mbx_rx_want_data(&ping, 1);
}

int main(void)
{
	struct mbx_link_config config = { .side = MBX_REMOTE,
					  .channels = channels,
					  .count = channels_count,
					  .wakeup = BOARD_WAKEUP };
	int done;

	config.base = mbx_port_region(&config.bytes);
	mbx_link_init(&mbx, &config);
	for (attach();; mbx_port_sleep(idle, NULL)) {
		if (mbx_link_poll(&mbx, mbx_port_time_us()) & MBX_EVENT_RESET)
			attach();
		for (done = 0; (last = echo()) == 0;)
			done = 1;
		if (((done || last == MBX_ENOSPC) && mbx_tx_notify(&pong)) ||
		    mbx_rx_notify(&ping))
			mbx_port_ring();
	}
}
