#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Usage: BUILD=DIR tests/verify/verify.py [--quick | --long] [--seeds] [ROW...]

Proves or tries each promise on common/ as it is, and prints one line for each
row: the promise, the method, what was covered, the result. With ROWs only those
whose name contains one of them. --seeds breaks one thing at a time instead, and
shows that each is caught, and by what. --quick is the slice that `make test`
runs, --long what takes longer than a quarter of an hour.

Exits with 1 if a promise does not hold (or a seeded bug lives), 77 if nothing
could be run. Logs are in DIR/verify.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import cache  # noqa: E402
import content  # noqa: E402
import cortex  # noqa: E402
import coverage  # noqa: E402
import doorbell  # noqa: E402
import eva  # noqa: E402
import explore  # noqa: E402
import fuzz  # noqa: E402
import mutants  # noqa: E402
import relacy  # noqa: E402
import security  # noqa: E402
import static  # noqa: E402
import storm  # noqa: E402

METHODS = (explore, relacy, eva, content, fuzz, static, cache, security,
           doorbell, cortex, storm, coverage, mutants)
ROWS = [row for method in METHODS for row in method.ROWS]


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
    for row in rows:
        start = time.monotonic()
        run = row.seeds if "--seeds" in options else row.run
        for result in run(size):
            took = time.monotonic() - start
            start = time.monotonic()
            print(f"{result.verdict:4} {took:6.1f} s  {row.name:10} "
                  f"{row.promise}: {result.text}", flush=True)
            failed += result.verdict == "FAIL"
            ran += result.verdict != "SKIP"
    if not ran:
        print("verify: nothing could be run")
        sys.exit(77)
    sys.exit(1 if failed else 0)


main()
