#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A million sleeps and wakes on mps2-an521 without a lost one, and some on
# zcu102-r5, whose doorbell is masked in another way: see tests/e2e/doorbell.c.
# timeout: 400
set -eu

. tests/e2e/need.sh
need mps2-an521 zcu102-r5
sleeps() { # BOARD HOW-MANY
    "$BUILD/mbx" sim --board "$1" --fw "$BUILD/notick/$1/echo.elf" -- \
        "$BUILD/e2e/doorbell" "$2"
}
sleeps zcu102-r5 10000
sleeps mps2-an521 "${SLEEPS:-1000000}"
