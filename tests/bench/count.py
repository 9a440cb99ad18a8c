# SPDX-License-Identifier: BSD-2-Clause
"""Exact instruction counts: firmware under QEMU with counter.c, x86 by callgrind."""
import os
import platform
import re
import shutil

import cross
from cross import HERE, Problem, run

METRICS = ("instructions", "shared loads", "shared stores")
X86 = "x86-64-O2"
CC = os.environ.get("CC", "gcc")
CALLS = 100  # as in x86.c


def x86_suites():
    """The suite of this computer, if it is one."""
    there = platform.machine() == "x86_64" and shutil.which("valgrind")
    return [X86] if there else []


def compiler(suite):
    return cross.version(CC if suite == X86 else cross.CROSS + "gcc")


# ---- firmware ----

def plugin(out):
    """The plugin, built for this computer."""
    path = os.path.join(out, "counter.so")
    run(CC, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC",
        os.path.join(HERE, "counter.c"), "-o", path)
    return path


def image(build):
    return build.bare("count", [build.compile(os.path.join(HERE, f))
                                for f in ("count.c", "bare.c")])


def run_image(build, elf, counter):
    """(name, bytes, counts by METRICS) of each run of a case, in order."""
    names, counts = (os.path.join(build.dir, n) for n in ("names", "counts"))
    at = build.symbols(elf)
    args = {"begin": at["begin"], "end": at["end"], "from": at["shared_from"],
            "to": at["shared_to"]}
    options = ",".join(f"{k}={v & ~1:x}" for k, v in args.items())
    run(*build.emulate(
        elf, "-chardev", f"file,id=names,path={names}",
        "-semihosting-config", "enable=on,target=native,chardev=names",
        "-plugin", f"{counter},{options},out={counts}"))
    with open(names) as a, open(counts) as b:
        said, counted = a.read().splitlines(), b.read().splitlines()
    if len(said) != len(counted) or not said:
        raise Problem(f"{build.suite}: {len(said)} cases and "
                      f"{len(counted)} counts: see {build.dir}")
    for line, numbers in zip(said, counted):
        name, size = line.rsplit(",", 1)
        yield name, size, [int(n) for n in numbers.split()]


def firmware(build, figures, counter):
    """Counts of all cases; each is the same in each of its runs."""
    found = {}
    for name, size, counts in run_image(build, image(build), counter):
        if found.setdefault((name, size), counts) != counts:
            raise Problem(f"{build.suite}: {name}, {size} B: {counts} now, but "
                          f"{found[name, size]} the first time")
    nothing = found.pop(("nothing", "0"))
    for (name, size), counts in found.items():
        for metric, n, less in zip(METRICS, counts, nothing):
            figures.add(build.suite, name, size, metric, n - less)


# ---- this computer ----

def port(tree):
    """The flags by which the Makefile names Linux's port, if there is one."""
    linux = os.path.join(tree, "linux")
    if not os.path.exists(os.path.join(linux, "port_linux.h")):
        return []
    return ["-I" + linux, '-DMBX_PORT_HEADER="port_linux.h"']


def x86(tree, out, figures):
    """Instructions of send and receive, from the call's first to its return."""
    common = os.path.join(tree, "common")
    os.makedirs(out, exist_ok=True)
    program = os.path.join(out, "x86")
    run(CC, "-std=gnu11", "-fno-delete-null-pointer-checks", "-fno-common", "-O2",
        "-g", "-I" + common, *port(tree), os.path.join(HERE, "x86.c"),
        os.path.join(common, "queue.c"), os.path.join(common, "copy.c"),
        "-o", program)
    for size in "16", "64", "256":
        for name, function in ("send", "mbx_tx_send"), ("recv", "mbx_rx_recv"):
            said = run("valgrind", "--tool=callgrind",
                       "--toggle-collect=" + function,
                       "--callgrind-out-file=/dev/null", program, size)
            total = int(re.search(r"Collected : (\d+)", said).group(1))
            figures.add(X86, name, size, "instructions", total // CALLS)
