#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Host process and firmware, ended at any moment on either board, with every
# message accounted for: see tests/e2e/restart.c.
# timeout: 240
set -eu

. tests/e2e/need.sh
set -- mps2-an521 mps2-an385 zcu102-r5 linux
need "$@"
for board; do
    "$BUILD/e2e/restart" $board
done
