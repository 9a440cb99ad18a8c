#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: scripts/setup.sh GROUP...          groups: build run test linux bench peers verify check
# Installs what the groups need and this system lacks, and says what and why.
# Silent if nothing is missing. Where it may not install (no apt-get, no root,
# no sudo without a password), it says what to do and exits with 1.
set -u

# What is needed: group, probe, Debian package, why. A probe is a command, a
# <header>, or a path with *; a | b is satisfied by either.
needs() {
    cat <<'END'
build gcc                        gcc                      compiles library, command and examples
build ar                         binutils                 makes the static library
build <stdio.h>                  libc6-dev                C library headers
build <jansson.h>                libjansson-dev           JSON output of the mbx command
build make                       make                     runs the build
build arm-none-eabi-gcc          gcc-arm-none-eabi        compiles the firmware for Cortex-M
build arm-none-eabi-ar           binutils-arm-none-eabi   links the firmware

run   qemu-system-arm            qemu-system-arm          emulates the board
run   qemu-system-aarch64        qemu-system-arm          emulates the board zcu102-r5

test  qemu-system-arm            qemu-system-arm          emulates the board
test  qemu-system-aarch64        qemu-system-arm          emulates the board zcu102-r5
test  <cmocka.h>                 libcmocka-dev            unit test framework
test  g++                        g++                      checks that the headers are valid C++
test  pkg-config                 pkg-config               checks mbx.pc as a user would
test  /usr/lib/gcc/*/*/libasan.so|/usr/lib*/libasan.so gcc  AddressSanitizer (elsewhere: libasan, libubsan, libtsan)
test  valgrind                   valgrind                 finds memory errors in the unit tests
test  aarch64-linux-gnu-gcc      gcc-aarch64-linux-gnu    cross build for 64-bit Arm
test  /usr/aarch64-linux-gnu/include/stdio.h|/usr/include/aarch64-linux-gnu/bits/stdio.h libc6-dev-arm64-cross C library of that build
test  arm-linux-gnueabihf-gcc    gcc-arm-linux-gnueabihf  cross build for 32-bit Arm
test  /usr/arm-linux-gnueabihf/include/stdio.h|/usr/include/arm-linux-gnueabihf/bits/stdio.h libc6-dev-armhf-cross C library of that build
test  s390x-linux-gnu-gcc        gcc-s390x-linux-gnu      cross build for a big-endian core
test  /usr/s390x-linux-gnu/include/stdio.h|/usr/include/s390x-linux-gnu/bits/stdio.h libc6-dev-s390x-cross C library of that build
test  qemu-aarch64-static        qemu-user-static         runs the cross-built tests
test  qemu-arm-static            qemu-user-static         runs the cross-built tests
test  qemu-s390x-static          qemu-user-static         runs the cross-built tests
test  /usr/lib*/python3*/json/__init__.py python3         reads layout, golden bytes and JSON; its minimal form has no JSON
test  dtc                        device-tree-compiler     checks the device-tree overlays
test  timeout                    coreutils                ends tests that hang
test  xargs                      findutils                runs unit tests two at a time

linux qemu-system-aarch64        qemu-system-arm          emulates Linux and an R5 in one machine
linux dtc                        device-tree-compiler     compiles the device tree of that machine
linux cpio                       cpio                     packs the file system of that Linux
linux flock                      util-linux               keeps downloads from crossing each other
linux aarch64-linux-gnu-gcc      gcc-aarch64-linux-gnu    compiles what runs in that Linux
linux /usr/aarch64-linux-gnu/include/stdio.h|/usr/include/aarch64-linux-gnu/bits/stdio.h libc6-dev-arm64-cross C library of that Linux

peers g++                        g++                      compiles the Boost peer, links
peers pkg-config                 pkg-config               knows DPDK's compiler options
peers <dpdk/rte_ring.h>          libdpdk-dev              peer: rte_ring
peers <boost/lockfree/spsc_queue.hpp> libboost-dev        peers: lockfree spsc_queue, interprocess message_queue
peers <zmq.h>                    libzmq3-dev              peer: ZeroMQ
peers valgrind                   valgrind                 counts instructions
peers strace                     strace                   counts system calls
peers python3                    python3                  prints the tables
peers gnuplot                    gnuplot-nox              draws the plots

verify sparse                    sparse                   finds accesses that go round the accessors
verify frama-c                   frama-c-base             proves the absence of accesses outside, for any content
verify clang                     clang                    builds the fuzzers
verify /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a libclang-rt-14-dev libFuzzer and its sanitizers
verify clang-19                   clang-19                 instruments for MC/DC, which clang 14 can't
verify llvm-cov-19                llvm-19                  says which branches went which way
verify /usr/lib/llvm-19/lib/clang/19/lib/*/libclang_rt.profile*.a libclang-rt-19-dev counts them
verify /usr/include/relacy/relacy.hpp|/usr/include/relacy/relacy_std.hpp relacy-dev second engine for memory orders

bench qemu-system-arm            qemu-system-arm          executes the firmware that is counted
bench valgrind                   valgrind                 counts instructions on x86
bench python3                    python3                  makes the tables
bench git                        git                      has the revision to compare with

check git                        git                      lists the files to check
check clang-format               clang-format             checks the formatting
check shellcheck                 shellcheck               finds slips in the scripts
END
}

say() {
    echo "setup: $*" >&2
}

# have PROBE
have() {
    set -f
    IFS='|'
    # shellcheck disable=SC2086 # split at | only, then let paths match
    set -- $1
    set +f
    unset IFS
    for one; do
        case $one in
        /*) for path in $one; do [ -e "$path" ] && return 0; done ;;
        '<'*)
            one=${one#<}
            one=${one%>}
            [ -e "/usr/include/$one" ] || [ -e "/usr/local/include/$one" ] &&
                return 0
            ;;
        *) command -v "$one" >/dev/null && return 0 ;;
        esac
    done
    return 1
}

# missing GROUP...: lines "package why" of what is not there
missing() {
    needs | while read -r group probe package why; do
        case " $* " in
        *" $group "*) have "$probe" || echo "$package $why" ;;
        esac
    done
}

# packages: the first words of the lines of stdin, each once
packages() {
    cut -d ' ' -f 1 | sort -u | tr '\n' ' '
}

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
        -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}

have_lists() {
    for list in /var/lib/apt/lists/*_Packages*; do
        [ -e "$list" ] && return 0
    done
    return 1
}

# Old lists name packages that are gone, so a failure is worth one update.
install_packages() {
    if have_lists && apt install --no-install-recommends "$@"; then
        return 0
    fi
    apt update && apt install --no-install-recommends "$@"
}

[ $# -gt 0 ] || {
    sed -n 's/^# Usage: /usage: /p' "$0" >&2
    exit 2
}
for group; do
    needs | grep -q "^$group " || {
        say "no group is called '$group'; there are:" \
            "$(needs | sed '/^$/d' | packages)"
        exit 2
    }
done

lacking=$(missing "$@")
[ -n "$lacking" ] || exit 0
wanted=$(echo "$lacking" | packages)
wanted=${wanted% }
echo "$lacking" | sort -s -u -k 1,1 | while read -r package why; do
    say "missing: $package ($why)"
done

command -v apt-get >/dev/null || {
    say "install these, or what your system calls them, and try again"
    exit 1
}
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root='su'
    command -v sudo >/dev/null && as_root='sudo sh'
    say "not allowed to install; please run this, and try again:"
    echo "    $as_root -c 'apt-get update &&" \
        "apt-get install --no-install-recommends $wanted'" >&2
    exit 1
fi

log=$(mktemp "${TMPDIR:-/tmp}/mbx-setup.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP
say "apt-get install --no-install-recommends $wanted"
# shellcheck disable=SC2086 # one word a package
install_packages $wanted || {
    cat "$log" >&2
    say "apt-get failed, see above"
    exit 1
}
lacking=$(missing "$@")
[ -z "$lacking" ] || {
    say "installed, and yet not found: $lacking"
    exit 1
}
