# SPDX-License-Identifier: BSD-2-Clause
"""A doorbell that drops, delays, doubles and makes up rings: doorbell.c."""

import os
import re

from common import Built, Result, Row, Tree, break_each, call, seeded

WRAP = ["-Wl,--wrap=" + f for f in ("mbxi_bell_ring", "mbxi_bell_wait",
                                    "mbxi_bell_arm", "mbx_tx_want_room",
                                    "mbx_rx_want_data", "mbx_port_ring",
                                    "poll", "syscall")]
MESSAGES = {"quick": 50, "full": 1000, "long": 40000}
SEED_MESSAGES = 1000


def try_it(tree, messages):
    """What went wrong, or None; and the counts."""
    program = tree.link("doorbell", ["tests/verify/doorbell.c",
                                     "tests/verify/bell.c"], *WRAP)
    echo = tree.link("echo", ["firmware/apps/echo/main.c",
                              "firmware/boards/linux/port.c",
                              "tests/verify/bell.c"], *WRAP)
    socket = os.path.join(tree.build, "bell.socket")
    if os.path.exists(socket):  # of firmware that was killed
        os.remove(socket)
    # what waits for ever says so by itself
    status, out = call(["env", "-C", tree.build, program, str(messages), echo],
                       "doorbell", 600 + messages)
    if not status:
        return None, out
    return ("hung" if status == -1 else out.strip().split("\n")[-1]), out


def run(size):
    failed, out = try_it(Built(), MESSAGES[size])
    sums = [sum(map(int, c)) for c in zip(*re.findall(
        r": (\d+) messages, (\d+) rings, (\d+) waits, (\d+) faults", out))]
    yield Result("FAIL" if failed else "ok", failed or
                 "futex, eventfd, firmware: {:,} messages, {:,} rings, "
                 "{:,} waits, {:,} faults of 5 kinds".format(*sums))


BOARD, ECHO = "firmware/boards/linux/port.c", "firmware/apps/echo/main.c"
SEEDS = [seeded(*case) for case in [
    ("linux/end.c", "if (!mbx_tx_notify(tx))", "if (1)"),
    ("linux/end.c", "ring_if(e, mbx_rx_notify(rx), rx->at.rx);", ""),
    ("linux/end.c", "if (!mbx_rx_want_data(rx, 1))",
     "if (!mbx_rx_want_data(rx, 0))"),
    ("linux/end.c", "if (mbx_tx_want_room(tx, 1))",
     "if (mbx_tx_want_room(tx, 0))"),
    ("linux/end.c", "(watch.idle & ~1u) == tx->seen", "1"),
    ("linux/end.c", "if (err == MBX_EAGAIN || err == 1)", "if (0)"),
    ("linux/mbx.c", "p->until_us - now < BEAT_US ?", "1 ?"),
    ("linux/mbx.c", "return m->bell && want_all(m, 1);", "return 0;"),
    ("linux/mbx.c", "		take_bell(m);", ""),
    ("linux/doorbell.c", "wake(mbx_word_raw(word))", "wake(NULL)"),
    ("queue.c", "return mbx_ld(mbx_word_at(rx->at.ring, rx->pos)) != 0;",
     "return 0;"),
    ("queue.c", "return (mbx_ld(tx->at.rx) & ~IN_HAND) != tx->seen;",
     "return 0;"),
    (ECHO, "return !mbx_tx_want_room(&pong, 1);", "return 1;"),
    (ECHO, "(done || last == MBX_ENOSPC) && mbx_tx_notify(&pong)", "0"),
    (ECHO, "mbx_rx_notify(&ping)", "0"),
    (BOARD, "if (!idle(arg))", "if (idle(arg), 0)"),
]]


def seeds(_size):
    tree = Tree("doorbell")
    yield from break_each(tree, SEEDS, lambda: try_it(tree, SEED_MESSAGES)[0])


ROWS = [Row("doorbell", "a faulty doorbell", run, seeds)]
