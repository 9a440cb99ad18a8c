# SPDX-License-Identifier: BSD-2-Clause
"""A hostile peer: libFuzzer on both sides' API, and on `mbx` with a region.

What a corpus begins with is in corpus/*.hex, an input a line; with KEEP=1 in
the environment a long run writes there what it has found, the least that
reaches as much.
"""

import glob
import os
import re
import shutil
import time

from common import (BUILD, ROOT, Result, Row, call, must, parallel, seeded,
                    tool, unbroken)

SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FLAGS = ["-std=gnu11", "-g", "-O1", "-w", "-fno-delete-null-pointer-checks",
         "-D_FILE_OFFSET_BITS=64", "-Icommon", "-Ilinux", "-Ilinux/cmd",
         "-Itests", '-DMBX_VERSION="0"', *SANITIZE]
SECONDS = {"full": 60, "long": 300}
# Besides, of both sides' calls: four such runs are a thousand million.
EXECUTIONS = {"long": 250_000_000}
CHUNK_S = 15  # a process of which commands exit, and leave memory behind


class Target:
    """name, what is compiled (a list of glob and flags), what links it; the
    longest input of each chunk in turn, and more options."""

    def __init__(self, name, promise, sources, *link, lengths=(300,),
                 options=()):
        self.name, self.promise = name, promise
        self.sources, self.link = sources, link
        self.lengths, self.options = lengths, options
        self.hex = os.path.join(ROOT, "tests/verify/corpus", name + ".hex")

    def build(self, seed=None):
        where = os.path.join(BUILD, "fuzz", self.name)
        os.makedirs(where, exist_ok=True)

        def compile_one(source, flags):
            name = source.replace("/", "_")[:-2]
            broken = seed and seed.path == source
            path = seed.write(os.path.join(where, "seed")) if broken else source
            out = os.path.join(where, name + (".seed.o" if broken else ".o"))
            if seed and not broken and os.path.exists(out):
                return out
            must(["clang", *FLAGS, "-fsanitize=fuzzer-no-link", *flags,
                  f"-I{os.path.dirname(source)}", "-c", "-o", out, path],
                 "fuzz-build")
            return out

        work = [(os.path.relpath(s, ROOT), flags)
                for pattern, *flags in self.sources
                for s in sorted(glob.glob(os.path.join(ROOT, pattern)))]
        objects = list(parallel(lambda w: compile_one(*w), work))
        program = os.path.join(where, "seeded" if seed else "fuzz")
        must(["clang", *SANITIZE, "-fsanitize=fuzzer", "-o", program, *objects,
              *self.link], "fuzz-build")
        return program

    def corpus(self, program):
        where = program + ".corpus"
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        with open(self.hex) as f:
            for i, line in enumerate(f):
                with open(os.path.join(where, str(i)), "wb") as one:
                    one.write(bytes.fromhex(line))
        return where

    def keep(self, program, corpus):
        least = corpus + ".least"
        shutil.rmtree(least, ignore_errors=True)
        os.makedirs(least)
        call([program, "-merge=1", least, corpus], "fuzz", 4000, env=ENV)
        inputs = []
        for name in os.listdir(least):
            with open(os.path.join(least, name), "rb") as f:
                inputs.append(f.read().hex())
        with open(self.hex, "w") as f:
            f.writelines(i + "\n" for i in sorted(inputs, key=lambda i:
                                                  (len(i), i)) if i)

    def fuzz(self, program, corpus, seed, limit):
        """Failure, or None; how many executions; what it covered."""
        status, out = call(
            [program, f"-seed={seed}", "-timeout=60", "-rss_limit_mb=0",
             f"-max_len={self.lengths[(seed - 1) % len(self.lengths)]}",
             f"-artifact_prefix={program}-", *self.options, limit, corpus],
            "fuzz", 4000, env=ENV)
        why = re.search(r"SUMMARY: (.*)|ERROR: (.*)|runtime error: (.*)", out)
        done = re.search(r"Done (\d+) runs", out)
        edges = re.findall(r" cov: (\d+) ", out)
        return ((why.group(0) if why else out[-80:]) if status else None,
                int(done.group(1)) if done else 0,
                int(edges[-1]) if edges else 0)


ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
EXIT = ["-Dexit=fuzz_exit", "-Datexit=fuzz_atexit", "-Dmain=command_main"]
# Made for many executions: what is compared with what need not be traced, as
# the harness has the values that are worth trying, and most inputs are short.
FAST = ['-DMBX_WORD_HEADER="verify/content_words.h"', "-O3",
        "-fno-sanitize-coverage=trace-cmp"]
CALLS = Target("calls", "both sides' calls",
               [("common/*.c", *FAST), ("tests/verify/fuzz.c", *FAST)],
               lengths=(300, 64, 64, 64),
               options=("-entropic=0", "-reduce_inputs=0"))
COMMAND = Target(
    "mbx", "mbx and a region",
    [("common/*.c",), ("linux/*.c",), ("linux/cmd/*.c", *EXIT),
     ("tests/verify/fuzz_mbx.c",)],
    *("-Wl,--wrap=" + f for f in ("mbx_region_open", "mbx_region_close",
                                  "slice", "nap_ms")),
    "-ljansson", "-lpthread")


def fuzz_for(target, size):
    program = target.build()
    corpus = target.corpus(program)
    inputs = len(os.listdir(corpus))
    failed, runs, edges, chunk = None, 0, 0, 0
    end = time.monotonic() + SECONDS.get(size, 0)
    least = EXECUTIONS.get(size, 0) if target is CALLS else 0
    # What adds up is to be different each time, all else the same.
    first = int.from_bytes(os.urandom(3), "big") if size == "long" else 0
    while not failed:
        chunk += 1
        failed, n, edges = target.fuzz(
            program, corpus, first + chunk, "-runs=20000" if size == "quick"
            else f"-max_total_time={CHUNK_S}")
        runs += n
        if time.monotonic() >= end and runs >= least:
            break
    if size == "long" and os.environ.get("KEEP"):
        target.keep(program, corpus)
    return Result("FAIL" if failed else "ok", failed or
                  f"{target.promise}: {runs:,} executions from a corpus of "
                  f"{inputs}, {edges:,} edges")


def run(size):
    if not tool("clang"):
        yield Result("SKIP", "no clang")
        return
    yield from parallel(lambda t: fuzz_for(t, size),
                        [CALLS] if size == "quick" else [CALLS, COMMAND])


SEEDS = [(target, seeded(*case)) for target, *case in [
    (CALLS, "queue.c", "raw >= at->ring_bytes", "0"),
    (CALLS, "queue.c", "likely(n <= rx->at.max_bytes) &&", ""),
    (CALLS, "slots.c", "else if (bytes > cap)", "else if (0)"),
    (CALLS, "call.c", "else if (n >= 0 && bytes - HEAD > cap)", "else if (0)"),
    (COMMAND, "linux/mbx.c", "count > MBX_MAX_CHANNELS ||", "0 &&"),
    (COMMAND, "linux/cmd/dump.c",
     "!(off & 3u) && off <= d->bytes && n <= d->bytes - off", "1"),
]]


def seeds(_size):
    if not tool("clang"):
        yield Result("SKIP", "no clang")
        return
    for target in (CALLS, COMMAND):
        program = target.build()  # of which all but one object serve again
        yield from unbroken(target.fuzz(program, target.corpus(program), 1,
                                        "-runs=20000")[0])
    for target, seed in SEEDS:
        program = target.build(seed)
        failed, runs, _ = target.fuzz(program, target.corpus(program), 1,
                                      "-runs=200000")
        yield Result("ok" if failed else "FAIL", f"{seed.where} {seed.what}: "
                     + (failed or "NOT CAUGHT"))


ROWS = [Row("fuzz", "a hostile peer", run, seeds)]
