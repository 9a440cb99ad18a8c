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

static uint32_t recurse(uint32_t n)
{
	volatile uint32_t frame[16];

	frame[n % 16u] = n;
	return n ? recurse(n + 1u) + frame[n % 16u] : 0;
}

static void store_with_stack(uint32_t stack)
{
#if defined(__arm__) && !defined(__linux__)
	__asm__ volatile("mov sp, %0\n\t"
			 "str %1, [%1]" ::"r"(stack),
			 "r"(WILD_NOTHING)
			 : "memory");
#else
	(void)stack;
#endif
}

static void do_wrong(const struct wild_store *order)
{
	switch (order->off) {
	case WILD_RECURSE:
		recurse(1);
		break;
	case WILD_ELSEWHERE:
		*(volatile uint32_t *)(uintptr_t)WILD_NOTHING = order->value;
		break;
	case WILD_EXECUTE:
		__builtin_trap();
	case WILD_STACK:
		store_with_stack(order->value);
		break;
	case WILD_DIVIDE:
		board_protect(4, 8);
		break;
	default:
		mbx_st(mbx_link_word(&mbx, order->off), order->value);
	}
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
	do_wrong(&order);
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
					  .wakeup = BOARD_WAKEUP,
					  .boot_reason =
						  mbx_port_boot_reason() };

	config.base = mbx_port_region(&config.bytes);
	mbx_link_init(&mbx, &config);
	for (attach();; mbx_port_sleep(idle, NULL)) {
		if (mbx_link_poll(&mbx, mbx_port_time_us()) & MBX_EVENT_RESET)
			attach();
		obey();
	}
}
