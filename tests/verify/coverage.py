# SPDX-License-Identifier: BSD-2-Clause
"""Coverage: which ways the tests have gone, of all that there are.

Twice instrumented by clang: the unit tests with MC/DC, the command, the
examples and the firmware as a process without (there the counters are in a
file while the program runs, so that they survive what a test kills). The
boards' own code runs under QEMU, compiled without optimization so that each
branch is one instruction, and branches.c notes which way it went.

tests/verify/uncovered lists what no test can reach, with the reason; an entry
that is covered after all, or that means nothing any more, is an error. Only where
the reason begins with "timing: " a run may get there all the same. What is not
covered is in DIR/verify/coverage.missing, by file:line."""

import collections
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

from common import (BUILD, ROOT, Result, Row, Tree, call, make, must, parallel,
                    seeded, tool)

HERE = os.path.join(ROOT, "tests", "verify")
UNCOVERED = os.path.join(HERE, "uncovered")
WORK = os.path.join(BUILD, "coverage")
EDGES = os.path.join(WORK, "edges")
LLVM = "19"
MCDC = "-g -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc"
KEPT = ("-g -fprofile-instr-generate -fcoverage-mapping -mllvm "
        "-runtime-counter-relocation -Wno-unused-command-line-argument "
        f"-include {HERE}/early.h")
BOARDS = ["mps2-an521", "mps2-an385", "zcu102-r5"]
APPS = ["demo", "echo", "wild"]
# the scripts that run the command and the firmware, the longest first
SCRIPTS = ["faults", "cmd", "damage", "doctor", "values", "peers", "physical",
           "process", "examples", "e2e_demo", "e2e_other", "e2e_protect",
           "e2e_restart", "e2e_doorbell", "security"]
# and what they need; besides, the unit tests of what kills a child
KILLED = ["unit/test_region", "unit/test_security"]
PROGRAMS = ["e2e/doorbell", "e2e/environment", "e2e/other", "e2e/protect",
            "e2e/restart",
            "host/wild", "faults.so", "faults-user", "peer",
            *KILLED]
# What is counted, and how much of it is to be covered.
BOUNDS = [("common/", 100.0), ("linux/", 95.0), ("firmware/", 95.0)]
TIMING = "timing: "

# One way that a branch can go, or one condition that decides. @name has no line
# numbers, so that an argument about it survives changes elsewhere.
Way = collections.namedtuple("Way", "file line name")


def lacking():
    for name in ["clang", "llvm-cov", "llvm-profdata"]:
        if not tool(f"{name}-{LLVM}"):
            return f"{name}-{LLVM} is missing: scripts/setup.sh verify"
    return None


# ---- building and running ----

def instrumented(directory, root, flags, *targets):
    return make(root, directory, f"CC=clang-{LLVM}", "OPT=-O1",
                f"CFLAGS={flags}", *targets)


class Profiles:
    """Where programs of any user put what they counted."""

    def __init__(self, name):
        self.directory = tempfile.mkdtemp(prefix=f"coverage-{name}.")
        os.chmod(self.directory, 0o1777)

    def environment(self, pattern):
        return dict(os.environ, LLVM_PROFILE_FILE=os.path.join(
            self.directory, pattern))

    def merge(self, path):
        """Into one file, which counts once for each program that ran."""
        raw = glob.glob(os.path.join(self.directory, "*.profraw"))
        listed = os.path.join(self.directory, "list")
        with open(listed, "w") as f:
            f.writelines(r + "\n" for r in raw if os.path.getsize(r))
        must([f"llvm-profdata-{LLVM}", "merge", "--failure-mode=all", "-o",
              path, "-f", listed], "coverage")
        return path

    def close(self):
        shutil.rmtree(self.directory)


def programs(*patterns):
    return sorted(p for pattern in patterns
                  for p in glob.glob(os.path.join(WORK, pattern))
                  if os.path.isfile(p) and os.access(p, os.X_OK)
                  and ".so" not in p)


def run_units(root=ROOT, directory="units"):
    """The unit tests with MC/DC: (binaries, profile, what is not measured)."""
    where = os.path.join(WORK, directory)
    shutil.rmtree(where, ignore_errors=True)
    said = instrumented(where, root, MCDC, "unit-unit")
    nested = sorted(set(re.findall(r"^(common/\S+?:\d+):\d+: warning: "
                                   r"unsupported MC/DC", said, re.M)))
    profiles = Profiles("units")
    environment = profiles.environment("%p-%m.profraw")
    tests = programs(f"{directory}/unit/test_*")
    for test, (status, out) in zip(tests, parallel(lambda t: call(
            [t], "coverage-units", env=environment), tests)):
        if status:
            raise SystemExit(f"verify: {test} fails when instrumented:\n"
                             f"{out[-2000:]}")
    profile = profiles.merge(os.path.join(WORK, directory + ".profdata"))
    profiles.close()
    return tests, profile, nested


def wrap_qemu(where):
    """Emulators that note which way branches went, for PATH."""
    plugin = os.path.join(WORK, "branches.so")
    must(["gcc", "-O2", "-shared", "-fPIC", "-o", plugin,
          os.path.join(HERE, "branches.c")], "coverage-build")
    os.makedirs(os.path.join(where, "edges"))
    for name in ["qemu-system-arm", "qemu-system-aarch64"]:
        if not tool(name):
            continue
        path = os.path.join(where, name)
        with open(path, "w") as f:
            f.write(f"""#!/bin/sh
kernel= before=
for arg; do
    [ "$before" != -kernel ] || kernel=$arg
    before=$arg
done
[ -n "$kernel" ] || exec {shutil.which(name)} "$@"
out={where}/edges/$$
readlink -f "$kernel" >"$out"
exec {shutil.which(name)} "$@" -plugin "{plugin},out=$out"
""")
        os.chmod(path, 0o755)
    return where


def run_scripts():
    """Each script's profile is in WORK, and what branches did in WORK/edges."""
    where = os.path.join(WORK, "run")
    shutil.rmtree(where, ignore_errors=True)
    instrumented(where, ROOT, KEPT, "linux", "firmware-linux", *[
        os.path.join(where, n) for n in PROGRAMS])
    make(ROOT, where, "OPT=-O0", *[os.path.join(where, b, a + ".elf")
                                   for b in BOARDS for a in APPS],
         *[os.path.join(where, "notick", b, "echo.elf") for b in
           ["mps2-an521", "zcu102-r5"]])
    wrapped = wrap_qemu(tempfile.mkdtemp(prefix="coverage-qemu."))

    def run(script):
        profiles = Profiles(os.path.basename(script))
        environment = profiles.environment("%c%p-%m.profraw")
        environment.update(BUILD=where, SLEEPS="500",
                           PATH=wrapped + ":" + os.environ["PATH"])
        command = (os.path.join("tests", script + ".sh")
                   if script in SCRIPTS else os.path.join(where, script))
        status, out = call([command], "coverage-scripts", env=environment)
        if status not in (0, 77):
            raise SystemExit(f"verify: {command} fails when instrumented:\n"
                             f"{out[-2000:]}")
        profiles.merge(profile_of(script))
        profiles.close()

    list(parallel(run, [*SCRIPTS, *KILLED]))
    shutil.rmtree(EDGES, ignore_errors=True)
    shutil.move(os.path.join(wrapped, "edges"), EDGES)
    shutil.rmtree(wrapped)


def profile_of(script):
    return os.path.join(WORK, os.path.basename(script) + ".profdata")


# ---- what clang's instrumentation counted ----

class Sources:
    """Texts of the sources, to name conditions by."""

    def __init__(self, root):
        self.root, self.lines = root, {}

    def of(self, path, l1, c1, l2, c2):
        if path not in self.lines:
            with open(os.path.join(self.root, path)) as f:
                self.lines[path] = f.read().split("\n")
        lines = self.lines[path][l1 - 1:l2]
        lines[-1] = lines[-1][:c2 - 1]
        lines[0] = lines[0][c1 - 1:]
        return " ".join(" ".join(lines).split())


def counted(path):
    return any(path.startswith(prefix) for prefix, _ in BOUNDS)


def function_ways(function, sources):
    """(Way, covered) of each branch and condition of a function."""
    root = sources.root + "/"
    files = [f[len(root):] if f.startswith(root) else f
             for f in function["filenames"]]
    name = function["name"].split(":")[-1]
    expanded = {r[6]: r for r in function["regions"] if r[7] == 1}
    for b in function["branches"]:
        text_at, at, file = b, b, files[b[6]]
        where = b[6]
        while where in expanded and expanded[where][5] != where:
            at, where = expanded[where], expanded[where][5]
        if not counted(files[where]):
            continue
        text = (sources.of(file, *text_at[:4]) if counted(file) else "macro")
        key = f"{files[where]}: {name}: {text}"
        for count, way in ((b[4], "true"), (b[5], "false")):
            yield Way(files[where], (at[0], at[1], b[0], b[1]),
                      f"{key}: never {way}"), count > 0
    for record in function.get("mcdc_records", []):
        if not files[0].startswith("common/"):
            continue
        text = sources.of(files[0], *record[:4])
        for i, decides in enumerate(record[6]):
            yield Way(files[0], (record[0], record[1], 0, 0),
                      f"{files[0]}: {name}: {text}: condition {i + 1} decides "
                      "nothing"), decides


def measure(items, root=ROOT):
    """{Way: covered?}; items: (profile, binary), each by itself, as the same
    source is compiled with several ports."""
    sources, ways = Sources(root), {}

    def export(item):
        profile, binary = item
        return json.loads(subprocess.run(
            [f"llvm-cov-{LLVM}", "export", "-format=text", "-skip-expansions",
             f"-instr-profile={profile}", binary], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)

    for out in parallel(export, items):
        for data in out["data"]:
            for function in data["functions"]:
                for way, covered in function_ways(function, sources):
                    ways[way] = ways.get(way, False) or covered
    return ways


# ---- what the boards' code did under QEMU ----

BRANCH = re.compile(r"(?:b(?:eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)"
                    r"(?:\.[nw])?|cbn?z)$")


def conditional(elf):
    """{address: (target, next)} of the conditional branches."""
    text = subprocess.run(["arm-none-eabi-objdump", "-d", elf], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    found = {}
    for line in text.split("\n"):
        fields = line.split("\t")
        if len(fields) < 4 or not BRANCH.match(fields[2].strip()):
            continue
        at = int(fields[0].strip(" :"), 16)
        target = fields[3].split(" <")[0].split(" ")[-1]
        size = len(fields[1].replace(" ", "")) // 2
        found[at] = int(target, 16), at + size
    return found


def board_ways(native):
    """As measure(), of the files that are no part of a @native build."""
    gone, ways, sources = collections.defaultdict(set), {}, Sources(ROOT)
    for path in glob.glob(os.path.join(EDGES, "*")):
        with open(path) as f:
            elf, *lines = f.read().split("\n")
        gone[elf] |= {tuple(int(x, 16) for x in line.split())
                      for line in lines if line.count(" ") == 1}
    for elf, went in sorted(gone.items()):
        if not elf.startswith(WORK + "/"):
            continue  # a test's own, which is no firmware
        branches = conditional(elf)
        told = subprocess.run(
            ["arm-none-eabi-addr2line", "-f", "-e", elf,
             *[hex(a) for a in branches]], check=True,
            stdout=subprocess.PIPE).stdout.decode().split("\n")
        number = collections.Counter()
        for at, function, place in zip(branches, told[::2], told[1::2]):
            path, line = place.split(" ")[0].rsplit(":", 1)
            path = os.path.relpath(os.path.join(ROOT, path), ROOT)
            if path in native or not path.startswith("firmware/"):
                continue
            number[path, line] += 1
            for to, way in zip(branches[at], ("taken", "passed by")):
                w = Way(path, (int(line), number[path, line], 0, 0),
                        f"{path}: {function}: branch {number[path, line]} of: "
                        f"{sources.of(path, int(line), 1, int(line), 99)}"
                        f": never {way}")
                ways[w] = ways.get(w, False) or (at, to) in went
    return ways


# ---- judging ----

def argued():
    """{name: reason} of tests/verify/uncovered."""
    if not os.path.exists(UNCOVERED):
        return {}
    with open(UNCOVERED) as f:
        pairs = (line.strip().split("  # ", 1) for line in f
                 if line.strip() and not line.startswith("#"))
        return {p[0].strip(): p[1] if len(p) > 1 else "" for p in pairs}


def judge(ways, reasons, bounds):
    """What is wrong, and the figures."""
    names = {w.name for w in ways}
    open_names = {w.name for w, covered in ways.items() if not covered}
    wrong = [f"{n}: argued, but covered" if n in names else
             f"{n}: argued, but there is no such branch"
             for n, why in reasons.items() if n not in open_names
             and (n not in names or not why.startswith(TIMING)
                  or n.startswith("common/"))
             and any(n.startswith(prefix) for prefix, _ in bounds)]
    wrong += [f"{n}: no reason given" for n, why in reasons.items() if not why]
    figures = []
    for prefix, bound in bounds:
        for kind, decides in (("branches", False), ("conditions", True)):
            if decides and prefix != "common/":
                continue
            mine = {w: c for w, c in ways.items() if w.file.startswith(prefix)
                    and ("decides nothing" in w.name) == decides}
            covered = sum(mine.values())
            excluded = sum(not c and w.name in reasons
                           for w, c in mine.items())
            due = len(mine) - excluded
            # all argued away is all; nothing measured is nothing
            percent = (100.0 * covered / due if due else
                       100.0 if mine else 0.0)
            figures.append(f"{prefix} {covered} of {due} {kind}"
                           + (f" ({percent:.1f} %)" if covered < due else "")
                           + (f", {excluded} argued" if excluded else ""))
            if percent < bound:
                first = next((f"{w.file}:{w.line[0]} {w.name}"
                              for w, c in sorted(mine.items()) if not c
                              and w.name not in reasons), "all of it")
                wrong.append(f"{prefix} {kind}: {percent:.2f} % is less than "
                             f"{bound} %; one is {first}")
    return wrong, figures


def report(ways, reasons):
    """By file, and what is missing, into the log."""
    total, have = collections.Counter(), collections.Counter()
    for w, covered in ways.items():
        total[w.file] += 1
        have[w.file] += covered
    with open(os.path.join(BUILD, "coverage.missing"), "w") as f:
        for w, covered in sorted(ways.items()):
            if not covered:
                f.write(f"{w.file}:{w.line[0]}: {w.name.split(': ', 1)[1]}"
                        f"{'  # ' + reasons.get(w.name, '')}\n")
        for file in sorted(total):
            f.write(f"{file:36} {have[file]:5} of {total[file]:5} "
                    f"{100.0 * have[file] / total[file]:6.1f} %\n")


def result(ways, nested, bounds, reasons):
    wrong, figures = judge(ways, reasons, bounds)
    wrong += [f"{n}: MC/DC is not measured where decisions are nested"
              for n in nested]
    if wrong:
        return Result("FAIL", "; ".join(figures + wrong[:3]))
    return Result("ok", "; ".join(figures))


def all_ways(left_out=None):
    """Of the last run of the units and the scripts, but the one left out."""
    units = os.path.join(WORK, "units.profdata")
    ways = measure([(units, t) for t in programs("units/unit/test_*")])
    kept = os.path.join(WORK, "kept.profdata")
    must([f"llvm-profdata-{LLVM}", "merge", "-o", kept,
          *[profile_of(s) for s in [*SCRIPTS, *KILLED] if s != left_out]],
         "coverage")
    clang = measure([(kept, b) for b in programs(
        "run/mbx", "run/host/*", "run/examples/*", "run/faults-user",
        "run/peer", "run/e2e/*", *["run/" + k for k in KILLED])])
    # MC/DC is the units' alone, and so are the names of what they instrument
    for way, covered in clang.items():
        ways[way] = ways.get(way, False) or covered
    ways.update(board_ways({w.file for w in ways}))
    return ways


def run(size):
    if size == "quick":
        return
    why = lacking()
    if why:
        yield Result("SKIP", why)
        return
    _, _, nested = run_units()
    run_scripts()
    ways = all_ways()
    reasons = argued()
    report(ways, reasons)
    yield result(ways, nested, BOUNDS, reasons)


# What is left out, or added without a test
SEEDS = [seeded(*s) for s in [
    ("tests/unit/test_link.c",
     "\t\ttest(test_layout_beyond_any_region_fits_nowhere),\n",
     "", "a test left out"),
    ("tests/unit/test_steps.c",
     "\t\tcmocka_unit_test(\n"
     "\t\t\ttest_observer_blames_nothing_once_a_format_has_begun),\n", "",
     "a test left out"),
    ("common/queue.c",
     "\traw = mbx_ld_acquire(tx->at.rx); /* (A1) */\n",
     "\traw = mbx_ld_acquire(tx->at.rx); /* (A1) */\n"
     "\tif (need == 0x7fffffffu)\n\t\treturn MBX_EINVAL;\n",
     "a branch without a test"),
]]


def seeds(size):
    """Of common/ by the unit tests alone; of the rest, a script less."""
    if size == "quick" or lacking():
        return
    if not os.path.isdir(EDGES):
        run_units()
        run_scripts()
    for bound, script in zip(BOUNDS[1:], ["cmd", "process"]):
        caught = result(all_ways(script), [], [bound], argued())
        yield Result("FAIL" if caught.verdict == "ok" else "ok",
                     f"{bound[0]}: tests/{script}.sh left out: {caught.text}")
    tree = Tree("coverage")
    for seed in SEEDS:
        with tree.broken(seed):
            tests, profile, nested = run_units(tree.where, "seed")
            ways = measure([(profile, t) for t in tests], tree.where)
        caught = result(ways, nested, BOUNDS[:1], argued())
        yield Result("FAIL" if caught.verdict == "ok" else "ok",
                     f"{seed.where} {seed.what}: {caught.text}")
    yield from seeded_arguments()


def seeded_arguments():
    """An argument for what is covered, or about nothing, is an error."""
    for prefix, bound in BOUNDS:
        name = f"{prefix}x.c"
        way = Way(name, (1, 1, 0, 0), f"{name}: f: a: never true")
        other = Way(name, (2, 1, 0, 0), f"{name}: f: b: condition 1 decides "
                    "nothing")
        because = TIMING * (prefix == "common/") + "because"
        for what, ways, reasons in [
                ("an argument about what is covered", {way: True},
                 {way.name: because}),
                ("an argument by timing, about nothing", {way: True},
                 {f"{name}: g: b: never true": TIMING + "because"}),
                ("no reason", {way: False}, {way.name: ""})]:
            caught = result({other: True, **ways}, [], [(prefix, bound)],
                            reasons)
            yield Result("FAIL" if caught.verdict == "ok" else "ok",
                         f"{what}: {caught.text}")


ROWS = [Row("coverage", "tests go every way", run, seeds)]
