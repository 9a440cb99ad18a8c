#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The main job of `make run`, on each board and with the firmware as a process:
# scripts/demo.sh checks every reply. Then files of all awkward lengths.
set -eu

. tests/e2e/need.sh
set -- mps2-an521 mps2-an385 zcu102-r5
need "$@"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

: >"$dir/empty"
for n in 1 3 4 1023 1024 1025 65536 1000003; do
    head -c $n /dev/urandom >"$dir/$n"
done
for board; do
    BUILD=$BUILD scripts/demo.sh $board "$dir"/*
done
# the firmware as a process computes the same
cksum "$dir"/* >"$dir.want"
"$BUILD/mbx" sim --board linux --fw "$BUILD/host/demo" -- mbx cksum "$dir"/* >"$dir.got"
mv "$dir.want" "$dir/want"
mv "$dir.got" "$dir/got"
cmp "$dir/want" "$dir/got"
# a file that cannot be read: said, the others done, exit status 1
status=0
"$BUILD/mbx" sim -- mbx cksum "$dir/missing" "$dir/1024" >"$dir/got" 2>"$dir/err" || status=$?
[ $status = 1 ]
grep -q "$dir/missing" "$dir/err"
grep -q "$dir/1024" "$dir/got"
echo "all checksums were right"
