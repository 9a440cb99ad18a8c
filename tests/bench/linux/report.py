#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Usage: report.py [--plots | --readme README] CSV

Prints the figures of the Linux benchmark as tables, with each goal and whether
it is reached; with --plots, what gnuplot is to draw: latency.svg and
throughput.svg in its working directory; with --readme, nothing, but puts a table
of the main ones into that file, between its two marks.
"""

import csv
import sys

SIZES = (16, 64, 256, 4096, 65536)

# suite, case, bytes, metric: what it has to be, of its value or its ratio; on
# near and on far cores
GOALS = [
    ("round trip", "mbx_tx_send", 16, "round trip", "ratio", "<=", 1.10, 1.10),
    ("batched", "mbx_tx_put_many", 16, "throughput", "ratio", ">=", 0.29, 0.5),
    ("batched", "mbx_tx_put_many", 64, "throughput", "ratio", ">=", 0.87, 0.9),
    ("batched", "mbx_tx_put_many", 256, "throughput", "ratio", ">=", 0.56, 0.56),
    ("throughput", "mbx_tx_send", 4096, "throughput", "ratio", ">=", 0.80,
     0.80),
    ("throughput", "mbx_tx_send", 65536, "throughput", "ratio", ">=", 0.97,
     0.97),
    ("blocking round trip", "mbx_send waiting", 16, "round trip", "ratio",
     "<=", 1.00, 1.00),
    ("blocking round trip", "mbx_send to a sleeper", 16, "round trip", "ratio",
     "<=", 1.00, 1.00),
    ("system calls", "mbx_send awake", 16, "futex", "value", "<=", 0, 0),
    ("instructions", "mbx_tx_send", 16, "instructions", "value", "<=", 40, 40),
    ("instructions", "mbx_rx_recv", 16, "instructions", "value", "<=", 40, 40),
]

# What must not be slower than the best of those whose name begins so.
AHEAD = [
    ("batched", "mbx_tx_put_many", size, "rte_ring bursts")
    for size in (16, 64, 256)
] + [
    ("throughput", "mbx_tx_send", size, peer)
    for size in (16, 64, 256)
    for peer in ("boost message_queue", "ZeroMQ", "pipe", "unix", "posix")
]

# The largest of each growing thing may cost so much more than the smallest.
FLAT = 1.10
FLAT_CALLS = ("mbx_tx_send", "mbx_rx_recv", "mbx_send", "mbx_recv")


class Figures:
    def __init__(self, path):
        with open(path, newline="", encoding="utf-8") as f:
            self.rows = list(csv.DictReader(f))
        self.at = {self.key(row): row for row in self.rows}

    @staticmethod
    def key(row):
        return row["suite"], row["case"], int(row["bytes"]), row["metric"]

    def get(self, suite, case, size, metric, column="value"):
        row = self.at.get((suite, case, size, metric))
        return float(row[column]) if row and row[column] else None

    def reference(self, suite, case, size, metric):
        row = self.at.get((suite, case, size, metric))
        return row["reference"] if row else ""

    def cases(self, suite):
        return list(dict.fromkeys(
            r["case"] for r in self.rows
            if r["suite"] == suite and r["metric"] != "skipped"))

    def sizes(self, suite, case):
        return sorted({int(r["bytes"]) for r in self.rows
                       if r["suite"] == suite and r["case"] == case})


def number(value):
    if value is None:
        return "-"
    if value == 0 or value >= 1000:
        return "%.0f" % value
    return "%.3g" % value


def table(heads, rows):
    """Columns as wide as they need to be, the first to the left."""
    rows = [heads] + rows
    widths = [max(len(r[i]) for r in rows) for i in range(len(heads))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())
    print()


def placement(reference):
    words = reference.split()
    where = next((w for w in words if w in ("near", "far")), "")
    return where + (" disturbed" if "disturbed" in words else "")


def latencies(f, suite, limit):
    rows = []
    for case in f.cases(suite):
        for size in f.sizes(suite, case):
            get = [f.get(suite, case, size, m)
                   for m in ("round trip", "p50", "p99", "p99.9")]
            rows.append(
                ["%s, %d B" % (case, size)]
                + [number(v / 1000 if v else v) for v in get]
                + [number(f.get(suite, case, size, "round trip", "ratio")),
                   placement(f.reference(suite, case, size, "round trip"))])
    rows.sort(key=lambda r: float(r[5]) if r[5] != "-" else 1e9)
    if not rows:
        return
    print("%s: us, and times the %s of the same moment"
          % (suite.capitalize(), limit))
    table(["", "middle", "p50", "p99", "p99.9", "x limit", "cores"], rows)


def throughputs(f, suite):
    rows = []
    for case in f.cases(suite):
        row = [case]
        for size in SIZES:
            value = f.get(suite, case, size, "throughput")
            ratio = f.get(suite, case, size, "throughput", "ratio")
            mark = ""
            if "disturbed" in f.reference(suite, case, size, "throughput"):
                mark = "?"
            row.append("-" if value is None else
                       "%s (%s)%s" % (number(value), number(ratio), mark))
        rows.append(row)
    if not rows:
        return
    print("%s: million messages a second, and times the bulk pipeline; "
          "?: disturbed" % suite.capitalize())
    table([""] + ["%d B" % s for s in SIZES], rows)


def growth(f):
    rows = [[case, number(f.get("growth", case, 16, "round trip")),
             number(f.get("growth", case, 16, "round trip", "ratio")),
             placement(f.reference("growth", case, 16, "round trip"))]
            for case in f.cases("growth")]
    if not rows:
        return
    print("As work grows: round trips of 16 B, ns, and times the ping-pong")
    table(["", "round trip", "x limit", "cores"], rows)


def instructions(f):
    rows = []
    for case in f.cases("instructions"):
        row = [number(f.get("instructions", case, s, "instructions"))
               for s in SIZES[:3]]
        rows.append([case] + row)
    if rows:
        print("Instructions of a call, all laps' slow paths shared out "
              "(valgrind's: clock_gettime is a system call there)")
        table([""] + ["%d B" % s for s in SIZES[:3]], rows)
    rows = [[case] + [number(f.get("system calls", case, 16, m))
                      for m in ("futex", "all")]
            for case in f.cases("system calls")]
    if rows:
        print("System calls of a round trip of 16 B, both sides together")
        table(["", "futex", "all"], rows)


def verdict(ok, *references):
    """Doubtful when disturbed, or when near is compared with far."""
    places = {p for p in map(placement, references)}
    if any("disturbed" in p for p in places) or len(places) > 1:
        return "reached?" if ok else "missed?"
    return "reached" if ok else "MISSED"


def fixed_goals(f):
    for suite, case, size, metric, column, how, near, far in GOALS:
        value = f.get(suite, case, size, metric, column)
        reference = f.reference(suite, case, size, metric)
        goal = far if "far" in reference.split() else near
        name = "%s: %s, %d B, %s" % (
            suite, case, size,
            "x " + (reference or "limit").replace(" disturbed", "")
            if column == "ratio" else metric)
        if value is None:
            yield [name, "%s %s" % (how, goal), "-", "not measured"]
            continue
        ok = value <= goal if how == "<=" else value >= goal
        yield [name, "%s %s" % (how, goal), number(value),
               verdict(ok, reference)]


def ahead_goals(f):
    for suite, case, size, peer in AHEAD:
        ratio = f.get(suite, case, size, "throughput", "ratio")
        peers = [(f.get(suite, c, size, "throughput", "ratio"), c)
                 for c in f.cases(suite) if c.startswith(peer)]
        peers = [p for p in peers if p[0] is not None]
        if ratio is None or not peers:
            continue
        best, name = max(peers)
        references = [f.reference(suite, c, size, "throughput")
                      for c in (case, name)]
        yield ["%s: %s, %d B, against %s" % (suite, case, size, name),
               ">= " + number(best), number(ratio),
               verdict(ratio >= best, *references)]


def flat_goals(f):
    families = {}
    for case in f.cases("growth"):
        families.setdefault(case.rsplit(" ", 1)[0], []).append(case)
    for name, cases in families.items():
        ratios = [f.get("growth", c, 16, "round trip", "ratio") for c in cases]
        references = [f.reference("growth", c, 16, "round trip")
                      for c in cases]
        grown = max(ratios) / min(ratios)
        yield ["growth: %s, most against least" % name, "<= %s" % FLAT,
               number(grown), verdict(grown <= FLAT, *references)]
    for call in FLAT_CALLS:
        counts = [f.get("instructions", c, 16, "instructions")
                  for c in f.cases("instructions")
                  if c.startswith(call + " ring") or
                  c.startswith(call + " channels")]
        if not counts:
            continue
        grown = max(counts) / min(counts)
        yield ["growth: instructions of %s, ring and channels" % call,
               "<= %s" % FLAT, number(grown), verdict(grown <= FLAT)]


def report(f):
    for row in f.rows:
        if row["suite"] == "run" and row["metric"] == "is":
            print("Machine: " + row["reference"])
    for what in ("repeats kept", "repeats dropped", "rows disturbed"):
        print("%s: %s" % (what.capitalize(),
                          number(f.get("run", what, 0, "count"))))
    near = f.get("run", "ping-pong nearest", 0, "round trip")
    print("Nearest ping-pong of a cache line: %s ns\n" % number(near))
    latencies(f, "round trip", "ping-pong")
    latencies(f, "blocking round trip", "futex ping-pong")
    for suite in ("throughput", "batched", "in place", "state", "log"):
        throughputs(f, suite)
    growth(f)
    instructions(f)
    skipped = [r for r in f.rows if r["metric"] == "skipped"]
    for row in skipped:
        print("Skipped: %s %s %s: %s" % (row["suite"], row["case"],
                                         row["bytes"], row["reference"]))
    print("\nGoals (reached? and missed?: of disturbed rows)")
    table(["", "goal", "is", ""],
          list(fixed_goals(f)) + list(ahead_goals(f)) + list(flat_goals(f)))


# ---- plots ----

def block(name, lines):
    print("$%s << END" % name)
    print("\n".join(lines))
    print("END")


def latency_plot(f):
    names = []
    for suite in ("round trip", "blocking round trip"):
        for case in f.cases(suite):
            size = 16 if 16 in f.sizes(suite, case) else 8
            points = [(q, f.get(suite, case, size, m)) for q, m in (
                (2, "p50"), (10, "p90"), (100, "p99"), (1000, "p99.9"))]
            if any(v is None for _, v in points):
                continue
            names.append(case)
            block("l%d" % len(names), ["%d %g" % (q, v / 1000)
                                       for q, v in points])
    if not names:
        return
    print("""set output "latency.svg"
set title "Round trip of 16 B: how long the slower ones take"
set xlabel "one in so many is slower than"
set ylabel "microseconds"
set logscale xy
set xrange [2:1000]
set xtics ("2" 2, "10" 10, "100" 100, "1000" 1000)""")
    print("plot " + ", ".join(
        '$l%d using 1:2 with linespoints lw %d title "%s"'
        % (i + 1, 3 if n.startswith("mbx") else 1, n.replace("_", "\\\\_"))
        for i, n in enumerate(names)))


def throughput_plot(f):
    names = []
    for suite in ("throughput", "batched"):
        for case in f.cases(suite):
            points = ["%d %g" % (s, f.get(suite, case, s, "throughput"))
                      for s in SIZES
                      if f.get(suite, case, s, "throughput") is not None]
            names.append(case)
            block("t%d" % len(names), points)
    if not names:
        return
    print("""set output "throughput.svg"
set title "Messages one way, by their size"
set xlabel "bytes a message"
set ylabel "million messages a second"
set logscale xy
set autoscale x
set xrange [12:90000]
set xtics ("16" 16, "64" 64, "256" 256, "4 Ki" 4096, "64 Ki" 65536)""")
    print("plot " + ", ".join(
        '$t%d using 1:2 with linespoints lw %d title "%s"'
        % (i + 1, 3 if n.startswith("mbx") else 1, n.replace("_", "\\\\_"))
        for i, n in enumerate(names)))


def plots(f):
    print('set terminal svg size 900,540 dynamic font "sans,13" '
          'background "white"\nset key outside right\nset grid')
    latency_plot(f)
    throughput_plot(f)


# ---- the README's table ----

SHORT = [
    ("mbx, `common/`", "mbx_tx_send", None, "mbx_tx_send", "mbx_tx_put_many"),
    ("mbx, libmbx", "mbx_send", "mbx_send waiting", "mbx_send", "mbx_put_many"),
    ("mbx, libmbx, to one long asleep", None, "mbx_send to a sleeper", None,
     None),
    ("DPDK rte_ring, fixed size", "rte_ring", None, "rte_ring",
     "rte_ring bursts of 4 KiB"),
    ("Boost spsc_queue, fixed size", "boost spsc_queue", None,
     "boost spsc_queue", "boost spsc_queue in arrays"),
    ("Boost message_queue", None, "boost message_queue",
     "boost message_queue", None),
    ("ZeroMQ ipc", None, "ZeroMQ ipc", "ZeroMQ ipc", None),
    ("pipe", None, "pipe", "pipe", None),
    ("unix socket", None, "unix socket", "unix socket", None),
    ("POSIX mq", None, "posix mq", "posix mq", None),
]


def short(f, suite, case, size, metric, scale=1.0):
    value = f.get(suite, case, size, metric) if case else None
    if value is None:
        return ""
    reference = f.reference(suite, case, size, metric)
    return number(value * scale) + ("?" if "disturbed" in reference else "")


def readme_table(f):
    machine = next((r["reference"] for r in f.rows if r["metric"] == "is"), "")
    yield "| | round trip, ns | asleep, us | 16 B, M/s | 256 B | 64 KiB, GB/s " \
          "| 16 B in batches | 256 B in batches |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, spin, block, one, many in SHORT:
        yield "| %s |" % " | ".join([
            name,
            short(f, "round trip", spin, 16, "round trip"),
            short(f, "blocking round trip", block, 16, "round trip", 1e-3),
            short(f, "throughput", one, 16, "throughput"),
            short(f, "throughput", one, 256, "throughput"),
            short(f, "throughput", one, 65536, "throughput", 65.536),
            short(f, "batched", many, 16, "throughput"),
            short(f, "batched", many, 256, "throughput")])
    yield "| *a cache line; two futexes; bare copies* | %s |" % " | ".join([
        short(f, "round trip", "mbx_tx_send", 16, "limit"),
        short(f, "blocking round trip", "mbx_send waiting", 16, "limit", 1e-3),
        short(f, "batched", "mbx_tx_put_many", 16, "limit"),
        short(f, "batched", "mbx_tx_put_many", 256, "limit"),
        short(f, "throughput", "mbx_tx_send", 65536, "limit", 65.536),
        "", ""])
    yield ""
    kept, dropped = (f.get("run", "repeats " + w, 0, "count")
                     for w in ("kept", "dropped"))
    yield "Measured on %s; %d repeats kept, %d dropped as disturbed." % (
        machine, kept, dropped)
    yield ""
    yield "![Messages one way, by their size](tests/bench/linux/throughput.svg)"
    yield ""
    yield "[All figures of that run](tests/bench/linux/measured.csv)"


def put_into_readme(f, path):
    begin, end = "<!-- make bench KEEP=1: begin -->\n", "<!-- end -->\n"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(begin)
    after = rest.split(end, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + "\n".join(readme_table(f)) + "\n" + end +
                   after)


def main():
    args = sys.argv[1:]
    if args[:1] == ["--plots"] and len(args) == 2:
        plots(Figures(args[1]))
    elif args[:1] == ["--readme"] and len(args) == 3:
        put_into_readme(Figures(args[2]), args[1])
    elif len(args) == 1 and not args[0].startswith("-"):
        report(Figures(args[0]))
    else:
        sys.exit("usage: report.py [--plots | --readme README] CSV")


if __name__ == "__main__":
    main()
