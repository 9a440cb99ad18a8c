/* SPDX-License-Identifier: BSD-2-Clause */
#include "cksum.h"

/* The CRC of each value of four bits: 64 bytes of table instead of 1024. */
static const uint32_t nibble[16] = {
	0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9, 0x130476dc, 0x17c56b6b,
	0x1a864db2, 0x1e475005, 0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
	0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd,
};

static uint32_t add_byte(uint32_t crc, uint32_t byte)
{
	crc ^= byte << 24;
	crc = crc << 4 ^ nibble[crc >> 28];
	return crc << 4 ^ nibble[crc >> 28];
}

void cksum_start(struct cksum *c)
{
	c->crc = c->bytes = 0;
}

void cksum_add(struct cksum *c, const void *data, uint32_t bytes)
{
	const uint8_t *p = data;
	uint32_t crc = c->crc;

	c->bytes += bytes;
	while (bytes--)
		crc = add_byte(crc, *p++);
	c->crc = crc;
}

uint32_t cksum_value(const struct cksum *c)
{
	uint32_t crc = c->crc, n;

	for (n = c->bytes; n; n >>= 8)
		crc = add_byte(crc, n & 0xffu);
	return ~crc;
}
