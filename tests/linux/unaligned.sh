#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# On a QEMU that faults where hardware does: an unaligned access to Device memory,
# which any memcpy() may make, is SIGBUS. It does not with -icount.
set -eu

qemu=$BUILD/fetched/qemu
scripts/fetch.sh --suite bookworm-backports --deps 'lib* qemu-system-*' \
    "$(dpkg --print-architecture)" "$qemu" qemu-system-arm

scripts/zcu102.sh -q "$qemu" "$BUILD/zcu102-r5/demo.elf" unaligned=faults
