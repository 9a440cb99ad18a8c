#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The quick slice of `make verify`: what takes seconds.
# timeout: 900
exec tests/verify/verify.py --quick
