/* SPDX-License-Identifier: BSD-2-Clause */
#include "wild.h"

#include "board.h"

#include <mbx/link.h>

static struct mbx_link mbx;
static struct mbx_rx orders;
static struct mbx_tx done;

static void attach(void)
{
	struct mbx_queue_place at;
	int err;

	board_protect(0, mbx.is.bytes);
	while ((err = mbx_link_format(&mbx, mbx_port_time_us())) == MBX_EAGAIN)
		;
	if (err < 0 || mbx_link_attach(&mbx))
		board_stop("no region");
	board_protect(mbx.section[MBX_REMOTE], mbx.end_off);
	mbx_link_queue(&mbx, WILD_STORE, &at);
	mbx_rx_attach(&orders, &at);
	mbx_link_queue(&mbx, WILD_DONE, &at);
	mbx_tx_attach(&done, &at);
}

/* The order goes out of the ring first: the next life shall not do it again. */
static void obey(void)
{
	struct mbx_word mbx_shared *at;
	struct wild_store order;

	if (mbx_rx_peek(&orders, &at) != sizeof(order))
		return;
	mbx_copy_out(&order, at, sizeof(order));
	mbx_rx_release(&orders);
	mbx_st(mbx_link_word(&mbx, order.off), order.value);
	mbx_tx_send(&done, &order, sizeof(order));
	if (mbx_tx_notify(&done))
		mbx_port_ring();
}

static int idle(void *unused __attribute__((unused)))
{
	return !mbx_rx_want_data(&orders, 1);
}

int main(void)
{
	struct mbx_link_config config = { .side = MBX_REMOTE,
					  .channels = wild_channels,
					  .count = wild_channels_count,
					  .wakeup = BOARD_WAKEUP };

	config.base = mbx_port_region(&config.bytes);
	mbx_link_init(&mbx, &config);
	for (attach();; mbx_port_sleep(idle, NULL)) {
		if (mbx_link_poll(&mbx, mbx_port_time_us()) & MBX_EVENT_RESET)
			attach();
		obey();
	}
}
