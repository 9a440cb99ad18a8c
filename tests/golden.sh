#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Every build of common/ writes the golden region (tests/golden/region.hex) the
# same to the byte, and reads it back: here, and under qemu-user for 32- and
# 64-bit Arm and for a big-endian core; also with the region at address 0; and on
# Cortex-M3, M33 and R5 under QEMU, with nothing beneath it. And
# tests/golden/third.py, which knows LAYOUT.md only, finds in it what is there.
# Exits 77 if an Arm compiler or emulator is missing, after doing the rest; the
# big-endian core is a bonus.

set -u
BUILD=${BUILD:-$PWD/build}
dir=$BUILD/golden
hex=tests/golden/region.hex
mkdir -p "$dir" || exit 1
missing= failed=0

# golden NAME OPTION [EMULATOR]: one run; 77 where nobody may map address 0
golden() {
	name=$1 option=$2
	shift 2
	printf 'golden on %s: ' "$name"
	"$@" "$dir/$name" "$option" $hex
	case $? in
	0) ;;
	77) echo "SKIP $option on $name: this user may not map address 0" ;;
	*) failed=1 ;;
	esac
}

# arch NAME COMPILER EMULATOR [FLAGS...]
arch() {
	name=$1 cc=$2 emulator=$3
	shift 3
	for tool in "$cc" $emulator; do
		if ! command -v "$tool" >/dev/null; then
			echo "SKIP golden on $name: $tool is not installed"
			missing="$missing $name"
			return
		fi
	done
	"$cc" -std=gnu11 -fno-delete-null-pointer-checks -fno-common -O2 \
		-Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes \
		-Werror "$@" -Icommon -o "$dir/$name" tests/golden/golden.c \
		tests/golden/region.c common/*.c || exit 1
	golden "$name" --check $emulator
	golden "$name" --at-zero $emulator
}

arch native gcc ""
arch aarch64 aarch64-linux-gnu-gcc qemu-aarch64-static -static
arch armhf arm-linux-gnueabihf-gcc qemu-arm-static -static
wanted=$missing
if ! command -v python3 >/dev/null; then
	wanted="$wanted third.py, bare cores"
else
	python3 tests/golden/third.py $hex || failed=1
	python3 tests/golden/cores.py "$dir" $hex
	case $? in
	0) ;;
	77) wanted="$wanted bare cores" ;;
	*) failed=1 ;;
	esac
fi
arch s390x s390x-linux-gnu-gcc qemu-s390x-static -static

[ $failed = 0 ] || exit 1
if [ -n "$wanted" ]; then
	echo "SKIP golden:$wanted not checked (make setup); the rest is the same"
	exit 77
fi
