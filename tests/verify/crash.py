# SPDX-License-Identifier: BSD-2-Clause
"""Every crash point of host processes, and restart storms."""

import os
import re

from common import (BUILD, ROOT, Built, Result, Row, Seed, call, must, one_line,
                    parallel, seeded, unbroken)

FLAGS = ["-std=gnu11", "-O2", "-w", "-static", "-fno-delete-null-pointer-checks",
         "-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64", "-Icommon", "-Ilinux",
         '-DMBX_PORT_HEADER="port_linux.h"']
# As crash.c has it: of how many scenes, and at which instructions
SIZES = {"quick": ["step 101 1 send", "step 101 1 recv", "step 101 1 peek"],
         "full": ["step 11", "other 397 7", "kill 397 7"],
         "long": ["step 1", "other 7 1", "kill 13 1"]}
SCENES = ["step 59", "other 13 3 recv"]


# ---- crash points ----

def build(seed=None):
    """The program with the library as it is built to be installed."""
    where = os.path.join(BUILD, "seeds", "crash") if seed else BUILD
    os.makedirs(where, exist_ok=True)
    program = os.path.join(where, "crash")
    must(["gcc", *FLAGS, "-o", program, "tests/verify/crash.c",
          "tests/verify/crash_lives.c", *([seed.write(where)] if seed else []),
          Built().program("libmbx.a"), "-pthread"], "crash-build")
    return program


def verdict(name, status, out):
    said = (out.strip().splitlines() or [f"exit status {status}"])[-1]
    if status == 77:
        return Result("SKIP", said)
    never = re.search(r"(padding|full|asleep|repeats) 0\b", said)
    if not status and never and name in SIZES["full"][:1]:
        return Result("FAIL", f"{name}: never met: {never.group(1)}")
    return Result("FAIL" if status else "ok", f"{name}: {said}")


def run(size):
    program = build()
    for options, (status, out) in parallel(
            lambda o: (o, call([program, *o.split()], "crash", 7200)),
            SIZES[size]):
        yield verdict(options, status, out)


# ---- what it catches ----

def late(name, statement, behind):
    """A statement that is carried out only behind another one."""
    path = os.path.join(ROOT, "common", name)
    with open(path) as f:
        text = f.read()
    at = text.find(statement)
    to = text.find(behind, at)
    if at < 0 or to < 0:
        raise SystemExit(f"verify: {path} has no '{statement}' before "
                         f"'{behind}' any more")
    to += len(behind)
    return Seed(path, text.count("\n", 0, at) + 1,
                one_line(statement) + " behind " + one_line(behind),
                text[:at] + text[at + len(statement):to] + "\n\t" + statement
                + text[to:])


def cases():
    header = "mbx_st_release(at, MBX_HDR_MSG + bytes);"
    yield late("queue.c", "fill_record(tx, at, msg, bytes);", header)
    yield late("queue.c", "mbx_st(tx->at.ring, 0);", "(end - pos));")
    yield late("queue.c", "mbx_payload_out(buf, mbx_word_at(at, 4), n, "
               "rx->at.memory);", "give_back(rx, next);")
    yield seeded("queue.c", "mbx_st_release(rx->at.rx, rx->pos | IN_HAND);", "")
    yield seeded("queue.c", "mbx_st_release(rx->at.rx, next);", "if (next & 4) "
                 "mbx_st_release(rx->at.rx, next);")
    yield seeded("queue.c", "limit = read - 4u;", "limit = read;")
    yield seeded("queue.c", "while ((h = mbx_ld(mbx_word_at(at->ring, pos)))"
                 " != 0)", "while (0)")
    yield seeded("queue.c", "return ret & (int)IN_HAND;", "return 0;")
    yield late("queue_open.c", "mbx_st(mbx_word_at(at, need), 0);", header)
    yield seeded("queue_open.c", "tx->open = MBX_HDR_MSG + bytes; /* held back "
                 "*/\n\telse\n", "tx->open = MBX_HDR_MSG + bytes;\n")
    yield late("slots.c", "mbx_st(mbx_word_at(w->at.ctl, BEGIN), number);",
               "mbx_st_release(mbx_word_at(w->at.ctl, END), number); /* S2 */")
    yield late("slots.c", "mbx_payload_in(mbx_word_at(slot, 8), data, bytes, "
               "w->at.memory);",
               "mbx_st_release(mbx_word_at(w->at.ctl, END), number); /* S2 */")
    yield seeded("slots.c", "w->number = mbx_ld(mbx_word_at(at->ctl, END));",
                 "w->number = mbx_ld(mbx_word_at(at->ctl, BEGIN)) + 1;")
    yield late("call.c", "err = mbx_tx_commit(&s->tx, HEAD + bytes);",
               "mbx_rx_release(&s->rx);")
    yield late("link.c", "walk(l, &k, WRITE);",
               "mbx_st(mbx_link_word(l, 0), MBX_MAGIC);")
    yield seeded("link.c", "mbx_st(mbx_link_word(l, 0), 0);", "")
    yield seeded("link.c", "mbx_ld(&mine->session) + 1u",
                 "mbx_ld(&mine->session)")
    yield seeded("link.c", "mbx_st(&mine->ack, 0);", "")
    yield seeded("linux/end.c", "e->first_again = err == 1;", "")
    yield seeded("linux/region_file.c", "mbx_ld(&w[3]) != 0",
                 "mbx_ld(&w[3]) == 0")


SEEDS = list(cases())


def try_one(program):
    """Exit status of the first that fails, and what went wrong, or None."""
    for options in SCENES:
        status, out = call([program, *options.split()], "crash-seeds", 600)
        if status:
            m = re.search("^FAIL: (.*)", out, re.M)
            return status, m.group(1) if m else out[-80:]
    return 0, None


def seeds(_size):
    status, failed = try_one(build())
    if status == 77:
        yield Result("SKIP", failed.strip())
        return
    yield from unbroken(failed)
    for seed in SEEDS:
        status, failed = try_one(build(seed))
        yield Result("ok" if status else "FAIL", f"{seed.where} {seed.what}: "
                     + (failed or "NOT CAUGHT"))


# ---- storms ----

# Each sleeps most of the time: it waits for its next kill.
STORMS = 4
KILLS = {"quick": 0, "full": 10000, "long": 40000}
SAYS = re.compile(r"(\d+) kills: (\d+) lives of the producer, (\d+) of the "
                  r"consumer, (\d+) marked repeats, (\d+) taken .* after "
                  r"(\d+) ms")


def storm(program, kills, number):
    """What it counted; or how it failed."""
    status, out = call([program, str(kills), str(number)], "storm", 7200)
    said = SAYS.search(out)
    if status or not said:
        why = re.search(r"--- (.*)", out)
        return None, why.group(1) if why else f"exit status {status}"
    return [int(n) for n in said.groups()], None


def run_storms(size):
    if not KILLS[size]:  # the unit test has a short one
        return
    program = Built().program("unit/test_restart")
    total = []
    for counts, why in parallel(
            lambda n: storm(program, KILLS[size] // STORMS, n),
            range(1, STORMS + 1), STORMS):
        if why:
            yield Result("FAIL", why)
            return
        total.append(counts)
    kills, producers, consumers, repeats, unscored = (
        sum(t) for t in list(zip(*total))[:5])
    yield Result("ok", f"{kills} kills: {producers} lives of producers, "
                 f"{consumers} of consumers, all accounted for ({repeats} "
                 f"repeats, marked; {unscored} taken at death); traffic again "
                 f"after {max(t[5] for t in total)} ms at most")


STORM_SEEDS = [
    seeded("queue.c", "mbx_st_release(rx->at.rx, rx->pos | IN_HAND);", ""),
    seeded("queue.c", "\ttx->pos = tx->limit = pos;\n\ttx->full",
           "\ttx->pos = tx->limit = tx->seen;\n\ttx->full"),
    seeded("queue.c", "\trx->pos = (uint32_t)ret & ~IN_HAND;",
           "\trx->pos = 0;"),
]


def storm_seeds(_size):
    yield from unbroken(storm(Built().program("unit/test_restart"), 300, 1)[1])
    for seed in STORM_SEEDS:
        where = os.path.join(BUILD, "seeds", "storm")
        program = os.path.join(where, "test_restart")
        path = seed.write(where)
        must(["gcc", *[f for f in FLAGS if f != "-static"], "-Itests", "-o",
              program, "tests/unit/test_restart.c", path, Built().program("libmbx.a"),
              "-lcmocka", "-pthread"], "crash-build")
        counts, why = storm(program, 300, 1)
        yield Result("FAIL" if counts else "ok",
                     f"{seed.where} {seed.what}: " + (why or "NOT CAUGHT"))


ROWS = [Row("crash", "every crash point, host", run, seeds),
        Row("storm", "restart storms, host processes", run_storms, storm_seeds)]
