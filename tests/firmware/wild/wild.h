/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware that stores where it is told to, or goes wrong in another way, to see
 * whether its board lets it, and what it says.
 */
#ifndef WILD_H
#define WILD_H

#include <mbx/channel.h>

/* store	a value, and the region's offset to store it at; then
 * done		the same, if that was possible */
#define WILD_CHANNELS(CHANNEL)                                                 \
	CHANNEL(WILD_STORE, "store", MBX_QUEUE(MBX_H2R, 8, 2, MBX_BLOCK, ""))  \
	CHANNEL(WILD_DONE, "done", MBX_QUEUE(MBX_R2H, 8, 2, MBX_BLOCK, ""))

MBX_DECLARE_CHANNELS(wild_channels, WILD_CHANNELS);

struct wild_store {
	uint32_t off, value;
};

/* In place of an offset: what else to do wrong. */
enum {
	WILD_RECURSE = 0xffffff00u, /* until the stack is full */
	WILD_ELSEWHERE,		    /* store where there is nothing */
	WILD_EXECUTE,		    /* what is no instruction */
	WILD_STACK,  /* the same store, with @value as the stack */
	WILD_DIVIDE, /* protect from an odd place on */
};

#define WILD_NOTHING 0x60000000u /* an address with nothing at it */

#endif
