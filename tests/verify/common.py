# SPDX-License-Identifier: BSD-2-Clause
"""What the rows share: building, running two at a time, seeding."""

import concurrent.futures
import contextlib
import glob
import os
import re
import shutil
import subprocess
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(os.path.abspath(
    os.environ.get("BUILD", os.path.join(ROOT, "build"))), "verify")
SOURCES = sorted(glob.glob(os.path.join(ROOT, "common", "*.c")))
HEADERS = sorted(glob.glob(os.path.join(ROOT, "common", "**", "*.h"),
                           recursive=True))
JOBS = os.cpu_count() or 1


class Result:
    """verdict: ok, FAIL, SKIP, or "-" of a seed that is not this method's."""

    def __init__(self, verdict, text):
        self.verdict, self.text = verdict, text


class Row:
    """name, promise; run(size) and seeds(size) give Results."""

    def __init__(self, name, promise, run, seeds):
        self.name, self.promise = name, promise
        self.run, self.seeds = run, seeds


def call(command, log, limit=600, cwd=ROOT, **more):
    """Exit status and output, which also goes to the log; -1 if it hung. What a
    test that failed or was ended leaves in /dev/shm has its number, and goes."""
    os.makedirs(BUILD, exist_ok=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=cwd,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          **more) as run:
        try:
            out = run.communicate(timeout=limit)[0]
            status = run.returncode
        except subprocess.TimeoutExpired as hung:
            run.kill()  # and whoever it has started may go on holding the pipe
            run.wait()
            status, out = -1, hung.stdout or b""
    if status:
        with contextlib.suppress(OSError):
            os.remove(f"/dev/shm/mbx-test-{run.pid}")
    out = out.decode(errors="replace")
    with open(os.path.join(BUILD, log + ".log"), "a") as f:
        f.write("$ " + " ".join(command) + "\n" + out)
    return status, out


def must(command, log):
    status, out = call(command, log)
    if status:
        raise SystemExit(f"verify: {' '.join(command)}\n{out}")
    return out


# Rows run two at a time, but two makes may not build one thing.
MAKING = threading.Lock()


def make(where, build, *args):
    """Goals within the tree by the names that its Makefile has for them: of
    others it says that they are there, however old."""
    with MAKING:
        return must(["make", "-s", f"-j{JOBS}", "-C", where, f"BUILD={build}",
                     *(a.removeprefix(where + os.sep) for a in args)], "make")


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
        self.path = os.path.relpath(path, ROOT)
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
# In the headers, which make them of what the compiler and the core have
WEAKER_IN_HEADERS = [
    (re.compile(r"__ATOMIC_(ACQUIRE|RELEASE|SEQ_CST)"), "__ATOMIC_RELAXED"),
    (re.compile(r"(?<!define )mbx_port_barrier\(\)"), "((void)0)"),
    (re.compile(r"\bdmb sy\b"), "dmb ish"),
    (re.compile(r'"memory"'), '"cc"'),
]


def code_of(text):
    """The text with its comments blanked out, at the same places."""
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  text, flags=re.S)


def weakened(paths=SOURCES):
    """Each acquire, release and barrier of these, forgotten in turn."""
    for path in paths:
        with open(path) as f:
            text = f.read()
        code = code_of(text)
        for pattern, weak in (WEAKER_IN_HEADERS if path in HEADERS else
                              WEAKER):
            for m in pattern.finditer(code):
                yield Seed(path, text.count("\n", 0, m.start()) + 1,
                           m.group().strip("()") + " forgotten",
                           text[:m.start()] + weak + text[m.end():])


def seeded(name, old, new, what=None):
    """Of a file of common/, or of the one with this path. Each is made when
    its method is imported, so that none has a text that is not there any more."""
    path = os.path.join(ROOT, name if "/" in name else "common/" + name)
    with open(path) as f:
        text = f.read()
    at = text.find(old)
    if at < 0:
        raise SystemExit(f"verify: {path} has no '{old}' to break any more")
    return Seed(path, text.count("\n", 0, at) + 1,
                what or f"{one_line(old)} -> {one_line(new) or 'nothing'}",
                text.replace(old, new, 1))


def common_with(seed, where):
    """A copy of common/ by links in @where, with the seed's file instead."""
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    must(["cp", "-rs", os.path.join(ROOT, "common"), where], "tree")
    path = os.path.join(where, seed.path)
    os.remove(path)  # else the file itself would be written
    seed.write(os.path.dirname(path))
    return os.path.join(where, "common")


def one_line(text):
    return " ".join(text.split())


def unbroken(failed):
    """What fails without a seed catches nothing: @failed says what does."""
    if failed:
        yield Result("FAIL", f"nothing broken: {failed}")


# ---- whole programs, built by the Makefile with one source broken ----

class Built:
    """The sources as they are, and what make makes of them in its own place."""

    where, build = ROOT, os.path.dirname(BUILD)

    def make(self, *targets):
        make(self.where, self.build, *targets)

    def program(self, name):
        """The path of what make is to make there."""
        path = os.path.join(self.build, name)
        self.make(path)
        return path

    def link(self, name, sources, *flags, variant="unit"):
        """A program of these sources and of libmbx, built as its tests are."""
        library = self.program(f"{variant}/libmbx.a")
        path = os.path.join(self.build, "verify", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        must(["gcc", "-std=gnu11", "-g", "-O2", "-w",
              "-fno-delete-null-pointer-checks", "-D_FILE_OFFSET_BITS=64",
              *(f"-I{self.where}/{d}" for d in (
                  "common", "linux", "tests", "firmware",
                  "firmware/boards/linux")), *flags, "-o", path,
              *(os.path.join(self.where, s) for s in sources), library,
              "-lcmocka", "-pthread"], "tree")
        return path


class Tree(Built):
    """A copy by links, where one source may be broken at a time. Each row has
    its own, for two rows run at a time."""

    def __init__(self, row):
        top = os.path.join(BUILD, "trees", row)
        self.where = os.path.join(top, "sources")
        self.build = os.path.join(top, "build")
        self.mark = os.path.join(top, "seeds")
        shutil.rmtree(self.where, ignore_errors=True)
        os.makedirs(self.where)
        for name in ("Makefile", "common", "linux", "firmware", "scripts",
                     "tests"):
            must(["cp", "-rs", os.path.join(ROOT, name), self.where], "tree")
        if os.path.exists(self.mark):  # of all runs that built there
            with open(self.mark) as f:
                for source in set(f.read().split()):
                    self.restore(source)

    @contextlib.contextmanager
    def broken(self, seed):
        path = os.path.join(self.where, seed.path)
        with open(self.mark, "a") as f:
            f.write(seed.path + "\n")
        os.remove(path)
        with open(path, "w") as f:
            f.write(seed.text)
        try:
            yield
        finally:
            self.restore(seed.path)

    def restore(self, source):
        """A copy, newer than all that was made of it: make tells by that."""
        path = os.path.join(self.where, source)
        os.remove(path)
        shutil.copyfile(os.path.join(ROOT, source), path)


def break_each(tree, seeds, try_it):
    """In turn; try_it() says what went wrong, or None."""
    yield from unbroken(try_it())
    for seed in seeds:
        with tree.broken(seed):
            failed = try_it()
        yield Result("ok" if failed else "FAIL", f"{seed.where} {seed.what}: "
                     + (failed or "NOT CAUGHT"))


def failed_tests(out):
    """How a cmocka program failed: its first test, or its last words."""
    names = re.findall(r"\[  FAILED  \] (test_\w+)", out)
    began = re.findall(r"\[ RUN      \] (test_\w+)", out)
    if names:
        return names[0]
    return (began[-1] + " ended it" if began else out.strip()[-80:]) or "died"


def passed_tests(out):
    return int((re.findall(r"\[  PASSED  \] (\d+) test", out) or [0])[-1])
