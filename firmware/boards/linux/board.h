/* SPDX-License-Identifier: BSD-2-Clause */
/* A board that is a Linux process: port.c says how it is wired up. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>
#include <stdlib.h>

#define BOARD_NAME "linux"

/* Without a doorbell socket it looks at each tick only. */
#define BOARD_WAKEUP                                                           \
	(getenv("MBX_BOARD_SOCKET") ? MBX_WAKE_DOORBELL : MBX_WAKE_POLL)

/* No light here. */
static inline void board_led(uint32_t on)
{
	(void)on;
}

/* It makes no sense to go on: say @why on stderr and exit with 1. */
void board_stop(const char *why) __attribute__((noreturn));

/*
 * From now on this process can write the region's bytes from @from up to @to,
 * and only read the others, on pain of a SIGSEGV; but what shares a page with
 * the former stays writable too. See PORTING.md.
 */
void board_protect(uint32_t from, uint32_t to);

#endif
