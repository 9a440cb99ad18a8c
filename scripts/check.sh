#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a reviewer should not have to look for: formatting, warnings, and that
# the tree is as lean as the rules say. Exits 1 with the findings.
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

for f in $(git ls-files '*.c' '*.h' '*.sh' '*.py' Makefile tests/run .ci/run); do
    head -n 4 "$f" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' ||
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
    firmware-mps2-an521 firmware-mps2-an385 unit-unit bench-build; then
    fail "warnings"
fi
rm -rf "$BUILD/werror"

[ $bad = 0 ] && echo "check: formatting, SPDX lines, warnings: nothing found"
exit $bad
