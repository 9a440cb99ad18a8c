# SPDX-License-Identifier: BSD-2-Clause
"""Load: everything at once, and every process killed again and again: soak.c."""

from common import Built, Result, Row, Tree, break_each, call, seeded

SECONDS = {"quick": 4, "full": 180, "long": 3600}


def try_it(tree, seconds):
    """What went wrong, or None; and the counts."""
    program = tree.link("soak", ["tests/verify/soak.c"])
    status, out = call([program, str(seconds)], "soak", seconds * 2 + 300)
    last = out.strip().split("\n")[-1]
    if not status:
        return None, last
    return "hung" if status == -1 else last, out


def run(size):
    failed, out = try_it(Built(), SECONDS[size])
    yield Result("FAIL" if failed else "ok",
                 failed or f"{SECONDS[size]} s: {out}")


SEEDS = [seeded(*case) for case in [
    ("queue.c", "rx->pos | IN_HAND", "rx->pos"),
    ("queue.c", "while ((h = mbx_ld(mbx_word_at(at->ring, pos))) != 0)",
     "while (0)"),
    ("queue.c", "give_back(rx, rx->next);", ""),
    ("slots.c", "if (begin - number >= at->slots)", "if (0)"),
    ("slots.c", "rec->missed = want - r->next;", "rec->missed = 0;"),
    ("call.c", "mbx_le32(mbx_ld_data(at)) == c->id", "1"),
    ("linux/end.c", "e->first_again = err == 1;", ""),
]]


def seeds(_size):
    tree = Tree("soak")
    yield from break_each(tree, SEEDS, lambda: try_it(tree, 20)[0])


ROWS = [Row("soak", "load", run, seeds)]
