/* SPDX-License-Identifier: BSD-2-Clause */
/* What bare.c gives to the images of the benchmarks. */
#ifndef MBX_BENCH_BARE_H
#define MBX_BENCH_BARE_H

#include <stdint.h>

/* To wherever QEMU's -semihosting-config says. */
void bare_print(const char *text);
void bare_print_number(uint32_t n);

#endif
