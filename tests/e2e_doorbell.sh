#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A million sleeps and wakes on mps2-an521 without a lost one: see
# tests/e2e/doorbell.c.
# timeout: 400
set -eu

. tests/e2e/need.sh
need mps2-an521
"$BUILD/mbx" sim --board mps2-an521 --fw "$BUILD/notick/mps2-an521/echo.elf" -- \
    "$BUILD/e2e/doorbell" "${SLEEPS:-1000000}"
