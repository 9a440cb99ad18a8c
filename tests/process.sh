#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/process.sh
# The firmware as a Linux process: why it does not start, and what it does with
# more than it has room for.
set -u

. tests/cmd/common.sh
[ -e "$BUILD/faults.so" ] || { echo "no $BUILD/faults.so: run make test-only"; exit 77; }
for firmware in demo echo; do
    [ -x "$BUILD/host/$firmware" ] || {
        echo "no $BUILD/host/$firmware: run make firmware-linux"
        exit 77
    }
done

# stops FIRMWARE TEXT VARIABLE=VALUE...: with these, it says so and ends
stops() {
    firmware=$1 text=$2
    shift 2
    timeout -k 5 30 env "$@" "$BUILD/host/$firmware" >"$tmp/out" 2>&1 </dev/null
    got=$?
    [ $got -eq 1 ] || fail "$firmware $*: status $got: $(cat "$tmp/out")"
    grep -qF -e "$text" "$tmp/out" || fail "$firmware $*: $(cat "$tmp/out")"
    [ ! -e "$tmp/bell" ] || fail "$firmware $*: left its socket"
}

section why it does not start
bell=MBX_BOARD_SOCKET=$tmp/bell
truncate -s 64K "$tmp/ram"
ram=MBX_REGION=file:$tmp/ram
for firmware in demo echo; do
    stops $firmware 'no region named' MBX_REGION=
    stops $firmware 'No such file' MBX_REGION="file:$tmp/nosuch" "$bell"
    stops $firmware "too long for a socket's path" "MBX_BOARD_SOCKET=$tmp/$(printf '%0120d' 0)"
    stops $firmware 'cannot listen' "$ram" "MBX_BOARD_SOCKET=$tmp/no/bell"
    truncate -s 1K "$tmp/small"
    stops $firmware 'region' MBX_REGION="file:$tmp/small" "$bell"
done
env "$ram" "$bell" "$BUILD/host/demo" 2>/dev/null &
board=$!
until_true sh -c "'$mbx' info -t 0 -r 'file:$tmp/ram' >/dev/null"
env "$ram" "$bell" timeout 30 "$BUILD/host/echo" >"$tmp/out" 2>&1
[ $? -eq 1 ] || fail "a second one on the same socket: $(cat "$tmp/out")"
grep -q 'another process listens there' "$tmp/out" || fail "$(cat "$tmp/out")"
kill -9 $board
wait $board 2>/dev/null
[ -e "$tmp/bell" ] || fail "no socket was left over"
env "$ram" "$bell" "$BUILD/host/demo" 2>/dev/null &
board=$!
MBX_DOORBELL=socket:$tmp/bell timeout 60 "$mbx" ping -r "file:$tmp/ram" -t 20000 -n 1 >/dev/null ||
    fail "nobody where a socket was left over"
kill $board
wait $board
board=
[ ! -e "$tmp/bell" ] || fail "it left its socket when it was told to end"

section more than there is room for
# Answers wait until there is room, and none is lost; no other input is held up.
cat >"$tmp/script" <<'END'
set -eu
seq 1000 1400 | mbx send "$1" --lines &
sleep 0.5
if [ "$1" = ping ] && [ "$2" = demo ]; then
    mbx call led 0 && mbx call led 1 && mbx call led 1
    mbx call rate 20 && mbx call rate 20
    mbx call rate 51 2>/dev/null && exit 11
    mbx call rate -x 01 2>/dev/null && exit 12
    mbx get stats
fi
mbx recv pong -n 401 >"$3"
wait
seq 1000 1400 | cmp - "$3"
END
for firmware in demo echo; do
    timeout 60 "$mbx" sim --board linux --fw "$BUILD/host/$firmware" -- \
        sh "$tmp/script" ping $firmware "$tmp/got" >"$tmp/out" 2>&1 ||
        fail "$firmware: $(cat "$tmp/out")"
done
cat >"$tmp/script" <<'END'
set -eu
# a sum each, of which four find room
(for i in 1 2 3 4 5 6 7 8 9; do echo; done) | mbx send data --lines &
sleep 0.5
mbx recv sum -n 9
wait
(seq 5000 && echo) | mbx send data --lines
mbx recv sum
END
timeout 60 "$mbx" sim --board linux --fw "$BUILD/host/demo" -- sh "$tmp/script" \
    >"$tmp/out" 2>&1 || fail "sums: $(cat "$tmp/out")"
[ "$(grep -c 'crc=4294967295 bytes=0' "$tmp/out")" -eq 9 ] || fail "sums: $(cat "$tmp/out")"
grep -q "crc=$(seq 5000 | tr -d '\n' | cksum | cut -d ' ' -f 1) bytes" "$tmp/out" ||
    fail "the sum of many: $(cat "$tmp/out")"

section its log
cat >"$tmp/script" <<'END'
set -eu
# each switch is a line, and there is room for 64
rm -f "$OUT"
mbx log -f "$@" >"$OUT" &
log=$!
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s "$OUT" ] || sleep 0.5; done
kill -STOP $log
for i in $(seq 50); do mbx call led 1 >/dev/null && mbx call led 0 >/dev/null; done
kill -CONT $log
sleep 1
kill $log
END
for json in '' -j; do
    # shellcheck disable=SC2086 # an option, or none
    OUT=$tmp/log timeout 60 "$mbx" sim --board linux --fw "$BUILD/host/demo" -- \
        sh "$tmp/script" $json >"$tmp/out" 2>&1 || fail "log: $(cat "$tmp/out")"
    grep -q '"missed": *[1-9]\|([1-9][0-9]* records missed)' "$tmp/log" ||
        fail "nothing missed: $(grep -v bytes "$tmp/log"; head -n 5 "$tmp/log")"
done
timeout 60 "$mbx" sim --board linux --fw "$BUILD/host/demo" -- \
    sh -c 'mbx call led 1 && mbx log -l warning && mbx log -l info' >"$tmp/out" 2>&1 ||
    fail "log -l: $(cat "$tmp/out")"
[ "$(grep -c 'led on' "$tmp/out")" -eq 1 ] || fail "log -l: $(cat "$tmp/out")"

section a region that is changed under it
cat >"$tmp/poke.py" <<'END'
import json, mmap, struct, subprocess, sys
mbx, ram, what, word = sys.argv[1:]
if what != "magic":
    name, what = what.split(".")
    dump = json.loads(subprocess.run([mbx, "dump", "--json", "-r", "file:" + ram],
                                     stdout=subprocess.PIPE).stdout)
    ring = next(c["queue"] for c in dump["channels"] if c["name"] == name)
at = (0 if what == "magic" else ring["consumer_offset"] if what == "read" else
      ring["ring_offset"] + ring["read"])
with open(ram, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
    struct.pack_into("<I", m, at, int(word, 0))
END
# poke WHAT WORD: in the region of firmware that runs, and not from any of its peers
poke() {
    python3 "$tmp/poke.py" "$mbx" "$tmp/ram" "$@" || fail "poke $*"
}
# formats N: it does so, and goes on in instance N
formats() {
    until_true sh -c "'$mbx' info -j -t 0 -r 'file:$tmp/ram' 2>/dev/null | grep -q '\"instance\": $1,'"
    until_true sh -c "'$mbx' info -r 'file:$tmp/ram' | grep -q '(beating)'"
}
for firmware in demo echo; do
    truncate -s 0 "$tmp/ram"
    truncate -s 64K "$tmp/ram"
    env "$ram" "$BUILD/host/$firmware" 2>/dev/null &
    board=$!
    formats 1
    poke magic 0
    formats 2
    [ $firmware = echo ] || {
        poke magic 0x12345678 # not to be told from what was never a region
        formats 1
        until_true sh -c "'$mbx' log -r 'file:$tmp/ram' | grep -q 'link RESET, session 1'"
        # answers for which there is no such place
        poke pong.read 2
        expect 0 '' send ping hello -r "file:$tmp/ram"
        formats 2
        poke sum.read 2
        # ends of files, until it has to look there for room, and somebody to take them
        in_background recv pong --follow -r "file:$tmp/ram"
        printf '\n\n\n\n\n\n\n\n\n' | "$mbx" send data --lines -r "file:$tmp/ram" 2>/dev/null
        formats 3
        wait $last
        grep -q 'formatted again by its owner' "$tmp/bg.err" || fail "recv: $(cat "$tmp/bg.err")"
    }
    # what cannot have been sent: the smallest firmware takes no more, but lives
    poke ping.header 0xdeadbeef
    [ $firmware = echo ] || formats 4
    expect 0 '(beating)' info -r "file:$tmp/ram"
    kill $board
    wait $board
    board=
done

section memory that it cannot protect, and a ring that cannot be
# the queues that it finds are damaged: what they hold is said, or stops it
truncate -s 0 "$tmp/ram"
truncate -s 64K "$tmp/ram"
env "$ram" "$BUILD/host/echo" 2>/dev/null &
board=$!
until_true sh -c "'$mbx' info -t 0 -r 'file:$tmp/ram' >/dev/null 2>&1"
kill $board
wait $board
for entry in 0 1; do
    cp "$tmp/ram" "$tmp/bad"
    # its directory entry's read_off, and the reader's place there
    off=$(od -An -tu4 -j $((64 + 64 * entry + 44)) -N 4 "$tmp/ram")
    printf '\377\377\377\377' | dd of="$tmp/bad" bs=1 seek=$((off)) conv=notrunc 2>/dev/null
    stops echo 'no region, or a damaged one' MBX_REGION="file:$tmp/bad"
done
for call in 1 2; do
    stops echo 'mprotect failed' "$ram" LD_PRELOAD="$BUILD/faults.so" FAULT=mprotect:$call:1
done
echo "all well"
