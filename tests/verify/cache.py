# SPDX-License-Identifier: BSD-2-Clause
"""Caches that nothing but the port's hooks keeps right: the whole unit suite of
common/ on them (cache.c), and unit/test_cache.c with lines and evictions."""

import os
import re

from common import (BUILD, ROOT, Built, Result, Row, Seed, Tree, call, code_of,
                    failed_tests, must, parallel, passed_tests,
                    unbroken)

COPIES = "queue, of a port that copies"
SUITE = ["cache", "queue", COPIES, "slots", "call", "link"]
HANG_S = 300
HOOK = re.compile(r"mbx_port_(clean|invalidate)\([^;]*;", re.S)
COMMON = ["common/" + n for n in sorted(os.listdir(os.path.join(
    ROOT, "common"))) if n.endswith(".c")]


def build(tree, test):
    where = os.path.join(BUILD, "cache")
    os.makedirs(where, exist_ok=True)
    copies = ["-DCACHE_COPIES"] if test == COPIES else []
    program = os.path.join(where, test.replace(" ", "-"))
    test = test.split(",")[0]
    gcc = ["env", "-C", tree.where, "gcc", "-std=gnu11", "-g", "-O1", "-w",
           "-Icommon", "-Itests", "-fno-delete-null-pointer-checks"]
    end = ["-lcmocka", "-pthread"]
    if test == "cache":
        must([*gcc, "-o", program, "tests/unit/test_cache.c", *end], "cache")
        return program
    must([*gcc, "-include", "verify/cache.h", "-c", "-o", program + ".o",
          f"tests/unit/test_{test}.c"], "cache")
    must([*gcc, '-DMBX_PORT_HEADER="unit/cache_port.h"', *copies, "-o",
          program, *COMMON, "tests/verify/cache.c", program + ".o", *end], "cache")
    return program


def try_one(tree, test):
    """What failed, or None; and the output."""
    status, out = call([build(tree, test)], "cache", HANG_S)
    why = "hung" if status == -1 else failed_tests(out)
    return (f"test {test}: {why}" if status else None), out


def run(size):
    if size == "quick":  # test_cache.c is among the unit tests
        return
    tree = Built()
    passed, skipped, moved, failed = 0, 0, [0, 0, 0], None
    for why, out in parallel(lambda t: try_one(tree, t), SUITE):
        failed = failed or why
        passed += passed_tests(out)
        skipped += len(re.findall(r"\[  SKIPPED \] test", out)) // 2
        numbers = re.search(r"(\d+) evictions, (\d+) words cleaned, (\d+)",
                            out)
        for i in range(3 if numbers else 0):
            moved[i] += int(numbers.group(i + 1))
    yield Result("FAIL" if failed else "ok", failed or
                 f"{passed} unit tests passed, {skipped} with threads "
                 "skipped; {:,} evictions, {:,} words cleaned, {:,} "
                 "invalidated".format(*moved))


def forgotten():
    """Each call of a hook in common/, left out in turn."""
    for path in ["common/mbx/word.h", *COMMON]:
        path = os.path.join(ROOT, path)
        with open(path) as f:
            text = f.read()
        for m in HOOK.finditer(code_of(text)):
            yield Seed(path, text.count("\n", 0, m.start()) + 1,
                       f"mbx_port_{m.group(1)} forgotten",
                       text[:m.start()] + ";" + text[m.end():])


def seeds(_size):
    tree = Tree("cache")
    for failed, _ in (try_one(tree, test) for test in SUITE):
        yield from unbroken(failed)
    for seed in forgotten():
        with tree.broken(seed):
            # the first that fails will do
            failed = next((why for why, _ in (try_one(tree, t)
                                              for t in SUITE) if why), None)
        yield Result("ok" if failed else "FAIL", f"{seed.where} {seed.what}: "
                     + (failed or "NOT CAUGHT"))


ROWS = [Row("cache", "not coherent", run, seeds)]
