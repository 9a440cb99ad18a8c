/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The golden region: one small region with something of everything in it. Both
 * sides run in one program and one thread, on clocks that it sets.
 */
#ifndef TESTS_GOLDEN_REGION_H
#define TESTS_GOLDEN_REGION_H

#include <stdint.h>

#define REGION_BYTES 0x5c0u

/* The region from nothing, the same to the byte wherever that is done. */
void make_region(uintptr_t base);

/* A new life of both sides, in a region that somebody else has filled. */
void read_region(uintptr_t base);

/* Of how many channels it is. */
uint32_t region_channels(void);

/* Words by bytes, so that a core of either byte order means the same by it. */
uint32_t region_word(uintptr_t base, uint32_t off);
void set_region_word(uintptr_t base, uint32_t off, uint32_t v);

/* Of the program: stop, something is not as it should be. */
_Noreturn void not_true(int line, const char *what);

/* Of the program, if it can: what is stored from now on ends it. */
void protect_region(uintptr_t base, int on);

#endif
