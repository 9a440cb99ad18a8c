#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is tried inside the emulated Linux. Each function test_* is a test: what
# it prints is shown if it fails.

test_carve_out_is_not_ram() {
    grep -qx '3ed00000-3edfffff : reserved' /proc/iomem
}

test_mailbox_is_a_uio_device() {
    [ "$(cat /sys/class/uio/uio0/name)" = mailbox ]
    [ "$(cat /sys/class/uio/uio0/maps/map0/addr)" = 0x000000003ed80000 ]
    [ "$(cat /sys/class/uio/uio0/maps/map1/addr)" = 0x00000000ff300000 ]
}

passed=0 failed=0
for name in $(sed -n 's/^\(test_[a-z0-9_]*\)() {$/\1/p' "$0"); do
    said=$(set -e; $name 2>&1)
    status=$?
    if [ $status -eq 0 ]; then
        passed=$((passed + 1))
        echo "PASS $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name (exit status $status)"
        echo "$said"
    fi
done
echo "inside: $passed passed, $failed failed"
