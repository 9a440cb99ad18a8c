#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Firmware with another layout: refused with both values by a host that was
# built for the demo's; and put in the place of the demo under a running host.
set -eu

command -v qemu-system-arm >/dev/null || {
    echo "qemu-system-arm is missing: scripts/setup.sh run"
    exit 77
}
"$BUILD/e2e/other" mps2-an521
"$BUILD/e2e/other" linux
