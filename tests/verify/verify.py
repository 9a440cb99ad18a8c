#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Usage: BUILD=DIR tests/verify/verify.py [--quick | --long] [--seeds] [ROW...]

Proves or tries each promise on common/ as it is, and prints one line for each
row: the result, seconds by the clock and of the processors, the method, the
promise, and what was covered. With ROWs only those whose name contains one of
them. --seeds breaks one thing at a time instead, and shows that each is caught,
and by what; a seed whose text is not there any more ends every run at once.
--quick is the slice that `make test` runs, --long what takes longer
than a quarter of an hour: that goes into tests/verify/record.md, too.

Exits with 1 if a promise does not hold (or a seeded bug lives), 77 if nothing
could be run. Logs are in DIR/verify.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import abis  # noqa: E402
import cache  # noqa: E402
import content  # noqa: E402
import cortex  # noqa: E402
import coverage  # noqa: E402
import crash  # noqa: E402
import doorbell  # noqa: E402
import eva  # noqa: E402
import explore  # noqa: E402
import fuzz  # noqa: E402
import mutants  # noqa: E402
import record  # noqa: E402
import relacy  # noqa: E402
import scribble  # noqa: E402
import security  # noqa: E402
import soak  # noqa: E402
import static  # noqa: E402
import storm  # noqa: E402
from common import Result, parallel  # noqa: E402

METHODS = (explore, relacy, eva, content, fuzz, scribble, static, cache,
           security, doorbell, crash, cortex, storm, soak, abis, coverage,
           mutants)
ROWS = [row for method in METHODS for row in method.ROWS]


def used():
    """Seconds of the processors, of all that was run so far."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def results_of(run, size):
    """Each result with the seconds it took, by the clock."""
    results, start = [], time.monotonic()
    try:
        for result in run(size):
            results.append((result, time.monotonic() - start))
            start = time.monotonic()
    except SystemExit as why:  # it could not be built, or broken
        results.append((Result("FAIL", str(why)), time.monotonic() - start))
    return results


def main():
    args = sys.argv[1:]
    options = {a for a in args if a.startswith("--")}
    if options - {"--quick", "--long", "--seeds"}:
        sys.exit(__doc__)
    size = ("quick" if "--quick" in options else
            "long" if "--long" in options else "full")
    names = [a for a in args if not a.startswith("--")] or [""]
    rows = [r for r in ROWS if any(n in r.name for n in names)]
    if not rows:
        sys.exit(f"verify: no row's name contains: {' '.join(names)}")
    failed = ran = 0
    lines, total = [], used()

    def run(row):
        return results_of(row.seeds if "--seeds" in options else row.run, size)

    # Two rows at a time: many wait, for an emulator or for a time to pass.
    for row, results in zip(rows, parallel(run, rows)):
        for result, took in results:
            print(f"{result.verdict:4} {took:6.1f} s  {row.name:10} "
                  f"{row.promise}: {result.text}", flush=True)
            failed += result.verdict == "FAIL"
            ran += result.verdict != "SKIP"
            lines.append((row.name, row.promise, result.verdict, took,
                          result.text))
    if ran:
        print(f"verify: {ran} results, {failed} failed, "
              f"{used() - total:.0f} s of the processors")
    if ran and size == "long" and "--seeds" not in options:
        record.write(lines)
    if not ran:
        print("verify: nothing could be run")
        sys.exit(77)
    sys.exit(1 if failed else 0)


main()
