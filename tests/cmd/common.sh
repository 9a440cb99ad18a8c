#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Sourced by the scripts that test the command mbx: a folder in $tmp, names in
# $name and $region, and what they expect of it.

mbx=${BUILD:?}/mbx
[ -x "$mbx" ] || { echo "no $mbx: run make linux"; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mbx-cmd.XXXXXX") || exit 1
name=mbx-${0##*/}-$$
# shellcheck disable=SC2034 # for whoever sources this
region=shm:/$name
pids='' board=''
unset MBX_REGION MBX_DOORBELL

clean_up() {
    for pid in $pids $board; do
        kill -9 "$pid" 2>/dev/null
    done
    rm -rf "$tmp" "/dev/shm/$name" "/dev/shm/$name"-*
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# run ARGS...: mbx, with a hang timeout; its outputs in $tmp/out and $tmp/err
run() {
    timeout -k 5 30 "$mbx" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
}

# expect STATUS TEXT ARGS...: that exit status, and TEXT in either output. An
# error is one line that begins with "mbx: "; only dump's stands in its output.
expect() {
    status=$1 text=$2
    shift 2
    run "$@"
    got=$?
    [ $got -eq "$status" ] ||
        fail "mbx $*: status $got, not $status: $(cat "$tmp/out" "$tmp/err")"
    [ -z "$text" ] || cat "$tmp/out" "$tmp/err" | grep -qF -e "$text" ||
        fail "mbx $*: says '$(cat "$tmp/out" "$tmp/err")', not '$text'"
    [ "$status" -eq 0 ] && return
    [ "$(grep -c '' "$tmp/err")" -eq 1 ] || [ "$1" = dump ] ||
        fail "mbx $*: more or less than one line: $(cat "$tmp/err")"
    grep -q '^mbx: ' "$tmp/err" || [ "$1" = dump ] ||
        fail "mbx $*: an error without mbx: $(cat "$tmp/err")"
}

# prints TEXT ARGS...: succeeds with just that output
prints() {
    text=$1
    shift
    run "$@" || fail "mbx $*: status $?: $(cat "$tmp/err")"
    [ "$(cat "$tmp/out")" = "$text" ] ||
        fail "mbx $*: prints '$(cat "$tmp/out")', not '$text'"
}

# json EXPRESSION ARGS...: valid JSON for which the Python EXPRESSION of j holds
json() {
    expression=$1
    shift
    run "$@"
    python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
assert eval(sys.argv[2]), j' "$tmp/out" "$expression" ||
        fail "mbx $*: not $expression: $(cat "$tmp/out" "$tmp/err")"
}

# in_background ARGS...: mbx, its pid in $last, its outputs in $tmp/bg.*
in_background() {
    "$mbx" "$@" >"$tmp/bg.out" 2>"$tmp/bg.err" </dev/null &
    last=$!
    pids="$pids $last"
}

# remote ARGS...: the same as the remote side of the region
remote() {
    in_background "$@" --side remote -t 10000
}

# done_well: what was started last ends with 0
done_well() {
    wait "$last" || fail "in the background: status $?: $(cat "$tmp/bg.err")"
}

. tests/e2e/until.sh

section() {
    echo "-- $*"
}
