#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Sourced by tests that run firmware under QEMU.

# need BOARD...: skip the test, and say why, unless this system can emulate them
need() {
    for board; do
        case $board in
        mps2-*) qemu=qemu-system-arm machine=$board ;;
        zcu102-r5) qemu=qemu-system-aarch64 machine=xlnx-zcu102 ;;
        linux) continue ;;
        esac
        command -v $qemu >/dev/null || {
            echo "$qemu is missing: scripts/setup.sh run"
            exit 77
        }
        $qemu -M help | grep -q "^$machine " || {
            echo "$qemu has no machine $machine"
            exit 77
        }
    done
}
