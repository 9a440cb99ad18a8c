# SPDX-License-Identifier: BSD-2-Clause
"""Restart storms: one side killed again and again while the other goes on."""

import os
import re

from common import (BUILD, Built, Result, Row, Tree, call, parallel, seeded,
                    tool, unbroken)

TOP = os.path.dirname(BUILD)
CYCLES = {"quick": 0, "full": 300, "long": 1000}
BOARDS = ["mps2-an521", "mps2-an385"]


def targets(where):
    return ["linux", *("firmware-" + b for b in BOARDS),
            os.path.join(where, "e2e", "restart")]


def firmware_storm(board, cycles, where):
    """Exit status; figures of what it printed; output"""
    status, out = call([os.path.join(where, "e2e", "restart"), board,
                        str(cycles)], "storm",
                       limit=1800, env={**os.environ, "BUILD": where})
    m = re.search(r"(\d+) pongs, .* (\d+) pings handled again, .* longest "
                  r"recovery (\d+) ms, (\d+)", out)
    return status, [int(n) for n in m.groups()] if m else None, out


def firmware(size):
    if not CYCLES[size]:
        return  # `make test` has some, in e2e_restart.sh
    if not tool("qemu-system-arm"):
        yield Result("SKIP", "qemu-system-arm is missing: make setup")
        return
    Built().make(*targets(TOP))
    for board, (status, said, out) in parallel(
            lambda b: (b, firmware_storm(b, CYCLES[size], TOP)), BOARDS):
        if status or not said:
            yield Result("FAIL", f"{board}: {out[-400:]}")
            continue
        pongs, again, longest, up = said
        yield Result("ok", f"{board}: QEMU killed {CYCLES[size]} times, "
                     f"{pongs:,} round trips in order and whole, {again} in "
                     f"hand at a death and handled again, longest recovery "
                     f"{longest} ms from the kill, {up} ms from the firmware's "
                     "first word")


# Of those that each death shows, in firmware and host alike
SEEDS = [seeded(*s) for s in [
    ("queue.c", "	tx->pos = tx->limit = pos;\n	tx->full",
     "	tx->pos = tx->limit = tx->seen;\n	tx->full",
     "a producer that goes on where the consumer is"),
    ("queue.c", "	rx->pos = (uint32_t)ret & ~IN_HAND;", "	rx->pos = 0;",
     "a consumer that begins at 0"),
]]


def firmware_seeds(_size):
    tree = Tree("storm-qemu")
    tree.make(*targets(tree.build))
    status, _, out = firmware_storm(BOARDS[0], 10, tree.build)
    yield from unbroken(out[-200:] if status else None)
    for seed in SEEDS:
        with tree.broken(seed):
            tree.make(*targets(tree.build))
            status, _, out = firmware_storm(BOARDS[0], 50, tree.build)
        why = re.search(r"\[  ERROR   \] --- (.*)|child: (.*)", out)
        yield Result("ok" if status > 0 and why else "FAIL",
                     f"{seed.where} {seed.what}: "
                     + (why.group(1) or why.group(2) if why
                        else f"NOT CAUGHT: {out[-200:]}"))


ROWS = [Row("storm-qemu", "restart storms, firmware", firmware,
            firmware_seeds)]
