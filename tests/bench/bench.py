#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What mbx costs in bytes and instructions: figures that every run repeats.

usage: bench.py size|firmware|budget-check|budget-write [--out DIR] [SUITE...]
       bench.py diff REVISION [--out DIR]

size           text, data, stack, RAM by part and by user
firmware       instructions and shared accesses of each call (QEMU, callgrind); and,
               apart from these, round trips to emulated boards
diff           all of these, in git's REVISION against the working tree
budget-check   fails if one exceeds tests/bench/budget.csv; skips (77) suites whose
               compiler is another one than the budget's
budget-write   makes the present figures the budget

SUITE is a core and a level of optimization, such as m3-Os; left out, all.
Figures go to stdout and as CSV to DIR (build/bench).
"""
import os
import shutil
import subprocess
import sys

import budget
import count
import cross
import size
import trips
from figures import Figures, differences, name

ROOT = os.path.dirname(os.path.dirname(cross.HERE))


def measure(tree, out, suites, *kinds):
    """Figures of the common/ in @tree."""
    figures = Figures()
    os.makedirs(out, exist_ok=True)
    counter = count.plugin(out) if "firmware" in kinds else None
    for suite in suites:
        if suite == count.X86:
            if "firmware" in kinds:
                count.x86(tree, os.path.join(out, suite), figures)
            continue
        build = cross.Build(suite, tree, out)
        if "size" in kinds:
            size.measure(build, figures)
        if "firmware" in kinds:
            count.firmware(build, figures, counter)
    return figures


def show(kind, out, suites):
    figures = measure(ROOT, out, suites, kind)
    path = os.path.join(out, kind + ".csv")
    figures.write(path, budget.references())
    figures.table()
    print(f"\n{'against' : >7} the goals:")
    for key, goal in budget.goals().items():
        if key in figures.rows:
            value = figures.rows[key][0]
            print(f"  {'met   ' if value <= goal else 'missed'} {name(key)}: "
                  f"{value} of {goal}")
    print(f"\n{path}")


def diff(revision, out, suites):
    base = os.path.join(out, "base")
    shutil.rmtree(base, ignore_errors=True)
    os.makedirs(base)
    archive = subprocess.run(["git", "-C", ROOT, "archive", revision, "common",
                              "linux"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if archive.returncode:
        raise cross.Problem(archive.stderr.decode().rstrip())
    subprocess.run(["tar", "-x", "-C", base], input=archive.stdout, check=True)
    kinds = "size", "firmware"
    old = Figures()
    for suite in suites:
        try:
            found = measure(base, os.path.join(base, "build"), [suite], *kinds)
            old.rows.update(found.rows)
        except cross.Problem as problem:
            print(f"{suite}: {revision} can't be measured: {problem}\n")
            suites = [s for s in suites if s != suite]
    new = measure(ROOT, out, suites, *kinds)
    lines = differences(old.rows, new.rows)
    print("\n".join(lines) if lines else f"no figure differs from {revision}")


def check(out, suites):
    allowed, compilers = budget.read()
    skipped = [s for s in suites if count.compiler(s) != compilers.get(s)]
    suites = [s for s in suites if s not in skipped]
    figures = measure(ROOT, out, suites, "size", "firmware")
    over = list(budget.exceeded(figures, allowed))
    for key, value, most in over:
        print(f"{name(key)}: {value} exceeds the budget of {most}" if most
              is not None else f"{name(key)}: {value}, and no budget")
    if over:
        raise cross.Problem(f"{len(over)} figures exceed tests/bench/budget.csv: "
                            "make them smaller, or say why by `make budget`")
    lower = sum(allowed[k] > v for k, (v, _) in figures.rows.items())
    print(f"{len(figures.rows)} figures within the budget"
          + (f", {lower} below it: `make budget` keeps that" if lower else ""))
    for suite in skipped:
        print(f"{suite} skipped: the budget is for {compilers.get(suite)}, here "
              f"is {count.compiler(suite)}")
    return 77 if skipped else 0


def main(args):
    out = os.path.join(os.environ.get("BUILD", "build"), "bench")
    if "--out" in args:
        at = args.index("--out")
        out = args[at + 1]
        del args[at:at + 2]
    if not args or args[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if args else 2
    command, rest = args[0], args[1:]
    known = cross.suites() + count.x86_suites()
    revision = rest.pop(0) if command == "diff" and rest else None
    for suite in rest:
        if suite not in known:
            raise cross.Problem(f"{suite}: no such suite, only {' '.join(known)}")
    suites = rest or known
    if command in ("size", "firmware"):
        show(command, out, suites)
        if command == "firmware":
            trips.show(out)
        return 0
    if command == "diff" and revision:
        return diff(revision, out, suites)
    if command == "budget-check":
        return check(out, suites)
    if command == "budget-write":
        figures = measure(ROOT, out, suites, "size", "firmware")
        return budget.write(figures, {s: count.compiler(s) for s in suites})
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except cross.Problem as problem:
        sys.exit(f"bench: {problem}")
