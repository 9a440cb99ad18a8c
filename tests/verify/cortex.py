# SPDX-License-Identifier: BSD-2-Clause
"""Firmware that dies before any of its instructions, under QEMU."""

import glob
import os
import shutil
import sys

from common import (BUILD, ROOT, SOURCES, Result, Row, call, must, parallel,
                    seeded, tool)

sys.path.insert(0, os.path.join(ROOT, "tests", "bench"))

from cross import CORES, Build, Problem  # noqa: E402

HERE = os.path.join(ROOT, "tests", "verify")
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra",
         "-fno-delete-null-pointer-checks"]
# Where the shared memory is for the core; what QEMU is told of it, its size and
# where in it the region is.
SHARED = {
    "m3": (0x21000000, "mps2-an385,memory-backend=shared", 16 << 20, 0),
    "m33": (0x80000000, "mps2-an521,memory-backend=shared", 16 << 20, 0),
    "r5": (0x80000, "none,memory-backend=shared", 1 << 20, 0x80000),
}
SUITES = {"quick": ["m33-O2"],
          "full": ["m3-O2", "m3-Os", "m33-O2", "m33-Os", "r5-O2", "r5-Os"]}
SUITES["long"] = SUITES["full"]


def host_program(name, where, sources, *flags):
    os.makedirs(where, exist_ok=True)
    out = os.path.join(where, name)
    must(["gcc", *FLAGS, "-I" + os.path.join(ROOT, "tests", "bench"), *flags,
          "-o", out, *sources], "cortex-build")
    return out


def plugin():
    return host_program("crash_plugin.so", BUILD,
                        [os.path.join(HERE, "crash_plugin.c")], "-Icommon",
                        "-shared", "-fPIC")


def checker(tree, where):
    """Both sides' later lives, of the same common/ as the firmware's."""
    common = os.path.join(tree, "common")
    return host_program("crash_check", where, [
        os.path.join(HERE, "crash_check.c"),
        os.path.join(HERE, "crash_scenes.c"),
        *sorted(glob.glob(os.path.join(common, "*.c")))], "-I" + common)


def image(suite, tree, where):
    build = Build(suite, tree, where)
    base, shared = CORES[build.core][3], SHARED[build.core][0]
    objects = [build.compile(os.path.join(HERE, f), "-I" + HERE)
               for f in ("crash_firmware.c", "crash_scenes.c")]
    objects += [build.compile(os.path.join(ROOT, "tests", "bench", "bare.c"))]
    return build.link("crash", objects + list(build.library().values()),
                      "-T", os.path.join(ROOT, "tests", "bench", "bare.ld"),
                      f"-Wl,--defsym=base=0x{base:x}",
                      f"-Wl,--defsym=shared=0x{shared:x}")


def shoot(suite, elf, shots, log):
    """Run the firmware to its end with a file for its memory."""
    core = suite.split("-")[0]
    _, machine, size, at = SHARED[core]
    _, options, load, _ = CORES[core]
    options = options.split()
    options[options.index("-M") + 1] = machine
    if "-m" in options:
        del options[options.index("-m"):][:2]
    ram = shots + ".ram"
    with open(ram, "wb") as f:
        f.truncate(size)
    status, out = call(
        ["qemu-system-arm", *options, "-m", f"{size >> 20}M", "-object",
         f"memory-backend-file,id=shared,size={size},mem-path={ram},share=on",
         "-display", "none", "-monitor", "none", "-serial", "null",
         "-semihosting-config", "enable=on,target=native",
         "-plugin", f"{PLUGIN},ram={ram},at={at:x},out={shots}",
         *(part.format(elf=elf) for part in load.split())], log)
    os.remove(ram)
    return status, out
