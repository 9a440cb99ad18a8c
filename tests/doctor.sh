#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/doctor.sh
# mbx doctor on what a developer gets wrong: for each fault that is put there,
# the finding and its remedy; on what is healthy, none.
set -u

mbx=${BUILD:?}/mbx demo=$BUILD/host/demo
for needed in "$mbx" "$demo" python3; do
    command -v "$needed" >/dev/null || {
        echo "no $needed: make linux firmware-linux, scripts/setup.sh test"
        exit 77
    }
done
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mbx-doctor.XXXXXX") || exit 1
shared=/dev/shm/mbx-doctor.$$ # where another user may look, too
pids=
unset MBX_REGION MBX_DOORBELL MBX_ROOT

clean_up() {
    for pid in $pids; do
        kill -CONT "$pid" 2>/dev/null
        kill -9 "$pid" 2>/dev/null
    done
    rm -rf "$tmp" "$shared"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# How long to wait for a heartbeat: what beats is seen at once, what is known to
# stand still need not be waited for.
watch=5000
as= # whom it runs as: setpriv and so on

# doctor STATUS ARGS...: mbx doctor, which ends with that status
doctor() {
    want=$1
    shift
    # shellcheck disable=SC2086 # several words, or none
    timeout -k 5 30 $as "$mbx" doctor -t "$watch" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    [ ! -s "$tmp/err" ] || fail "doctor $*: complains: $(cat "$tmp/err")"
    [ $got -eq "$want" ] || fail "doctor $*: status $got: $(cat "$tmp/out")"
}

# line PREFIX TEXT: one line of the output begins and goes on so
line() {
    grep -F -e "$2" "$tmp/out" | grep -q "^$1" ||
        fail "no line $1 ... $2 in: $(cat "$tmp/out")"
}

# finds CHECK TEXT REMEDY ARGS...: a finding of that check, and its remedy, and
# no other finding before it: the cause stands first
finds() {
    check=$1 text=$2 remedy=$3
    shift 3
    doctor 1 "$@"
    line "WRONG $check " "$text"
    first=$(grep -m 1 '^WRONG' "$tmp/out")
    case $first in
    "WRONG $check "*"$text"*" -> "*"$remedy"*) ;;
    *) fail "doctor $*: first finding is '$first', not $check: $text -> $remedy" ;;
    esac
    echo "found: $first"
}

# healthy ARGS...: nothing is wrong
healthy() {
    doctor 0 "$@"
    ! grep -q WRONG "$tmp/out" || fail "doctor $*: $(cat "$tmp/out")"
}

. tests/e2e/until.sh

# in_background COMMAND...: its pid in $last
in_background() {
    "$@" >/dev/null 2>"$tmp/bg" </dev/null &
    last=$!
    pids="$pids $last"
}

section() {
    echo "-- $*"
}

# poke FILE [OFFSET=WORD]...: store words, in a mapping, as a peer would
cat >"$tmp/poke.py" <<'END_OF_POKE'
import mmap, struct, sys
with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
    for arg in sys.argv[2:]:
        at, value = (int(x, 0) for x in arg.split("="))
        struct.pack_into("<I", m, at, value & 0xffffffff)
END_OF_POKE
poke() {
    python3 "$tmp/poke.py" "$@" || fail "poke $*"
}

# word FILE OFFSET: one word of it
word() {
    od -A n -t u4 -j "$2" -N 4 "$1" | tr -d ' '
}

file=$tmp/region region=file:$tmp/region
super_remote=36 # where the superblock has the offset of the remote's side block

# start_demo: firmware as a process, in $file; its pid in $demo_pid
start_demo() {
    rm -f "$file"
    truncate -s 1M "$file"
    in_background env MBX_REGION="$region" MBX_BOARD_SOCKET="$tmp/bell" "$demo"
    demo_pid=$last
    until_true sh -c "'$mbx' info -t 0 -r '$region' >/dev/null 2>&1"
}

section no region
finds region 'nosuch: No such file' 'nobody has created it' "file:$tmp/nosuch"
finds region 'nosuch-mbx: No such file' '"mbx create"' shm:/nosuch-mbx
finds region 'names no region: expected' '"mbx ls"' nonsense
finds region 'letters, digits, "_", "." or "-", as in shm:/board' '"mbx ls"' shm:noslash
: >"$tmp/empty"
finds region 'has 0 bytes' 'a region needs at least 64' "file:$tmp/empty"
mkdir "$shared"
truncate -s 4096 "$shared/closed"
chmod 0 "$shared/closed"
if [ "$(id -u)" -eq 0 ]; then # who may read all; 65534 is nobody, who may not
    as='setpriv --reuid 65534 --regid 65534 --clear-groups'
    $as "$mbx" --version >/dev/null 2>&1 || fail "user 65534 cannot run $mbx"
fi
finds region 'Permission denied' "it is user $(id -u)'s, with mode 000, and you are user" \
    "file:$shared/closed"
chmod 0 "$shared"
finds region 'Permission denied' 'a folder on the way to it is closed to user' "file:$shared/closed"
as=

section contents
# foreign TEXT REMEDY WORD...: a file that begins with these words
foreign() {
    text=$1 remedy=$2
    shift 2
    rm -f "$tmp/foreign"
    truncate -s 4096 "$tmp/foreign"
    at=0
    for value; do
        shift
        set -- "$@" "$at=$value"
        at=$((at + 4))
    done
    [ $# -eq 0 ] || poke "$tmp/foreign" "$@"
    finds contents "$text" "$remedy" "file:$tmp/foreign"
}
foreign 'not formatted: all zero' 'start the firmware; if it runs'
foreign 'an ELF file (464c457f' "keep the region out of the firmware's" 0x464c457f 0x00010101
foreign 'a vring of remoteproc (b8400000' 'choose a no-map node of your own' \
    0xb8400000 0 512 0x00010002 0xb8400200 0 512 0x00020002
foreign 'a resource table of remoteproc' "this memory is remoteproc's" 1 2 0 0 24 0x70
foreign 'a vector table: firmware was loaded' "out of the firmware's sections (linker script)" \
    0x20008000 0x00000401 0x00000405 0x00000409
foreign 'a vector table: firmware was loaded' "and out of remoteproc's memory" \
    0xe59ff018 0xe59ff018 0xe59ff018 0xe59ff018
foreign 'a device tree' 'name another place' 0xedfe0dd0 4096
foreign 'something that mbx does not know (deadbeef' 'name another place' 0xdeadbeef 7
# what has nearly that form is not taken for it: one word of each is off
nearly() {
    foreign 'something that mbx does not know' 'name another place' "$@"
}
for words in '0xb8400000 1 512 0x10002 0xb8400200 0 512' \
    '0xb8400000 0 0 0x10002 0xb8400000 0 0' \
    '0xb8400000 0 65537 0x10002 0xb8410001 0 65537' \
    '0xb8400000 0 512 0x10008 0xb8400200 0 512' \
    '0xb8400000 0 512 0x4010002 0xb8400200 0 512' \
    '0xb8400000 0 512 0x10002 0xb8400204 0 512' \
    '0xb8400000 0 512 0x10002 0xb8400200 1 512' \
    '0xb8400000 0 512 0x10002 0xb8400200 0 516' \
    '2 2 0 0 24' '1 0 0 0 16' '1 33 0 0 148' '1 2 1 0 24' '1 2 0 1 24' '1 2 0 0 28' \
    '0x800 0x401 0x405 0x409' '0x20008001 0x401 0x405 0x409' \
    '0x20008000 0x400 0x405 0x409' '0x20008000 0x401 0x404 0x409' \
    '0x20008000 0x401 0x405 0x408' '0x20008000 0x401 0x405 0x200409' \
    '0xe59ff018 0xe59ff018 0xe59ff018 0xe59fe018' \
    '0x12345679 0x10000 64 0 0 0 0 0 0 0 0 0 0' \
    '0x12345679 0x10000 64 0 0 0 0 0 0 0 0 0 65'; do
    # shellcheck disable=SC2086 # several words
    nearly $words
done
foreign 'a vector table: firmware was loaded' 'out of' 0xea000006 0xeafffffe 0xea000001 0xe59ff018
foreign 'first word was overwritten' 'a null pointer' 0x12345679 0x10000 64 0 0 0 0 0 0 0 0 0 64
printf 'a\tb\r\n%0100d' 0 >"$tmp/text"
finds contents 'not an mbx region: text' 'name another place' "file:$tmp/text"
printf 'a\tb\r\n%0100d' 0 | tr 0 '\177' >"$tmp/text"
finds contents 'does not know' 'name another place' "file:$tmp/text"
# shellcheck disable=SC2046 # sixteen words
foreign 'ones: nothing answers there' 'is it powered and clocked?' $(yes 0xffffffff | head -n 16)
yes hello | head -c 4096 >"$tmp/text"
finds contents 'not an mbx region: text (6c6c6568' 'name another place' "file:$tmp/text"

section firmware as a process
start_demo
healthy "$region"
line 'ok    layout ' '9 channels'
line 'ok    remote ' 'session 1, beats, mbx 0.'
line 'ok    host ' 'nobody: free for you'
line 'ok    channels ' '9, none of them damaged'
line 'ok    doorbell ' 'but the remote could be rung: see MBX_DOORBELL'
MBX_REGION=$region healthy
healthy -r "$region"
line 'ok    layout ' '1048576 bytes ('
MBX_DOORBELL=socket:$tmp/bell healthy "$region"
line 'ok    doorbell ' 'attached as the host for a moment'
line 'ok    doorbell ' 'rings wake the remote, which by itself wakes every'
line 'ok    doorbell ' "the remote's rings arrive"
healthy --json "$region"
python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
assert [f["check"] for f in j][:3] == ["region", "layout", "remote"], j
assert all(f["verdict"] == "ok" and "remedy" not in f for f in j), j
' "$tmp/out" || fail "--json: $(cat "$tmp/out")"

section the doorbell
MBX_DOORBELL=socket:$tmp/nobell finds doorbell 'rings do not reach the remote' \
    'name the socket of this very board' "$region"
MBX_DOORBELL=uio:mailbox/1+0x0=1 finds doorbell 'uio:mailbox/1+0x0=1: a comma stands between' '' "$region"
! grep -q 'doorbell  doorbell' "$tmp/out" || fail "said twice: $(cat "$tmp/out")"
# a line of which nobody has the other ends
mkfifo "$tmp/line"
exec 8<>"$tmp/line"
MBX_DOORBELL=eventfd:8,8 finds doorbell 'rings do not reach the remote' \
    'look at who holds the other ends of these descriptors' "$region"
exec 8<&-
MBX_DOORBELL=nonsense finds doorbell '"nonsense" names no doorbell: expected' 'MBX_DOORBELL' "$region"
remote_off=$(word "$file" $super_remote)
poke "$file" $((remote_off + 36))=0
MBX_DOORBELL=socket:$tmp/bell finds doorbell 'the remote says that it wakes by poll' \
    'MBX_WAKE_DOORBELL in the firmware' "$region"
poke "$file" $((remote_off + 36))=1
# a line on which only one direction works
cat >"$tmp/relay.py" <<'END_OF_RELAY'
import select, socket, sys
front = socket.socket(socket.AF_UNIX)
front.bind(sys.argv[2])
front.listen(1)
while True:
    host, _ = front.accept()
    board = socket.socket(socket.AF_UNIX)
    board.connect(sys.argv[1])
    while True:
        ready, _, _ = select.select([host, board], [], [])
        if host in ready:
            data = host.recv(64)
            if not data:
                break
            board.send(data)
        if board in ready and not board.recv(64):
            break
    host.close()
    board.close()
END_OF_RELAY
in_background python3 "$tmp/relay.py" "$tmp/bell" "$tmp/one-way"
relay=$last
until_true [ -S "$tmp/one-way" ]
MBX_DOORBELL=socket:$tmp/one-way finds doorbell 'answered 3 messages, but no ring arrived' \
    'name the socket of this very board' "$region"
line 'ok    doorbell ' 'rings wake the remote'
kill "$relay"
# a remote whose heartbeat comes and goes, and counts nothing
cat >"$tmp/tremble.py" <<'END_OF_TREMBLE'
import mmap, struct, sys, time
host, remote, n = int(sys.argv[2]), int(sys.argv[3]), 0
with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
    while True:
        session, = struct.unpack_from("<I", m, host + 4)
        struct.pack_into("<I", m, remote, 2)
        struct.pack_into("<II", m, remote + 8, session, 7 + n)
        n ^= 1
        time.sleep(0.001)
END_OF_TREMBLE
kill -STOP "$demo_pid"
in_background python3 "$tmp/tremble.py" "$file" "$(word "$file" 32)" "$remote_off"
MBX_DOORBELL=socket:$tmp/bell finds doorbell 'it woke never, as it does by itself' 'of this very board' "$region"
kill "$last"
wait "$last" 2>/dev/null
kill -CONT "$demo_pid"
until_true sh -c "'$mbx' info -t 0 -r '$region' | grep -q '^remote  *attaching'"

section a host that is there, stopped, and gone
in_background "$mbx" recv -r "$region" pong --follow
host=$last
until_true sh -c "'$mbx' info -t 0 -r '$region' | grep -q '^host  *up.* pid'"
healthy "$region"
line 'ok    host ' "process $host, session"
line 'ok    doorbell ' "not tried: process $host has the host's side"
kill -STOP "$host"
watch=600 finds host "process $host is stopped: no heartbeat for" 'kill -CONT' "$region"
kill -9 "$host"
wait "$host" 2>/dev/null
watch=600 finds host "process $host is gone and took no leave: a stale life" 'start it again' "$region"
healthy "$region" # doctor itself was the next life
cat >"$tmp/lock.py" <<'END_OF_LOCK'
import fcntl, struct, sys, time
f = open(sys.argv[1], "r+b")
fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0)) # F_OFD_SETLK
open(sys.argv[2], "w").close()
time.sleep(60)
END_OF_LOCK
in_background python3 "$tmp/lock.py" "$file" "$tmp/locked"
until_true [ -e "$tmp/locked" ]
finds locks "the host's life is locked, but nobody lives it" 'a child made by fork() keeps' "$region"
kill -9 "$last"
wait "$last" 2>/dev/null

section firmware that is stopped, and gone
kill -STOP "$demo_pid"
watch=600 finds remote 'it hangs, is halted or off (session 1)' '/sys/class/remoteproc' "$region"
line 'WRONG remote ' 'no heartbeat for'
kill -CONT "$demo_pid"
healthy "$region"
kill -9 "$demo_pid"
wait "$demo_pid" 2>/dev/null
watch=100 finds remote 'it hangs, is halted or off (session 1)' 'what its console says' "$region"

section what is damaged, in a copy
saved=$tmp/saved
cp "$file" "$saved"
# damaged CHECK TEXT REMEDY OFFSET=WORD...
damaged() {
    check=$1 text=$2 remedy=$3
    shift 3
    cp "$saved" "$file"
    poke "$file" "$@"
    watch=50 finds "$check" "$text" "$remedy" "$region"
}
damaged contents 'first word was overwritten' 'a null pointer' 0=1
damaged contents 'its formatter died at it (instance 1' 'formats anew' 0=0
damaged version 'layout version 2.0, but this program knows 1.0' 'rebuild the older side' 4=0x20000
damaged layout 'superblock damaged: check is' 'have its owner format it again' 60=1
damaged layout 'directory damaged: data_off of channel 0' 'have its owner format it again' $((64 + 40))=4
damaged remote 'incompatible: built with layout 0x00001234' 'from one header' \
    $((remote_off))=3 $((remote_off + 24))=0x1234
damaged remote 'attached to instance 9, but the region was formatted again' 'start it again' \
    $((remote_off + 20))=9
damaged remote 'its state is 77, which cannot be' 'find out who' $((remote_off))=77
damaged remote 'took leave in life 1' 'start it' $((remote_off))=0
damaged remote 'was never there' 'start it' $((remote_off))=0 $((remote_off + 4))=0
cp "$saved" "$file"
truncate -s 8192 "$file"
finds layout 'formatted with 1048576 bytes, but only 8192 are mapped' 'name all of it' "$region"
# a ring: its first header, and the count of impossible words
ping_data=$(word "$saved" $((64 + 40))) ping_read=$(word "$saved" $((64 + 44)))
ring_read=$(word "$saved" "$ping_read")
damaged remote 'no heartbeat' 'start it again' \
    $((ping_data + 64 + ring_read))=0xdeadbeef
line 'WRONG channel ' '"ping": its ring is corrupt'
line 'WRONG channel ' 'find out who stores there'
damaged remote 'no heartbeat' '' $((ping_read + 4))=6
line 'WRONG channel ' '"ping": 3 words were met that no honest peer writes'
line 'WRONG channel ' '"mbx dump" shows what is there'

section two processes
rm -f "$file"
"$mbx" create "$region" queue:up:h2r:64x8 || fail create
finds remote 'was never there' 'start it' "$region"
cp "$mbx" "$tmp/a) b" # whatever it is called
in_background "$tmp/a) b" recv -r "$region" -S remote up --follow
until_true sh -c "'$mbx' info -t 0 -r '$region' | grep -q '^remote.* pid'"
healthy "$region"
line 'ok    doorbell ' 'futex on both sides'
kill -STOP "$last"
watch=600 finds remote "process $last is stopped: no heartbeat for" 'kill -CONT' "$region"
kill -CONT "$last"
kill -9 "$last"
wait "$last" 2>/dev/null
watch=600 finds remote "process $last is gone and took no leave: a stale life" 'start it again' "$region"

section a board
root=$tmp/root memory=$tmp/root/dev/mem
tree=$root/proc/device-tree sys=$root/sys
# put PATH TEXT: a file below the root; cells PATH WORD...: big-endian words
put() {
    mkdir -p "$(dirname "$root$1")"
    # shellcheck disable=SC2059 # with the escapes of a format
    printf "$2" >"$root$1"
}
cells() {
    path=$1
    shift
    mkdir -p "$(dirname "$root$path")"
    for value; do
        for shift in 24 16 8 0; do
            # shellcheck disable=SC2059 # the bytes are the format
            printf "\\$(printf %03o $((value >> shift & 255)))"
        done
    done >"$root$path"
}
# carveout NODE ADDRESS SIZE PHANDLE
carveout() {
    cells "/proc/device-tree/reserved-memory/$1/reg" 0 "$2" 0 "$3"
    cells "/proc/device-tree/reserved-memory/$1/phandle" "$4"
    put "/proc/device-tree/reserved-memory/$1/no-map" ''
}
# remoteproc N NAME STATE PHANDLE...
remoteproc() {
    put "/sys/class/remoteproc/remoteproc$1/name" "$2\n"
    put "/sys/class/remoteproc/remoteproc$1/state" "$3\n"
    put "/sys/class/remoteproc/remoteproc$1/firmware" 'fw.elf\n'
    of="/sys/class/remoteproc/remoteproc$1/device/of_node/memory-region"
    shift 3
    cells "$of" "$@"
}
# uio N NAME ADDRESS SIZE
uio() {
    put "/sys/class/uio/uio$1/name" "$2\n"
    put "/sys/class/uio/uio$1/event" '7\n'
    put "/sys/class/uio/uio$1/maps/map0/addr" "$3\n"
    put "/sys/class/uio/uio$1/maps/map0/size" "$4\n"
    put "/sys/class/uio/uio$1/maps/map0/offset" '0x0\n'
}
iomem='00000000-3ebfffff : System RAM
  00210000-0117ffff : Kernel code
3ec00000-3edfffff : reserved
3ee00000-3fffffff : System RAM
ff000000-ff000fff : ff000000.serial serial@ff000000
'
put /proc/iomem "$iomem"
put /proc/device-tree/model 'ZynqMP ZCU102 Rev1.0\0'
put /proc/device-tree/compatible 'xlnx,zynqmp-zcu102-rev1.0\0xlnx,zynqmp-zcu102\0xlnx,zynqmp\0'
cells '/proc/device-tree/reserved-memory/#address-cells' 2
cells '/proc/device-tree/reserved-memory/#size-cells' 2
carveout mbx@3ec00000 0x3ec00000 0x100000 1
carveout memory@3ed00000 0x3ed00000 0x40000 2
carveout video@3f000000 0x3f000000 0x100000 3
rm "$tree/reserved-memory/video@3f000000/no-map"
remoteproc 0 ffe00000.r5f running 2
remoteproc 1 ffe90000.r5f offline 3
put "/boot/config-$(uname -r)" 'CONFIG_STRICT_DEVMEM=y\n'
put /dev/mem ''
truncate -s 1G "$memory"
export MBX_ROOT="$root"

healthy
line 'ok    board ' 'ZynqMP ZCU102 Rev1.0'
line 'ok    board ' 'try board:zynqmp-r5f (see "mbx boards zynqmp-r5f"; not tried on hardware)'
[ "$(grep -c 'try board:' "$tmp/out")" -eq 1 ] || fail "boards: $(cat "$tmp/out")"
line 'TODO  uio ' 'none: no device' # the overlay was not applied to that end
line 'ok    kernel ' 'STRICT_DEVMEM: yes, IO_STRICT_DEVMEM: no'
line 'ok    reserved ' 'dt:mbx@3ec00000, 0x3ec00000+0x100000, no-map'
line 'ok    reserved ' 'without no-map: not for mbx'
line 'ok    remoteproc ' 'remoteproc1 (ffe90000.r5f): offline, firmware fw.elf'

mv "$tree/reserved-memory" "$tmp/reserved"
healthy
line 'TODO  reserved ' 'none with no-map: there is nothing that Linux leaves alone -> apply the overlay zynqmp-r5f.dtso'
mv "$tmp/reserved" "$tree/reserved-memory"
put /proc/device-tree/compatible 'mbx,zcu102-qemu\0xlnx,zynqmp-zcu102\0xlnx,zynqmp\0'
healthy
line 'ok    board ' 'try board:zcu102-r5'
[ "$(grep -c 'try board:' "$tmp/out")" -eq 1 ] || fail "boards: $(cat "$tmp/out")"
put /proc/device-tree/compatible 'acme,toaster\0acme,soc\0'
healthy
line 'TODO  board ' 'none that mbx knows, compatible with acme,toaster -> firmware/PORTING.md'
put /proc/device-tree/compatible 'xlnx,zynqmp-zcu102-rev1.0\0xlnx,zynqmp\0'
for bad in /nope "$tmp/nope"; do
    MBX_ROOT=$bad "$mbx" doctor >"$tmp/out" 2>"$tmp/err"
    [ $? -eq 2 ] && grep -q "MBX_ROOT=$bad: No such file" "$tmp/err" || fail "MBX_ROOT=$bad: $(cat "$tmp/err")"
done
mkdir "$tmp/nothing"
MBX_ROOT=$tmp/nothing "$mbx" doctor >"$tmp/out" 2>"$tmp/err"
[ $? -eq 2 ] && grep -q 'no proc, sys or dev in it' "$tmp/err" || fail "an empty MBX_ROOT: $(cat "$tmp/err")"

in_background env -u MBX_ROOT MBX_REGION="file:$memory@0x3ec00000+1M" "$demo"
firmware=$last
for name in board:zynqmp-r5f mem:0x3ec00000+1M dt:mbx \
    dt:/proc/device-tree/reserved-memory/mbx@3ec00000; do
    until_true sh -c "'$mbx' info -t 0 -r $name >/dev/null 2>&1"
    healthy $name
    line 'ok    region ' "$name, 1048576 bytes, Device memory"
    line 'ok    memory ' '/reserved-memory/mbx@3ec00000, no-map, in /proc/iomem nobody'
    line 'ok    remoteproc ' 'remoteproc0 (ffe00000.r5f): running'
    line 'ok    remote ' 'beats'
done

section the wrong place
finds region '0x0-0x3ebfffff is System RAM' 'reserve' mem:0x1000000+64K
finds region 'claimed by the driver' 'unbind it, or name other memory' mem:0xff000000+4K
finds region 'has no "no-map"' 'add no-map to the node' dt:video
finds region 'are not all within the carve-out' 'name less, or reserve more' mem:0x3ec00000+2M
finds region 'no such node' 'there are mbx@3ec00000' dt:nosuch
finds region 'the address must be a multiple of the page size' '' mem:0x3ec00004+64K
finds region 'no board "zynqmp"' 'did you mean zynqmp-r5f?' board:zynqmp
mv "$memory" "$memory.away"
finds region 'this kernel has no /dev/mem' 'use UIO' board:zynqmp-r5f
mv "$memory.away" "$memory"
finds remoteproc '/reserved-memory/memory@3ed00000, which remoteproc0 (ffe00000.r5f) has' \
    'choose a no-map node of your own' mem:0x3ed00000+64K
remoteproc 0 ffe00000.r5f offline 2
finds remoteproc 'remoteproc0 (ffe00000.r5f) is offline, firmware fw.elf' \
    'echo start > /sys/class/remoteproc/remoteproc0/state' board:zynqmp-r5f
remoteproc 0 ffe00000.r5f crashed 2
finds remoteproc 'remoteproc0 (ffe00000.r5f) is crashed' 'dmesg says why' dt:mbx
finds remoteproc 'is crashed' 'echo stop, then start'
remoteproc 0 ffe00000.r5f offline 2
rm "$sys/class/remoteproc/remoteproc0/firmware"
finds remoteproc 'remoteproc0 (ffe00000.r5f) is offline, firmware not named' 'put its firmware' board:zynqmp-r5f
# a boot loader may have started it
for state in attached detached; do
    remoteproc 0 ffe00000.r5f $state 2
    healthy board:zynqmp-r5f
    line 'ok    remoteproc ' "remoteproc0 (ffe00000.r5f): $state"
done
finds region '"nonsense" is no number' 'as in mem:0x3ed80000+64K' mem:nonsense
remoteproc 0 ffe00000.r5f running 2

section UIO
finds uio 'this kernel has no UIO' 'modprobe uio_pdrv_genirq of_id=generic-uio' uio:mailbox
mkdir -p "$sys/class/uio"
finds uio 'the driver uio_pdrv_genirq is not loaded' 'modprobe uio_pdrv_genirq of_id=' uio:mailbox
mkdir -p "$sys/bus/platform/drivers/uio_pdrv_genirq"
finds uio 'has made no device of a node "mailbox"' "your board's overlay" uio:mailbox
mkdir -p "$sys/bus/platform/devices/3ec00000.mailbox"
finds uio '3ec00000.mailbox has no driver: its compatible' 'of_id=generic-uio' uio:mailbox
mkdir -p "$sys/bus/platform/devices/3ec00000.mailbox/driver"
uio 0 mailbox 0x3ec00000 0x100000
kill "$firmware"
wait "$firmware" 2>/dev/null
mv "$memory" "$root/dev/uio0" # a board's is reached either way
truncate -s 1M "$root/dev/uio0"
in_background env -u MBX_ROOT MBX_REGION="file:$root/dev/uio0" MBX_BOARD_SOCKET="$tmp/bell2" "$demo"
for name in uio:mailbox uio:uio0 uio:/dev/uio0 uio:/dev/uio0/0 board:zynqmp-r5f; do
    until_true sh -c "'$mbx' info -t 0 -r $name >/dev/null 2>&1"
    MBX_DOORBELL=poll healthy $name
    line 'ok    region ' "$name, 1048576 bytes, Device memory"
done
# the board's own doorbell, taken where none is named: this device lacks it
finds doorbell 'uio:mailbox,1+0x0=0x100: uio0 "mailbox" has no map "1"' 'it has 0' board:zynqmp-r5f
finds uio 'has made no device of a node "nosuch"' 'overlay' uio:nosuch/0
line 'WRONG region ' 'there are uio0 "mailbox"'
healthy
line 'ok    uio ' 'uio:mailbox (uio0), 0x3ec00000+0x100000, 7 interrupts'
# a register that is not the one which interrupts the core
put /sys/class/uio/uio0/maps/map1/addr '0xff300000\n'
put /sys/class/uio/uio0/maps/map1/size '0xff000\n'
put /sys/class/uio/uio0/maps/map1/offset '0x0\n'
MBX_DOORBELL=uio:mailbox,1+0xfe000=1 finds doorbell 'rings do not reach the remote' \
    "compare MAP+OFFSET=VALUE with the SoC's manual" uio:mailbox
line 'ok    doorbell ' 'Linux looks every millisecond'
# the names of files are no nodes of the device tree
for name in uio:uio7 uio:/dev/uio7; do
    finds region 'no UIO device is called' 'there are uio0 "mailbox"' $name
    ! grep -q '^WRONG uio' "$tmp/out" || fail "$name: $(cat "$tmp/out")"
done
put /proc/iomem '00000000-3ebfffff : System RAM\n3ec00000-3ecfffff : mailbox\n'
MBX_DOORBELL=poll healthy uio:mailbox
line 'ok    memory ' 'mbx@3ec00000, no-map, in /proc/iomem mailbox'
put /proc/iomem '00000000-3ebeffff : System RAM\n'
uio 0 mailbox 0x3ebf0000 0x100000
finds memory '0x3ebf0000+0x100000 is not all within the carve-out' 'name less' uio:mailbox
put /proc/iomem "$iomem"
uio 0 mailbox 0x3f000000 0x100000
finds memory 'System RAM: Linux uses it, too' 'reserve it with no-map' uio:mailbox
put /proc/iomem '00000000-3ebfffff : System RAM\n'
finds memory '/reserved-memory/video@3f000000 has no "no-map"' 'add no-map' uio:mailbox
uio 0 mailbox 0x3ec80000 0x100000
finds memory 'is not all within the carve-out /reserved-memory/mbx@3ec00000' 'name less' uio:mailbox
unset MBX_ROOT

section a board on QEMU
elf=$BUILD/mps2-an521/demo.elf
if [ ! -e "$elf" ] || ! command -v qemu-system-arm >/dev/null; then
    echo "the rest passed; no $elf or qemu-system-arm: make firmware, scripts/setup.sh test"
    exit 77
fi
in_background sh -c "exec '$mbx' sim --fw '$elf' --dir '$tmp' --region 'file:$tmp/ram' --keep >'$tmp/keep'"
sim=$last
until_true grep -q MBX_DOORBELL "$tmp/keep"
# shellcheck disable=SC1091
. "$tmp/keep"
qemu=$(cat "/proc/$sim/task/$sim/children")
qemu=${qemu% }
export MBX_REGION MBX_DOORBELL
healthy
line 'ok    doorbell ' 'rings wake the remote, which by itself wakes every'
line 'ok    doorbell ' "the remote's rings arrive"
MBX_DOORBELL=socket:$tmp/nobell finds doorbell 'rings do not reach the remote' 'name the socket'
kill -STOP "$qemu"
watch=600 finds remote 'but no heartbeat for' 'see whether its core runs'
kill -CONT "$qemu"
healthy
kill "$sim"
wait "$sim" || fail "sim --keep: status $?"

echo "all well"
