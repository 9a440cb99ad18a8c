#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/security.sh
# Attacks on who runs the command mbx: set-user-ID, an environment of somebody
# else's choosing, links and truncation under its hands. Those on the library
# are in tests/unit/test_security.c.
set -u

mbx=${BUILD:?}/mbx
[ -x "$mbx" ] || { echo "no $mbx: run make linux"; exit 77; }
# Other users have to reach it: not in a TMPDIR of root's
tmp=$(mktemp -d /tmp/mbx-security.XXXXXX) || exit 1
name=mbx-security-$$
region=shm:/$name
pid=''
chmod 755 "$tmp"
unset MBX_REGION MBX_DOORBELL MBX_ROOT

clean_up() {
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
    rm -rf "$tmp" "/dev/shm/$name" "/dev/shm/$name-link"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# expect STATUS TEXT COMMAND...: that exit status, and TEXT in either output
expect() {
    status=$1 text=$2
    shift 2
    timeout -k 5 30 "$@" >"$tmp/out" 2>&1 </dev/null
    got=$?
    [ $got -eq "$status" ] || fail "$*: $got, not $status: $(cat "$tmp/out")"
    [ -z "$text" ] || grep -qF -- "$text" "$tmp/out" ||
        fail "$*: no \"$text\" in: $(cat "$tmp/out")"
}

. tests/e2e/until.sh

# ---- links, at the command's hands ----

expect 0 '' "$mbx" create $region queue:up:h2r:64x8:block log:lines:r2h:40x8
ln -s "/dev/shm/$name" "/dev/shm/$name-link"
for command in info stat dump "recv up" "send up x" "log lines" rm; do
    # shellcheck disable=SC2086 # a command and its arguments
    set -- $command
    first=$1
    shift
    [ "$first" = rm ] && set -- "$region-link" || set -- -r "$region-link" "$@"
    timeout -k 5 30 "$mbx" "$first" "$@" >"$tmp/out" 2>&1 </dev/null
    got=$?
    [ $got -eq 4 ] || fail "$first by a link: $got: $(cat "$tmp/out")"
done
expect 4 'File exists' "$mbx" create $region-link queue:up:h2r:64x8
[ -L "/dev/shm/$name-link" ] || fail "somebody else's link was removed"
rm "/dev/shm/$name-link"

# ---- a region that is cut while it is followed ----

for command in "stat --watch" "log -f lines" "recv up -S remote -t 20000"; do
    # shellcheck disable=SC2086
    "$mbx" $command -r $region >"$tmp/cut.out" 2>"$tmp/cut.err" </dev/null &
    pid=$!
    until_true grep -qs "$name" "/proc/$pid/maps"
    cp "/dev/shm/$name" "$tmp/saved"
    : >"/dev/shm/$name"
    wait $pid
    got=$?
    pid=''
    [ $got -gt 0 ] && [ $got -lt 6 ] ||
        fail "mbx $command, cut: $got: $(cat "$tmp/cut.err")"
    grep -q '^mbx: ' "$tmp/cut.err" || fail "mbx $command, cut: says nothing"
    cat "$tmp/saved" >"/dev/shm/$name"
done
expect 0 '' "$mbx" rm $region

# ---- more rights than its caller ----

[ "$(id -u)" -eq 0 ] || {
    echo "not root, who could give rights away; the rest passed"
    exit 0
}

cp "$mbx" "$tmp/mbx"
chmod 4755 "$tmp/mbx"
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
cp "$(command -v id)" "$tmp/id"
chmod 4755 "$tmp/id"
[ "$($nobody "$tmp/id" -u)" -eq 0 ] || {
    echo "set-user-ID does nothing below $tmp; the rest passed"
    exit 0
}
echo secret >"$tmp/secret"
chmod 600 "$tmp/secret"
for command in "info -r file:$tmp/secret" "dump -r file:$tmp/secret" --version \
    "sim -- id" "create file:$tmp/made queue:a:h2r:8x8" "doctor"; do
    # shellcheck disable=SC2086
    expect 1 'set-user-ID' $nobody "$tmp/mbx" $command
done
[ ! -e "$tmp/made" ] || fail "a file made with rights that were not the caller's"

# A program of somebody's that is set-user-ID, and links libmbx
prog=${BUILD:?}/e2e/environment
[ -x "$prog" ] || { echo "no $prog: run make"; exit 77; }
cp "$prog" "$tmp/prog"
chmod 4755 "$tmp/prog"
expect 0 '' "$mbx" create "file:$tmp/region" queue:up:h2r:64x8
chmod 600 "$tmp/region"
mkdir -p "$tmp/root/proc" "$tmp/root/dev"
: >"$tmp/root/proc/iomem"
ln -s "$tmp/region" "$tmp/root/dev/mem"
MBX_ROOT=$tmp/root
MBX_REGION=file:$tmp/region
MBX_DOORBELL=nonsense
export MBX_ROOT MBX_REGION MBX_DOORBELL
expect 0 "region root doorbell" "$prog"
expect 0 "none of them" $nobody "$tmp/prog"
echo "security: links, cuts, set-user-ID and its environment"
