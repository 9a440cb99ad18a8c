/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware that stores where it is told to, to see whether its board lets it. */
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

#endif
