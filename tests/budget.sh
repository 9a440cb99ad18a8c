#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# No figure of bytes or instructions exceeds tests/bench/budget.csv, by nothing at
# all: they are the same in every run. The budget holds for one version of each
# compiler; with another one that part is skipped.
# timeout: 600

set -u
for tool in python3 arm-none-eabi-gcc qemu-system-arm valgrind; do
	if ! command -v "$tool" >/dev/null; then
		echo "SKIP budget: $tool is not installed (make setup)"
		exit 77
	fi
done
exec python3 tests/bench/bench.py budget-check
