#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Every public header compiles alone, as C11 and as C++17, without a warning;
# and common/ compiles without one for every kind of core, with the Makefile's
# own flags. Exits 77 if a compiler is missing, after checking with the others.
#
# Usage: tests/headers.sh [COMMON]   with the headers of another common/: only,
#                                    does gcc refuse declarations that cannot be

set -u
common=${1:-}
BUILD=${BUILD:-$PWD/build}
dir=$BUILD/headers
mkdir -p "$dir" || exit 1
failed=0 missing=
log=$dir/log

# variable NAME: the plain words of a Makefile variable
variable() {
	sed -n "s/^$1 *:= *\([^\$\\\\]*\).*/\1/p" Makefile
}
LANGUAGE=$(variable LANGUAGE)
WARN=$(variable WARN)
if [ -z "$LANGUAGE" ] || [ -z "$WARN" ]; then
	echo "headers: the Makefile sets no LANGUAGE or WARN; see variable() here"
	exit 1
fi

# compile WHAT COMPILER ARGUMENTS...: warnings are errors
compile() {
	what=$1
	shift
	"$@" -Werror -c -o "$dir/out.o" 2>"$log" && return
	echo "headers: $what does not compile without warnings: $*"
	sed -n 1,12p "$log"
	failed=1
}

have() {
	command -v "$1" >/dev/null && return
	case " $missing " in *" $1 "*) ;; *) missing="$missing $1" ;; esac
	return 1
}

# headers_alone COMPILER FLAGS...: each header twice in a file of its own
headers_alone() {
	have "$1" || return
	n=0
	for h in $headers; do
		name=${h#*/}
		printf '#include <%s>\n#include <%s>\n' "$name" "$name" \
			>"$dir/alone.$suffix"
		compile "$h" "$@" -Wall -Wextra -pedantic -Icommon -Ilinux \
			"$dir/alone.$suffix"
		n=$((n + 1))
	done
	compile "a declaration of all kinds" "$@" -Wall -Wextra -pedantic \
		-Icommon "$dir/declare.$suffix"
	echo "headers: $n alone, and a declaration, with $*"
}

# refused COMPILER FLAGS...: declarations that cannot be do not compile
refused() {
	have "$1" || return
	n=0
	while read -r row; do
		printf '#include <mbx/channel.h>\n#define ALL(C) C(A, %s)\n%s\n' \
			"$row" 'MBX_DECLARE_CHANNELS(all, ALL);' \
			>"$dir/bad.$suffix"
		if "$@" -I"${common:-common}" -c -o "$dir/out.o" "$dir/bad.$suffix" \
			2>"$log" || ! grep -q 'negative' "$log"; then
			echo "headers: $* does not refuse $row"
			failed=1
		fi
		n=$((n + 1))
	done <<-'END'
		"", MBX_LOG(MBX_H2R, 80, 16)
		"sixteen_letters_", MBX_LOG(MBX_H2R, 80, 16)
		"a", MBX_LOG(2, 80, 16)
		"a", MBX_LOG(MBX_H2R, 0, 16)
		"a", MBX_LOG(MBX_H2R, 80, 1)
		"a", MBX_LOG(MBX_H2R, 80, 12)
		"a", MBX_STATE(MBX_H2R, 0xfffff1, 2, "")
		"a", MBX_STATE(MBX_H2R, 0xfffff0, 1024, "")
		"a", MBX_QUEUE(MBX_H2R, 0, 8, MBX_FAIL, "")
		"a", MBX_QUEUE(MBX_H2R, 64, 8, MBX_OVERWRITE, "")
		"a", MBX_QUEUE(MBX_H2R, 0x3ffffcu, 1200, MBX_FAIL, "")
		"a", MBX_QUEUE(MBX_H2R, 64, ~0u, MBX_FAIL, "")
		"a", MBX_CALL(MBX_H2R, 8, 0xffffe9, 2, "")
	END
	echo "headers: $n impossible declarations refused by $*"
}

# common_for COMPILER FLAGS...: all of common/
common_for() {
	have "$1" || return
	n=0
	for c in common/*.c; do
		# shellcheck disable=SC2086
		compile "$c" "$@" $LANGUAGE -O2 $WARN -Icommon "$c"
		n=$((n + 1))
	done
	echo "headers: $n files of common/ with $*"
}

if [ -n "$common" ]; then
	suffix=c
	refused gcc -std=c11
	exit $failed
fi

cat >"$dir/declare.c" <<'END'
#include <mbx/link.h>

#define ALL(CHANNEL)                                                         \
	CHANNEL(A, "a", MBX_QUEUE(MBX_H2R, 64, 8, MBX_BLOCK, "u32 op"))      \
	CHANNEL(B, "b", MBX_STATE(MBX_R2H, 8, 4, "u32 n, i32 v"))            \
	CHANNEL(C, "c", MBX_LOG(MBX_R2H, 80, 16))                            \
	CHANNEL(D, "d", MBX_CALL(MBX_H2R, 8, 8, 2, "u32 a[2] -> u64 sum"))
MBX_DECLARE_CHANNELS(all, ALL);

struct mbx_link link_of_all;
int attach(uintptr_t base);

int attach(uintptr_t base)
{
	struct mbx_link_config config = link_of_all.is;

	config.base = base;
	config.channels = all;
	config.count = all_count;
	mbx_link_init(&link_of_all, &config);
	return D;
}
END
cp "$dir/declare.c" "$dir/declare.cc"

common_headers=$(echo common/mbx/*.h)
all_headers="$common_headers $(echo linux/mbx/*.h)"

headers=$all_headers suffix=c
headers_alone gcc -std=c11
# a second opinion, where there is one
command -v clang >/dev/null && headers_alone clang -std=c11
refused gcc -std=c11
command -v clang >/dev/null && refused clang -std=c11
headers=$common_headers
headers_alone arm-none-eabi-gcc -std=c11 -mcpu=cortex-m33 -mthumb -ffreestanding
headers=$all_headers suffix=cc
headers_alone g++ -std=c++17
command -v clang++ >/dev/null && headers_alone clang++ -std=c++17
refused g++ -std=c++17
headers=$common_headers
headers_alone arm-none-eabi-g++ -std=c++17 -mcpu=cortex-m33 -mthumb -ffreestanding

common_for gcc
common_for aarch64-linux-gnu-gcc
common_for arm-linux-gnueabihf-gcc
common_for arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -ffreestanding
common_for arm-none-eabi-gcc -mcpu=cortex-m33 -mthumb -ffreestanding
common_for arm-none-eabi-gcc -mcpu=cortex-r5 -mthumb -ffreestanding

[ $failed = 0 ] || exit 1
if [ -n "$missing" ]; then
	echo "SKIP headers: not installed:$missing (make setup); the rest passed"
	exit 77
fi
