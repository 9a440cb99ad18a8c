#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/cross.sh
# `make install` of a static cross build for 64- and 32-bit Arm, and the commands
# it installs at work on one region with each other and with this computer's:
# each makes the region once, each is host once and remote once. Needs
# `make unit-arm64 unit-armhf`; exits 77 where that could not be had.
set -u

native=${BUILD:?}/mbx
dir=$(mktemp -d "${TMPDIR:-/tmp}/mbx-cross.XXXXXX") || exit 1
name=mbx-cross-$$
region=shm:/$name
reader=
unset MBX_REGION MBX_DOORBELL

clean_up() {
    [ -z "$reader" ] || kill -9 "$reader" 2>/dev/null
    rm -rf "$dir" "/dev/shm/$name"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAIL: $*: $(cat "$dir/err")" >&2
    exit 1
}

# install ARCHITECTURE TRIPLET EMULATOR: leaves a command $dir/ARCHITECTURE
install() {
    if [ -e "$BUILD/$1.skip" ]; then
        cat "$BUILD/$1.skip"
        exit 77
    fi
    command -v "$3" >/dev/null || {
        echo "$3 is missing: make setup"
        exit 77
    }
    make -s STATIC=1 CROSS_COMPILE="$2-" BUILD="$BUILD/$2" \
        SYSROOT="$BUILD/fetched/$1" PREFIX=/usr DESTDIR="$dir/root-$1" install ||
        exit 1
    printf '#!/bin/sh\nexec %s %s "$@"\n' "$3" "$dir/root-$1/usr/bin/mbx" \
        >"$dir/$1"
    chmod +x "$dir/$1"
}

# by COMMAND ARGS...: mbx of that architecture, with a hang timeout
by() {
    command=$1
    shift
    timeout -k 5 60 "$dir/$command" "$@" 2>"$dir/err"
}

install arm64 aarch64-linux-gnu qemu-aarch64-static
install armhf arm-linux-gnueabihf qemu-arm-static
install s390x s390x-linux-gnu qemu-s390x-static
ln -s "$native" "$dir/native"

# three MAKER HOST REMOTE
three() {
    by "$1" create "$region" queue:up:h2r:64x8 queue:down:r2h:64x8 \
        'queue:typed:h2r:64x4:block:u8 a, i64 wide, f64 ratio, char text[]' \
        'state:temp:r2h:8x4:u64 n' >/dev/null || fail "create by $1"

    by "$3" recv -r "$region" -S remote -n 1000 up >"$dir/got" &
    reader=$!
    seq 1000 | by "$2" send -r "$region" --lines up || fail "send up by $2"
    wait $reader || fail "recv up by $3"
    seq 1000 | cmp - "$dir/got" || fail "up from $2 to $3"

    by "$2" recv -r "$region" -n 1000 down >"$dir/got" &
    reader=$!
    seq 1000 | by "$3" send -r "$region" -S remote --lines down ||
        fail "send down by $3"
    wait $reader || fail "recv down by $2"
    seq 1000 | cmp - "$dir/got" || fail "down from $3 to $2"

    by "$3" recv -r "$region" -S remote typed >"$dir/got" &
    reader=$!
    by "$2" send -r "$region" typed a=255 wide=-5000000000 ratio=0.1 \
        text="from $2" || fail "send typed by $2"
    wait $reader || fail "recv typed by $3"
    reader=
    echo "a=255 wide=-5000000000 ratio=0.1 text=\"from $2\"" |
        cmp - "$dir/got" || fail "typed from $2 to $3: $(cat "$dir/got")"

    by "$3" set -r "$region" -S remote temp 18446744073709551615 ||
        fail "set by $3"
    got=$(by "$2" get -r "$region" temp) || fail "get by $2"
    [ "$got" = n=18446744073709551615 ] || fail "get by $2: $got"

    for command in native arm64 armhf s390x; do
        by $command info -r "$region" --json >"$dir/info-$command" ||
            fail "info by $command"
        cmp "$dir/info-native" "$dir/info-$command" || fail "info by $command"
    done
    by "$1" rm "$region" >/dev/null || fail "rm by $1"
    echo "region by $1, host $2, remote $3"
}

three native arm64 armhf
three arm64 armhf s390x
three armhf s390x native
three s390x native arm64
