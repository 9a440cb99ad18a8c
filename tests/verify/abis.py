# SPDX-License-Identifier: BSD-2-Clause
"""Other ABIs: the golden region, written and read by every core there is."""

import os
import re

from common import (BUILD, ROOT, Result, Row, Tree, call, seeded,
                    unbroken)

SEEDS = [seeded(*s) for s in [
    ("call.c", "	mbx_st_data(at, mbx_le32(id));", "	mbx_st_data(at, id);",
     "a call's id in the byte order of its core"),
    ("queue.c", "	*said = (*said & ~SLEEPS) | (on ? SLEEPS : 0);",
     "	*said = (*said & ~SLEEPS) | (on ? sizeof(long) / 4 : 0);",
     "a flag that is another one where a long has 64 bits"),
]]


def golden(tree):
    return call(["sh", "tests/golden.sh"], "abis", cwd=tree,
                env={**os.environ, "BUILD": os.path.join(BUILD, "abis")})


def run(size):
    if size == "quick":
        return  # a test of its own
    status, out = golden(ROOT)
    cores = dict.fromkeys(re.findall(r"^golden on ([\w-]+): (?!SKIP)", out, re.M))
    last = (out.splitlines() or ["?"])[-1]
    if status == 77:
        yield Result("SKIP", last)
    elif status:
        yield Result("FAIL", last)
    else:
        yield Result("ok", f"written the same to the byte and read back by "
                     f"{len(cores)} builds: {', '.join(cores)}; read from "
                     "LAYOUT.md alone by a third implementation")


def seeds(_size):
    status, out = golden(ROOT)
    yield from unbroken(out[-200:] if status not in (0, 77) else None)
    tree = Tree("abis")
    for seed in SEEDS:
        with tree.broken(seed):
            status, out = golden(tree.where)
        why = re.search(r"^golden on (\w+): golden(?: |, )(.*)", out, re.M)
        yield Result("ok" if status == 1 and why else "FAIL",
                     f"{seed.where} {seed.what}: "
                     + (f"{why.group(1)}: {why.group(2)}" if why
                        else f"NOT CAUGHT: {out[-200:]}"))


ROWS = [Row("abis", "other ABIs", run, seeds)]
