#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The file system that is booted holds no time of its making, which would make
# each run of counted.sh another one.
set -eu

if [ -e "$BUILD/guest/missing" ]; then
    tail -n 1 "$BUILD/guest/missing"
    exit 77
fi
list=$(zcat "$BUILD/guest/initrd.gz" | TZ=UTC LC_ALL=C cpio --quiet -tv)
echo "$list"
[ "$(echo "$list" | grep -c 'Jan  *1  *1970')" = "$(echo "$list" | wc -l)" ]
echo "$list" | grep -q ' bin/mbx$'
