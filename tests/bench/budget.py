# SPDX-License-Identifier: BSD-2-Clause
"""The budget, and what the figures are compared with.

budget.csv has a line for each case and metric and a column for each suite; it
begins with the compilers that it holds for. `make budget` writes it.
peers.csv has the goals, and the best peers as measured once by the same means.
"""
import csv
import os

from cross import HERE

BUDGET = os.path.join(HERE, "budget.csv")
PEERS = os.path.join(HERE, "peers.csv")


def references():
    """Key of a figure -> the best peer's value."""
    with open(PEERS, newline="") as f:
        return {(r["suite"], r["case"], r["bytes"], r["metric"]): int(r["peer"])
                for r in csv.DictReader(f) if r["peer"]}


def goals():
    """Key of a figure -> what it should not exceed, one day."""
    with open(PEERS, newline="") as f:
        return {(r["suite"], r["case"], r["bytes"], r["metric"]): int(r["goal"])
                for r in csv.DictReader(f) if r["goal"]}


def write(figures, compilers):
    suites, lines = figures.suites(), {}
    for (suite, *line), (value, _) in figures.rows.items():
        lines.setdefault(tuple(line), {})[suite] = value
    with open(BUDGET, "w", newline="") as f:
        for suite, version in compilers.items():
            f.write(f"# {suite}: {version}\n")
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["case", "bytes", "metric"] + suites)
        for line, values in lines.items():
            out.writerow(list(line) + [values.get(s, "") for s in suites])


def read():
    """Figures allowed, by key; compiler by suite."""
    with open(BUDGET, newline="") as f:
        text = f.read().splitlines()
    notes = [line[2:].split(": ", 1) for line in text if line.startswith("# ")]
    allowed = {}
    for row in csv.DictReader(t for t in text if not t.startswith("#")):
        line = row.pop("case"), row.pop("bytes"), row.pop("metric")
        for suite, value in row.items():
            if value:
                allowed[(suite, *line)] = int(value)
    return allowed, dict(notes)


def exceeded(figures, allowed):
    """(key, value, budget or None) of figures above, or missing in, a budget."""
    for key, (value, _) in figures.rows.items():
        if value > allowed.get(key, -1):
            yield key, value, allowed.get(key)
