# SPDX-License-Identifier: BSD-2-Clause
"""Somebody scribbles over a region in use: scribble.c, with sanitizers."""

from common import Built, Result, Row, Tree, break_each, call, seeded

SECONDS = {"quick": 3, "full": 30, "long": 600}


def try_it(tree, seconds, seed=1):
    """What went wrong, or None; and the counts."""
    program = tree.link("scribble", ["tests/verify/scribble.c"],
                        "-fsanitize=address,undefined",
                        "-fno-sanitize-recover=undefined",
                        "-Wl,--wrap=mbxi_map", variant="asan")
    status, out = call([program, str(seconds), str(seed)], "scribble",
                       seconds * 10 + 300)
    if not status:
        return None, out.strip().split("\n")[-1]
    why = [line for line in out.split("\n") if "ERROR: " in line
           or "runtime error" in line or ": -" in line]
    return ("hung" if status == -1 else (why or [f"status {status}"])[0])[-90:
                                                                        ], out


def run(size):
    failed, out = try_it(Built(), SECONDS[size])
    yield Result("FAIL" if failed else "ok", failed or out)


SEEDS = [seeded(*case) for case in [
    ("queue.c", "raw >= at->ring_bytes", "0"),
    ("queue.c", "likely(n <= rx->at.max_bytes) &&", ""),
    ("slots.c", "else if (bytes > cap)", "else if (0)"),
    ("linux/mbx.c", "bytes < cap ? bytes : cap", "bytes"),
]]


def seeds(_size):
    tree = Tree("scribble")
    yield from break_each(tree, SEEDS, lambda: try_it(tree, 21)[0])


ROWS = [Row("scribble", "a hostile peer, beside traffic", run, seeds)]
