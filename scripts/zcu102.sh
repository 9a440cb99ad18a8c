#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR scripts/zcu102.sh [-i] [-q DIR] FIRMWARE [NAME=VALUE...]
# Boots the Linux of scripts/guest.sh on QEMU's xlnx-zcu102, with FIRMWARE on the
# R5 beside it, and prints the console until Linux powers off. Exits with 0 only
# if the test inside said that it passed, with 77 and the reason if there is no
# such Linux. NAME=VALUE are for that test's environment.
#   -i      one core at a time, by instructions counted: all runs are the same
#   -q DIR  the QEMU that is unpacked there (8.2 or later), not the system's
set -eu

qemu="qemu-system-aarch64"
machine=xlnx-zcu102 icount=
while getopts iq: option; do
    case $option in
    i) icount='-icount shift=0,sleep=off' ;;
    q)
        qemu="$OPTARG/usr/bin/$qemu -L $OPTARG/usr/share/qemu"
        machine=$machine,audiodev=none # has to be said since 8.2
        LD_LIBRARY_PATH=$(echo "$OPTARG"/usr/lib/*-linux-gnu)
        export LD_LIBRARY_PATH
        ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
firmware=$1
shift

if [ -e "$BUILD/guest/missing" ]; then
    tail -n 1 "$BUILD/guest/missing"
    exit 77
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/mbx-zcu102.XXXXXX")
child=

# Whatever ends this script, what was said so far is worth reading.
clean_up() {
    [ -z "$child" ] || kill -KILL "$child" # it has nothing to save
    [ ! -e "$dir/console" ] || tr -d '\r' <"$dir/console"
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# The R5 is off at first, and hears no interrupt: QEMU leaves that to whoever
# starts it. The timer is its IRQ, the IPI its FIQ, as the firmware expects. A
# kernel that panics reboots, which ends QEMU as a power-off does.
r5='/machine/soc/rpu-cluster/rpu-cpu[0]'
set_property() {
    echo '{ "execute": "qom-set", "arguments": {' \
        "\"path\": \"/machine/soc/$1\", \"property\": \"$2\", \"value\": $3 } }"
}
{
    echo '{ "execute": "qmp_capabilities" }'
    set_property 'rpu-cluster/rpu-cpu[0]' start-powered-off false
    set_property 'ttc[0]' 'sysbus-irq[1]' "\"$r5/unnamed-gpio-in[0]\""
    set_property ipi 'APU[0]' '"/machine/soc/ipi/IPI_INPUTS[0]"'
    set_property ipi 'sysbus-irq[0]' "\"$r5/unnamed-gpio-in[1]\""
    echo '{ "execute": "system_reset" }'
    echo '{ "execute": "set-action", "arguments": { "reboot": "shutdown" } }'
    echo '{ "execute": "cont" }'
} >"$dir/commands"

# shellcheck disable=SC2086 # several words, or none
$qemu -M $machine -smp 6 -m 1G -S $icount -display none -monitor none \
    -audiodev none,id=none -qmp stdio -serial "file:$dir/console" -serial null \
    -kernel "$BUILD/guest/vmlinuz" -dtb "$BUILD/guest/zcu102.dtb" \
    -initrd "$BUILD/guest/initrd.gz" \
    -append "console=ttyPS0,115200 quiet panic=-1 $*" \
    -device "loader,file=$firmware" <"$dir/commands" >"$dir/qemu" 2>&1 &
child=$!
status=0
wait "$child" || status=$?
child=
if [ $status -ne 0 ] || grep '"error"' "$dir/qemu"; then
    cat "$dir/qemu"
    exit 1
fi
tr -d '\r' <"$dir/console" | grep -q '^inside: [1-9][0-9]* passed, 0 failed$'
