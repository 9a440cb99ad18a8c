# SPDX-License-Identifier: BSD-2-Clause
"""record.md: what each `make verify-long` covered, where, with what."""

import os
import platform
import re
import subprocess
import time

from common import ROOT

PATH = os.path.join(ROOT, "tests", "verify", "record.md")


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, cwd=ROOT,
                              check=True).stdout.decode().split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return "none"


def processor():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"^model name\s*: (.*)", f.read(), re.M)
    return (f"{os.cpu_count()} x {model.group(1) if model else 'a processor'}"
            f" ({platform.machine()})")


def write(lines):
    """lines: (row, promise, verdict, seconds, covered)."""
    with open(PATH, "a") as f:
        f.write(f"\n## {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, "
                f"commit {said('git', 'rev-parse', '--short', 'HEAD')}\n\n"
                f"{processor()}; {said('gcc', '--version')}; "
                f"{said('clang', '--version')}; Frama-C "
                f"{said('frama-c', '-version')}\n\n"
                "| Row | Promise | s | Covered | Result |\n"
                "|---|---|---|---|---|\n")
        for row, promise, verdict, seconds, covered in lines:
            f.write(f"| {row} | {promise} | {seconds:.0f} | "
                    f"{' '.join(covered.replace('|', '/').split())} | "
                    f"{verdict} |\n")
