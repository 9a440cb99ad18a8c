# SPDX-License-Identifier: BSD-2-Clause
"""Mutants: common/ with one operator, constant, order, bound or statement
changed. Each must be killed by the content check, the explorer or a unit test;
tests/verify/survivors lists those that mean the same, with the reason."""

import os
import random
import re

from common import (BUILD, ROOT, Result, Row, SOURCES, Seed, call, code_of,
                    parallel, weakened)
import content
import explore

# What is quick and kills most, first.
UNITS = ["queue", "slots", "link", "call", "copy", "steps", "cache", "err"]
SAMPLE = {"quick": 0, "full": 40, "long": 1 << 30}
SURVIVORS = os.path.join(ROOT, "tests", "verify", "survivors")

SWAPS = [(r"(?<![<>=!-])<(?![<=])", "<="), (r"<=", "<"),
         (r"(?<![->=])>(?![>=])", ">="), (r">=", ">"), (r"==", "!="),
         (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
         (r"(?<=[\w)]) \+ (?=\w)", " - "), (r"(?<=[\w)]) - (?=\w)", " + "),
         (r"\+=", "-="), (r"-=", "+="), (r"\b0u?(?=[;,) ])", "1"),
         (r"\b4u\b", "8u"), (r"\b1u\b", "2u"), (r"\b2u\b", "1u"),
         (r"~(?=[\w(])", ""), (r"\bif \((?!.*\{$)", "if (!"),
         (r"\breturn 0;", "return MBX_EAGAIN;")]


def mutants():
    yield from weakened()
    for path in SOURCES:
        with open(path) as f:
            text = f.read()
        code = code_of(text)
        for n, line in enumerate(code.split("\n"), 1):
            if line.startswith("#") or '"' in line or "static_assert" in line:
                continue
            at = sum(len(x) + 1 for x in text.split("\n")[:n - 1])
            for pattern, new in SWAPS:
                for m in re.finditer(pattern, line):
                    yield Seed(path, n, f"{line.strip()[:50]}: "
                               f"{m.group().strip()} -> {new.strip()}",
                               text[:at + m.start()] + new
                               + text[at + m.end():])
            if re.match(r"\t+[\w>.*-]+ [-+|&]?= [^;]*;$|\t+\w+\([^;]*\);$",
                        line):
                yield Seed(path, n, f"{line.strip()[:50]}: left out",
                           text[:at] + "\t\t;" + text[at + len(line):])


def units(sources, where):
    """The first unit test that fails with these sources, or None."""
    flags = ["-std=gnu11", "-O1", "-w", "-fno-delete-null-pointer-checks",
             "-Icommon", "-Ilinux", "-Itests"]
    for unit in UNITS:
        test = os.path.join(ROOT, "tests", "unit", f"test_{unit}.c")
        with open(test) as f:
            text = f.read()
        # those that include the sources themselves are to include these
        local = os.path.join(where, f"test_{unit}.c")
        text = re.sub(r'#include "../../common/(\w+\.c)"', lambda m: next(
            f'#include "{s}"' for s in sources
            if os.path.basename(s) == m.group(1)), text)
        with open(local, "w") as f:
            f.write(text)
        program = os.path.join(where, "unit")
        own = [] if "common/" in open(test).read() else sources
        status, out = call(["gcc", *flags, "-Itests/unit", "-o", program, local,
                            *own, "-lcmocka", "-pthread"], "mutants-build")
        if status:
            continue
        status, _ = call([program], "mutants", 60)
        if status:
            return f"test_{unit}"
    return None


def try_mutant(item):
    """Which check kills it? None if it lives, "" if it does not compile."""
    seed, common = item
    where = os.path.join(BUILD, "mutants", re.sub(r"\W+", "-", seed.where)
                         + f"-{abs(hash(seed.what)) % 10000}")
    path = seed.write(where)
    status, _ = call(["gcc", *explore.FLAGS, "-c", path, "-o",
                      path[:-2] + ".o"], "mutants-build")
    if status:
        return seed, ""
    sources = [path if os.path.basename(s) == seed.file else s
               for s in SOURCES]
    if seed.file == "queue.c":
        status, _ = call([content.build(sources, where), "ring=3"],
                         "mutants", 30)
        if status:
            return seed, "content"
    killed = units(sources, where)
    if killed:
        return seed, killed
    broken = dict(common)
    broken[seed.file] = path[:-2] + ".o"
    return seed, explore.try_one(where, seed.file, broken)


def argued():
    """Lines "file: text: change  # reason" of the survivors."""
    if not os.path.exists(SURVIVORS):
        return set()
    with open(SURVIVORS) as f:
        return {line.split("  # ")[0].strip() for line in f
                if line.strip() and not line.startswith("#")}


def run(size):
    if not SAMPLE[size]:
        return
    everything = list(mutants())
    chosen = random.Random(1).sample(everything, min(SAMPLE[size],
                                                     len(everything)))
    common, by, alive, known = explore.objects(), {}, [], argued()
    for seed, killer in parallel(try_mutant, [(s, common) for s in chosen]):
        if killer == "":
            continue
        by[killer] = by.get(killer, 0) + 1
        if killer is None:
            alive.append(f"{seed.file}: {seed.what}")
    valid = sum(by.values())
    new = [a for a in alive if a not in known]
    with open(os.path.join(BUILD, "survivors.found"), "w") as f:
        f.writelines(f"{a}\n" for a in alive)
    killed = valid - len(alive)
    text = (f"{killed} of {valid} killed (of {len(everything)} there are); "
            + ", ".join(f"{k} {v}" for k, v in by.items() if k))
    yield Result("FAIL" if len(new) * 50 > valid else "ok", text + (
        f"; alive: {new[0]}" if new else ""))


def seeds(_size):
    return iter(())  # they are all seeds


ROWS = [Row("mutants", "mutants are killed", run, seeds)]
