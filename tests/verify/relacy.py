# SPDX-License-Identifier: BSD-2-Clause
"""The second engine for memory orders: Relacy, on queue, doorbell and slots."""

import os
import re

from common import (BUILD, Result, Row, SOURCES, call, must, parallel,
                    unbroken, weakened)
from explore import FLAGS

HEADER = "/usr/include/relacy/relacy.hpp"
SCENARIOS = ["queue", "peeks", "bells", "slots"]
RUNS = {"quick": 20000, "full": 1000000, "long": 50000000}


def engine():
    out = os.path.join(BUILD, "relacy.o")
    must(["g++", "-std=gnu++11", "-O2", "-w", "-Icommon", "-Itests", "-c",
          "tests/verify/relacy.cpp", "-o", out], "relacy-build")
    return out


def build(engine_object, sources, where):
    os.makedirs(where, exist_ok=True)
    objects = []
    for source in sources:
        objects.append(os.path.join(where,
                                    os.path.basename(source)[:-2] + ".o"))
        must(["gcc", *FLAGS, "-c", source, "-o", objects[-1]], "relacy-build")
    program = os.path.join(where, "relacy")
    must(["g++", "-o", program, engine_object, *objects], "relacy-build")
    return program


def missing():
    return [] if os.path.exists(HEADER) else [Result("SKIP", "no relacy-dev")]


def run(size):
    yield from missing()
    if missing():
        return
    program = build(engine(), SOURCES, os.path.join(BUILD, "relacy"))
    for scenario, (status, out) in parallel(lambda s: (s, call(
            [program, s, str(RUNS[size])], "relacy", 14400)), SCENARIOS):
        why = re.search("RACE|LIVELOCK|DEADLOCK|ASSERT.*|USER.*", out)
        yield Result("FAIL" if status else "ok",
                     f"{scenario}: {RUNS[size]:,} random schedules"
                     + (": " + (why.group() if why else out[-60:])
                        if status else ""))


def try_one(program):
    """What went wrong, or None."""
    for scenario in SCENARIOS:
        status, out = call([program, scenario, "200000"], "relacy-seeds")
        if status:
            why = re.search("DATA RACE|LIVELOCK|DEADLOCK|ASSERT|USER ASSERT",
                            out)
            at = re.search(r"iteration: *(\d+)", out)
            return (f"{scenario}: {why.group() if why else 'failed'}, "
                    f"iteration {at.group(1) if at else '?'}")
    return None


def try_seed(item):
    seed, obj = item
    where = os.path.join(BUILD, "seeds", "relacy-" +
                         seed.where.replace(":", "-"))
    path = seed.write(where)
    return seed, try_one(build(obj, [path if os.path.basename(s) == seed.file
                                     else s for s in SOURCES], where))


def seeds(_size):
    yield from missing()
    if missing():
        return
    obj = engine()
    program = build(obj, SOURCES, os.path.join(BUILD, "relacy"))
    yield from unbroken(try_one(program))
    for seed, caught in parallel(try_seed, [
            (s, obj) for s in weakened() if s.file in ("queue.c", "slots.c")]):
        # It knows no deaths: what only they show is left to the explorer
        yield Result("ok" if caught else "-", f"{seed.where} {seed.what}: "
                     + (caught or "not by this engine"))


ROWS = [Row("relacy", "ordering, second engine", run, seeds)]
