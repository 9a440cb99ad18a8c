#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Sourced by tests that wait for what others do.

# until_true COMMAND...: within 20 s
until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || fail "never came true: $*"
        sleep 0.05
    done
}
