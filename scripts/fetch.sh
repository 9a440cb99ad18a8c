#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: scripts/fetch.sh [--suite SUITE] [--deps PATTERNS] [--list] ARCH DIR PACKAGE...
# Unpacks Debian packages of any architecture into DIR, as data: nothing is
# installed, and neither root nor this system's apt state is touched. They come
# from where its apt gets its own, and are verified with the same keys.
#   --suite SUITE    another suite of the same archive (bookworm-backports) is
#                    preferred to the system's own
#   --deps PATTERNS  also the dependencies whose names match one of 'lib* foo'
#                    ('*': all); of its own architecture, what the system lacks
#   --list           prints "NAME VERSION" of each instead (DIR: where to cache)
# Downloads and indices stay in DIR/../debs: what is there needs no network.
# Silent unless something is fetched. Exits with 77 and the reason in the last
# line if it can't be had: no apt, no network, no such package.
set -uf # patterns are for names of packages, never for files

usage() {
    sed -n 's/^# Usage: /usage: /p' "$0" >&2
    exit 2
}

say() {
    echo "fetch: $*" >&2
}

skip() {
    say "$*"
    exit 77
}

suite=
patterns=
list=
while [ $# -gt 0 ]; do
    case $1 in
    --suite | --deps) [ $# -gt 1 ] || usage ;;
    esac
    case $1 in
    --suite) suite=$2 && shift ;;
    --deps) patterns=$2 && shift ;;
    --list) list=1 ;;
    -*) usage ;;
    *) break ;;
    esac
    shift
done
[ $# -ge 3 ] || usage
arch=$1
dir=$2
shift 2
request="$arch $suite $patterns: $*"

# What was unpacked stays until DIR is removed, newer versions or not.
[ -z "$list" ] && grep -qxF "$request" "$dir/.fetched" 2>/dev/null && exit 0

for tool in apt-get dpkg-deb flock; do
    command -v $tool >/dev/null ||
        skip "$tool is missing: only a Debian system can fetch Debian packages"
done
# shellcheck source=/dev/null
own=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
[ -n "$suite" ] || suite=$own

mkdir -p "$dir" || exit 1
dir=$(cd "$dir" && pwd) || exit 1
cache=$(dirname "$dir")/debs
state=$cache/$suite-$arch
new=$cache/new
log=$cache/log
mkdir -p "$state/lists/partial" "$state/archives/partial" || exit 1
exec 9>"$cache/lock" && flock 9 || exit 1

# The archives of the system's own suites, and of the one asked for
sources() {
    "$(dirname "$0")/archive.sh" "$own" |
        awk -v own="$own" -v suite="$suite" -v arch="$arch" '
        function line(uri, suite, key) {
            print "deb [arch=" arch " target=Packages" \
                (key ? " signed-by=" key : "") "]", uri, suite, "main"
        }
        $1 ~ /^cdrom:/ || seen[$1, $2]++ { next }
        $2 == suite { listed = 1 }
        $2 == own { uri = $1; key = $3 }
        $2 == own || $2 == suite || $2 == own "-updates" ||
            $2 == own "-security" { line($1, $2, $3) }
        END { if (uri && !listed) line(uri, suite, key) }
        '
}

# Everything that apt would keep below /var and read below /etc is our own,
# except for keys and the way to the network.
configure() {
    sources >"$state/sources.list"
    [ -s "$state/sources.list" ] ||
        skip "apt's sources name no archive of Debian's \"$own\""
    # of this architecture, what the system has need not be fetched
    installed=$state/status
    : >"$installed"
    [ "$arch" != "$(dpkg --print-architecture)" ] ||
        installed=/var/lib/dpkg/status
    cat >"$state/apt.conf" <<END
Dir::State "$state";
Dir::State::lists "$state/lists";
Dir::State::status "$installed";
Dir::Cache "$state";
Dir::Cache::archives "$state/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::sourcelist "$state/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "$arch";
#clear APT::Architectures;
APT::Architectures { "$arch"; };
APT::Default-Release "$suite";
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::GzipIndexes "true";
Acquire::Retries "1";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
END
}

apt() {
    LC_ALL=C apt-get -q -c "$state/apt.conf" "$@" 2>>"$log" 9>&-
}

# matches NAME: does one of the patterns fit?
matches() {
    for pattern in $patterns; do
        # shellcheck disable=SC2254 # it is one
        case $1 in
        $pattern) return 0 ;;
        esac
    done
    return 1
}

# The dependencies to fetch as well, NAME=VERSION
dependencies() {
    apt -s --no-install-recommends install "$@" >"$state/plan" || return 1
    sed -n 's/^Inst \([^ :]*\)[^(]*(\([^ ]*\) .*/\1 \2/p' "$state/plan" |
        while read -r name version; do
            if matches "$name"; then echo "$name=$version"; fi
        done
}

# The names of the files that hold all packages asked for
resolve() {
    more=
    [ -z "$patterns" ] || more=$(dependencies "$@") || return 1
    # shellcheck disable=SC2086 # one word a package
    apt download --print-uris "$@" $more >"$state/uris" || return 1
    files=$(cut -d ' ' -f 2 "$state/uris" | sort -u)
}

# NAME_VERSION_ARCH.deb as "NAME VERSION"
named() {
    echo "$1" | sed 's/_[^_]*$//; s/%3a/:/g; s/_/ /'
}

# What is not in the cache yet; a download that breaks off never gets there.
download() {
    for file in $files; do
        [ ! -e "$cache/$file" ] || continue
        say "downloading $(named "$file") ($arch)"
        rm -rf "$new"
        mkdir "$new" || return 1
        (cd "$new" && apt download "$(named "$file" | tr ' ' =)" >/dev/null) &&
            mv "$new/$file" "$cache/" || return 1
    done
}

obtain() {
    resolve "$@" && { [ -n "$list" ] || download; }
}

reason() {
    sed -n 's/^[EW]: *//p' "$log" | head -n 1
}

# Old indices name packages that are gone, so a failure is worth one update;
# where that fails in part, what is there may be enough.
configure
if ! obtain "$@"; then
    say "reading what $suite has for $arch"
    : >"$log"
    apt update >/dev/null
    obtain "$@" || skip "cannot get $* ($suite, $arch): $(reason)"
fi

for file in $files; do
    if [ -n "$list" ]; then
        named "$file"
    else
        dpkg-deb -x "$cache/$file" "$dir" || exit 1
    fi
done
[ -n "$list" ] || echo "$request" >>"$dir/.fetched"
