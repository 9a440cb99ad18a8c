# SPDX-License-Identifier: BSD-2-Clause
"""Load: everything at once, and every process killed again and again: soak.c."""

from common import Result, Row, Tree, call, seeded

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
    failed, out = try_it(Tree(), SECONDS[size])
    yield Result("FAIL" if failed else "ok",
                 failed or f"{SECONDS[size]} s: {out}")


CASES = [
    ("queue.c", "rx->pos | IN_HAND", "rx->pos"),
    ("queue.c", "while ((h = mbx_ld(mbx_word_at(at->ring, pos))) != 0)",
     "while (0)"),
    ("queue.c", "give_back(rx, rx->next);", ""),
    ("slots.c", "if (begin - number >= at->slots)", "if (0)"),
    ("slots.c", "rec->missed = want - r->next;", "rec->missed = 0;"),
    ("call.c", "mbx_le32(mbx_ld_data(at)) == c->id", "1"),
    ("linux/end.c", "e->first_again = err == 1;", ""),
    ("linux/end.c", "return seed;", "return 1;"),
    ("linux/mbx.c", "!m->observer && mbxi_lock_take(m, l->is.side)", "0"),
    ("linux/mbx.c", "if (open_up(m) || mbx_link_attach(l)",
     "if (mbx_link_attach(l)"),
]


def seeds(_size):
    tree = Tree()
    for name, old, new in CASES:
        seed = seeded(name, old, new)
        with tree.broken(seed):
            failed, _ = try_it(tree, 20)
        yield Result("ok" if failed else "FAIL", f"{seed.where} "
                     f"{' '.join(old.split())} -> {new or 'nothing'}: "
                     + (failed or "NOT CAUGHT"))


ROWS = [Row("soak", "load", run, seeds)]
