# SPDX-License-Identifier: BSD-2-Clause
"""The right answer for any content: content.c against its specification."""

import os
import re

from common import BUILD, Result, Row, SOURCES, call, must, parallel, seeded

FLAGS = ["-std=gnu11", "-O2", "-w", "-fno-delete-null-pointer-checks",
         "-Icommon", "-Itests", '-DMBX_WORD_HEADER="verify/content_words.h"']
SIZES = {"quick": ["content ring=3", "content_slots max=1"],
         "full": ["content ring=3", "content ring=4", "content ring=5",
                  "content_slots max=3", "content_slots slots=4 max=5",
                  "content_slots slots=8 max=2"],
         "long": ["content ring=4", "content ring=5", "content ring=6",
                  "content ring=4 sweep=1", "content_slots sweep=1",
                  "content_slots slots=8 max=12"]}


def build(name, sources=None, where=BUILD):
    os.makedirs(where, exist_ok=True)
    program = os.path.join(where, name)
    must(["gcc", *FLAGS, "-o", program, f"tests/verify/{name}.c",
          *(sources or SOURCES)], "content-build")
    return program


def run(size):
    for name in sorted({options.split()[0] for options in SIZES[size]}):
        build(name)

    def one(options):
        name, *rest = options.split()
        return options, call([os.path.join(BUILD, name), *rest], "content",
                             7200)

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

SLOTS = [
    ("slots.c", "bytes > w->at.max_bytes", "bytes > w->at.max_bytes + 1u"),
    ("slots.c", "number = ++w->number", "number = w->number++"),
    ("slots.c", "(level & 15u) << MBX_SLOT_LEVEL_SHIFT |",
     "(level & 7u) << MBX_SLOT_LEVEL_SHIFT |"),
    ("slots.c", "!(info & MBX_SLOT_WRITTEN) ||", "!info ||"),
    ("slots.c", "bytes > at->max_bytes)", "bytes > at->max_bytes + 4u)"),
    ("slots.c", "info || number ?", "info ?"),
    ("slots.c", "bytes > cap)", "bytes > cap + 1u)"),
    ("slots.c", "begin - number >= at->slots", "begin - number > at->slots"),
    ("slots.c", "begin - number < 0x80000000u ?", "begin > number ?"),
    ("slots.c", "rec->stamp_us = stamp", "rec->stamp_us = info"),
    ("slots.c", "LEVEL_SHIFT & 15u)", "LEVEL_SHIFT & 31u)"),
    ("slots.c", "end - n < at->slots &&", "end - n <= at->slots &&"),
    ("slots.c", "at, n), 4)) != 0)", "at, n), 4)) & MBX_SLOT_WRITTEN)"),
    ("slots.c", "- at->slots + 1u;\n\tif (r->next",
     "- at->slots;\n\tif (r->next"),
    ("slots.c", "if (r->next - oldest >= 0x80000000u)",
     "if (r->next < oldest)"),
    ("slots.c", "r->next = load_end(&r->at) + 1u", "r->next = load_end(&r->at)"),
    ("slots.c", "#define TRIES 4", "#define TRIES 5"),
    ("slots.c", "rec->missed > 0x80000000u", "end < r->next"),
    ("slots.c", "r->next = end + 1u", "r->next = end"),
    ("slots.c", "behind == ~0u", "end < want"),
    ("slots.c", "behind >= r->at.slots)", "behind > r->at.slots)"),
    ("slots.c", "n == MBX_EAGAIN && want != end", "n == MBX_EAGAIN"),
    ("slots.c", "if (n == MBX_ENODATA)\n\t\tn = MBX_EPROTO;", ""),
    ("slots.c", "n == MBX_EAGAIN || n == MBX_EMSGSIZE)", "n == MBX_EAGAIN)"),
    ("slots.c", "rec->missed = want - r->next", "rec->missed = behind"),
]


# What goes round in mbx_tx_put_many() is seen where two messages fit
SEED_SIZES = {"queue.c": ["content ring=3"],
              "queue_open.c": ["content ring=3", "content ring=5"],
              "slots.c": ["content_slots max=3"]}


def seeds(_size):
    for file, old, new in CASES + SLOTS:
        seed = seeded(file, old, new)
        where = os.path.join(BUILD, "seeds", "content")
        path = seed.write(where)
        sources = [path if os.path.basename(s) == file else s for s in SOURCES]
        for options in SEED_SIZES[file]:
            name, *rest = options.split()
            status, out = call([build(name, sources, where), *rest],
                               "content-seeds", limit=300)
            if status:
                break
        m = re.search("FAIL: (.*)", out)
        caught = m.group(1) if m else "a call does not return"
        yield Result("ok" if status else "FAIL", f"{seed.where} "
                     f"{' '.join(old.split())} -> "
                     f"{' '.join(new.split()) or 'nothing'}: "
                     + (caught if status else "NOT CAUGHT"))


ROWS = [Row("content", "the right answer for any content", run, seeds)]
