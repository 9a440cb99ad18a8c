#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# `make install` into a folder of its own; programs outside the tree, in C11 and
# C++17, that build by pkg-config alone, shared and static, and run.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for tool in pkg-config g++; do
    command -v $tool >/dev/null || {
        echo "$tool is missing: scripts/setup.sh test"
        exit 77
    }
done

make -s BUILD="$BUILD" PREFIX=/opt/mbx DESTDIR="$dir" install
find "$dir" -type f | sed "s|^$dir||" | sort
for f in bin/mbx lib/libmbx.a lib/libmbx.so.0 lib/pkgconfig/mbx.pc \
    include/mbx/mbx.h include/mbx/link.h share/man/man1/mbx.1 \
    share/mbx/BOARDS.md share/mbx/overlays/am62x-m4f.dtso; do
    [ -s "$dir/opt/mbx/$f" ] || {
        echo "not installed: $f"
        exit 1
    }
done
PKG_CONFIG_PATH=$dir/opt/mbx/lib/pkgconfig
PKG_CONFIG_SYSROOT_DIR=$dir
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

cat >"$dir/app.h" <<'END'
#include <mbx/mbx.h>
#define APP_CHANNELS(CHANNEL)                                                  \
    CHANNEL(APP_UP, "up", MBX_QUEUE(MBX_H2R, 64, 8, MBX_BLOCK, "u32 n"))       \
    CHANNEL(APP_TEMP, "temp", MBX_STATE(MBX_R2H, 4, 2, "i32 milli_celsius"))
MBX_DECLARE_CHANNELS(app_channels, APP_CHANNELS);
END
cat >"$dir/app.c" <<'END'
#include "app.h"
#include <stdio.h>
#include <string.h>

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, mbx_errmsg());
    return 1;
}

int main(void)
{
    struct mbx_options remote, host;
    struct mbx_region region;
    struct mbx *a, *b;
    struct mbx_end *tx, *rx;
    char buf[64];

    memset(&remote, 0, sizeof(remote));
    remote.side = MBX_REMOTE;
    remote.format = 1;
    remote.channels = app_channels;
    remote.count = app_channels_count;
    host = remote;
    host.side = MBX_HOST;
    host.format = 0;
    if (mbx_region_open(&region, "anon:64K", 0, 0) ||
        mbx_open_at(&a, &region, &remote) || mbx_open_at(&b, &region, &host))
        return failed("open");
    while (mbx_wait_peer(a, 0) || mbx_wait_peer(b, 0))
        ;
    if (mbx_end_open(b, "up", &tx) || mbx_end_open(a, "up", &rx) ||
        mbx_send(tx, "hello", 6, 1000) || mbx_recv(rx, buf, sizeof(buf), 1000) != 6)
        return failed("traffic");
    printf("%s: %s\n", app_channels[APP_UP].name, buf);
    mbx_close(a);
    mbx_close(b);
    mbx_region_close(&region);
    return strcmp(mbx_strerror(MBX_EPROTO), "") == 0;
}
END
cp "$dir/app.c" "$dir/app.cc"

flags=$(pkg-config --cflags mbx)
libs=$(pkg-config --libs mbx)
static=$(pkg-config --libs --static mbx | sed 's/-lmbx/-l:libmbx.a/')
# shellcheck disable=SC2086 # flags are words
{
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$dir" $flags -o "$dir/c" "$dir/app.c" $libs
    g++ -std=c++17 -Wall -Wextra -Werror -I"$dir" $flags -o "$dir/cc" "$dir/app.cc" $libs
    gcc -std=c11 -Wall -Wextra -Werror -I"$dir" $flags -o "$dir/c-static" "$dir/app.c" $static
}
for program in c cc c-static; do
    said=$(LD_LIBRARY_PATH=$dir/opt/mbx/lib "$dir/$program")
    echo "$program: $said"
    [ "$said" = "up: hello" ]
done
# the shared library gives out the documented names and no others
if nm -D --defined-only "$dir/opt/mbx/lib/libmbx.so.0" | awk '{print $3}' |
    grep -v '^mbx_\|^MBX_0'; then
    echo "the shared library exports more than mbx_*"
    exit 1
fi
if nm --defined-only --extern-only "$dir/opt/mbx/lib/libmbx.a" | awk 'NF == 3 {print $3}' |
    grep -v '^mbx_\|^mbxi_'; then
    echo "the static library defines names outside mbx_ and mbxi_"
    exit 1
fi
"$dir/opt/mbx/bin/mbx" --version
