#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Host process and firmware, ended at any moment on either board, with every
# message accounted for: see tests/e2e/restart.c.
# timeout: 240
set -eu

command -v qemu-system-arm >/dev/null || {
    echo "qemu-system-arm is missing: scripts/setup.sh run"
    exit 77
}
for board in mps2-an521 mps2-an385 linux; do
    "$BUILD/e2e/restart" $board
done
