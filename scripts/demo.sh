#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The main job, as `make run` does it: boot the demo firmware on a QEMU board
# and use every kind of channel from the host, on real input. Exits 0 only if
# every reply was right.
#
#   BUILD=DIR scripts/demo.sh BOARD [FILE...]
set -eu

build=${BUILD:?}
mbx=$build/mbx

if [ "${1:-}" != --inside ]; then
    board=$1
    shift
    for f in "$@"; do
        if [ ! -e "$f" ]; then
            why='there is no such file'
        elif [ ! -f "$f" ]; then
            why='it is no regular file'
        elif [ ! -r "$f" ]; then
            why="user $(id -u) may not read it"
        else
            continue
        fi
        echo "make run: FILES: $f: $why" >&2
        exit 1
    done
    echo "Booting $build/$board/demo.elf on QEMU's $board: its RAM is the shared region."
    exec "$mbx" sim --board "$board" --fw "$build/$board/demo.elf" -- \
        "$0" --inside README.md "$build/$board/demo.elf" "$mbx" "$@"
fi
shift

heading() {
    printf '\n== %s\n' "$*"
}

heading "The region ($MBX_REGION), as it describes itself"
"$mbx" info

heading "Files through the queue \"data\": the POSIX checksum, computed by either side"
wrong=0
for f in "$@"; do
    host=$(cksum "$f")
    remote=$("$mbx" cksum "$f") || remote="(no answer)"
    verdict=same
    if [ "$host" != "$remote" ]; then
        verdict=DIFFERENT
        wrong=1
    fi
    printf '  host    %s\n  remote  %s   %s\n' "$host" "$remote" "$verdict"
done
if [ $wrong != 0 ]; then
    echo "make run: the second core computed another checksum than cksum" >&2
    exit 1
fi

heading "Ping: 2000 messages there and back"
"$mbx" ping -n 2000 -i 0

heading "The state \"sensor\" for a second: the latest value wins"
"$mbx" watch sensor --for 1

heading "Calls: switch the LED on, and read back what it is"
on=$("$mbx" call led on=1)
echo "  led on=1  ->  $on"
[ "$on" = "on=1" ] || { echo "make run: the LED is not on" >&2; exit 1; }
off=$("$mbx" call led on=0)
echo "  led on=0  ->  $off"
[ "$off" = "on=0" ] || { echo "make run: the LED is not off" >&2; exit 1; }

heading "What the firmware logged: each command above came, and went, as a host of its own"
"$mbx" log

heading "Statistics: the link, and what the firmware counted"
"$mbx" stat
"$mbx" get stats

printf '\nAll replies were right.\n'
