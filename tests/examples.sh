#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/examples.sh
# Runs each program of linux/examples and checks what it prints and does.
set -u

ex=${BUILD:?}/examples
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mbx-examples.XXXXXX")
name=/mbx-examples-$$
owner=

clean_up() {
    [ -z "$owner" ] || kill "$owner" 2>/dev/null
    rm -rf "$tmp" "/dev/shm$name"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "examples: $*" >&2
    exit 1
}

# expect STATUS TEXT PROGRAM ARGS...: its exit status, and TEXT in what it says
expect() {
    status=$1 text=$2 program=$3
    shift 3
    out=$(timeout -k 5 20 "$ex/$program" "$@" 2>&1 </dev/null)
    got=$?
    [ "$got" -eq "$status" ] || fail "$program $*: exit status $got, not $status: $out"
    case $out in
    *"$text"*) ;;
    *) fail "$program $*: says '$out', not '$text'" ;;
    esac
}

# await TEXT: the owner's output holds it within 20 s
await() {
    tries=0
    until grep -qF "$1" "$tmp/owner"; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || fail "the owner says '$(cat "$tmp/owner")', not '$1'"
        kill -0 "$owner" 2>/dev/null || fail "the owner ended: $(cat "$tmp/owner")"
        sleep 0.05
    done
}

start_owner() {
    program=$1
    shift
    : >"$tmp/owner" # now, not when the child comes to it
    "$ex/$program" "$@" >>"$tmp/owner" 2>&1 </dev/null &
    owner=$!
}

# stop_owner SIGNAL: it ends well, and takes the name with it
stop_owner() {
    kill -s "$1" "$owner"
    wait "$owner"
    got=$?
    owner=
    [ $got -eq 0 ] || fail "on SIG$1 the owner's exit status is $got: $(cat "$tmp/owner")"
    [ ! -e "/dev/shm$name" ] || fail "/dev/shm$name is still there after SIG$1"
}

for src in linux/examples/*.c; do
    src=${src##*/}
    [ -x "$ex/${src%.c}" ] || fail "$ex/${src%.c} is not built: make linux"
done

# ---- four_mappings: checks itself; the table is for people ----

expect 0 "" four_mappings
table="$(echo "$out" | grep -c '^shared.*yes *yes') $(echo "$out" | grep -c '^private.*no *no')"
[ "$table" = "2 2" ] || fail "four_mappings: another table: $out"

# ---- cat_mmap ----

expect 2 "usage" cat_mmap
expect 2 "usage" cat_mmap a b
expect 1 "$tmp/missing: No such file" cat_mmap "$tmp/missing"
expect 1 "$tmp: only a regular file" cat_mmap "$tmp"
mkfifo "$tmp/fifo"
expect 1 "fifo: only a regular file" cat_mmap "$tmp/fifo"
expect 1 "/dev/null: only a regular file" cat_mmap /dev/null
: >"$tmp/empty"
expect 0 "" cat_mmap "$tmp/empty"
[ -z "$out" ] || fail "cat_mmap of an empty file prints '$out'"
for bytes in 1 4095 4096 4097 1000003; do
    head -c $bytes /dev/urandom >"$tmp/in"
    "$ex/cat_mmap" "$tmp/in" >"$tmp/out" || fail "cat_mmap of $bytes bytes fails"
    cmp -s "$tmp/in" "$tmp/out" || fail "cat_mmap of $bytes bytes differs from the file"
    "$ex/cat_mmap" "$tmp/in" | cat >"$tmp/out"
    cmp -s "$tmp/in" "$tmp/out" || fail "cat_mmap of $bytes bytes into a pipe differs"
done
if [ -w /dev/full ]; then
    "$ex/cat_mmap" "$tmp/in" >/dev/full 2>"$tmp/out" && fail "cat_mmap: a full disk goes unnoticed"
    grep -q "standard output: No space" "$tmp/out" || fail "cat_mmap: $(cat "$tmp/out")"
fi

# ---- fork_shared ----

expect 0 "shared 200000, ordinary 100000" fork_shared

# ---- shm_counter_a and shm_counter_b ----

for program in shm_counter_a shm_counter_b; do
    expect 2 "usage: $program /NAME" $program
    expect 2 "usage: $program /NAME" $program $name extra
    expect 2 "usage: $program /NAME" $program no-slash
    expect 2 "one slash, in front" $program /two/slashes
    expect 2 "one slash, in front" $program /
    expect 2 "one slash, in front" $program ""
    expect 1 "$program: /000" $program "/$(printf '%0300d' 0)"
done
expect 1 "not there; start shm_counter_a first" shm_counter_b $name
[ ! -e "/dev/shm$name" ] || fail "shm_counter_b created $name"
: >"/dev/shm$name" # made, but without its size yet
expect 1 "no counter" shm_counter_b $name
expect 1 "exists already" shm_counter_a $name
[ -e "/dev/shm$name" ] || fail "shm_counter_a removed what it did not make"
rm "/dev/shm$name"

for signal in INT TERM; do
    start_owner shm_counter_a $name
    await "counter is 0"
    [ "$(stat -c %a "/dev/shm$name")" = 600 ] || fail "/dev/shm$name is open to others"
    expect 1 "exists already" shm_counter_a $name
    expect 0 "counter was 0, is 1" shm_counter_b $name
    await "counter is 1"
    expect 0 "counter was 1, is 2" shm_counter_b $name
    await "counter is 2"
    stop_owner $signal
    expect 1 "not there" shm_counter_b $name
done

# ---- mbx_counter ----

expect 2 "usage" mbx_counter
expect 2 "usage" mbx_counter own
expect 2 "usage" mbx_counter take shm:$name
expect 2 "usage" mbx_counter add shm:$name extra
expect 1 "mbx_counter: " mbx_counter own nonsense
expect 1 "nonsense" mbx_counter add nonsense
expect 1 "$name" mbx_counter add shm:$name
for signal in INT TERM; do
    start_owner mbx_counter own shm:$name
    await "counter is 0"
    expect 1 "$name" mbx_counter own shm:$name
    expect 0 "counter was 0, is 1" mbx_counter add shm:$name
    await "counter is 1"
    expect 0 "counter was 1, is 2" mbx_counter add shm:$name
    await "counter is 2"
    stop_owner $signal
done
# an owner that does not answer, that is killed, whose region goes
start_owner mbx_counter own shm:$name
await "counter is 0"
kill -STOP "$owner"
expect 1 "is not there" mbx_counter add shm:$name
kill -KILL "$owner"
wait "$owner" 2>/dev/null
expect 1 "mbx_counter: " mbx_counter add shm:$name
rm "/dev/shm$name"
start_owner mbx_counter own shm:$name
await "counter is 0"
rm "/dev/shm$name"
kill -TERM "$owner"
wait "$owner" && fail "mbx_counter: its region was gone, and it did not say so"
start_owner mbx_counter own shm:$name
await "counter is 0"
truncate -s 0 "/dev/shm$name"
wait "$owner" && fail "mbx_counter: its region was cut, and it did not say so"
grep -q 'truncated' "$tmp/owner" || fail "mbx_counter: $(cat "$tmp/owner")"
owner=
rm -f "/dev/shm$name"
