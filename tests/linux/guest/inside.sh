#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: inside
# What is tried inside the emulated Linux, by root. Each function once_* or
# traffic_* is a test, which fails as soon as one of its commands does; what it
# printed is shown then. From the kernel's command line, and so in the environment:
#   only=KIND       the tests of that kind, as doorbell_*, and no others
#   rounds=N        those of traffic N times (1)
#   unaligned=HOW   an unaligned access, and memcpy(), "faults" or "passes"
#   counted=1       time is instructions counted: it may be judged

by_address=mem:0x3ed80000+64K
by_device=uio:mailbox
by_node=dt:mbx
by_board=board:zcu102-r5
irqs=/sys/class/uio/uio0/event

export MBX_REGION=$by_device MBX_DOORBELL=uio:mailbox,1+0x0=1

# says TEXT COMMAND...: it succeeds, and TEXT is in what it prints
says() {
    text=$1
    shift
    said=$("$@" 2>&1)
    echo "$said"
    case $said in *"$text"*) ;; *) false ;; esac
}

# fails COMMAND...: as it should; "!" before a command would not be noticed
fails() {
    "$@" && status=0 || status=$?
    [ $status -ne 0 ]
}

# refused TEXT REGION: it is not opened, for that reason
refused() {
    said=$(mbx info -r "$2" 2>&1) && status=0 || status=$?
    echo "$2: $said (exit status $status)"
    case $status:$said in [24]:*"$1"*) ;; *) false ;; esac
}

# ---- regions ----

once_region_is_the_same_by_any_of_its_names() {
    for region in $by_address $by_node $by_board $by_device; do
        mbx info -r $region -j >/tmp/info
        cat /tmp/info
        grep -q '"formatter": "remote"' /tmp/info
        grep -q '"bytes": 65536' /tmp/info
        grep -q '"memory": "device"' /tmp/info
        mbx info -r $region | grep '^layout' >>/tmp/layouts
    done
    [ "$(sort -u /tmp/layouts | wc -l)" = 1 ]
}

once_what_is_no_region_of_ours_is_refused_with_the_reason() {
    refused 'is System RAM' mem:0x30000000+64K
    refused 'is System RAM' mem:0x3ee00000+64K
    refused 'has no "no-map"' mem:0x3e000000+64K
    refused 'has no "no-map"' dt:forgot-no-map
    refused 'claimed by the driver "xuartps"' mem:0xff000000+4K
    refused 'not all within the carve-out' mem:0x3ed80000+128K
    refused 'not all within the carve-out' mem:0x3ed70000+128K
    refused 'page' mem:0x3ed80004+64K
    refused 'no size after "0x3ed80000"' mem:0x3ed80000
    refused 'not formatted yet' dt:spare
    devmem 0x3eda0000 32 0xdeadbeef
    refused 'not an mbx region: its first word is 0xdeadbeef' \
        mem:0x3eda0000+64K
    refused 'nothing answers at 0x100000000000 (a load ends in "Killed")' \
        mem:0x100000000000+64K
    refused 'no such node in the device tree' dt:nothing
    refused 'no UIO device is called "nothing"' uio:nothing
    refused 'has no map "7"' uio:mailbox/7
}

# What the library's own looking says does not matter: the kernel refuses too.
once_kernel_maps_neither_ram_nor_what_a_driver_has() {
    mapping refused 0x30000000
    mapping refused 0x3e000000
    mapping refused 0xff000000
}

# ---- what a side may do ----

once_store_into_the_peers_section_faults() {
    mapping stores $by_address
    mapping stores $by_device
}

once_unaligned_access_and_memcpy_are_what_this_machine_makes_of_it() {
    mapping unaligned "${unaligned:-passes}" $by_address
    mapping unaligned "${unaligned:-passes}" $by_device
}

# as_nobody PID: it has the region, is nobody's, and there is no way back
as_nobody() {
    grep -E '3ed80000|/dev/uio' "/proc/$1/maps" &&
        grep '^Uid:	65534	65534	65534	65534$' "/proc/$1/status" &&
        grep '^Gid:	65534	65534	65534	65534$' "/proc/$1/status" &&
        grep '^CapEff:	0000000000000000$' "/proc/$1/status" &&
        grep '^NoNewPrivs:	1$' "/proc/$1/status" &&
        fails grep /dev/mem "/tmp/fds-$1"
}

once_command_drops_what_it_needed_to_map() {
    for region in $by_address $by_device; do
        mbx watch -r $region sensor >/dev/null &
        children="$children $!"
        mbx ping -r $region -n 1000000 -i 50 >/dev/null &
        children="$children $!"
        for pid in $children; do
            until grep -q '^NoNewPrivs:	1$' /proc/$pid/status; do kill -0 $pid; sleep 0.1; done
            cat /proc/$pid/status /proc/$pid/maps
            ls -l /proc/$pid/fd >/tmp/fds-$pid
            as_nobody $pid
        done
        kill $children
        wait $children || children=
    done
}

# observers: several of them, each with nothing it could write to
observers() {
    for what in 'watch sensor' 'log -f' 'stat --watch'; do
        # shellcheck disable=SC2086 # a command and its arguments
        mbx $what >/dev/null &
        children="$children $!"
    done
    for pid in $children; do
        until grep -q -E '3ed80000|/dev/uio' "/proc/$pid/maps"; do kill -0 $pid; sleep 0.1; done
        grep -E '3ed80000|/dev/uio' "/proc/$pid/maps"
        fails grep -E ' .w.s .*(/dev/mem|/dev/uio)' "/proc/$pid/maps"
    done
}

once_observers_change_nothing_for_the_two_sides() {
    before=$(mapping host $by_device)
    observers
    [ "$(mapping host $by_device)" = "$before" ]
    says ' 0 lost, 0 wrong' mbx ping -n 200
    [ "$(mapping host $by_device)" != "$before" ]
}

# Nothing rings the R5 then, which finds each ping at its tick: Linux sleeps.
once_device_has_its_own_interrupt_where_no_doorbell_is_named() {
    before=$(cat $irqs)
    says ' 0 lost, 0 wrong' env -u MBX_DOORBELL mbx ping -r $by_device -n 20
    [ "$(cat $irqs)" != "$before" ]
}

# ---- doctor ----

# finds TEXT [REGION]: the doctor does, and says what to do
finds() {
    said=$(mbx doctor ${2:+"$2"} 2>&1) && status=0 || status=$?
    echo "$said"
    case $status:$said in 1:*WRONG*"$1"*) ;; *) false ;; esac
}

once_doctor_finds_nothing_wrong_with_what_works() {
    for region in $by_device $by_board; do
        says 'rings wake the remote' mbx doctor $region
        says "the remote's rings arrive" mbx doctor $region
    done
    # the board's own, where none is named
    says 'uio:mailbox,1+0x0=1: rings wake the remote' \
        env -u MBX_DOORBELL mbx doctor $by_board
    says '/reserved-memory/mbx@3ed80000, no-map' mbx doctor $by_address
    says 'Device memory' mbx doctor $by_node
    unset MBX_REGION
    says 'try board:zcu102-r5' mbx doctor
    says 'uio:mailbox (uio0), 0x3ed80000+0x10000' mbx doctor
    says 'STRICT_DEVMEM: yes, IO_STRICT_DEVMEM: yes' mbx doctor
}

once_doctor_finds_what_is_wrong_and_says_what_to_do() {
    finds '-> add no-map to the node' mem:0x3e000000+64K
    finds '-> add no-map to the node' dt:forgot-no-map
    finds '-> reserve what is to be shared with no-map' mem:0x30000000+64K
    finds '-> unbind it, or name other memory' mem:0xff000000+4K
    finds '-> name less, or reserve more' mem:0x3ed80000+128K
    finds 'no such node' dt:nothing
    finds 'nothing answers' mem:0x100000000000+64K
    finds 'not formatted: all zero -> start the firmware' dt:spare
    devmem 0x3edb0000 32 0xb8400000
    devmem 0x3edb0008 32 512
    devmem 0x3edb000c 32 0x00010002
    devmem 0x3edb0010 32 0xb8400200
    devmem 0x3edb0018 32 512
    finds 'a vring of remoteproc' mem:0x3edb0000+64K
    MBX_DOORBELL=uio:nothing finds 'no UIO device is called'
    # a register that rings nobody
    MBX_DOORBELL=uio:mailbox,1+0x4=1 finds 'rings do not reach the remote'
}

# ---- traffic ----

# A side that is not yet asleep when the answer comes is not rung. In turns,
# neither is ever awake then, and the R5, which looks by itself every 16 ms,
# answers long before that.
traffic_ping_goes_by_interrupts() {
    before=$(cat $irqs)
    # with the cores at once, all answers may come before anybody sleeps
    for _ in $(seq "${counted:-20}"); do
        says '200 returned, 0 lost, 0 wrong' mbx ping -n 200
        echo "$(($(cat $irqs) - before)) interrupts"
        [ "$(cat $irqs)" = "$before" ] || break
    done
    [ "$(cat $irqs)" != "$before" ]
    [ -n "$counted" ] || return 0
    [ $(($(cat $irqs) - before)) -ge 190 ]
    mbx ping -n 100 -j | grep -Eq '"median": [0-9]{1,3}\.'
}

traffic_files_have_the_checksum_of_cksum() {
    cd /
    # shellcheck disable=SC2046 # one word a file
    mbx cksum $(cut -d ' ' -f 3 /etc/cksums) >/tmp/cksums
    diff /etc/cksums /tmp/cksums
    cd - >/dev/null
}

traffic_state_log_and_calls_work() {
    says 'milli_celsius=' mbx get sensor
    says 'on=1' mbx call led on=1
    says 'on=0' mbx call led on=0
    fails mbx call rate hz=1000
    says 'hz=10' mbx call rate hz=10
    says 'boot: demo on zcu102-r5' mbx log
    says 'ping' mbx stat
}

traffic_either_side_ends_at_any_moment_and_every_ping_is_accounted() {
    restart
}

# ---- the doorbell, with firmware that nothing else wakes ----

doorbell_is_never_lost() {
    doorbell "${sleeps:-5000}"
}

# ---- running them ----

# run NAME: what has become of it
run() {
    said=$(
        set -e
        children=
        trap 'status=$?; [ -z "$children" ] || kill $children 2>/dev/null; exit $status' EXIT
        $1 2>&1
    )
    status=$?
    if [ $status -eq 0 ]; then
        passed=$((passed + 1))
        echo "PASS $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1 (exit status $status)"
        echo "$said"
    fi
}

# tests KIND: all there are
tests() {
    sed -n "s/^\($1_[a-z0-9_]*\)() {\$/\1/p" "$0"
}

names=$(tests "${only:-once}")
if [ -z "$only" ]; then
    for _ in $(seq "${rounds:-1}"); do
        names="$names $(tests traffic)"
    done
fi
passed=0 failed=0
for name in $names; do
    run "$name"
done
echo "inside: $passed passed, $failed failed"
