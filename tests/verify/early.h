/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included in front of each source whose counters are kept in a file while it
 * runs: the file is there before the constructors, of which the firmware as a
 * process is one, and not after them.
 */
#ifndef EARLY_H
#define EARLY_H

void __llvm_profile_initialize(void);
extern int early_done;
int early_done __attribute__((weak));

static void __attribute__((constructor(101), no_profile_instrument_function))
early(void)
{
	if (!early_done++)
		__llvm_profile_initialize();
}

#endif
