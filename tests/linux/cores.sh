#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Linux and the R5 at once, each on a core of this computer, two rounds of
# traffic: runs differ, and that is the point.
set -eu

scripts/zcu102.sh "$BUILD/zcu102-r5/demo.elf" rounds=2
