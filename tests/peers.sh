#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/peers.sh
# mbx ping and mbx cksum beside a peer that answers wrongly, late or not at all,
# that leaves or restarts: see tests/cmd/peer.c.
# timeout: 240
set -u

. tests/cmd/common.sh
peer=$BUILD/peer
[ -x "$peer" ] || { echo "no $peer: run make test-only"; exit 77; }

head -c 20000 "$mbx" >"$tmp/file"
export MBX_REGION=$region
channels='queue:ping:h2r:64x4 queue:pong:r2h:48x8 queue:data:h2r:1024x4'

# beside HOW STATUS TEXT ARGS...: with such a peer, mbx ends so and says that
beside() {
    how=$1
    shift
    # shellcheck disable=SC2086 # several words
    run create "$region" $channels "${sum_channel:-queue:sum:r2h:8x4:u32 crc, u32 bytes}" ||
        fail "create: $(cat "$tmp/err")"
    "$peer" "$how" 2>"$tmp/peer" &
    last=$!
    pids="$pids $last"
    wanted=$1 said=$2
    shift 2
    run "$@"
    got=$?
    [ $got -eq "$wanted" ] || fail "$how: mbx $*: status $got: $(cat "$tmp/out" "$tmp/err")"
    cat "$tmp/out" "$tmp/err" | grep -qF -e "$said" ||
        fail "$how: mbx $*: says '$(cat "$tmp/out" "$tmp/err")', not '$said'"
    kill "$last" 2>/dev/null
    wait "$last" 2>/dev/null
    "$mbx" dump >"$tmp/dump" || fail "$how: mbx $* left: $(cat "$tmp/dump")"
    rm "/dev/shm/$name"
}

section ping
beside well 0 '5 sent, 5 returned, 0 lost, 0 wrong' ping -n 5 -s 48
beside well 0 '3 sent, 3 returned' ping -n 3 -i 5 --to ping --from pong
beside contents 1 'wrong reply to message 0: 16 bytes, expected 16, or other contents' ping -n 1
beside short 1 'wrong reply to message 0: 3 bytes' ping -n 1
beside future 1 'wrong reply to message 0' ping -n 1
beside late 1 '3 sent, 2 returned, 1 lost, 0 wrong' ping -n 3 -t 1500
beside late-and-wrong 1 '1 wrong' ping -n 2 -t 1500
beside well 2 'carry at most 48 bytes' ping -s 64
beside well 0 '"returned": 2' ping -n 2 --json
channels='queue:ping:h2r:32x4 queue:pong:r2h:48x8 queue:data:h2r:1024x4' \
    beside well 2 'carry at most 32 bytes' ping -s 40
beside deaf 1 '"returned": 0' ping -n 1 -t 100 --json
beside deaf 1 '9 sent, 0 returned, 9 lost' ping -n 9 -t 50 -s 48
# prepare HOW: a region, and such a peer
prepare() {
    # shellcheck disable=SC2086 # several words
    run create "$region" $channels 'queue:sum:r2h:8x4' || fail "create: $(cat "$tmp/err")"
    "$peer" "$1" 2>"$tmp/peer" &
    last=$!
    pids="$pids $last"
}

prepare twice # what was an answer to somebody else is not one to us
expect 0 '1 sent, 1 returned, 0 lost, 0 wrong' ping -n 1
expect 0 '1 sent, 1 returned, 0 lost, 0 wrong' ping -n 1
kill "$last" && wait "$last" 2>/dev/null
rm "/dev/shm/$name"
for how in '-t 10000' '-s 48 -n 100 -t 10000'; do
    prepare deaf # interrupted while it waits for a reply, and for room
    # shellcheck disable=SC2086 # several words
    timeout -s INT --preserve-status 1 "$mbx" ping $how >"$tmp/out" 2>"$tmp/err"
    [ $? -eq 130 ] || fail "ping: interrupted: $(cat "$tmp/out" "$tmp/err")"
    kill "$last" && wait "$last" 2>/dev/null
    rm "/dev/shm/$name"
done

prepare truncates
expect 4 'truncated while it was mapped' ping -n 9 -t 3000
grep -q sent "$tmp/out" && fail "figures of a region that is gone: $(cat "$tmp/out")"
kill "$last" 2>/dev/null
wait "$last" 2>/dev/null
rm "/dev/shm/$name"

section 'a message in hand'
for json in '' -j; do
    prepare holds
    expect 0 '' send ping hello
    wait "$last"
    # shellcheck disable=SC2086 # an option, or none
    run recv -S remote ping $json || fail "recv: $(cat "$tmp/err")"
    grep -q 'hello.*again' "$tmp/out" || fail "not said to be again: $(cat "$tmp/out")"
    rm "/dev/shm/$name"
done

section 'what mbx create makes none of'
"$peer" odd || fail "peer odd"
run send odd hello -t 10
[ $? -eq 3 ] || fail "send: $(cat "$tmp/err")"
grep -q '"odd": its type "struct p p" cannot be understood (.*); taken as bytes' "$tmp/err" ||
    fail "send: $(cat "$tmp/err")"
expect 0 ' ?        nine' log lines
expect 1 'odd: type text cannot be understood' dump
rm "/dev/shm/$name"
"$peer" empty || fail "peer empty"
expect 0 'channels' info -t 0
expect 0 '' dump
expect 2 'no channel "odd"; the region has: none' send odd hello
rm "/dev/shm/$name"

section 'a peer that is asleep'
prepare asleep
sleep 2.5
expect 0 'silent for ' info -t 100
run doctor -t 100 -r "$region"
[ $? -eq 1 ] || fail "doctor: $(cat "$tmp/out" "$tmp/err")"
grep -q "process $last lives, but calls no mbx function" "$tmp/out" || fail "doctor: $(cat "$tmp/out")"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 644 "/dev/shm/$name"
    chmod 755 "$tmp"
    cp "$mbx" "$tmp/mbx" # wherever it is, nobody may get there
    setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/mbx" info -t 0 \
        >"$tmp/out" 2>&1 || fail "info as nobody: $(cat "$tmp/out")"
    grep -q "pid $last" "$tmp/out" || fail "another user's peer: $(cat "$tmp/out")"
    grep -q 'gone' "$tmp/out" && fail "another user's is no dead one: $(cat "$tmp/out")"
fi
kill "$last" && wait "$last" 2>/dev/null
rm "/dev/shm/$name"

section cksum
sum=$(cksum <"$tmp/file" | cut -d ' ' -f 1,2)
beside well 0 "$sum $tmp/file" cksum "$tmp/file"
beside leftover 0 "$sum $tmp/file" cksum -t 3000 "$tmp/file"
beside restarts 0 "$sum $tmp/file" cksum -t 3000 "$tmp/file"
beside restarts-often 3 'mbx: ' cksum -t 500 "$tmp/file"
beside leaves 3 'mbx: ' cksum -t 300 "$tmp/file"
beside silent 3 "$tmp/file: " cksum -t 300 "$tmp/file"
beside short-sum 2 'there is no number "bytes" in it' cksum "$tmp/file"
sum_channel='queue:sum:r2h:1024x4:i32 crc, u8 a[]' \
    beside well 2 'there is no number "crc" in it' cksum "$tmp/file"
sum_channel='queue:sum:r2h:8x4' \
    beside well 2 'there is no number "crc" in it' cksum "$tmp/file"
channels='queue:ping:h2r:64x4 queue:pong:r2h:48x8 queue:data:h2r:4x4' \
    beside well 0 "$sum $tmp/file" cksum "$tmp/file"
beside miscounts 1 'or did not count all bytes' cksum -t 2000 "$tmp/file" "$tmp/file"
beside wrong-sum 3 'mbx: ' cksum -t 400 "$tmp/file"
beside silent 3 "$tmp/file: " cksum -t 300 "$tmp/file" "$tmp/file"
channels='queue:ping:h2r:64x4 queue:pong:r2h:48x8 queue:data:h2r:4x4' \
    beside leftover 0 "$sum $tmp/file" cksum -t 3000 "$tmp/file"
run create "$region" $channels 'queue:sum:r2h:8x4:u32 crc, u32 bytes'
expect 3 'mbx: ' cksum -t 150 "$tmp/file" # nobody there at all
rm "/dev/shm/$name"
mkfifo "$tmp/fifo"
cat "$tmp/file" >"$tmp/fifo" 2>/dev/null & # can't be read again
beside restarts 1 "mbx: $tmp/fifo: the peer restarted" cksum -t 3000 "$tmp/fifo"
wait $!
# on a terminal it shows how far it is
if command -v script >/dev/null; then
    # shellcheck disable=SC2086 # several words
    run create "$region" $channels 'queue:sum:r2h:8x4:u32 crc, u32 bytes'
    "$peer" well &
    last=$!
    pids="$pids $last"
    head -c 3000000 /dev/zero >"$tmp/zeros"
    for command in "'$mbx' cksum $tmp/zeros" "cat $tmp/zeros | '$mbx' cksum"; do
        timeout 60 script -qec "$command" /dev/null >"$tmp/out" </dev/null ||
            fail "cksum on a terminal: $(cat "$tmp/out")"
        grep -q "$(cksum <"$tmp/zeros" | cut -d ' ' -f 1)" "$tmp/out" ||
            fail "cksum on a terminal: $(cat "$tmp/out")"
    done
    grep -q 'bytes' "$tmp/out" || fail "no progress: $(cat "$tmp/out")"
    timeout 60 script -qec "'$mbx' cksum -q $tmp/zeros" /dev/null >"$tmp/out" </dev/null
    ! grep -q '%' "$tmp/out" || fail "progress with -q: $(cat "$tmp/out")"
    (sleep 0.5 && echo slow) | timeout 20 "$mbx" cksum >"$tmp/out" ||
        fail "cksum of what comes slowly"
    [ "$(cat "$tmp/out")" = "$(echo slow | cksum)" ] || fail "$(cat "$tmp/out")"
    # stopped while it waits for more, and while it streams
    mkfifo "$tmp/quiet"
    exec 9<>"$tmp/quiet"
    timeout -s INT -k 5 --preserve-status --foreground 1 "$mbx" cksum <"$tmp/quiet" >"$tmp/out"
    [ $? -eq 130 ] || fail "cksum: interrupted while it reads"
    exec 9<&-
    timeout -s INT --preserve-status 1 "$mbx" cksum - /dev/zero - </dev/null >"$tmp/out"
    [ $? -eq 130 ] || fail "cksum: interrupted while it streams"
    timeout -s KILL 5 script -qec "'$mbx' stat --watch" /dev/null >"$tmp/out" </dev/null
    grep -q ping "$tmp/out" || fail "stat --watch on a terminal: $(cat "$tmp/out")"
    kill "$last"
    wait "$last" 2>/dev/null
fi
echo "all well"
