# SPDX-License-Identifier: BSD-2-Clause
"""The right answer for any content: content.c against its specification."""

import os
import re
import shutil

from common import (BUILD, Result, Row, SOURCES, call, must, parallel,
                    seeded, unbroken)

FLAGS = ["-std=gnu11", "-O2", "-w", "-fno-delete-null-pointer-checks",
         "-Icommon", "-Itests", '-DMBX_WORD_HEADER="verify/content_words.h"']
SIZES = {"quick": ["content ring=3", "content_slots max=1",
                   "content_link"],
         "full": ["content ring=3", "content ring=4", "content ring=5",
                  "content_slots max=3", "content_slots slots=4 max=5",
                  "content_slots slots=8 max=2",
                  "content_link pairs=16 dense=1"],
         "long": ["content ring=4", "content ring=5", "content ring=6",
                  "content ring=4 sweep=1", "content_slots sweep=1",
                  "content_slots slots=8 max=12",
                  "content_link pairs=100 dense=1",
                  "content_link sweep=6", "content_link sweep=7",
                  "content_link sweep=8"]}


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
    ("slots.c", "r->next = load_end(&r->at) + 1u",
     "r->next = load_end(&r->at)"),
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


LINK = [
    ("link.c", "(n & (n - 1u)) == 0", "1"),
    ("link.c", "SIDE_BYTES || w[i] & 3u", "SIDE_BYTES || w[i] & 1u"),
    ("link.c", "w[2] < SIDE_BYTES ||", ""),
    ("link.c", "w[i] < SUPER_BYTES ||", ""),
    ("link.c", "w[i] > w[2] - SIDE_BYTES", "w[i] >= w[2] - SIDE_BYTES"),
    ("link.c", "w[1] >> 16 != MBX_LAYOUT_MAJOR", "w[1] != MBX_LAYOUT_VERSION"),
    ("link.c", "w[2] > l->is.bytes", "w[2] != l->is.bytes"),
    ("link.c", "power_of_two_in(w[6], 4, 4096)",
     "power_of_two_in(w[6], 4, 8192)"),
    ("link.c", "power_of_two_in(w[7], w[6], 65536)",
     "power_of_two_in(w[7], 4, 65536)"),
    ("link.c", "else if (w[3] == 0)", "else if (0)"),
    ("link.c", "bad_section(w, 9)", "bad_section(w, 8)"),
    ("link.c", "hash_words(FNV_BASIS, w + 1, 14)",
     "hash_words(FNV_BASIS, w + 1, 13)"),
    ("link.c", "return w[0] == 0 ? MBX_EAGAIN",
     "return w[3] == 0 ? MBX_EAGAIN"),
    ("link.c", "#define OF_LAYOUT 0x5ff0u", "#define OF_LAYOUT 0x1ff0u"),
    ("link.c", "#define OF_LAYOUT 0x5ff0u", "#define OF_LAYOUT 0x5fe0u"),
    ("link.c", "#define OF_LAYOUT 0x5ff0u", "#define OF_LAYOUT 0x7ff0u"),
    ("link.c", "#define AT_WORDS (1u << 6 |", "#define AT_WORDS ("),
    ("link.c", "| (0xffffu & ~AT_WORDS))", "| (0xff7fu & ~AT_WORDS))"),
    ("link.c", "| (0xffffu & ~AT_WORDS))", "| 0xffffu)"),
    ("link.c", "CHECK_PLACES | SAME_SIZE", "CHECK_PLACES"),
    ("link.c", "off < l->is.bytes ?", "off <= l->is.bytes ?"),
    ("link.c", "off < l->is.bytes ?", "off < 0x400u ?"),
    ("link.c", "k->mode = k->mask = COMPUTE;", "k->mask = COMPUTE;"),
    ("link.c", "while (w >> 24)", "while (0)"),
    ("link.c", "l->end_off <= w[2]", "l->end_off <= l->is.bytes"),
    ("link.c", "compute(l, w[6], w[7])", "compute(l, w[6], l->is.page_bytes)"),
    ("link.c", "if (!l->session)\n\t\tl->session = 1;", ""),
    ("link.c", "state == MBX_SIDE_ATTACHING ||", ""),
    ("link.c", "l->is.side ? w[8] : w[9]", "l->is.side ? w[9] : w[8]"),
    ("link.c", "if (check_super(l, w) == 0)", "if (1)"),
    ("link.c", "!err && !l->discard &&", "!err &&"),
    ("link.c", "< LET_GO_US)", "<= LET_GO_US)"),
    ("link.c", "w[0] == 0 || w[0] == MBX_MAGIC ?", "w[0] == MBX_MAGIC ?"),
    ("link.c", "if (l->instance == 0)", "if (0)"),
    ("link.c", "!= w[3] || load(l, 0) != w[0]", "!= w[3]"),
    ("link.c", "instance)) != w[3] ||", "instance)) != w[3] &&"),
    ("link.c", "is_torn(l, w) ? MBX_EAGAIN : err", "err"),
    ("link.c", "return is_stale(l) ? MBX_EAGAIN : 0", "return 0"),
    ("link.c", "magic == 0 && l->session", "l->session"),
    ("link.c", "&& mbx_ld(&super->instance) == l->instance", ""),
    ("link.c", "else if (err == MBX_EMISMATCH)", "else if (0)"),
    ("link.c", "else if (err == MBX_EMISMATCH)", "else"),
    ("link.c", "mbx_st(&mine->instance, w[3])", "mbx_st(&mine->instance, 1)"),
    ("link.c", "round_up((uint32_t)sizeof(struct mbx_tx_block), l->line)",
     "l->line"),
    ("link.c", "put_stream(k, e + 12, &c->is.back, !c->is.direction)",
     "put_stream(k, e + 12, &c->is.back, c->is.direction)"),
]


SEEDS = [seeded(*case) for case in CASES + SLOTS + LINK]
# What goes round in mbx_tx_put_many() is seen where two messages fit
SEED_SIZES = {"queue.c": ["content ring=3"],
              "queue_open.c": ["content ring=3", "content ring=5"],
              "slots.c": ["content_slots max=3"],
              "link.c": ["content_link"]}


def try_one(options, sources, where):
    """What went wrong, or None."""
    name, *rest = options.split()
    status, out = call([build(name, sources, where), *rest], "content-seeds",
                       limit=600)
    m = re.search("FAIL: (.*)", out)
    return (m.group(1) if m else "a call does not return") if status else None


def try_seed(item):
    number, seed = item
    where = os.path.join(BUILD, "seeds", f"content-{number}")
    path = seed.write(where)
    sources = [path if os.path.basename(s) == seed.file else s for s in SOURCES]
    try:
        return seed, next(filter(None, (try_one(o, sources, where) for o in
                                        SEED_SIZES[seed.file])), None)
    finally:
        shutil.rmtree(where)


def seeds(_size):
    for options in sorted({o for sizes in SEED_SIZES.values() for o in sizes}):
        yield from unbroken(try_one(options, SOURCES, BUILD))
    for seed, caught in parallel(try_seed, enumerate(SEEDS)):
        yield Result("ok" if caught else "FAIL", f"{seed.where} {seed.what}: "
                     + (caught or "NOT CAUGHT"))


ROWS = [Row("content", "the right answer for any content", run, seeds)]
