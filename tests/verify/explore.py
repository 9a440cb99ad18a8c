# SPDX-License-Identifier: BSD-2-Clause
"""Every order, every stale read, deaths anywhere: the explorer's scenarios."""

import os
import re

from common import (BUILD, ROOT, SOURCES, Result, Row, call, must, parallel,
                    seeded, unbroken, weakened)

FLAGS = ["-std=gnu11", "-O3", "-w", "-U_FORTIFY_SOURCE",
         "-fno-delete-null-pointer-checks", "-Icommon", "-Itests",
         '-DMBX_WORD_HEADER="verify/explore_words.h"']
# Words of a scenario: views as small as can be are fast.
WORDS = {"queue": 16, "slots": 32, "link": 80}

CONFIGURATIONS = {"quick": [
    ("queue", "ring=4 messages=3 crashes=1"),
    ("queue", "ring=4 messages=3 crashes=1 race=0"),
    ("queue", "ring=3 messages=1 bells=1 crashes=1"),
    ("queue", "ring=3 messages=2 bells=1"),
    ("queue", "ring=4 messages=3 by=7 take=3"),
    ("slots", "records=4 race=0"),
    ("slots", "records=3 read=7 race=0"),
    ("slots", "records=3 crashes=1 race=0"),
    ("link", "format=1 polls=1 stale=1 switches=1 race=0"),
    ("link", "format=0 polls=1 again=1 traffic=1 stale=1 switches=1 race=0"),
    ("link", "format=0 polls=2 comes=3 stale=1 switches=1 race=0"),
    ("link", "format=0 polls=3 comes=6 stays=0 stale=1 switches=2 race=0"),
    ("link", "format=0 polls=1 again=1 traffic=1 comes=2 stays=0 stale=0 "
     "switches=1 race=0"),
], "full": [
    ("queue", "ring=4 messages=3 by=7 take=3 crashes=1"),
    ("queue", "ring=4 messages=3 by=7 take=3 crashes=1 race=0"),
    ("queue", "ring=5 start=3 messages=3 by=7 take=3 crashes=1"),
    ("queue", "ring=6 longest=2 messages=4 by=7 take=3"),
    ("queue", "ring=6 start=4 messages=4 crashes=1"),
    ("queue", "ring=8 longest=1 messages=4 take=3 crashes=1"),
    ("queue", "ring=8 start=5 messages=4 crashes=1"),
    ("queue", "ring=4 messages=3 crashes=2"),
    ("queue", "ring=4 messages=3 by=4 take=2 crashes=1"),
    ("queue", "ring=3 messages=2 longest=1 bells=1 by=2 take=2 race=0"),
    ("slots", "records=5 race=0"),
    ("slots", "slots=4 records=6 race=0"),
    ("slots", "records=4 start=0xfffffffe race=0"),
    ("slots", "records=3 read=7 crashes=1 race=0"),
    ("slots", "records=3 longest=2 crashes=1 race=0"),
    ("link", "format=1 polls=1 stale=2 switches=1 race=0"),
    ("link", "format=0 polls=1 stale=2 switches=2 race=0"),
    ("link", "format=0 polls=1 again=1 traffic=1 stale=2 switches=1 race=0"),
    ("link", "format=0 polls=2 crashes=1 stale=1 switches=1 race=0"),
    ("link", "format=0 polls=2 crashes=1 stale=4 switches=0 race=0"),
    ("link", "format=0 polls=2 crashes=2 stale=1 switches=1 race=0"),
    ("link", "format=0 polls=3 comes=6 stays=0 crashes=2 stale=1 switches=1 "
     "race=0"),
    ("link", "format=0 polls=1 again=1 crashes=1 stale=0 switches=1 race=0"),
    ("link", "format=0 polls=0 again=1 traffic=1 narrow=1 stale=2 switches=3 "
     "coarse=1 race=0"),
    ("link", "format=0 polls=2 comes=3 stale=2 switches=2 race=0"),
    ("link", "format=0 polls=3 comes=6 stale=1 switches=2 race=0"),
    ("link", "format=0 polls=3 comes=7 stays=0 crashes=1 stale=1 switches=1 "
     "race=0"),
    ("link", "format=0 polls=4 comes=14 stays=0 stale=1 switches=2 race=0"),
], "long": [
    ("queue", "ring=3 messages=2 longest=1 bells=1 crashes=1 race=0"),
    ("queue", "ring=4 messages=3 by=4 take=2 crashes=2"),
    ("queue", "ring=4 messages=2 by=7 take=3 crashes=2"),
    ("queue", "ring=4 messages=3 by=7 take=3 crashes=2"),
    ("queue", "ring=8 messages=4 by=7 take=3"),
    ("slots", "records=4 read=7 crashes=2 race=0"),
    ("link", "format=1 polls=1 crashes=1 stale=1 switches=1 race=0"),
    ("link", "format=0 polls=2 crashes=2 stale=1 switches=2 race=0"),
    ("link", "format=0 polls=2 crashes=2 stale=2 switches=1 race=0"),
    ("link", "format=0 polls=1 again=1 crashes=1 stale=1 switches=1 race=0"),
    ("link", "format=0 polls=0 again=1 stale=2 switches=3 race=0"),
]}
SIZES = ["quick", "full", "long"]
# What may end before it is exhausted, after so many seconds of the processor;
# all else takes less than 15 of them, and fails if it is not.
PARTLY = [
    ("link", "format=0 polls=1 again=1 crashes=1 stale=0 switches=1 race=0"),
    *CONFIGURATIONS["long"]]
LIMIT = 200
PARTLY_LIMIT = {"full": 40, "long": 1800}


DIRECTORY = os.path.join(BUILD, "explore")


def compile_to(out, source, *flags):
    must(["gcc", *FLAGS, *flags, "-c", source, "-o", out], "explore-build")
    return out


def objects():
    """common/ as it is, each file once; and the engine for each scenario."""
    os.makedirs(DIRECTORY, exist_ok=True)
    engine = [(f"{DIRECTORY}/{scenario}_{part}.o",
               f"{ROOT}/tests/verify/{part}.c", f"-DMAX_WORDS={words}")
              for scenario, words in WORDS.items()
              for part in ("explore", f"explore_{scenario}")]
    for _ in parallel(lambda e: compile_to(*e), engine):
        pass
    return dict(parallel(lambda s: (os.path.basename(s), compile_to(
        f"{DIRECTORY}/{os.path.basename(s)[:-2]}.o", s)), SOURCES))


def link(scenario, common, where):
    program = os.path.join(where, "explore_" + scenario)
    must(["gcc", "-o", program, f"{DIRECTORY}/{scenario}_explore.o",
          f"{DIRECTORY}/{scenario}_explore_{scenario}.o", *common.values()],
         "explore-build")
    return program


def figures(out):
    m = re.search(r"^(all|NOT ALL): (\d+) states, (\d+) executions, "
                  r"(\d+) deaths", out, re.M)
    return m.groups() if m else None


def configurations(size):
    """Those of the size; the larger ones have the smaller ones with them."""
    return [c for s in SIZES[:SIZES.index(size) + 1]
            for c in CONFIGURATIONS[s]]


def run(size):
    common = objects()
    programs = {s: link(s, common, DIRECTORY) for s in WORDS}

    def one(configuration):
        scenario, options = configuration
        partly = configuration in PARTLY
        limit = PARTLY_LIMIT[size] if partly else LIMIT
        status, out = call([programs[scenario], *options.split(),
                            f"limit={limit}"], f"explore-{scenario}",
                           limit=limit * 20)
        return scenario, options, status in (0, 2 if partly else 0), out

    totals = {}
    for scenario, options, good, out in parallel(one, configurations(size)):
        if not good or not figures(out):
            yield Result("FAIL", f"{scenario} {options}: "
                         + (out.splitlines() or ["?"])[-1])
            continue
        whole, states, _, deaths = figures(out)
        t = totals.setdefault(scenario, [0, 0, 0, 0])
        t[0] += 1
        t[1] += whole == "all"
        t[2] += int(states)
        t[3] += int(deaths)
    for scenario, (n, whole, states, deaths) in totals.items():
        yield Result("ok", f"{scenario}: {n} configurations, {whole} of them "
                     f"exhausted, {states:,} states, {deaths:,} deaths")


SEEDS = {
    "queue.c": [("queue", "ring=4 messages=3"),
                ("queue", "ring=4 messages=3 by=4 take=2"),
                ("queue", "ring=4 messages=3 by=2"),
                ("queue", "ring=4 messages=3 crashes=1"),
                ("queue", "ring=3 messages=2 bells=1"),
                ("queue", "ring=8 longest=1 messages=4 take=2")],
    "queue_open.c": [("queue", "ring=4 messages=3 by=4 take=2"),
                     ("queue", "ring=4 messages=3 by=2")],
    "link.c": [("link", "format=1 polls=1 stale=2 switches=1 race=0"),
               ("link", "format=0 polls=1 again=1 traffic=1 stale=2 "
                "switches=1 race=0"),
               ("link", "format=0 polls=1 again=1 traffic=1 comes=2 stays=0 "
                "stale=0 switches=1 race=0"),
               ("link", "format=0 polls=2 crashes=1 stale=1 switches=1 "
                "race=0"),
               ("link", "format=0 polls=3 comes=6 stays=0 stale=1 "
                "switches=2 race=0"),
               ("link", "format=0 polls=2 crashes=1 stale=4 switches=0 "
                "race=0"),
               ("link", "format=0 polls=0 again=1 traffic=1 narrow=1 "
                "stale=2 switches=3 coarse=1 race=0"),
               ("link", "format=0 polls=1 again=1 crashes=1 stale=1 "
                "switches=1 race=0")],
    "slots.c": [("slots", "records=3 race=0"),
                ("slots", "records=3 read=7 race=0"),
                ("slots", "records=3 read=7 crashes=1 race=0")],
}


# Besides the orders
CASES = [seeded(*case) for case in [
    # the state of a session, and not of the next one
    ("link.c", "mbx_ld(&peer->session) != session", "0"),
    ("link.c", "l->incompatible != session)", "1)"),
    ("link.c", "\tmbx_st(&mine->state, MBX_SIDE_DOWN);\n\tmbx_st(&mine->ack",
     "\tmbx_st(&mine->ack"),
    # behind a batch, and what it leads to
    ("queue_open.c", "\tmbx_st(mbx_word_at(tx->at.ring, tx->pos), 0);\n", ""),
]]


def try_seed(seed, common):
    """Which configuration fails with the seed? None if none does."""
    where = os.path.join(BUILD, "seeds", seed.where.replace(":", "-") + "-" +
                         re.sub(r"\W+", "-", seed.what))
    path = seed.write(where)
    broken = dict(common)
    broken[seed.file] = compile_to(path[:-2] + ".o", path)
    return try_one(where, seed.file, broken)


def try_one(where, file, broken):
    programs = {}
    for scenario, options in SEEDS.get(file, []):
        if scenario not in programs:
            programs[scenario] = link(scenario, broken, where)
        status, out = call([programs[scenario], *options.split(), "limit=15"],
                           "explore-seeds")
        if status not in (0, 2):
            said = re.findall("^FAIL: (.*)", out, re.M) or [
                "hung" if status == -1 else f"status {status}"]
            return f"{scenario} {options}: {said[-1]}"
    return None


def seeds(_size):
    common = objects()
    for file in SEEDS:
        yield from unbroken(try_one(DIRECTORY, file, common))
    for seed, caught in parallel(lambda s: (s, try_seed(s, common)),
                                 [*weakened(), *CASES]):
        yield Result("ok" if caught else "FAIL",
                     f"{seed.where} {seed.what}: "
                     + (caught or "NOT CAUGHT"))


ROWS = [Row("order", "ordering, crashes anywhere", run, seeds)]
