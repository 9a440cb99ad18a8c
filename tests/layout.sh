#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The offsets, sizes and values in common/LAYOUT.md are those that every
# compiler gives the structs in common/mbx/layout.h. Exits 77 if a compiler is
# missing, after comparing the others.

set -u
BUILD=${BUILD:-$PWD/build}
dir=$BUILD/layout
mkdir -p "$dir" || exit 1
missing= facts=

if ! command -v python3 >/dev/null; then
	echo "SKIP layout: python3 is not installed (make setup)"
	exit 77
fi

# facts_of NAME PREFIX FLAGS...: leaves the section's bytes in $dir/NAME
facts_of() {
	name=$1 prefix=$2
	shift 2
	if ! command -v "${prefix}gcc" >/dev/null; then
		case "$missing " in
		*" ${prefix}gcc "*) ;;
		*) missing="$missing ${prefix}gcc" ;;
		esac
		return
	fi
	"${prefix}gcc" -std=gnu11 -O2 -Wall -Wextra -Wshadow -Wconversion -Werror \
		-Icommon "$@" \
		-c tests/layout/fields.c -o "$dir/$name.o" &&
		"${prefix}objcopy" -O binary -j .mbx_facts "$dir/$name.o" \
			"$dir/$name" || exit 1
	echo "layout: ${prefix}gcc $*"
	facts="$facts $name"
}

facts_of x86-64 ""
facts_of aarch64 aarch64-linux-gnu-
facts_of armhf arm-linux-gnueabihf-
facts_of cortex-m3 arm-none-eabi- -mcpu=cortex-m3 -mthumb -ffreestanding
facts_of cortex-m33 arm-none-eabi- -mcpu=cortex-m33 -mthumb -ffreestanding
facts_of cortex-r5 arm-none-eabi- -mcpu=cortex-r5 -mthumb -ffreestanding

if [ -z "$facts" ]; then
	echo "SKIP layout: no compiler at all:$missing"
	exit 77
fi

root=$PWD
cd "$dir" || exit 1
# shellcheck disable=SC2086
python3 "$root/tests/layout/compare.py" "$root/common/LAYOUT.md" \
	"$root/common/mbx/layout.h" $facts || exit 1

if [ -n "$missing" ]; then
	echo "SKIP layout: not installed:$missing (make setup); the rest agree"
	exit 77
fi
