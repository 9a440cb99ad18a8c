# SPDX-License-Identifier: BSD-2-Clause
"""Round trips between `mbx ping` and the demo firmware, board by board. This is
emulation: they tell how long QEMU takes on this computer, and differ in each run.
"""
import json
import os

from cross import Problem, run
from figures import Figures

BUILD = os.environ.get("BUILD", "build")
BOARDS = ("mps2-an521", "mps2-an385", "zcu102-r5", "linux")
# How the host is woken, and how many round trips. To poll is to ring nobody, too:
# the firmware finds a ping when its tick, 50 times a second, wakes it.
WAYS = (("doorbell", None, 2000), ("polling", "poll:100", 100))


def ping(board, doorbell, count):
    """Round trips in us, by name of the percentile."""
    mbx = os.path.join(BUILD, "mbx")
    fw = os.path.join(BUILD, "host/demo" if board == "linux" else
                      f"{board}/demo.elf")
    said = run("timeout", "120", mbx, "sim", "--board", board, "--fw", fw, "--",
               "env", *([f"MBX_DOORBELL={doorbell}"] if doorbell else []),
               mbx, "ping", "-n", str(count), "-s", "16", "-j")
    return json.loads(said)["round_trip_us"]


def show(out):
    figures = Figures()
    print("\nemulation: round trips of 16 B, host to firmware and back, on this "
          "computer;\nno board's figures, others in each run, and in no budget\n")
    for board in BOARDS:
        for way, doorbell, count in WAYS:
            try:
                us = ping(board, doorbell, count)
            except Problem as problem:
                print(f"{board}, {way}: skipped: {str(problem).splitlines()[-1]}")
                continue
            for metric in "median", "p99":
                figures.add("emulated " + board, "round trip by " + way, 16,
                            metric, round(us[metric], 1), "us")
    if figures.rows:
        figures.table()
    path = os.path.join(out, "emulation.csv")
    figures.write(path, {})
    print(f"\n{path}")
