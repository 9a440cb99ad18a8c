#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/overlays.sh
# The boards' table, their device-tree overlays and BOARDS.md say the same: each
# overlay compiles without a warning, applies to a tree that has the carve-outs
# of the board's own, and makes the table's region, clear of all of those.
set -u

mbx=${BUILD:?}/mbx
for tool in "$mbx" dtc fdtget fdtoverlay python3; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing: make linux, scripts/setup.sh test"
        exit 77
    }
done
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mbx-overlays.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# What upstream's or the vendor's tree reserves, ADDRESS+SIZE, by the profile
reserved() {
    case $1 in
    beagley-ai-*) # k3-j722s-ti-ipc-firmware.dtsi, k3-am67a-beagley-ai.dts
        echo 9e780000+80000 9e800000+1800000 a0000000+100000 \
            a0100000+f00000 a1000000+100000 a1100000+f00000 a2000000+100000 \
            a2100000+f00000 a3000000+100000 a3100000+f00000 a4000000+100000 \
            a4100000+f00000 a5000000+1c00000 a7000000+300000
        ;;
    am62x-m4f) # k3-am62x-sk-common.dtsi, k3-am62-phycore-som.dtsi
        echo 9c700000+100000 9c800000+300000 9cb00000+100000 9cc00000+e00000 \
            9db00000+c00000 9e780000+80000 9e800000+1800000
        ;;
    stm32mp157-m4) # stm32mp15xx-dkx.dtsi
        echo 10000000+40000 10040000+1000 10041000+1000 10042000+4000 \
            30000000+40000 38000000+10000
        ;;
    imx8mm-m4) # imx8mm-evk-rpmsg.dts
        echo 80000000+1000000 b8000000+8000 b8008000+8000 b80ff000+1000 \
            b8400000+100000
        ;;
    imx8mp-m7) # imx8mp-evk-rpmsg.dts
        echo 80000000+1000000 55000000+8000 55008000+8000 550ff000+1000 \
            55400000+100000 81000000+10000000 91000000+100000
        ;;
    imx93-m33) # imx93-11x11-evk.dts, imx93-phycore-som.dtsi
        echo a4000000+8000 a4008000+8000 a4010000+8000 a4018000+8000 \
            2021e000+1000 a4020000+100000 a4120000+100000
        ;;
    zynqmp-r5f) # zynqmp.dtsi, xlnx,zynqmp-r5fss.yaml
        echo 3ed00000+40000 3ed40000+4000 3ed44000+4000 3ed48000+100000 \
            3ef00000+40000
        ;;
    zcu102-r5 | am335x-pru) ;; # nothing: made for mbx; not RAM
    *) fail "$1: which carve-outs does the tree of this board have?" ;;
    esac
}

# base CELLS NAME: a tree such as the board's, as source
base() {
    zero=$([ "$1" -eq 2 ] && echo "0 ")
    cat <<END_OF_TREE
/dts-v1/;
/ {
    #address-cells = <$1>;
    #size-cells = <$1>;
    interrupt-parent = <&gic>;
    gic: interrupt-controller@f9010000 {
        #address-cells = <0>;
        #interrupt-cells = <3>;
        interrupt-controller;
        reg = <${zero}0xf9010000 ${zero}0x10000>;
    };
    reserved-memory {
        #address-cells = <$1>;
        #size-cells = <$1>;
        ranges;
END_OF_TREE
    for range in $(reserved "$2"); do
        echo "theirs@${range%+*} {" \
            "reg = <${zero}0x${range%+*} ${zero}0x${range#*+}>; no-map; };"
    done
    echo '    };'
    echo '};'
}

# silently COMMAND...: what it says is a warning, and that an error
silently() {
    "$@" >"$tmp/said" 2>&1 || fail "$*: $(cat "$tmp/said")"
    [ ! -s "$tmp/said" ] || fail "$*: $(cat "$tmp/said")"
}

# property TYPE NODE NAME: of the merged tree
property() {
    fdtget -t "$1" "$tmp/merged" "$2" "$3" || fail "$board: no $3 in $2"
}

# check_tree: node by node what the overlay has made
check_tree() {
    node=/reserved-memory/mbx@$address
    want=$([ "$cells" -eq 2 ] && echo "0 $address 0 $size" || echo "$address $size")
    got=$(property x "$node" reg)
    [ "$got" = "$want" ] || fail "$board: $node has reg <$got>, the table <$want>"
    fdtget -p "$tmp/merged" "$node" | grep -qx no-map ||
        fail "$board: $node without no-map"
    got=$(property x "/mailbox@$address" reg)
    case "$got " in
    "$want "*) ;;
    *) fail "$board: mailbox has reg <$got>, the table <$want>" ;;
    esac
    got=$(property s "/mailbox@$address" compatible)
    [ "$got" = generic-uio ] || fail "$board: mailbox is compatible with $got"
}

# check_clear: the region overlaps nothing that is reserved
check_clear() {
    from=$((0x$address)) to=$((0x$address + 0x$size))
    for range in $(reserved "$board"); do
        start=$((0x${range%+*})) end=$((0x${range%+*} + 0x${range#*+}))
        [ "$to" -le "$start" ] || [ "$end" -le "$from" ] ||
            fail "$board: $address+$size overlaps the tree's own $range"
    done
}

# check_page: BOARDS.md has a line of this board with both addresses and size
check_page() {
    line=$(grep "^| $board | .* KiB\|^| $board | .* MiB" linux/BOARDS.md | head -n 1)
    kib=$((0x$size / 1024))
    human="$kib KiB"
    [ "$kib" -lt 1024 ] || human="$((kib / 1024)) MiB"
    case $line in
    *"| 0x$(printf %08x "0x$address") | 0x$(printf %08x "0x$remote") | $human |"*) ;;
    *) fail "BOARDS.md: no line of $board with 0x$address, 0x$remote and $human" ;;
    esac
}

"$mbx" boards --json >"$tmp/boards" || fail "mbx boards --json"
python3 -c 'import json, sys
for b in json.load(sys.stdin):
    print(b["name"], "%x %x %x" % (b["address"], b["remote_address"], b["bytes"]))
' <"$tmp/boards" >"$tmp/table" || fail "mbx boards --json is no table"

while read -r board address remote size; do
    cells=2
    case $board in stm32* | am335x*) cells=1 ;; esac
    [ -e "linux/overlays/$board.dtso" ] || fail "$board has no overlay"
    base $cells "$board" >"$tmp/base.dts"
    silently dtc -@ -I dts -O dtb -o "$tmp/base" "$tmp/base.dts"
    silently dtc -@ -I dts -O dtb -o "$tmp/overlay" "linux/overlays/$board.dtso"
    silently fdtoverlay -i "$tmp/base" -o "$tmp/merged" "$tmp/overlay"
    silently dtc -I dtb -O dtb -o /dev/null "$tmp/merged"
    check_tree
    check_clear
    check_page
    echo "$board: overlay, table and BOARDS.md agree on 0x$address"
done <"$tmp/table"

[ "$(grep -c . "$tmp/table")" -ge 10 ] || fail "fewer boards than there were"
for overlay in linux/overlays/*.dtso; do
    grep -q "^$(basename "$overlay" .dtso) " "$tmp/table" ||
        fail "$overlay belongs to no board"
done
