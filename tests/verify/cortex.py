# SPDX-License-Identifier: BSD-2-Clause
"""Firmware that dies before any of its instructions, under QEMU."""

import glob
import os
import re
import sys

from common import (BUILD, ROOT, Result, Row, Tree, call, must, parallel,
                    seeded, tool, unbroken)

HERE = os.path.join(ROOT, "tests", "verify")
BENCH = os.path.join(ROOT, "tests", "bench")
sys.path.append(BENCH)

from cross import CROSS, Build, Problem  # noqa: E402

FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra",
         "-fno-delete-null-pointer-checks"]
# Where the region is for the core; MiB of the machine's memory that is a file, and
# where in it the region is.
SHARED = {"m3": (0x21000000, 16, 0), "m33": (0x80000000, 16, 0),
          "r5": (0x80000, 1, 0x80000)}
WHERE = os.path.join(BUILD, "cortex")
SUITES = {"quick": ["m33-O2"],
          "full": ["m3-O2", "m3-Os", "m33-O2", "m33-Os", "r5-O2", "r5-Os"]}
SUITES["long"] = SUITES["full"]


def host_program(name, where, sources, *flags):
    os.makedirs(where, exist_ok=True)
    out = os.path.join(where, name)
    must(["gcc", *FLAGS, *flags, "-o", out, *sources], "cortex-build")
    return out


def plugin():
    return host_program("cortex_plugin.so", WHERE,
                        [os.path.join(HERE, "cortex_plugin.c")], "-Icommon",
                        "-I" + BENCH, "-shared", "-fPIC")


def checker(tree, where):
    """Both sides' later lives, of the same common/ as the firmware's."""
    common = os.path.join(tree, "common")
    return host_program("cortex_check", where, [
        os.path.join(HERE, "cortex_check.c"),
        os.path.join(HERE, "cortex_scenes.c"),
        *sorted(glob.glob(os.path.join(common, "*.c")))], "-I" + common)


def image(build):
    sources = [os.path.join(HERE, "cortex_firmware.c"),
               os.path.join(HERE, "cortex_scenes.c"),
               os.path.join(BENCH, "bare.c")]
    return build.bare("crash", [build.compile(s, "-I" + HERE) for s in sources],
                      f"-Wl,--defsym=shared=0x{SHARED[build.core][0]:x}")


def shoot(build, ram, shots):
    """Run the firmware to its end, with a file for its memory."""
    _, mib, at = SHARED[build.core]
    elf = image(build)
    with open(ram, "wb") as f:
        f.truncate(mib << 20)
    return call(build.emulate(
        elf, "-machine", "memory-backend=shared", "-m", f"{mib}M", "-object",
        f"memory-backend-file,id=shared,size={mib}M,mem-path={ram},share=on",
        "-semihosting-config", "enable=on,target=native", "-plugin",
        f"{os.path.join(WHERE, 'cortex_plugin.so')},ram={ram},at={at:x},"
        f"out={shots}"), "cortex")


def die(suite, tree=ROOT, where=WHERE):
    """Exit status and what the checker said, or who did not come that far."""
    build = Build(suite, tree, where)
    ram, shots = (os.path.join(build.dir, f) for f in ("ram", "shots"))
    try:
        status, out = shoot(build, ram, shots)
        if status == 0:
            status, out = call([checker(tree, build.dir), shots], "cortex")
    except Problem as problem:
        status, out = 2, str(problem)
    finally:
        for path in ram, shots:
            if os.path.exists(path):
                os.remove(path)
    return status, out.strip()


def lacks():
    for name in "qemu-system-arm", CROSS + "gcc":
        if not tool(name):
            return name + " is missing: make setup"
    return None


def run(size):
    if lacks():
        yield Result("SKIP", lacks())
        return
    plugin()
    total = [0] * 5
    for suite, (status, out) in parallel(lambda s: (s, die(s)), SUITES[size]):
        m = re.fullmatch(r"(\d+) scenes, (\d+) calls, (\d+) instructions, "
                         r"(\d+) snapshots, (\d+) recoveries", out)
        if status or not m:
            yield Result("FAIL", f"{suite}: {out or status}")
            return
        total = [a + int(b) for a, b in zip(total, m.groups())]
    _, calls, *rest = total
    yield Result("ok", f"{', '.join(SUITES[size])}: {calls:,} calls, a death "
                 "before each of {:,} instructions and behind each store, {:,} "
                 "snapshots that differ, {:,} recoveries".format(*rest))


# ---- seeds: what only a death brings to light ----

SEEDS = [seeded(*s) for s in [
    ("queue.c", "	fill_record(tx, at, msg, bytes);",
     "	mbx_st(at, MBX_HDR_MSG + bytes);\n	fill_record(tx, at, msg, bytes);",
     "a message's header before its payload"),
    ("queue.c", "			mbx_st(tx->at.ring, 0);\n"
     "			mbx_st_release(mbx_word_at(tx->at.ring, pos),\n"
     "				       MBX_HDR_PAD + (end - pos));\n",
     "			mbx_st_release(mbx_word_at(tx->at.ring, pos),\n"
     "				       MBX_HDR_PAD + (end - pos));\n"
     "			mbx_st(tx->at.ring, 0);\n",
     "padding before the 0 that it leads to"),
    ("queue.c", "	raw = mbx_ld(at->rx);",
     "	raw = mbx_ld(mbx_word_at(at->rx, 4));",
     "a new life that reads another word"),
    ("queue.c", "uint32_t read = (uint32_t)ret & ~IN_HAND,",
     "uint32_t read = (uint32_t)ret,",
     "a producer that stumbles over the in-hand bit"),
    ("queue.c", "mbx_st_release(rx->at.rx, rx->pos | IN_HAND);",
     "mbx_st_release(rx->at.rx, rx->pos);", "the in-hand bit not stored"),
    ("queue.c", "		return (int)raw;", "		return (int)(raw & ~IN_HAND);",
     "the in-hand bit not told to the next life"),
    ("queue.c", "	tx->pos = tx->limit = pos;\n	tx->full",
     "	tx->pos = tx->limit = tx->seen;\n	tx->full",
     "a producer that goes on where the consumer is"),
    ("queue_open.c", "		tx->open = MBX_HDR_MSG + bytes; /* held back */\n	else\n",
     "		tx->open = MBX_HDR_MSG + bytes;\n",
     "a batch that is visible before it is flushed"),
    ("queue_open.c", "	mbx_st(mbx_word_at(at, need), 0);\n	tx->pos += need;\n"
     "	mbx_st_release(at, MBX_HDR_MSG + bytes); /* (P1) */",
     "	tx->pos += need;\n	mbx_st_release(at, MBX_HDR_MSG + bytes);\n"
     "	mbx_st(mbx_word_at(at, need), 0);",
     "the 0 behind a claimed message after its header"),
    ("slots.c", "	mbx_order_stores(); /* S1 */",
     "	mbx_st(mbx_word_at(w->at.ctl, END), number);",
     "a record finished when it is begun"),
    ("slots.c", "	w->number = mbx_ld(mbx_word_at(at->ctl, END));",
     "	w->number = mbx_ld(mbx_word_at(at->ctl, BEGIN));",
     "a writer that goes on behind a record it did not finish"),
    ("call.c", "	err = mbx_tx_commit(&s->tx, HEAD + bytes);\n"
     "	mbx_rx_release(&s->rx);",
     "	mbx_rx_release(&s->rx);\n	err = mbx_tx_commit(&s->tx, HEAD + bytes);",
     "a request released before its reply is committed"),
    ("link.c", "mbx_ld(&mine->session) + 1u;", "mbx_ld(&mine->session);",
     "the session not advanced"),
    ("link.c", "	mbx_st(&mine->ack, 0);\n", "",
     "a new life that takes over the acknowledgement"),
    ("link.c", "	mbx_st(&mine->state, MBX_SIDE_DOWN);\n"
     "	mbx_st(&mine->ack, 0);\n",
     "	if (state != MBX_SIDE_INCOMPATIBLE) {\n"
     "		mbx_st(&mine->state, MBX_SIDE_DOWN);\n"
     "		mbx_st(&mine->ack, 0);\n	}\n",
     "an incompatible life that passes for the last one"),
    ("link.c", "	walk(l, &k, WRITE);\n",
     "	store(l, 0, MBX_MAGIC);\n	walk(l, &k, WRITE);\n",
     "the magic before all that it vouches for"),
    ("link.c", "w[0] == 0 || w[0] == MBX_MAGIC", "w[0] == MBX_MAGIC",
     "an instance number given twice"),
]]


def seeds(_size):
    if lacks():
        yield Result("SKIP", lacks())
        return
    plugin()
    status, out = die("m3-Os")
    yield from unbroken(out if status else None)
    tree = Tree("cortex")
    for seed in SEEDS:
        with tree.broken(seed):
            status, out = die("m3-Os", tree.where, os.path.join(WHERE, "seed"))
        why = re.search(r"^wrong: (.*)|^(line \d+: .*)", out, re.M)
        how = (f"NOT CAUGHT: {out}" if not why else why.group(1) or
               "before anybody died: " + why.group(2))
        yield Result("ok" if status == 1 and why else "FAIL",
                     f"{seed.where} {seed.what}: {how}")


ROWS = [Row("cortex", "every crash point, firmware", run, seeds)]
