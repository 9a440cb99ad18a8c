#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR scripts/guest.sh
# Makes the Linux that `make test-linux` boots, in DIR/guest: vmlinuz, Debian's
# own for arm64, fetched as data; zcu102.dtb; initrd.gz, with a shell and
# the tests. Exits with 77 and the reason in the last line if it can't be had;
# that is also in DIR/guest/missing.
set -eu

triplet=aarch64-linux-gnu
kernel=$BUILD/fetched/kernel
sysroot=$BUILD/fetched/arm64
programs=$BUILD/$triplet
guest=$BUILD/guest
root=$guest/root

# The meta packages know the kernel's version. What builds modules runs here,
# not there, so that has to be of this architecture.
fetch() {
    scripts/fetch.sh --deps 'linux-image-* linux-headers-*' arm64 "$kernel" \
        linux-image-cloud-arm64 linux-headers-cloud-arm64 busybox-static ||
        return
    kbuild=$(readlink "$kernel"/usr/src/*-cloud-arm64/scripts)
    kbuild=${kbuild%/*}
    scripts/fetch.sh "$(dpkg --print-architecture)" "$kernel" "${kbuild##*/}" ||
        return
    scripts/fetch.sh --deps 'lib*' arm64 "$sysroot" libjansson-dev libcmocka-dev
}

# The packages expect to be below /, their Makefiles do as well elsewhere.
module() {
    headers=$(echo "$kernel"/usr/src/*-cloud-arm64)
    mkdir -p "$guest/module"
    cp tests/linux/guest/uio_dt.c "$guest/module/"
    echo 'obj-m := uio_dt.o' >"$guest/module/Makefile"
    make -s -C "$headers" -f "${headers%-cloud-arm64}-common/Makefile" \
        M="$guest/module" ARCH=arm64 CROSS_COMPILE=$triplet- modules
}

# What runs inside is dynamic (there is no static cmocka), but for the command.
build() {
    make -s -j"$(nproc)" BUILD="$programs" CROSS_COMPILE=$triplet- \
        SYSROOT="$sysroot" "$@"
}

# What the root file system holds, and what cksum(1) makes of some of it
root() {
    mkdir -p "$root/bin" "$root/lib" "$root/boot" "$root/etc" "$root/dev" \
        "$root/proc" "$root/sys" "$root/tmp"
    install tests/linux/guest/init "$root/init"
    install tests/linux/guest/inside.sh "$root/bin/inside"
    install "$kernel/bin/busybox" "$programs/static/mbx" "$programs"/inside/* \
        "$programs/e2e/doorbell" "$root/bin/"
    install "$sysroot"/lib/*/ld-linux-aarch64.so.1 "$sysroot"/lib/*/libc.so.6 \
        "$sysroot"/usr/lib/*/libcmocka.so.0 "$guest/module/uio_dt.ko" \
        "$kernel"/lib/modules/*/kernel/drivers/uio/uio.ko "$root/lib/"
    install "$kernel"/boot/config-* "$root/boot/"
    echo 'root:x:0:0::/:/bin/sh
nobody:x:65534:65534::/:/bin/sh' >"$root/etc/passwd"
    (cd "$root" && cksum init bin/inside bin/mbx) >"$root/etc/cksums"
}

# tree SOURCE OVERLAY: the device tree, with what the board's overlay adds
tree() {
    dtc -q -@ -I dts -O dtb -o "$guest/base.dtb" "$1"
    dtc -q -@ -I dts -O dtb -o "$guest/overlay.dtbo" "$2"
    fdtoverlay -i "$guest/base.dtb" -o "$guest/zcu102.dtb" "$guest/overlay.dtbo"
}

initrd() {
    (cd "$root" && find . | LC_ALL=C sort |
        cpio --quiet -o -H newc --owner 0:0 --reproducible) |
        gzip -1n >"$guest/initrd.gz"
}

rm -rf "$guest"
mkdir -p "$guest"
fetch 2>"$guest/missing" || {
    status=$?
    cat "$guest/missing" >&2
    [ $status -eq 77 ] || rm "$guest/missing"
    exit $status
}
rm "$guest/missing"
module >"$guest/module.log" 2>&1 || {
    cat "$guest/module.log" >&2
    exit 1
}
build STATIC=1 linux
build inside
cp "$kernel"/boot/vmlinuz-* "$guest/vmlinuz"
tree tests/linux/guest/zcu102.dts linux/overlays/zcu102-r5.dtso
root
initrd
