#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: scripts/archive.sh SUITE
# Prints where this system's apt gets a Debian suite and those that belong to
# it (bookworm: also bookworm-updates, bookworm-security) from, a line each:
# URI SUITE [KEYRING]. Nothing if apt knows no such suite.
set -u

[ $# -eq 1 ] || {
    sed -n 's/^# Usage: /usage: /p' "$0" >&2
    exit 2
}

# Files of one line an archive: deb [option=value ...] URI SUITE COMPONENT...
find /etc/apt/sources.list /etc/apt/sources.list.d -name '*.list' \
    -exec sed -n 's/^deb[[:blank:]][[:blank:]]*//p' {} + 2>/dev/null |
    awk '{
        key = ""
        if (sub(/^\[[ \t]*/, "")) {
            for (more = 1; more; sub(/^[^ \t]*[ \t]*/, "")) {
                more = $1 !~ /\]/
                option = $1
                sub(/\].*/, "", option)
                if (option ~ /^signed-by=\//)
                    key = substr(option, 11)
            }
        }
        print $1, $2, key
    }' |
    awk -v suite="$1" '$2 == suite || index($2, suite "-") == 1'

# Files of fields, a paragraph an archive
find /etc/apt/sources.list.d -name '*.sources' -exec awk -v suite="$1" '
    function flush(    i, n, names) {
        n = deb && !off ? split(suites, names, " ") : 0
        for (i = 1; i <= n; i++)
            if (names[i] == suite || index(names[i], suite "-") == 1)
                print uri, names[i], key
        deb = off = 0
        suites = uri = key = ""
    }
    FNR == 1 || /^[ \t]*$/ { flush() }
    tolower($1) == "types:" { deb = / deb( |$)/ }
    tolower($1) == "enabled:" { off = tolower($2) == "no" }
    tolower($1) == "uris:" { uri = $2 }
    tolower($1) == "suites:" { $1 = ""; suites = $0 }
    tolower($1) == "signed-by:" && $2 ~ /^\// { key = $2 }
    END { flush() }
    ' {} + 2>/dev/null
exit 0
