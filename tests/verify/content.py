# SPDX-License-Identifier: BSD-2-Clause
"""The right answer for any content: content.c against its specification."""

import os
import re

from common import BUILD, Result, Row, SOURCES, call, must, parallel, seeded

FLAGS = ["-std=gnu11", "-O2", "-w", "-fno-delete-null-pointer-checks",
         "-Icommon", "-Itests", '-DMBX_WORD_HEADER="verify/content_words.h"']
SIZES = {"quick": ["ring=3"],
         "full": ["ring=3", "ring=4", "ring=5"],
         "long": ["ring=4", "ring=5", "ring=6", "ring=4 sweep=1"]}


def build(sources=None, where=BUILD):
    os.makedirs(where, exist_ok=True)
    program = os.path.join(where, "content")
    must(["gcc", *FLAGS, "-o", program, "tests/verify/content.c",
          *(sources or SOURCES)], "content-build")
    return program


def run(size):
    program = build()

    def one(options):
        return options, call([program, *options.split()], "content", 3600)

    for options, (status, out) in parallel(one, SIZES[size]):
        lines = out.splitlines() or [f"exit status {status}"]
        yield Result("FAIL" if status else "ok", f"{options}: " +
                     (lines[-1] if status else "; ".join(lines)))


CASES = [
    ("queue.c", "raw >= at->ring_bytes", "raw > at->ring_bytes"),
    ("queue.c", "(raw & 2u) ||", "0 ||"),
    ("queue.c", "is_before(tx->seen, pos, read)", "0"),
    ("queue.c", "!is_before(read, pos, next)", "next == pos"),
    ("queue.c", "limit = read - 4u", "limit = read"),
    ("queue.c", "? 0 : pos", "? 0 : 0"),
    ("queue.c", "next < at->ring_bytes", "next <= at->ring_bytes"),
    ("queue.c", "return MBX_EBUSY", "return MBX_EAGAIN"),
    ("queue.c", "tx->limit = limit;", ""),
    ("queue_open.c", "++done < count && tx->open_limit - pos >= need",
     "++done < count"),
    ("queue_open.c", "\tmsg += bytes;\n\t\t\tat =", "\tat ="),
    ("queue_open.c", "tx->open_pos = pos;", ""),
    ("queue_open.c", "return done || err == 1 ?", "return err == 1 ?"),
    ("queue_open.c", "mbx_st(at, MBX_HDR_MSG + bytes);\n\t\t}", "}"),
]


# What goes round in mbx_tx_put_many() is seen where two messages fit
SEED_SIZES = {"queue.c": ["ring=3"], "queue_open.c": ["ring=3", "ring=5"]}


def seeds(_size):
    for name, old, new in CASES:
        seed = seeded(name, old, new)
        where = os.path.join(BUILD, "seeds", "content")
        path = seed.write(where)
        sources = [path if os.path.basename(s) == name else s for s in SOURCES]
        program = build(sources, where)
        for ring in SEED_SIZES[name]:
            status, out = call([program, ring], "content-seeds", limit=300)
            if status:
                break
        m = re.search("^FAIL: (.*)", out, re.M)
        caught = m.group(1) if m else "a call does not return"
        yield Result("ok" if status else "FAIL", f"{seed.where} "
                     f"{' '.join(old.split())} -> "
                     f"{' '.join(new.split()) or 'nothing'}: "
                     + (caught if status else "NOT CAUGHT"))


ROWS = [Row("content", "the right answer for any content", run, seeds)]
