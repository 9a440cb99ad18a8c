# SPDX-License-Identifier: BSD-2-Clause
"""No access outside, for any content: Frama-C's Eva."""

import os
import re

from common import (BUILD, ROOT, Result, Row, call, parallel, seeded, tool)

EVA = ["-c11", "-machdep", "gcc_x86_64", "-eva", "-eva-precision", "0",
       "-eva-slevel", "10000000", "-eva-no-print",
       "-eva-unroll-recursive-calls", "3"]
# Which states of a function are kept apart when it returns
FULL = ["-eva-split-return", "full"]
AUTO = ["-eva-split-return", "auto"]
# What leads from the sizes in the superblock to the layout, one by one
SIZES = AUTO + ["-eva-split-return-function", ",".join(
    f + ":full" for f in ("one_of", "control", "eva_load", "load",
                          "check_super", "load_super", "check_layout",
                          "observe"))]
INFO = AUTO + ["-eva-split-return-function",
               "info:full,control:full,eva_load:full"]

# What is analysed, with which states, of which size; and how it is called
QUEUE, SLOTS, LINK, CALL = "queue", "slots", "link", "call"
CALLER, SERVER = ("-DPART=0",), ("-DPART=1",)
TURNED = ("-DREQ=20u", "-DREP=16u")  # the requests' ring is the larger one
ANALYSES = {"quick": [], "full": [
    (QUEUE, FULL, ("-DRING=12u",), "ring of 12"),
    (QUEUE, FULL, ("-DRING=8u",), "ring of 8"),
    (SLOTS, INFO, ("-DSLOTS=2u",), "2 of 7 bytes"),
    (LINK, SIZES, ("-DPART=0",), "host, 4 layouts"),
    (LINK, SIZES, ("-DPART=1",), "remote, 4 layouts"),
    (LINK, SIZES, ("-DPART=1", "-DBYTES=128u"), "remote, too little memory"),
    (LINK, SIZES, ("-DPART=2",), "observer, 4 layouts"),
    (LINK, AUTO, ("-DPART=3",), "formatting, 4 layouts"),
    (LINK, AUTO, ("-DPART=4",), "any declaration"),
    (CALL, FULL, CALLER, "caller, rings of 16 and 20"),
    (CALL, FULL, (*CALLER, *TURNED), "caller, rings of 20 and 16"),
    (CALL, FULL, SERVER, "server, rings of 16 and 20"),
    (CALL, FULL, (*SERVER, *TURNED), "server, rings of 20 and 16"),
], "long": [
    (QUEUE, FULL, ("-DRING=16u",), "ring of 16"),
    (QUEUE, FULL, ("-DRING=20u",), "ring of 20"),
]}


def analyse(kind, states, defines, harness=None):
    """The alarms and the last words of an analysis; of another harness than the
    usual one, a seed's, those up to the first alarm."""
    stop = ["-eva-stop-at-nth-alarm", "1"] if harness else []
    harness = harness or os.path.join(ROOT, "tests", "verify",
                                      f"eva_{kind}.c")
    _, out = call(["frama-c", *EVA, *states, *stop, "-cpp-extra-args="
                   + " ".join(["-Icommon", "-Itests", *defines]), harness],
                  f"eva-{kind}", 14400)
    alarms = re.findall(r"\[eva:alarm\] (\S+): Warning: *\n? *(.*)", out)
    if "Stopping at nth alarm" in out:
        return [": ".join(a) for a in alarms], "the first alarm"
    done = re.search(r"(\d+) alarms? generated", out)
    reached = re.search(r"(\d+) statements reached \(out of (\d+)\)", out)
    if not done or not reached:
        return ["analysis failed: " + (out.splitlines() or ["?"])[-1]], ""
    if "is thus incomplete" in out:  # calls deeper than are unrolled
        alarms.append(("recursion", "is not followed to its end"))
    if re.search(r"^ *\w+ +\d+ valid +(\d+ unknown +[1-9]|[1-9])", out, re.M):
        alarms.append(("a check", "is not proved"))
    return [": ".join(a) for a in alarms], reached.group(0)


def run(size):
    if size == "quick":
        return
    if not tool("frama-c"):
        yield Result("SKIP", "no frama-c")
        return
    chosen = ANALYSES["full"] + (ANALYSES["long"] if size == "long" else [])
    for (kind, _, _, what), (alarms, reached) in parallel(
            lambda a: (a, analyse(*a[:3])), chosen):
        yield Result("FAIL" if alarms else "ok", f"{kind}, {what}: "
                     + (alarms[0] if alarms else f"0 alarms; {reached}"))


RING = (QUEUE, FULL, ("-DRING=12u",))
SEEDS = [(*how, seeded(*change)) for how, change in [
    (RING, ("queue.c", "raw >= at->ring_bytes", "raw > at->ring_bytes")),
    (RING, ("queue.c", "likely(n <= rx->at.max_bytes) &&", "")),
    (RING, ("queue_open.c", "++done < count && tx->open_limit - pos >= need",
            "++done < count")),
    ((SLOTS, INFO, ()), ("slots.c", "|| bytes > at->max_bytes", "")),
    ((SLOTS, INFO, ()), ("slots.c", "bytes > cap", "0")),
    ((LINK, SIZES, ("-DPART=0",)),
     ("link.c", "w[i] > w[2] - SIDE_BYTES", "0")),
    ((LINK, SIZES, ("-DPART=3",)), ("link.c", "w[2] > l->is.bytes", "0")),
    ((LINK, SIZES, ("-DPART=1", "-DBYTES=128u")),
     ("link.c", "off < l->is.bytes ? load(l, off)", "1 ? load(l, off)")),
    ((CALL, FULL, CALLER),
     ("call.c", "bytes > c->tx.at.max_bytes - HEAD", "0")),
    ((CALL, FULL, CALLER), ("call.c", "bytes >= HEAD &&", "")),
    ((CALL, FULL, CALLER), ("call.c", "bytes - HEAD > cap", "0")),
    ((CALL, FULL, (*SERVER, *TURNED)), ("call.c", "bytes < HEAD", "0")),
    ((CALL, FULL, (*SERVER, *TURNED)),
     ("call.c", "n >= 0 && bytes - HEAD > cap", "0")),
    ((CALL, FULL, SERVER), ("call.c", "!s->tx.open", "0")),
    ((CALL, FULL, (*SERVER, *TURNED)),
     ("call.c", "s->tx.at.max_bytes - HEAD", "s->rx.at.max_bytes - HEAD")),
]]


def try_seed(case):
    number, (kind, states, defines, seed) = case
    where = os.path.join(BUILD, "seeds", f"eva-{number}")
    path = seed.write(where)
    with open(os.path.join(ROOT, f"tests/verify/eva_{kind}.c")) as f:
        text = f.read()
    harness = os.path.join(where, f"eva_{kind}.c")
    with open(harness, "w") as f:
        f.write(text.replace(f"../../common/{seed.file}", path)
                .replace("../../common/", ROOT + "/common/"))
    alarms, reached = analyse(kind, states, defines, harness)
    caught = alarms and reached
    return Result("ok" if caught else "FAIL", f"{seed.where} {seed.what}: "
                  + ("" if caught else "NOT CAUGHT: ") + "".join(alarms[:1]))


def seeds(_size):
    if not tool("frama-c"):
        yield Result("SKIP", "no frama-c")
        return
    yield from parallel(try_seed, enumerate(SEEDS))


ROWS = [Row("eva", "no access outside, for any content", run, seeds)]
