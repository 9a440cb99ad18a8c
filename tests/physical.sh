#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/physical.sh
# The command mbx on a board's physical memory, which is made of files: what it
# shows of it, what it refuses, and that it gives up root once it is mapped.
set -u

mbx=${BUILD:?}/mbx
[ -x "$mbx" ] || { echo "no $mbx: run make linux"; exit 77; }
# Where nobody, whom mbx becomes, can look into it: not in a TMPDIR of root's
tmp=$(mktemp -d /tmp/mbx-physical.XXXXXX) || exit 1
pid=''
ram=/dev/shm/mbx-physical-$$
chmod 755 "$tmp"
unset MBX_REGION MBX_DOORBELL SUDO_UID SUDO_GID
export MBX_ROOT="$tmp/root"

clean_up() {
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
    rm -rf "$tmp" "$ram"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# put FILE TEXT: below the root
put() {
    mkdir -p "$MBX_ROOT/$(dirname "$1")"
    printf "$2" >"$MBX_ROOT/$1"
}

# expect STATUS TEXT ARGS...: that exit status, and TEXT in either output
expect() {
    status=$1 text=$2
    shift 2
    timeout -k 5 30 "$mbx" "$@" >"$tmp/out" 2>&1 </dev/null
    got=$?
    [ $got -eq "$status" ] || fail "mbx $*: $got, not $status: $(cat "$tmp/out")"
    [ -z "$text" ] || grep -qF -- "$text" "$tmp/out" ||
        fail "mbx $*: no \"$text\" in: $(cat "$tmp/out")"
}

# soon COMMAND...: until it is true, for a while
soon() {
    for _ in $(seq 200); do
        "$@" && return
        sleep 0.1
    done
    fail "not within 20 s: $*"
}

put proc/iomem '00000000-3ecfffff : System RAM
3ed00000-3edfffff : reserved
ff000000-ff000fff : ff000000.serial serial@ff000000
'
put proc/device-tree/reserved-memory/#address-cells '\000\000\000\002'
put proc/device-tree/reserved-memory/#size-cells '\000\000\000\002'
put proc/device-tree/reserved-memory/mbx@3ed00000/reg \
    '\000\000\000\000\076\320\000\000\000\000\000\000\000\020\000\000'
put proc/device-tree/reserved-memory/mbx@3ed00000/no-map ''
put sys/class/uio/uio0/name 'mailbox\n'
put sys/class/uio/uio0/event '41\n'
put sys/class/uio/uio0/maps/map0/addr '0x3ed80000\n'
put sys/class/uio/uio0/maps/map0/size '0x10000\n'
put sys/class/uio/uio0/maps/map0/offset '0x0\n'
put dev/mem ''
truncate -s 1G "$MBX_ROOT/dev/mem"
put dev/uio0 ''
truncate -s 64K "$MBX_ROOT/dev/uio0"
region=mem:0x3ed80000+64K

# ---- what is shown ----

expect 0 '' create $region queue:up:h2r:64x8
expect 0 'mem mapping, Device memory, at 0x3ed80000' info -t 0 -r $region
expect 0 '"address": 1054343168' info -t 0 -j -r $region
expect 0 '"memory": "device"' info -t 0 -j -r $region
expect 0 '' create uio:mailbox queue:up:h2r:64x8
expect 0 'Device memory, at 0x3ed80000; 41 interrupts so far' \
    info -t 0 -r uio:mailbox
expect 0 '"interrupts": 41' info -t 0 -j -r uio:mailbox
# where a device begins at address 0, that is shown
for file in name:low event:0 maps/map0/addr:0x0 maps/map0/size:0x10000 maps/map0/offset:0x0; do
    put "sys/class/uio/uio1/${file%:*}" "${file#*:}\n"
done
put dev/uio1 ''
truncate -s 64K "$MBX_ROOT/dev/uio1"
expect 0 '' create uio:low queue:up:h2r:64x8
expect 0 'Device memory, at 0x0;' info -t 0 -r uio:low
expect 0 '' create dt:mbx queue:up:h2r:64x8
expect 0 'dt mapping, Device memory, at 0x3ed00000' info -t 0 -r dt:mbx
expect 4 'System RAM' info -r mem:0x100000+64K
expect 4 'ff000000.serial' info -r mem:0xff000000+4K
expect 2 '0x100000 bytes from 0x3ed80000' info -r mem:0x3ed80000+1M
expect 2 'page size' info -r mem:0x3ed80100+64K
printf junk | dd of="$MBX_ROOT/dev/mem" bs=4K seek=$((0x3edf0)) conv=notrunc \
    2>/dev/null
expect 4 'not an mbx region' info -r mem:0x3edf0000+64K
expect 4 'uio0 "mailbox"' info -r uio:nobody
expect 4 'mbx@3ed00000' info -r dt:nobody
expect 4 'could be removed' rm $region

# a board's RAM as one file, the region somewhere in it
truncate -s 1G "$ram"
expect 0 '' ls
! grep -q "$(basename "$ram")" "$tmp/out" || fail "ls lists a board's RAM"
expect 2 'a slice is not created' \
    create "file:$ram@0x3ed80000+64K" queue:up:h2r:64x8
dd if="$MBX_ROOT/dev/mem" of="$ram" bs=64K skip=$((0x3ed8)) seek=$((0x3ed8)) \
    count=1 conv=notrunc 2>/dev/null
expect 0 'shm mapping, Normal memory, from offset 0x3ed80000' \
    info -t 0 -r "shm:/$(basename "$ram")@0x3ed80000+64K"
expect 4 'slice' rm "file:$ram@0x3ed80000+64K"
[ -e "$ram" ] || fail "rm took the board's RAM"

# ---- root is given up ----

[ "$(id -u)" -eq 0 ] || {
    echo "not root, which could be given up; the rest passed"
    exit 0
}

# Who may map the memory himself has nothing to give up.
cp "$mbx" "$tmp/mbx" # wherever it is, nobody may get there
setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/mbx" info -t 0 -r uio:mailbox \
    >"$tmp/out" 2>&1 || fail "as nobody: $(cat "$tmp/out")"

# is FIELD VALUE: in the status of process $pid
is() {
    [ "$(sed -n "s/^$1:[[:blank:]]*//p" "/proc/$pid/status" | tr '\t' ' ')" = "$2" ]
}

# Follow REGION as USER, the environment as given before; then look at it. It was
# begun by root, or as the OPTIONs of setpriv say.
follow() {
    name=$1 user=$2
    shift 2
    rm -f "$tmp/follow"
    setpriv --groups 4,24 "$@" "$mbx" stat --watch --json -r "$name" \
        >"$tmp/follow" 2>&1 &
    pid=$!
    soon test -s "$tmp/follow"
    is Uid "$user $user $user $user" || fail "$name: $(grep Uid /proc/$pid/status)"
    is Gid "$user $user $user $user" || fail "$name: $(grep Gid /proc/$pid/status)"
    [ $# -gt 0 ] || is Groups '' || fail "$name: $(grep Groups /proc/$pid/status)"
    is NoNewPrivs 1 || fail "$name: could become another user"
    for set in CapInh CapPrm CapEff CapAmb; do
        is $set 0000000000000000 || fail "$name: $(grep Cap /proc/$pid/status)"
    done
    [ -z "$(find "/proc/$pid/fd" -lname "$MBX_ROOT*")" ] ||
        fail "$name: open still: $(ls -l "/proc/$pid/fd")"
}

# What was mapped is followed although it could not be opened any more.
chmod -R go-rwx "$MBX_ROOT"
for name in $region dt:mbx uio:mailbox; do
    follow "$name" 65534
    "$mbx" create "$name" queue:up:h2r:64x8 log:lines:r2h:80x8 ||
        fail "$name: not formatted again"
    soon grep -q 'formatted again; following' "$tmp/follow"
    soon grep -q '"lines"' "$tmp/follow"
    kill "$pid"
    wait "$pid" 2>/dev/null
    pid=''
done
# A state and a log are followed, too, when their region is formatted again.
for what in 'watch value' 'log --follow' 'log --follow --json' 'stat --watch'; do
    "$mbx" create $region state:value:h2r:4x2 log:lines:h2r:80x8 || fail create
    "$mbx" set -r $region value abcd || fail "set value"
    # shellcheck disable=SC2086 # several words
    "$mbx" ${what%% *} -r $region ${what#* } >"$tmp/follow" 2>&1 &
    pid=$!
    soon sh -c "'$mbx' info -t 0 -r $region >/dev/null"
    case $what in watch* | stat*) soon test -s "$tmp/follow" ;; *) sleep 1 ;; esac
    "$mbx" create $region state:value:h2r:4x2 log:lines:h2r:80x16 ||
        fail "$what: not formatted again"
    soon grep -q 'formatted again; following' "$tmp/follow"
    kill "$pid"
    wait "$pid" 2>/dev/null
    [ $? -eq 143 ] || fail "$what: $(cat "$tmp/follow")"
    # what it looked for is not there any more
    # shellcheck disable=SC2086 # several words
    "$mbx" ${what%% *} -r $region ${what#* } >"$tmp/follow" 2>&1 &
    pid=$!
    case $what in watch*) soon test -e "$tmp/follow" ;; *) sleep 1 ;; esac
    "$mbx" create $region queue:other:h2r:4x2 || fail "$what: not formatted"
    case $what in
    stat*) kill "$pid" ;;
    *) soon grep -q 'no channel\|no log' "$tmp/follow" ;;
    esac
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
done
pid=''
"$mbx" create $region queue:up:h2r:64x8 || fail create
export SUDO_UID=1234 SUDO_GID=1234
follow $region 1234
kill "$pid"
wait "$pid" 2>/dev/null
for bad in 0 root 12x -1 4294967295 4294967296 99999999999999999999 ''; do
    export SUDO_UID=$bad SUDO_GID=$bad
    follow $region 65534
    kill "$pid"
    wait "$pid" 2>/dev/null
done
pid=''
unset SUDO_UID SUDO_GID

# Another user needs a capability, and gives that up.
follow $region 1235 --reuid 1235 --regid 1235 --inh-caps +dac_override,+sys_rawio \
    --ambient-caps +dac_override,+sys_rawio
kill "$pid"
wait "$pid" 2>/dev/null
pid=''

# What only root may read comes by standard input.
echo hello >"$tmp/secret"
chmod 600 "$tmp/secret"
expect 1 'standard input' send -r $region -f "$tmp/secret" up

# Of files nobody needs to give up anything.
chmod 600 "$ram"
expect 0 'Normal' info -t 0 -r "shm:/$(basename "$ram")@0x3ed80000+64K"
"$mbx" stat --watch --json -r "shm:/$(basename "$ram")@0x3ed80000+64K" \
    >"$tmp/follow" 2>&1 &
pid=$!
soon test -s "$tmp/follow"
is Uid '0 0 0 0' || fail "a file's region: $(grep Uid /proc/$pid/status)"
kill "$pid"
wait "$pid" 2>/dev/null
pid=''
echo "physical memory: shown, refused, and root given up"
