#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The golden region on cores without Linux: Cortex-M3, M33 and R5 under QEMU.

usage: cores.py DIR region.hex

Exits with 77 if compiler or emulator is missing.
"""
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BENCH = os.path.join(ROOT, "tests", "bench")
sys.dont_write_bytecode = True
sys.path.append(BENCH)

from cross import CROSS, Build, Problem, run, suites  # noqa: E402


def words_of(path, source):
    """The words of a region as hex, as C."""
    with open(path) as f:
        words = [w for line in f for w in line.split()[1:]]
    with open(source, "w") as f:
        f.write("extern const unsigned int golden_words[];\n"
                "const unsigned int golden_words[] = {\n")
        f.writelines(f"\t0x{w},\n" for w in words)
        f.write("};\n")
    return source


def golden(suite, out, words):
    build = Build(suite, ROOT, out)
    sources = [os.path.join(HERE, "firmware.c"), os.path.join(HERE, "region.c"),
               os.path.join(BENCH, "bare.c"), words]
    elf = build.bare("golden", [build.compile(s) for s in sources])
    print(f"golden on {suite}: " + run(*build.emulate(
        elf, "-semihosting-config", "enable=on,target=native")).strip())


def main(out, path):
    for tool in CROSS + "gcc", "qemu-system-arm":
        if not shutil.which(tool):
            print(f"SKIP golden on {', '.join(suites())}: {tool} is not installed")
            return 77
    os.makedirs(out, exist_ok=True)
    words = words_of(path, os.path.join(out, "golden_words.c"))
    for suite in suites():
        golden(suite, out, words)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        sys.exit(main(*sys.argv[1:]))
    except Problem as problem:
        sys.exit(f"golden: {problem}")
