# SPDX-License-Identifier: BSD-2-Clause
"""Mutants: common/ with one operator, constant, order, bound or statement
changed, to be killed by the content check, the explorer or a unit test. Of a
hundred two may live, besides those in tests/verify/survivors, which mean the
same, with the reason."""

import glob
import os
import re
import shutil

from common import (BUILD, ROOT, Result, Row, SOURCES, Seed, call, code_of,
                    must, parallel, weakened)
import content
import explore

FLAGS = ["-std=gnu11", "-O1", "-w", "-fno-delete-null-pointer-checks",
         "-Icommon", "-Ilinux", "-Itests", "-Itests/unit",
         '-DMBX_VERSION="mutant"', "-DFEW(n)=((n)/100u)"]
PORT = ['-DMBX_PORT_HEADER="port_linux.h"']
LINUX = sorted(glob.glob(os.path.join(ROOT, "linux", "*.c")))
DIRECTORY = os.path.join(BUILD, "mutants")
# Behind the one that has the file's name, those that are quick first
UNITS = ["link", "slots", "call", "copy", "steps", "cache", "err", "queue"]
# Every how manieth? All the others have their turn in `make verify-long`.
EVERY = {"quick": 0, "full": 12, "long": 1}
SURVIVORS = os.path.join(ROOT, "tests", "verify", "survivors")

SWAPS = [(r"(?<![<>=!-])<(?![<=])", "<="), (r"<=", "<"),
         (r"(?<![->=])>(?![>=])", ">="), (r">=", ">"), (r"==", "!="),
         (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
         (r"(?<=[\w)]) \+ (?=\w)", " - "), (r"(?<=[\w)]) - (?=\w)", " + "),
         (r"\+=", "-="), (r"-=", "+="), (r"\b0u?(?=[;,) ])", "1"),
         (r"\b4u\b", "8u"), (r"\b1u\b", "2u"), (r"\b2u\b", "1u"),
         (r"~(?=[\w(])", ""), (r"\bif \((?!.*\{$)", "if (!"),
         (r"\breturn 0;", "return MBX_EAGAIN;")]


def mutants():
    yield from weakened()
    for path in SOURCES:
        with open(path) as f:
            text = f.read()
        code = code_of(text)
        for n, line in enumerate(code.split("\n"), 1):
            if line.startswith("#") or '"' in line or "static_assert" in line:
                continue
            at = sum(len(x) + 1 for x in text.split("\n")[:n - 1])
            for pattern, new in SWAPS:
                for m in re.finditer(pattern, line):
                    yield Seed(path, n, f"{line.strip()[:50]}: "
                               f"{m.group().strip()} -> {new.strip()}",
                               text[:at + m.start()] + new
                               + text[at + m.end():])
            if re.match(r"\t+[\w>.*-]+ [-+|&]?= [^;]*;$|\t+\w+\([^;]*\);$",
                        line):
                yield Seed(path, n, f"{line.strip()[:50]}: left out",
                           text[:at] + "\t\t;" + text[at + len(line):])


def object_of(source):
    return f"{DIRECTORY}/{os.path.basename(source)[:-2]}.o"


def unit_text(unit):
    """Its source, with few rounds where threads run against each other: they
    take long on a busy machine, and orders are the explorer's to find."""
    with open(os.path.join(ROOT, "tests", "unit", f"test_{unit}.c")) as f:
        text = f.read()
    return re.sub(r"\b((run_pair|start_writer)\(.*|define CALLS )ROUNDS\(",
                  r"\1FEW(", text).replace('"../../common/', f'"{ROOT}/common/')


def compile_to(out, source, *flags):
    """0 if it does compile."""
    return call(["gcc", *FLAGS, *flags, "-c", source, "-o", out],
                "mutants-build")[0]


def base():
    """Objects of the library and of the unit tests as they are."""
    os.makedirs(DIRECTORY, exist_ok=True)
    tests = [os.path.join(DIRECTORY, f"test_{u}.c") for u in UNITS]
    for unit, path in zip(UNITS, tests):
        with open(path, "w") as f:
            f.write(unit_text(unit))
    paths = SOURCES + LINUX + tests
    out = [object_of(p) for p in paths]
    for status in parallel(lambda x: compile_to(
            *x, *(PORT if x[1] in SOURCES else [])), zip(out, paths)):
        if status:
            raise SystemExit("verify: mutants: see mutants-build.log")


def unit_program(unit, seed, path):
    """The unit test with the mutant at @path; None if it has no part in it."""
    where = os.path.dirname(path)
    text = unit_text(unit)
    include = f'#include "{ROOT}/common/{seed.file}"'
    objects = [object_of(f"test_{unit}.c")]
    if f"{ROOT}/common/" not in text:
        objects += [path[:-2] + ".o" if os.path.basename(s) == seed.file else
                    object_of(s) for s in SOURCES + LINUX]
    elif include not in text:
        return None
    else:  # it includes the sources themselves, so that this one is another
        text = text.replace(include, f'#include "{path}"')
        with open(os.path.join(where, f"test_{unit}.c"), "w") as f:
            f.write(text)
        objects = [os.path.join(where, f"test_{unit}.o")]
        if compile_to(objects[0], objects[0][:-2] + ".c"):
            return None
    program = os.path.join(where, f"test_{unit}")
    must(["gcc", "-o", program, *objects, "-lcmocka", "-pthread"],
         "mutants-build")
    return program


def fails(program, *args):
    """It does, or takes more than some seconds of the processor. The first test
    that fails ends it: threads one of which gave up might wait for ever."""
    return call(["sh", "-c", 'ulimit -c 0; ulimit -t 3; exec "$@"', "sh",
                 program, *args], "mutants", 300,
                env={**os.environ, "CMOCKA_TEST_ABORT": "1"})[0]


def try_mutant(item):
    """Which check kills it? None if it lives, "" if it does not compile."""
    number, seed, common = item
    where = os.path.join(BUILD, "mutants", str(number))
    path = seed.write(where)
    try:
        return seed, killer_of(seed, path, where, dict(common))
    finally:
        shutil.rmtree(where)


# Whose answers are compared with a specification, by which program
SPECIFIED = {"queue.c": ["content", "ring=3"],
             "queue_open.c": ["content", "ring=3"],
             "slots.c": ["content_slots", "max=1"],
             "link.c": ["content_link"]}


def quick_killer_of(seed, path, where):
    if compile_to(path[:-2] + ".o", path, *PORT):
        return ""
    program, *options = SPECIFIED.get(seed.file, [None])
    if program and fails(content.build(
            program, [path if os.path.basename(s) == seed.file else s
                      for s in SOURCES], where), *options):
        return "content"
    for unit in sorted(UNITS, key=lambda u: not seed.file.startswith(u)):
        program = unit_program(unit, seed, path)
        if program and fails(program):
            return f"test_{unit}"
    return None


def killer_of(seed, path, where, broken):
    killer = quick_killer_of(seed, path, where)
    if killer is not None:
        return killer
    broken[seed.file] = explore.compile_to(path[:-2] + ".x.o", path)
    caught = explore.try_one(where, seed.file, broken)
    return caught and "explorer"


def argued():
    """Lines "file: text: change  # reason" of the survivors."""
    if not os.path.exists(SURVIVORS):
        return set()
    with open(SURVIVORS) as f:
        return {line.split("  # ")[0].strip() for line in f
                if line.strip() and not line.startswith("#")}


def run(size):
    if not EVERY[size]:
        return
    everything = list(mutants())
    base()
    for path in SOURCES:  # what fails anyway kills nothing
        with open(path) as f:
            same = Seed(path, 0, "", f.read())
        where = os.path.join(DIRECTORY, "same")
        killer = quick_killer_of(same, same.write(where), where)
        if killer is not None:
            yield Result("FAIL", f"{same.file} as it is: {killer}")
            return
    common, by, alive, known = explore.objects(), {}, [], argued()
    for seed, killer in parallel(try_mutant, [
            (i, seed, common) for i, seed in enumerate(everything)
            if i % EVERY[size] == 0]):
        if killer == "":
            continue
        by[killer] = by.get(killer, 0) + 1
        if killer is None:
            alive.append(f"{seed.file}: {seed.what}")
            with open(os.path.join(BUILD, "survivors.found"), "a") as f:
                f.write(f"{seed.where}: {seed.what}\n")
    valid = sum(by.values())
    new = [a for a in alive if a not in known]
    killed, same = valid - len(alive), len(alive) - len(new)
    text = (f"{killed} of {valid - same} killed (of {len(everything)} there "
            f"are; {same} more mean the same); "
            + ", ".join(f"{k} {v}" for k, v in by.items() if k))
    yield Result("FAIL" if len(new) * 50 > valid else "ok", text + (
        f"; alive: {new[0]}" if new else ""))


def seeds(_size):
    return iter(())  # they are all seeds


ROWS = [Row("mutants", "mutants are killed", run, seeds)]
