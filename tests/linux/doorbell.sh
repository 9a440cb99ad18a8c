#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Firmware that nothing wakes but the IPI, Linux that nothing wakes but the R5's
# interrupt, and both at once: a ring that is lost, either way, is the end.
set -eu

scripts/zcu102.sh "$BUILD/notick/zcu102-r5/echo.elf" only=doorbell
