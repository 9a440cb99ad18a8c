#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Firmware with another layout: refused with both values by a host that was
# built for the demo's; and put in the place of the demo under a running host.
set -eu

. tests/e2e/need.sh
need mps2-an521
"$BUILD/e2e/other" mps2-an521
"$BUILD/e2e/other" linux
