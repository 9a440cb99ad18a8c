# SPDX-License-Identifier: BSD-2-Clause
"""Mutants: common/, its headers too, with one operator, constant, order, bound or
statement changed, to be killed by a unit test, the content check or the explorer;
in the headers, where the orders are made and impossible declarations refused,
also by a look at the object code, and by tests/headers.sh. Those that live mean
the same: tests/verify/survivors has each of them, with the reason, and none
besides. A change of which compilers make the same code is no mutant, nor is what the
preprocessor leaves out of a header here; but each order is one, of all cores."""

import glob
import os
import re
import shutil

from common import (BUILD, HEADERS, ROOT, Result, Row, SOURCES, Seed, call,
                    code_of, common_with, must, parallel, tool, weakened)
import content
import explore
import static

FLAGS = ["-std=gnu11", "-O1", "-w", "-fno-delete-null-pointer-checks",
         "-Icommon", "-Ilinux", "-Itests", "-Itests/unit",
         '-DMBX_VERSION="mutant"', "-DFEW(n)=((n)/1000u)"]
PORT = ['-DMBX_PORT_HEADER="port_linux.h"']
LINUX = sorted(glob.glob(os.path.join(ROOT, "linux", "*.c")))
DIRECTORY = os.path.join(BUILD, "mutants")
# Behind the one that has the file's name, those that are quick first
UNITS = ["word", "link", "slots", "call", "copy", "steps", "cache", "queue"]
# Every how manieth? All the others have their turn in `make verify-long`.
EVERY = {"quick": 0, "full": 12, "long": 1}
SURVIVORS = os.path.join(ROOT, "tests", "verify", "survivors")

# Whose answers are compared with a specification, by which program
SPECIFIED = {"queue.c": ["content", "ring=3"],
             "queue_open.c": ["content", "ring=3"],
             "slots.c": ["content_slots", "max=1"],
             "link.c": ["content_link"]}
CONTENT = [os.path.join(ROOT, "tests", "verify", f"{name}.c")
           for name in sorted({of[0] for of in SPECIFIED.values()})]

SWAPS = [(r"(?<![<>=!-])<(?![<=])", "<="), (r"<=", "<"),
         (r"(?<![->=])>(?![>=])", ">="), (r">=", ">"), (r"==", "!="),
         (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
         (r"(?<=[\w)]) \+ (?=\w)", " - "), (r"(?<=[\w)]) - (?=\w)", " + "),
         (r"\+=", "-="), (r"-=", "+="), (r"\b0u?(?=[;,) ])", "1"),
         (r"\b4u\b", "8u"), (r"\b1u\b", "2u"), (r"\b2u\b", "1u"),
         (r"~(?=[\w(])", ""), (r"\bif \((?!.*\{$)", "if (!"),
         (r"\breturn 0;", "return MBX_EAGAIN;")]


def compiled_lines(path, text):
    """Numbers of a header's lines that are compiled on this machine."""
    lines, n, here = set(), 0, False
    for line in must(["gcc", *FLAGS, "-E", "-fdirectives-only", path],
                     "mutants-build").split("\n"):
        mark = re.match(r'# (\d+) "(.*?)"', line)
        if mark:
            n, here = int(mark[1]), mark[2] == path
            continue
        if here and line.strip():
            lines.add(n)
        n += 1
    for n, line in enumerate(text.split("\n"), 1):
        if n in lines and line.endswith("\\"):  # was joined to one
            lines.add(n + 1)
    return lines


def changed():
    yield from weakened()
    yield from static.header_orders()
    for path in SOURCES + HEADERS:
        with open(path) as f:
            text = f.read()
        code = code_of(text)
        lines = path in HEADERS and compiled_lines(path, text)
        for n, line in enumerate(code.split("\n"), 1):
            if (line.startswith("#") and not line.startswith("#define") or
                    '"' in line or "static_assert" in line or
                    lines and n not in lines):
                continue
            at = sum(len(x) + 1 for x in text.split("\n")[:n - 1])
            for pattern, new in SWAPS:
                for m in re.finditer(pattern, line):
                    yield Seed(path, n, f"{line.strip()[:50]}: "
                               f"{m.group().strip()} -> {new.strip()}",
                               text[:at + m.start()] + new
                               + text[at + m.end():])
            if re.match(r"\t+[\w>.*-]+ [-+|&]?= [^;]*;$"
                        r"|\t+(?!mbx_(?:order|port_barrier))\w+\([^;]*\);$",
                        line):
                yield Seed(path, n, f"{line.strip()[:50]}: left out",
                           text[:at] + "\t\t;" + text[at + len(line):])


def mutants():
    """Each with a name that no other one has."""
    times = {}
    for seed in changed():
        seed.name = f"{seed.file}: {seed.what}"
        n = times[seed.name] = times.get(seed.name, 0) + 1
        if n > 1:
            seed.name += f" ({n})"
        yield seed


def content_object(source):
    return f"{DIRECTORY}/content/{os.path.basename(source)[:-2]}.o"


def object_of(source, where=DIRECTORY):
    return f"{where}/{os.path.basename(source)[:-2]}.o"


def unit_text(unit):
    """Its source, with few rounds where threads run against each other: they
    take long on a busy machine, and orders are the explorer's to find."""
    with open(os.path.join(ROOT, "tests", "unit", f"test_{unit}.c")) as f:
        text = f.read()
    return re.sub(r"\b((run_pair|start_writer)\(.*|define CALLS )ROUNDS\(",
                  r"\1FEW(", text).replace('"../../common/', f'"{ROOT}/common/')


def compile_to(out, source, *flags):
    """0 if it does compile."""
    return call(["gcc", *flags, *FLAGS, "-c", source, "-o", out],
                "mutants-build")[0]


def base():
    """Objects of the library and of the checks as they are."""
    os.makedirs(DIRECTORY + "/content", exist_ok=True)
    tests = [os.path.join(DIRECTORY, f"test_{u}.c") for u in UNITS]
    for unit, path in zip(UNITS, tests):
        with open(path, "w") as f:
            f.write(unit_text(unit))
    for status in parallel(lambda x: compile_to(
            object_of(x), x, *(PORT if x in SOURCES else [])),
            SOURCES + LINUX + tests):
        if status:
            raise SystemExit("verify: mutants: see mutants-build.log")
    for _ in parallel(lambda x: must(
            ["gcc", *content.FLAGS, "-c", x, "-o", content_object(x)],
            "mutants-build"), SOURCES + CONTENT):
        pass


def is_header(seed):
    return seed.file.endswith(".h")


class Refused(Exception):
    """By the compiler."""


class Mutant:
    """A seed, in a copy of common/ in a directory of its own."""

    def __init__(self, seed, where):
        self.seed, self.where = seed, where
        self.common = common_with(seed, where)
        self.path = os.path.join(where, seed.path)

    def compile(self, source, *flags):
        out = object_of(source, self.where)
        if not os.path.exists(out) and compile_to(
                out, source, f"-I{self.common}", *flags):
            raise Refused
        return out

    def object(self, source):
        """Of a source: as it is, if the change is not in it."""
        if source not in SOURCES:
            return (self.compile if is_header(self.seed) else object_of)(source)
        if is_header(self.seed) or os.path.basename(source) == self.seed.file:
            return self.compile(source.replace(ROOT, self.where), *PORT)
        return object_of(source)

    def is_same_program(self):
        """All compilers make the same of it: not a change at all ("trivial
        compiler equivalence", Papadakis et al., ICSE 2015). But an order that
        a core keeps by itself is one for others, and of declarations it
        matters which compile at all."""
        def assembly(source, *command):
            return re.sub(r"(?m)^(\t\.file|[@#]|//).*", "", must(
                [*command, *FLAGS, "-S", "-o", "-", source], "mutants-build"))

        commands = [["gcc", *PORT]] + [
            [compiler, *core] for compiler, _, core in static.CORES
            if tool(compiler)]
        if is_order(self.seed) or self.seed.file == "channel.h":
            return False
        return all(
            assembly(source, *command) ==
            assembly(source.replace(ROOT, self.where), *command,
                     f"-I{self.common}")
            for command in commands for source in SOURCES)

    def unit_program(self, unit):
        """The unit test with it; None if it has no part in that."""
        text = unit_text(unit)
        includes = f'"{ROOT}/common/' in text  # the sources themselves
        sources = ([] if includes else SOURCES) + (
            LINUX if '"host.h"' in text else [])
        test = object_of(f"test_{unit}.c")
        if is_header(self.seed) or f'"{ROOT}/{self.seed.path}"' in text:
            path = os.path.join(self.where, f"test_{unit}.c")
            with open(path, "w") as f:
                f.write(text.replace(f"{ROOT}/common/", self.common + "/"))
            test = self.compile(path)
        elif includes:
            return None
        program = os.path.join(self.where, f"test_{unit}")
        must(["gcc", "-o", program, test, *map(self.object, sources),
              "-lcmocka", "-pthread"], "mutants-build")
        return program


def fails(program, *args):
    """It does, or takes more than some seconds of the processor. The first test
    that fails ends it: threads one of which gave up might wait for ever."""
    return call(["sh", "-c", 'ulimit -c 0; ulimit -t 3; exec "$@"', "sh",
                 program, *args], "mutants", 300,
                env={**os.environ, "CMOCKA_TEST_ABORT": "1"})[0]


def unit_fails(unit):
    def check(mutant, _common):
        try:
            program = mutant.unit_program(unit)
        except Refused:  # no program; of a header, the test sees to that
            return is_header(mutant.seed)
        return program and fails(program)
    return check


def content_fails(mutant, _common):
    file = mutant.seed.file
    if file not in SPECIFIED:
        return False
    name, *options = SPECIFIED[file]
    program = os.path.join(mutant.where, name)
    must(["gcc", *content.FLAGS, "-o", program, content_object(name + ".c"),
          *(mutant.path if os.path.basename(s) == file else content_object(s)
            for s in SOURCES)], "mutants-build")
    return fails(program, *options)


def explorer_fails(mutant, common):
    file = mutant.seed.file
    if file not in explore.SEEDS:  # word.h is another one there
        return False
    broken = {**common, file: explore.compile_to(
        os.path.join(mutant.where, "explored.o"), mutant.path)}
    return explore.try_one(mutant.where, file, broken)


def object_code_fails(mutant, _common):
    return (is_header(mutant.seed) and
            static.orders_with(mutant.common, mutant.where)[0])


def declarations_fail(mutant, _common):
    """What cannot be, and compiles with it."""
    return is_header(mutant.seed) and call(
        ["sh", "tests/headers.sh", mutant.common], "mutants",
        env={**os.environ, "BUILD": mutant.where})[0]


CHECKS = {**{f"test_{unit}": unit_fails(unit) for unit in UNITS},
          "content": content_fails, "explorer": explorer_fails,
          "object code": object_code_fails, "headers.sh": declarations_fail}


def is_order(seed):
    return seed.what.endswith(" forgotten")


def checks_of(seed):
    """First what is likely to kill it, or quick."""
    def rank(check):
        if check in ("explorer", "object code"):
            return 0 if is_order(seed) else 4
        if check in ("content", "headers.sh"):
            return 2
        return 1 if seed.file.startswith(check.removeprefix("test_")) else 3
    return sorted(CHECKS, key=rank)


def killer_of(mutant, common, checks):
    """The first of the checks that fails; None if it lives, "" if there is no
    other program: it does not compile, or to the same."""
    try:
        for source in SOURCES:
            mutant.object(source)
    except Refused:
        return ""
    for check in checks:
        if CHECKS[check](mutant, common):
            return check
    return "" if mutant.is_same_program() else None


def try_one(name, seed, common, checks):
    where = os.path.join(DIRECTORY, name)
    try:
        return killer_of(Mutant(seed, where), common, checks)
    finally:
        shutil.rmtree(where)


def argued():
    """Lines "file: text: change  # reason" of the survivors."""
    with open(SURVIVORS) as f:
        return {line.split("  # ")[0].strip() for line in f
                if line.strip() and not line.startswith("#")}


def kills_unchanged(common, checks):
    """The checks that fail anyway, which show nothing."""
    def one(path):
        with open(path) as f:
            seed = Seed(path, 0, "", f.read())
        return seed.file, try_one("same-" + seed.file, seed, common, checks)
    return [f"{file} as it is: {killer}" for file, killer in
            parallel(one, SOURCES + HEADERS[:1]) if killer]


def run(size):
    if not EVERY[size]:
        return
    everything, common = list(mutants()), explore.objects()
    base()
    wrong = kills_unchanged(common, [  # `make verify` explores it, too
        c for c in CHECKS if c != "explorer" or size == "long"])
    if wrong:
        yield Result("FAIL", wrong[0])
        return
    tried = everything[::EVERY[size]]
    by, alive, orders = {}, set(), 0
    for seed, killer in zip(tried, parallel(lambda s: try_one(
            str(id(s)), s, common, checks_of(s)), tried)):
        if killer is None:
            alive.add(seed.name)
            with open(os.path.join(BUILD, "survivors.found"), "a") as f:
                f.write(f"{seed.where}: {seed.name}\n")
        elif killer:
            by[killer] = by.get(killer, 0) + 1
            orders += is_order(seed)
    killed = sum(by.values())
    known = argued()
    all_orders = {s.name for s in everything if is_order(s)}
    untried = {s.name for s in everything} - {s.name for s in tried}
    wrong = ([f"an order is not to be argued: {name}"
              for name in sorted(known & all_orders)]
             + [f"alive: {name}" for name in sorted(alive - known)]
             + [f"argued, but not alive: {name}"
                for name in sorted(known - alive - untried)])
    text = (f"{killed} of {killed + len(alive)} killed, {orders} of them "
            f"orders; {len(alive & known)} mean the same; "
            f"{len(tried) - killed - len(alive)} do not compile, or to the "
            f"same (tried {len(tried)} of {len(everything)}); by "
            + ", ".join(f"{k} {by[k]}" for k in sorted(by, key=by.get)[::-1]))
    yield Result("FAIL" if wrong else "ok", "; ".join([text] + wrong[:3]))


def seeds(_size):
    return iter(())  # they are all seeds


ROWS = [Row("mutants", "mutants are killed", run, seeds)]
