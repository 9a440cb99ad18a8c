# SPDX-License-Identifier: BSD-2-Clause
"""Attacks by other users and processes: unit/test_security.c, security.sh."""

import os

from common import (Built, Result, Row, Tree, break_each, call, failed_tests,
                    passed_tests, seeded)


def attack(tree, variant="unit"):
    """What went wrong, or None; and the program's output."""
    program = tree.program(f"{variant}/test_security")
    status, out = call([program], "security", 300)
    return (failed_tests(out) if status else None), out


def attack_command(tree):
    tree.make(tree.build + "/mbx", tree.build + "/e2e/environment")
    env = dict(os.environ, BUILD=tree.build)
    status, out = call(["tests/security.sh"], "security", 300, env=env)
    last = out.strip().split("\n")[-1]
    return (last if status else None), last


def run(size):
    if size == "quick":  # tests/run has just run them
        return
    tree = Built()
    for variant in ("unit", "asan"):
        failed, out = attack(tree, variant)
        yield Result("FAIL" if failed else "ok", failed or
                     f"{passed_tests(out)} tests of attacks on the library "
                     f"({variant})" + ("" if os.geteuid() == 0 else
                                       "; not root, so of one user only"))
    failed, out = attack_command(tree)
    yield Result("FAIL" if failed else "ok", f"the command: {failed or out}")


FILE, REGION, BELL = ("linux/region_file.c", "linux/region.c",
                      "linux/doorbell.c")
LIBRARY = [seeded(*case) for case in [
    (FILE, "O_CREAT | O_EXCL", "O_CREAT"),
    (FILE, "O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK", "O_CLOEXEC | O_NOFOLLOW"),
    (FILE, "!S_ISREG(st.st_mode)", "0"),
    (FILE, "fchmod(fd, 0600) == 0 &&", ""),
    (FILE, "st->st_uid != geteuid() && st->st_uid != 0", "0"),
    (FILE, "st->st_mode & S_IWOTH", "0"),
    (FILE, "st->st_nlink > 1", "0"),
    (FILE, "if (n > MBX_MAX_REGION)", "if (0)"),
    (FILE, "if (*bytes >= sizeof(struct mbx_super))", "if (1)"),
    (FILE, "n > 0 && n < 250 && !s[1 + n]", "n > 0"),
    (REGION, "g && info->si_code != BUS_ADRALN", "0"),
    (REGION, "(uint64_t)st.st_size >= end)", "1)"),
    (REGION, "l.l_type != F_RDLCK", "1"),
    (REGION, "fault || before.sa_handler == SIG_DFL", "0"),
    ("linux/region_phys.c", "O_RDWR | O_CREAT | O_NOFOLLOW",
     "O_RDWR | O_CREAT"),
    ("linux/hardware.c", "how | O_CLOEXEC, 0600", "how | O_CLOEXEC, 0666"),
    ("linux/mbx.c", "err = close_down(m);", "err = 0;"),
    ("linux/mbx.c", "mbx_region_check(&m->region) ||", ""),
    (REGION, "if (!(r->flags & MBX_REGION_READ))", ""),
    (BELL, "&& ++i < DRAINS", ""),
    (BELL, "if (!b->breaks)", "if (1)"),
]]
COMMAND = [seeded(*case) for case in [
    ("linux/cmd/main.c", "getauxval(AT_SECURE)", "0"),
    (REGION, "secure_getenv", "getenv"),
    ("linux/mbx.c", "secure_getenv", "getenv"),
    ("linux/hardware.c", "secure_getenv", "getenv"),
]]


def seeds(_size):
    tree = Tree("security")
    yield from break_each(tree, LIBRARY, lambda: attack(tree)[0])
    yield from break_each(tree, COMMAND, lambda: attack_command(tree)[0])


ROWS = [Row("security", "other users and processes", run, seeds)]
