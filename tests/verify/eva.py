# SPDX-License-Identifier: BSD-2-Clause
"""No access outside, for any content: Frama-C's Eva."""

import os
import re

from common import (BUILD, ROOT, Result, Row, call, parallel, seeded, tool)

EVA = ["-c11", "-machdep", "gcc_x86_64", "-eva", "-eva-precision", "0",
       "-eva-slevel", "10000000", "-eva-no-print", "-eva-split-return", "full",
       "-eva-unroll-recursive-calls", "3"]
HARNESS = os.path.join(ROOT, "tests", "verify", "eva_queue.c")
RINGS = {"quick": [], "full": [12], "long": [12, 16, 20]}


def analyse(harness, ring):
    """The alarms and the last words of an analysis."""
    _, out = call(["frama-c", *EVA, "-cpp-extra-args="
                   f"-Icommon -Itests -DRING={ring}u", harness], "eva", 7200)
    alarms = re.findall(r"\[eva:alarm\] (\S+): Warning: *\n? *(.*)", out)
    done = re.search(r"(\d+) alarms? generated", out)
    reached = re.search(r"(\d+) functions analyzed.*", out)
    if not done or not reached:
        return ["analysis failed: " + (out.splitlines() or ["?"])[-1]], ""
    if re.search(r"^ *\d+ (valid +[1-9]\d* unknown|.*[1-9]\d* invalid)", out,
                 re.M):
        alarms.append(("a check", "is not proved"))
    return [": ".join(a) for a in alarms], reached.group(0)


def run(size):
    if not RINGS[size]:
        return
    if not tool("frama-c"):
        yield Result("SKIP", "no frama-c")
        return
    for ring, (alarms, reached) in parallel(
            lambda r: (r, analyse(HARNESS, r)), RINGS[size]):
        yield Result("FAIL" if alarms else "ok", f"queue, ring of {ring}: "
                     + (alarms[0] if alarms else f"0 alarms; {reached}"))


CASES = [("raw >= at->ring_bytes", "raw > at->ring_bytes"),
         ("likely(n <= rx->at.max_bytes) &&", "")]


def seeds(_size):
    if not tool("frama-c"):
        yield Result("SKIP", "no frama-c")
        return
    for old, new in CASES:
        seed = seeded("queue.c", old, new)
        where = os.path.join(BUILD, "seeds", "eva")
        path = seed.write(where)
        with open(HARNESS) as f:
            text = f.read()
        harness = os.path.join(where, "eva_queue.c")
        with open(harness, "w") as f:
            f.write(text.replace("../../common/queue.c", path)
                    .replace("../../common/", ROOT + "/common/"))
        alarms, _ = analyse(harness, 12)
        yield Result("ok" if alarms else "FAIL", f"{seed.where} without "
                     f"{old}: " + (alarms[0] if alarms else "NOT CAUGHT"))


ROWS = [Row("eva", "no access outside, for any content", run, seeds)]
