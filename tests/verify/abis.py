# SPDX-License-Identifier: BSD-2-Clause
"""Other ABIs: the golden region, written and read by every core there is."""

import os
import re

from common import BUILD, ROOT, Result, Row, call, seeded, seeded_tree

SEEDS = [
    ("call.c", "	mbx_st_data(at, mbx_le32(id));", "	mbx_st_data(at, id);",
     "a call's id in the byte order of its core"),
    ("link.c", "	for (i = 0; i < 4; i++, w >>= 8)",
     "	for (i = 0; i < 4; i++, w <<= 8)", "another hash"),
]


def golden(tree):
    return call(["sh", "tests/golden.sh"], "abis", cwd=tree,
                env={**os.environ, "BUILD": os.path.join(BUILD, "abis")})


def run(_size):
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
    for name, old, new, what in SEEDS:
        seed = seeded(name, old, new)
        tree = seeded_tree(seed, os.path.join(BUILD, "abis", "seed"))
        status, out = golden(tree)
        why = re.search(r"^golden on .*\ngolden .*", out, re.M)
        yield Result("ok" if status == 1 and why else "FAIL",
                     f"{seed.where} {what}: "
                     + (" ".join(why.group().split()) if why else
                        f"NOT CAUGHT: {out[-200:]}"))


ROWS = [Row("abis", "other ABIs", run, seeds)]
