/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that prove themselves: of any length, each with the life of its
 * sender, its number in that, and a checksum over all of it.
 */
#ifndef TESTS_TRAFFIC_H
#define TESTS_TRAFFIC_H

#include "unit/host.h"

#define HEAD 12u /* bytes: checksum, life, number */

static uint32_t random_state = 1;

static inline uint32_t any(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % below;
}

static inline uint32_t sum_of(const uint8_t *bytes, uint32_t n)
{
	uint32_t h = 0x811c9dc5u ^ n, i;

	for (i = 4; i < n; i++)
		h = (h ^ bytes[i]) * 0x01000193u;
	return h;
}

/* Make one in @buf of HEAD to @max bytes; how many it has. */
static inline uint32_t make_message(uint8_t *buf, uint32_t max, uint32_t life,
				    uint32_t number)
{
	uint32_t n = HEAD + any(max - HEAD + 1u), i, sum;

	memcpy(buf + 4, &life, 4);
	memcpy(buf + 8, &number, 4);
	for (i = HEAD; i < n; i++)
		buf[i] = (uint8_t)(number * 31u + i);
	sum = sum_of(buf, n);
	memcpy(buf, &sum, 4);
	return n;
}

/* Is it whole? Then whose it is, and which. */
static inline int is_message(const uint8_t *buf, int n, uint32_t *life,
			     uint32_t *number)
{
	uint32_t sum;

	if (n < (int)HEAD)
		return 0;
	memcpy(&sum, buf, 4);
	memcpy(life, buf + 4, 4);
	memcpy(number, buf + 8, 4);
	return sum == sum_of(buf, (uint32_t)n);
}

/* Work a little, or long enough for the peer to fall asleep. */
static inline void dawdle(void)
{
	uint32_t i, n = any(4) ? any(30) : any(4000);

	for (i = 0; i < n; i++)
		__asm__ volatile("" ::: "memory");
	if (any(64) == 0)
		usleep(any(300));
}

#endif
