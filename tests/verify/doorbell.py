# SPDX-License-Identifier: BSD-2-Clause
"""A doorbell that drops, delays, doubles and makes up rings: doorbell.c."""

import collections
import os
import re
import shutil

from common import Built, Result, Row, Tree, break_each, call, seeded, tool

WRAP = ["-Wl,--wrap=" + f for f in ("mbxi_bell_ring", "mbxi_bell_wait",
                                    "mbxi_bell_arm", "mbx_tx_want_room",
                                    "mbx_rx_want_data", "mbx_port_ring",
                                    "poll", "syscall")]
QEMU = "mps2-an521"
KINDS_OF_FAULTS = 5
MESSAGES = {"quick": 50, "full": 1000, "long": 40000}
SEED_MESSAGES = 1000


def built_for_processes(tree):
    return [tree.link("echo", ["firmware/apps/echo/main.c",
                               "firmware/boards/linux/port.c",
                               "tests/verify/bell.c"], *WRAP)]


def built_for_qemu(tree):
    tree.link("relay", ["tests/verify/relay.c", "tests/verify/bell.c"], *WRAP)
    for name in "mbx", f"{QEMU}/dozy.elf", f"notick/{QEMU}/dozy.elf":
        tree.program(name)
    return [tree.build, QEMU]


def try_it(tree, firmware, messages):
    """What went wrong, or None; and the counts."""
    program = tree.link("doorbell", ["tests/verify/doorbell.c",
                                     "tests/verify/bell.c"], *WRAP)
    firmware = firmware(tree)
    sockets = os.path.join(tree.build, "bell")
    shutil.rmtree(sockets, ignore_errors=True)  # of firmware that was killed
    os.makedirs(sockets)
    # what waits for ever says so by itself
    status, out = call(["env", "-C", sockets, program, str(messages),
                        *firmware], "doorbell", 600 + messages)
    shutil.rmtree(sockets)
    if not status:
        return None, out
    return ("hung" if status == -1 else
            out.strip().split("\n")[-1] or f"exit status {status}"), out


def result(what, firmware, messages):
    failed, out = try_it(Built(), firmware, messages)
    if failed:
        return Result("FAIL", f"{what}: {failed}")
    total, faults = collections.Counter(), collections.Counter()
    for fault, *counts, faulty in re.findall(
            r", (\w+): (\d+) messages, (\d+) rings, (\d+) waits, (\d+) faults",
            out):
        total.update(dict(zip(("messages", "rings", "waits"),
                              map(int, counts))))
        faults[fault] += int(faulty)
    if len(+faults) != KINDS_OF_FAULTS:
        return Result("FAIL", f"{what}: only {', '.join(+faults)}")
    return Result("ok", f"{what}: " + ", ".join(
        f"{n:,} {name}" for name, n in (total + faults).items()))


def kinds():
    """What is linked how, by which tool, and broken by what seeds."""
    yield "futex, eventfd, firmware", built_for_processes, "gcc", SEEDS
    yield f"firmware on {QEMU}", built_for_qemu, "qemu-system-arm", QEMU_SEEDS


def run(size):
    for what, firmware, needs, _seeds in kinds():
        yield (result(what, firmware, MESSAGES[size]) if tool(needs) else
               Result("SKIP", f"{what}: no {needs}"))


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

MPS2 = "firmware/boards/mps2/port.c"
QEMU_SEEDS = [seeded(*case) for case in [
    (MPS2, "if (idle(arg))", "if (idle(arg), 1)"),
    (MPS2, '("cpsid i" ::: "memory");\n	if (idle', '("");\n	if (idle',
     "asked with interrupts enabled"),
    (MPS2, "	(void)doorbell->data;", ""),
    (MPS2, "doorbell->intstatus = UART_RX_PENDING;\n	(void)doorbell->data;",
     "(void)doorbell->data;\n	doorbell->intstatus = UART_RX_PENDING;",
     "the byte taken, then the interrupt cleared"),
    (MPS2, "!(doorbell->state & UART_TXFULL)", "0"),
    (MPS2, "| UART_RX_IRQ;", ";"),
    (MPS2, "TICK_ON	    7", "TICK_ON	    5"),
    (ECHO, "return !mbx_tx_want_room(&pong, 1);", "return 1;"),
    (ECHO, "(done || last == MBX_ENOSPC) && mbx_tx_notify(&pong)", "0"),
    (ECHO, "mbx_rx_notify(&ping)", "0"),
]]


def seeds(_size):
    tree = Tree("doorbell")
    for what, firmware, needs, broken in kinds():
        if tool(needs):
            yield from break_each(tree, broken, lambda built=firmware: try_it(
                tree, built, SEED_MESSAGES)[0])
        else:
            yield Result("SKIP", f"{what}: no {needs}")


ROWS = [Row("doorbell", "a faulty doorbell", run, seeds)]
