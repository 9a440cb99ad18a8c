#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: scripts/fresh.sh ['COMMAND' ...]
# Clones the last commit into a minimal Debian 12 with git and make and nothing
# else, and runs the commands there, as root ("make run" and "make test" if
# none are given). Needs root, debootstrap, and about 3 GB in TMPDIR (/tmp).
# Exits with 0 if all succeeded, 1 if one failed, 77 if it can't be tried here.
# Mounts are made in a namespace of their own and processes too, so that both
# end with it, whatever happens.
set -u

suite=bookworm

say() {
    echo "fresh: $*"
}

skip() {
    say "skipped: $*"
    exit 77
}

# The first archive that this system's apt gets the suite from, if any; a list
# of mirrors stands for its first one.
mirror() {
    "$(dirname "$0")/archive.sh" $suite |
        grep -E "^(mirror[+]file:|http)[^ ]* $suite( |\$)" | head -n 1 | {
        read -r uri _ || return
        case $uri in
        mirror+file:*) sed -n '/^http/{s/[ \t].*//;p;q;}' "${uri#mirror+file:}" ;;
        *) echo "$uri" ;;
        esac
    }
}

# ---- inside the namespaces ----

make_system() {
    uri=$(mirror)
    include=git,make
    case $uri in
    https:*) include=$include,ca-certificates ;;
    esac
    # shellcheck disable=SC2086 # no word at all if there is no mirror
    debootstrap --variant=minbase --include=$include $suite "$root" $uri \
        >"$dir/log" 2>&1 || {
        cat "$dir/log" "$root/debootstrap/debootstrap.log" 2>/dev/null
        say "debootstrap failed, see above"
        return 1
    }
    mount -t proc proc "$root/proc" &&
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts" &&
        mount -t tmpfs -o mode=1777 shm "$root/dev/shm" &&
        mv "$dir/mbx" "$root/root/mbx"
}

in_system() {
    env -i HOME=/root USER=root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${http_proxy:+"http_proxy=$http_proxy"} \
        ${https_proxy:+"https_proxy=$https_proxy"} \
        chroot "$root" sh -c "cd /root/mbx && $1" </dev/null
}

if [ "${1-}" = --inside ]; then
    dir=$2
    root=$dir/root
    shift 2
    make_system || exit 1
    failed=0
    for command; do
        say "\$ $command"
        start=$(date +%s)
        in_system "$command"
        status=$?
        say "exit status $status after $(($(date +%s) - start)) s: $command"
        [ $status -eq 0 ] || failed=$((failed + 1))
    done
    say "$(($# - failed)) of $# commands succeeded"
    [ $failed -eq 0 ]
    exit
fi

# ---- outside ----

case ${1-} in
-*)
    sed -n 's/^# Usage: /usage: /p' "$0" >&2
    exit 2
    ;;
esac
[ $# -gt 0 ] || set -- 'make run' 'make test'
[ "$(id -u)" -eq 0 ] || skip "only root can make such a system; try: sudo $0"
command -v debootstrap >/dev/null ||
    skip "debootstrap is missing; try: apt-get install debootstrap"
unshare --mount --pid --fork true 2>/dev/null ||
    skip "namespaces are not allowed here (a container without privileges?)"

me=$(realpath "$0")
repo=$(dirname "$(dirname "$me")")
dir=$(mktemp -d "${TMPDIR:-/tmp}/mbx-fresh.XXXXXX") || exit 1
child=

clean_up() {
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        kill -KILL "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    fi
    # those inside end with the namespace, a moment after it
    for _ in 1 2 3 4 5; do
        rm -rf --one-file-system "$dir" 2>/dev/null && return
        sleep 1
    done
    say "could not remove $dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# The repository may be another user's, which git asks about; HOME says yes.
printf '[safe]\n\tdirectory = *\n' >"$dir/.gitconfig"
HOME=$dir git clone -q --no-hardlinks "$repo" "$dir/mbx" || exit 1
say "commit $(HOME=$dir git -C "$dir/mbx" log -1 --format='%h %s')"
[ -z "$(HOME=$dir git -C "$repo" status --porcelain)" ] ||
    say "what is not committed is not part of it"
say "making a minimal Debian 12 (takes a minute)"

unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    "$me" --inside "$dir" "$@" &
child=$!
wait "$child"
status=$?
child=
exit $status
