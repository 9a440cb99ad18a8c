#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/faults.sh
# Each call of the C library that a command makes fails in turn: see
# tests/faults/faults.py.
# timeout: 600
set -u

for needed in "${BUILD:?}/mbx" "$BUILD/faults.so" "$BUILD/host/demo" python3; do
    command -v "$needed" >/dev/null || {
        echo "no $needed: make test-only, scripts/setup.sh test"
        exit 77
    }
done
exec python3 tests/faults/faults.py
