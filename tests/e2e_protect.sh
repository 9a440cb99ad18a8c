#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Firmware that stores to what is the host's is stopped by its board: see
# tests/e2e/protect.c.
set -eu

. tests/e2e/need.sh
set -- mps2-an521 mps2-an385 zcu102-r5 linux
need "$@"
for board; do
    "$BUILD/e2e/protect" $board
done
