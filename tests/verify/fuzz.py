# SPDX-License-Identifier: BSD-2-Clause
"""A hostile peer: libFuzzer on both sides' API, and `mbx` on broken regions."""

import os
import random
import re
import shutil

from common import (BUILD, ROOT, Result, Row, SOURCES, call, must, parallel,
                    seeded, tool)

SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FLAGS = ["-std=gnu11", "-g", "-O1", "-w", "-fno-delete-null-pointer-checks",
         "-Icommon", "-Itests", '-DMBX_WORD_HEADER="verify/content_words.h"']
# What a run is worth: by number where it must be quick, else by seconds.
RUNS = {"quick": ["-runs=20000"], "full": ["-max_total_time=60"],
        "long": ["-max_total_time=3600"]}
REGIONS = {"quick": 0, "full": 400, "long": 20000}
SUBCOMMANDS = [["info"], ["dump"], ["stat"], ["info", "--json"]]


def build(sources, where):
    os.makedirs(where, exist_ok=True)
    program = os.path.join(where, "fuzz")
    must(["clang", *FLAGS, *SANITIZE, "-fsanitize=fuzzer", "-o", program,
          "tests/verify/fuzz.c", *sources], "fuzz-build")
    return program


def fuzz(program, limits):
    """Failure, or None; and what it says of itself."""
    corpus = os.path.join(os.path.dirname(program), "corpus")
    shutil.rmtree(corpus, ignore_errors=True)
    os.makedirs(corpus)
    status, out = call([program, "-seed=1", "-max_len=300", "-timeout=300",
                        f"-artifact_prefix={corpus}/crash-", *limits, corpus],
                       "fuzz", 4000)
    if status:
        why = re.search(r"SUMMARY: (.*)|ERROR: (.*)|runtime error: (.*)", out)
        return why.group(0) if why else out[-80:], out
    return None, out


def count(out):
    done = re.search(r"Done (\d+) runs", out)
    return int(done.group(1)) if done else 0


def broken_regions(number):
    """`mbx` with sanitizers reads a golden region with words changed."""
    make = os.path.join(BUILD, "sanitized")
    must(["make", "-s", f"BUILD={make}",
          "CFLAGS=-g " + " ".join(SANITIZE), f"{make}/mbx"], "fuzz-build")
    with open(os.path.join(ROOT, "tests/golden/region.hex")) as f:
        words = [w for line in f for w in line.split()[1:]]
    golden = b"".join(int(w, 16).to_bytes(4, "little") for w in words)

    def one(i):
        rnd = random.Random(i)
        image = bytearray(golden)
        for _ in range(rnd.choice([1, 1, 2, 8, 64])):
            at = 4 * rnd.randrange(len(image) // 4)
            word = rnd.choice([rnd.getrandbits(32), rnd.randrange(64), 0,
                               0xffffffff,
                               int.from_bytes(image[at:at + 4], "little")
                               ^ 1 << rnd.randrange(32)])
            image[at:at + 4] = word.to_bytes(4, "little")
        if rnd.random() < 0.5:  # and its check as it should be
            h = 0x811c9dc5
            for b in image[4:60]:
                h = (h ^ b) * 0x01000193 & 0xffffffff
            image[60:64] = h.to_bytes(4, "little")
        path = os.path.join(BUILD, f"region.{i}")
        with open(path, "wb") as f:
            f.write(image)
        status, out = call([f"{make}/mbx", *SUBCOMMANDS[i % 4], "-r",
                            f"file:{path}"], "fuzz-mbx", 30)
        os.remove(path)
        bad = status not in (0, 1, 2, 3, 4) or "Sanitizer" in out \
            or "runtime error" in out
        return bad and f"region {i}: exit status {status}: {out[-200:]}"

    return next((b for b in parallel(one, range(number)) if b), None)


def run(size):
    if not tool("clang"):
        yield Result("SKIP", "no clang")
        return
    failed, out = fuzz(build(SOURCES, os.path.join(BUILD, "fuzz")), RUNS[size])
    yield Result("FAIL" if failed else "ok",
                 failed or f"both sides' calls: {count(out):,} executions")
    if REGIONS[size]:
        failed = broken_regions(REGIONS[size])
        yield Result("FAIL" if failed else "ok",
                     failed or f"mbx: {REGIONS[size]} broken regions read")


CASES = [
    ("queue.c", "raw >= at->ring_bytes", "0"),
    ("queue.c", "likely(n <= rx->at.max_bytes) &&", ""),
    ("slots.c", "else if (bytes > cap)", "else if (0)"),
    ("call.c", "else if (n >= 0 && bytes - HEAD > cap)", "else if (0)"),
]


def seeds(_size):
    if not tool("clang"):
        yield Result("SKIP", "no clang")
        return
    for name, old, new in CASES:
        seed = seeded(name, old, new)
        where = os.path.join(BUILD, "seeds", "fuzz")
        path = seed.write(where)
        failed, out = fuzz(build([path if os.path.basename(s) == name else s
                                  for s in SOURCES], where), ["-runs=200000"])
        yield Result("ok" if failed else "FAIL", f"{seed.where} without "
                     f"{' '.join(old.split())}: " + (failed or "NOT CAUGHT"))


ROWS = [Row("fuzz", "a hostile peer", run, seeds)]
