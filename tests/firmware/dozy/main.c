/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The echo, but slow to fall asleep: rings come while it asks whether there is
 * more, and between the answer and the sleep.
 */
#include "board.h"

#include <mbx/port.h>

static int (*ask)(void *);

/* Now and then for as long as a ring is under way */
static void dawdle(void)
{
	static uint32_t state = 1;
	volatile uint32_t n;

	state = state * 1103515245u + 12345u;
	for (n = (state >> 16) % 4u ? 0 : state >> 16; n; n--)
		;
}

static int ask_slowly(void *arg)
{
	int is_idle;

	dawdle();
	is_idle = ask(arg);
	dawdle();
	return is_idle;
}

static void sleep_slowly(int (*is_idle)(void *), void *arg);

#define mbx_port_sleep sleep_slowly
#include "apps/echo/main.c"
#undef mbx_port_sleep

static void sleep_slowly(int (*is_idle)(void *), void *arg)
{
	ask = is_idle;
	mbx_port_sleep(ask_slowly, arg);
	mbx_rx_want_data(&ping, 0); /* no needless ring hides a lost one */
	mbx_tx_want_room(&pong, 0);
}
