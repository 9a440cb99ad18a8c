#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a reviewer should not have to look for: formatting, slips in scripts,
# warnings, and that the tree is as lean as the rules say. Exits 1 with the
# findings.
#
#   BUILD=DIR scripts/check.sh
set -u

bad=0
fail() {
    echo "check: $*"
    bad=1
}

files=$(git ls-files '*.c' '*.h')
# shellcheck disable=SC2086
clang-format --dry-run -Werror $files || fail "formatting: run \`make format\`"

scripts=$(git ls-files '*.sh' tests/run .ci/run)
# a="" may be written a=, as everywhere here
# shellcheck disable=SC2086
shellcheck -S warning -e SC1007 $scripts || fail "scripts, see above"

for f in $(git ls-files '*.c' '*.h' '*.sh' '*.py' Makefile tests/run .ci/run); do
    case $f in
    tests/linux/guest/uio_dt.c) license=GPL-2.0 ;; # a kernel module
    *) license=BSD-2-Clause ;;
    esac
    head -n 4 "$f" | grep -q "SPDX-License-Identifier: $license" ||
        fail "$f: no SPDX line"
done
for f in $(git ls-files); do
    case $f in *.hex) continue ;; esac
    if grep -qIn '[[:blank:]]$' "$f"; then
        fail "$f: trailing white space in line $(grep -In '[[:blank:]]$' "$f" | head -n 1 | cut -d: -f1)"
    fi
done

if git grep -nE '@[A-Z]{2,}@' -- '*.md' '*.1'; then
    fail "a placeholder that nobody filled in"
fi

# Warnings are errors here; a tree of its own, so that everything is compiled.
if ! make -s -j2 BUILD="$BUILD/werror" WERROR=1 linux firmware-linux \
    firmware-mps2-an521 firmware-mps2-an385 firmware-zcu102-r5 testapps \
    unit-unit bench-build; then
    fail "warnings"
fi
rm -rf "$BUILD/werror"

[ $bad = 0 ] && echo "check: formatting, scripts, SPDX lines, warnings: nothing found"
exit $bad
