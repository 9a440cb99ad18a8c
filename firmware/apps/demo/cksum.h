/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checksum of the POSIX cksum utility (IEEE Std 1003.1): a CRC with the
 * polynomial 0x04c11db7, most significant bit first, over the bytes and then
 * their number, least significant byte first; complemented.
 */
#ifndef DEMO_CKSUM_H
#define DEMO_CKSUM_H

#include <stdint.h>

struct cksum {
	uint32_t crc;
	uint32_t bytes; /* so far; streams are below 4 GiB */
};

/* All zero is an empty stream; this makes it one again. */
void cksum_start(struct cksum *c);

/* Go on with @bytes more of the stream. */
void cksum_add(struct cksum *c, const void *data, uint32_t bytes);

/* What `cksum` would print for the stream so far, which may go on. */
uint32_t cksum_value(const struct cksum *c);

#endif
