# SPDX-License-Identifier: BSD-2-Clause
"""Figures: one number each, with what it is of. CSV, tables, comparisons.

A figure is identified by suite (which build), case (what was done), bytes (the
size of a message; 0 where there is none) and metric.
"""
import csv
import sys

KEY = ("suite", "case", "bytes", "metric")
FIELDS = KEY + ("value", "unit", "reference", "ratio")


class Figures:
    """An ordered set of figures."""

    def __init__(self):
        self.rows = {}

    def add(self, suite, case, size, metric, value, unit=""):
        self.rows[(suite, case, str(size), metric)] = (value, unit)

    def suites(self):
        return list(dict.fromkeys(key[0] for key in self.rows))

    def write(self, path, references):
        """CSV to @path; references: key -> the best peer's value."""
        with open(path, "w", newline="") as f:
            out = csv.writer(f, lineterminator="\n")
            out.writerow(FIELDS)
            for key, (value, unit) in self.rows.items():
                peer = references.get(key)
                out.writerow(key + (value, unit, peer or "",
                                    f"{value / peer:.2f}" if peer else ""))

    def table(self, out=sys.stdout):
        """For people: a column for each suite, and a line for each metric.

        Metrics behind the first that are the same in all suites follow on the
        first one's line.
        """
        suites, lines = self.suites(), {}
        for (suite, case, size, metric), (value, unit) in self.rows.items():
            values = lines.setdefault((case, size), {}).setdefault(
                f"{unit} {metric}".strip(), {})
            values[suite] = value
        wide = max(len(what(*line)) for line in lines) + 1
        print("".ljust(wide), *[s.rjust(len(s) + 1) for s in suites], file=out)
        for line, metrics in lines.items():
            texts = []
            for metric, values in metrics.items():
                same = set(values.values())
                if texts and len(same) == 1:
                    texts[-1] += f", {same.pop()} {metric}"
                else:
                    cells = [str(values.get(s, "-")).rjust(len(s) + 1)
                             for s in suites]
                    texts.append(" ".join(cells + ["", metric]))
            for text in texts:
                print(what(*line).ljust(wide), text, file=out)


def what(case, size):
    return case if size == "0" else f"{case} {size} B"


def name(key):
    suite, case, size, metric = key
    return f"{suite}: {what(case, size)}, {metric}"


def differences(old, new):
    """Lines for people about what differs between two sets of rows."""
    lines = []
    for key in list(old) + [k for k in new if k not in old]:
        a, b = (rows.get(key, (None,))[0] for rows in (old, new))
        if a is None or b is None:
            lines.append(f"{name(key)}: {'new' if a is None else 'gone'}")
        elif a != b:
            lines.append(f"{name(key)}: {a} -> {b} ({b - a:+d})")
    return lines
