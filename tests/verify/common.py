# SPDX-License-Identifier: BSD-2-Clause
"""What the rows share: building, running two at a time, seeding."""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(os.path.abspath(
    os.environ.get("BUILD", os.path.join(ROOT, "build"))), "verify")
SOURCES = sorted(glob.glob(os.path.join(ROOT, "common", "*.c")))
JOBS = os.cpu_count() or 1


class Result:
    """verdict: ok, FAIL or SKIP."""

    def __init__(self, verdict, text):
        self.verdict, self.text = verdict, text


class Row:
    """name, promise; run(size) and seeds(size) give Results."""

    def __init__(self, name, promise, run, seeds):
        self.name, self.promise = name, promise
        self.run, self.seeds = run, seeds


def call(command, log, limit=600, **more):
    """Exit status and output, which also goes to the log; -1 if it hung."""
    os.makedirs(BUILD, exist_ok=True)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT,
                              stderr=subprocess.STDOUT, timeout=limit,
                              stdin=subprocess.DEVNULL, **more)
        status, out = done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as hung:
        status, out = -1, (hung.stdout or b"").decode(errors="replace")
    with open(os.path.join(BUILD, log + ".log"), "a") as f:
        f.write("$ " + " ".join(command) + "\n" + out)
    return status, out


def must(command, log):
    status, out = call(command, log)
    if status:
        raise SystemExit(f"verify: {' '.join(command)}\n{out}")
    return out


def parallel(function, items, jobs=JOBS):
    """function of each item, in order of the items, on all cores."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(function, items)


def tool(name):
    return shutil.which(name) is not None


# ---- seeds: common/ with one thing broken ----

class Seed:
    """A source with a line changed. where: file:line, what: said shortly."""

    def __init__(self, path, line, what, text):
        self.file = os.path.basename(path)
        self.where, self.what = f"{self.file}:{line}", what
        self.text = text

    def write(self, directory):
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, self.file)
        with open(path, "w") as f:
            f.write(self.text)
        return path


# An order, and what is left of it when it is forgotten
WEAKER = [
    (re.compile(r"\bmbx_ld_acquire\("), "mbx_ld("),
    (re.compile(r"\bmbx_st_release\("), "mbx_st("),
    (re.compile(r"\bmbx_order_(stores|loads|all)\(\)"), "((void)0)"),
]


def code_of(text):
    """The text with its comments blanked out, at the same places."""
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  text, flags=re.S)


def weakened():
    """Each acquire, release and barrier of common/*.c, forgotten in turn."""
    for path in SOURCES:
        with open(path) as f:
            text = f.read()
        code = code_of(text)
        for pattern, weak in WEAKER:
            for m in pattern.finditer(code):
                yield Seed(path, text.count("\n", 0, m.start()) + 1,
                           m.group().strip("()") + " forgotten",
                           text[:m.start()] + weak + text[m.end():])


def seeded(name, old, new):
    path = os.path.join(ROOT, "common", name)
    with open(path) as f:
        text = f.read()
    at = text.find(old)
    if at < 0:
        raise SystemExit(f"verify: {path} has no '{old}' to break any more")
    return Seed(path, text.count("\n", 0, at) + 1, new,
                text.replace(old, new, 1))
