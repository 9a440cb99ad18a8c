#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Linux and the R5 in turn, by instructions counted: each run is the same.
set -eu

scripts/zcu102.sh -i "$BUILD/zcu102-r5/demo.elf" counted=1
