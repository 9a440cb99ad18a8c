#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Usage: BUILD=DIR tests/faults/faults.py [-v] [CASE...]

Each call of the C library that a command makes fails in turn, see faults.c:
first it is seen which calls there are, then the Nth of each is made to fail.
However it fails, the command ends by itself, says why in a line of its own,
leaves nothing behind, does not touch what it only reads, and leaves what it
writes such that the next try does it."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["BUILD"]
MBX = os.path.join(BUILD, "mbx")
SO = os.path.join(BUILD, "faults.so")
EXAMPLES = os.path.join(BUILD, "examples")
MOST = 24  # of one name in one case: more of the same tell nothing new

# How calls fail, other than by EIO. 0: "success", but nothing was done.
HOW = {
    "open": ["EACCES", "EMFILE"], "open64": ["EACCES", "EROFS", "ENOTDIR"],
    "shm_open": ["EACCES", "EINVAL", "EPERM"], "mkdtemp": ["EACCES"],
    "mmap": ["ENOMEM"], "mmap64": ["ENOMEM", "EPERM", "EBUSY", "EINVAL"],
    "ftruncate64": ["ENOSPC"], "ftruncate": ["ENOSPC"],
    "malloc": ["ENOMEM"], "calloc": ["ENOMEM"], "strdup": ["ENOMEM"],
    "strndup": ["ENOMEM"], "asprintf": ["ENOMEM"], "fork": ["EAGAIN"],
    "open_memstream": ["ENOMEM"], "pthread_create": ["EAGAIN"],
    "posix_spawn": ["EAGAIN"], "read": ["EIO", "EINTR"],
    "write": ["EIO", "EINTR", "ENOSPC"], "poll": ["EINTR", "EINVAL"],
    "ppoll": ["EINTR", "EINVAL"], "waitpid": ["EINTR", "ECHILD"],
    "connect": ["ECONNREFUSED", "EAGAIN"], "usleep": ["EINTR"],
    "send": ["EPIPE", "EAGAIN"], "recv": ["ECONNRESET", "EAGAIN", "EINTR"],
    "setresuid": ["EPERM", 0], "setresgid": ["EPERM", 0],
    "setgroups": ["EPERM"], "prctl": ["EPERM", 0],
    "syscall": ["EPERM"], "getresuid": ["EIO"],
    "fcntl64": ["EAGAIN", "EBADF"], "fcntl": ["EAGAIN", "EBADF"],
}


class Case:
    """argv ends with @ends when nothing fails. writes: it may change the
    region. own_words: what is wrong is not said in a line of "mbx: "."""

    def __init__(self, name, argv, writes=False, env=None, own_words=False,
                 ends=0):
        self.name, self.argv, self.writes = name, argv, writes
        self.env, self.own_words, self.ends = env or {}, own_words, ends


class World:
    """A folder with a region, a board's root, and a live demo."""

    CHANNELS = ["queue:up:h2r:64x4", "queue:down:r2h:64x4",
                "state:wanted:h2r:8x2", "log:lines:h2r:40x8",
                "call:ask:h2r:16x16x2"]

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mbx-faults.")
        os.chmod(self.dir, 0o755)
        self.shm = f"/mbx-faults-{os.getpid()}"
        self.counter = f"{self.shm}-counter"
        with open("/dev/shm" + self.counter, "wb") as f:
            f.truncate(4)
        self.region = os.path.join(self.dir, "region")
        self.empty = os.path.join(self.dir, "empty")
        self.tmp = os.path.join(self.dir, "tmp")
        os.mkdir(self.tmp)
        self.env = dict(os.environ, TMPDIR=self.tmp)
        for name in ["MBX_REGION", "MBX_DOORBELL", "MBX_ROOT", "SUDO_UID"]:
            self.env.pop(name, None)
        self.mbx("create", "file:" + self.region, *self.CHANNELS)
        self.mbx("set", "-r", "file:" + self.region, "wanted", "12345678")
        with open(self.region, "rb") as f:
            self.pristine = f.read()
        with open(os.path.join(self.dir, "data"), "wb") as f:
            f.write(bytes(range(256)) * 20)
        self.make_root()
        self.sim = None

    def make_root(self):
        self.root = os.path.join(self.dir, "root")
        wide = (2,)
        for path, data in {
                "proc/iomem": b"00000000-3ecfffff : System RAM\n"
                              b"3ed00000-3edfffff : reserved\n",
                "proc/device-tree/model": b"ZynqMP ZCU102 Rev1.0\0",
                "proc/device-tree/compatible":
                    b"xlnx,zynqmp-zcu102-rev1.0\0xlnx,zynqmp\0",
                "proc/device-tree/reserved-memory/#address-cells": wide,
                "proc/device-tree/reserved-memory/#size-cells": wide,
                "proc/device-tree/reserved-memory/mbx@3ed00000/reg":
                    (0, 0x3ed00000, 0, 0x100000),
                "proc/device-tree/reserved-memory/mbx@3ed00000/no-map": b"",
                "sys/class/uio/uio0/name": b"mailbox\n",
                "sys/class/uio/uio0/event": b"41\n",
                "sys/class/uio/uio0/maps/map0/addr": b"0x3ed80000\n",
                "sys/class/uio/uio0/maps/map0/size": b"0x10000\n",
                "sys/class/uio/uio0/maps/map0/offset": b"0x0\n",
                "sys/class/remoteproc/remoteproc0/name": b"r5\n",
                "sys/class/remoteproc/remoteproc0/state": b"running\n",
                "sys/class/remoteproc/remoteproc0/firmware": b"fw.elf\n",
                f"boot/config-{os.uname().release}": b"CONFIG_DEVMEM=y\n",
                "dev/mem": 1 << 30, "dev/uio0": 1 << 16}.items():
            path = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                if isinstance(data, int):
                    f.truncate(data)
                elif isinstance(data, tuple):
                    f.write(b"".join(w.to_bytes(4, "big") for w in data))
                else:
                    f.write(data)
        for name in ["mem:0x3ed80000+64K", "uio:mailbox", "dt:mbx"]:
            self.mbx("create", name, "queue:up:h2r:64x8", MBX_ROOT=self.root)

    def start_demo(self):
        out = os.path.join(self.dir, "sim")
        with open(out, "w") as f:
            self.sim = subprocess.Popen(
                [MBX, "sim", "--board", "linux", "--fw",
                 os.path.join(BUILD, "host", "demo"), "--keep"],
                stdout=f, stdin=subprocess.DEVNULL,
                env=dict(self.env, TMPDIR=self.dir))
        until = time.monotonic() + 60
        while True:
            with open(out) as f:
                said = [line.strip().split(" ", 1)[1].split("=", 1)
                        for line in f if line.endswith("\n")]
            if len(said) >= 2:
                return {k: v.strip("'") for k, v in said}
            assert time.monotonic() < until and self.sim.poll() is None, said
            time.sleep(0.02)

    def mbx(self, *args, **env):
        done = subprocess.run([MBX, *args], env=dict(self.env, **env),
                              stdin=subprocess.DEVNULL, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, (args, done.stdout)

    def reset(self):
        shutil.rmtree(self.tmp)
        os.mkdir(self.tmp)
        with open(self.region, "wb") as f:
            f.write(self.pristine)
        with open(self.empty, "wb"):
            pass
        for name in [os.path.join(self.dir, "new"), "/dev/shm" + self.shm]:
            if os.path.exists(name):
                os.unlink(name)

    def left(self):
        return os.listdir(self.tmp)

    def close(self):
        if self.sim:
            self.sim.send_signal(signal.SIGTERM)
            self.sim.wait(60)
        self.reset()
        os.unlink("/dev/shm" + self.counter)
        shutil.rmtree(self.dir)


def cases(w):
    r = ["-r", "file:" + w.region]
    out = [
        Case("boards", [MBX, "boards"]),
        Case("boards-json", [MBX, "boards", "-j"]),
        Case("ls", [MBX, "ls"]),
        Case("info", [MBX, "info", "-t", "0", *r]),
        Case("info-json", [MBX, "info", "-t", "0", "-j", *r]),
        Case("stat", [MBX, "stat", *r]),
        Case("dump", [MBX, "dump", *r], own_words=True),
        Case("dump-json", [MBX, "dump", "-j", *r], own_words=True),
        Case("get", [MBX, "get", *r, "wanted"]),
        Case("log", [MBX, "log", *r, "lines"]),
        Case("doctor", [MBX, "doctor", "-t", "20", *r], True, own_words=True,
             ends=1),
        Case("send", [MBX, "send", *r, "-t", "0", "up", "hello"], True,
             ends=3),
        Case("send-poll", [MBX, "send", *r, "-t", "20", "up", "hello"], True,
             {"MBX_DOORBELL": "poll:1000"}, ends=3),
        Case("recv", [MBX, "recv", *r, "-t", "20", "down"], True, ends=3),
        Case("set", [MBX, "set", *r, "wanted", "abcdefgh"], True),
        Case("call", [MBX, "call", *r, "-t", "20", "ask", "hi"], True,
             ends=3),
        Case("create", [MBX, "create", "file:" + os.path.join(w.dir, "new"),
                        *w.CHANNELS], True),
        Case("create-shm", [MBX, "create", "shm:" + w.shm, *w.CHANNELS],
             True),
        Case("rm", [MBX, "rm", "file:" + w.region], True),
        Case("rm-empty", [MBX, "rm", "file:" + w.empty]),
        Case("sim", [MBX, "sim", "--board", "linux", "--region",
                     "shm:" + w.shm, "--fw", os.path.join(BUILD, "host", "echo"),
                     "--", "true"]),
    ]
    for name in ["mem:0x3ed80000+64K", "uio:mailbox", "dt:mbx"]:
        env = {"MBX_ROOT": w.root}
        kind = name.split(":")[0]
        out += [Case("info-" + kind, [MBX, "info", "-t", "0", "-r", name],
                     env=env),
                Case("doctor-" + kind,
                     [MBX, "doctor", "-t", "20", "-r", name], env=env,
                     own_words=True, ends=1)]
    out += [Case("doctor-board", [MBX, "doctor", "-t", "20"], env=env,
                 own_words=True),
            Case("info-as-caller", [MBX, "info", "-t", "0", "-r", name],
                 env=dict(env, SUDO_UID="1234", SUDO_GID="1234"))]
    for bell in ["futex", "poll:500", "eventfd:0,1"]:
        out.append(Case(f"user-{bell}", [os.path.join(BUILD, "faults-user"),
                                         "shm:" + w.shm, bell]))
    data = os.path.join(w.dir, "data")
    with open(os.path.join(w.dir, "short"), "w") as f:
        f.write("short")
    live = w.start_demo()
    for name, argv in {
            "cksum": ["cksum", "-t", "3000", data],
            "ping": ["ping", "-n", "2", "-t", "1000"],
            "call": ["call", "led", "1", "-t", "1000"],
            "send": ["send", "-t", "1000", "ping", "hello"],
            "recv": ["recv", "-n", "1", "-t", "50", "pong"],
            "get": ["get", "sensor", "-t", "1000"],
            "send-file": ["send", "ping", "-f", os.path.join(w.dir, "short")],
            "doctor": ["doctor", "-t", "20"]}.items():
        out.append(Case("live-" + name, [MBX, *argv], env=live,
                        own_words=name == "doctor"))
    for name, argv in {"cat_mmap": [data], "fork_shared": [],
                       "four_mappings": [],
                       "shm_counter_b": [w.counter]}.items():
        out.append(Case("example-" + name,
                        [os.path.join(EXAMPLES, name), *argv],
                        own_words=True))
    return out


def execute(w, case, **fault):
    """Exit status and what it said; a child that hangs is an error."""
    w.reset()
    env = dict(w.env, **case.env)
    if fault:
        env.update(fault, LD_PRELOAD=SO)
    child = subprocess.Popen(case.argv, env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = child.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return None, "", ""
    return (child.returncode, out.decode(errors="replace"),
            err.decode(errors="replace"))


def judge(w, case, status, out, err, name=None):
    """What is wrong with how it ended, @name having failed; None: nothing."""
    if status is None:
        return "it hangs"
    if status < 0:
        return f"it was ended by signal {-status}"
    lines = err.splitlines()
    if status and not case.own_words:
        if not lines:
            return f"status {status}, and not a word"
        if any(not line.startswith("mbx: ") for line in lines):
            return f"not its own words: {err}"
    if status and not out and not err:
        return f"status {status}, and not a word"
    if status > 4 and case.name != "sim":
        return f"status {status} means nothing"
    if w.left() and name != "unlink":
        return f"left in TMPDIR: {w.left()}"
    if (case.name == "sim" and name != "unlink"
            and os.path.exists("/dev/shm" + w.shm)):
        return "sim left its region"
    with open(w.region, "rb") if os.path.exists(w.region) else \
            open(os.devnull, "rb") as f:
        now = f.read()
    if not case.writes and now != w.pristine:
        return "the region was changed"
    if (status and case.name == "rm" and now != w.pristine
            and name != "fflush"):
        return "the region is damaged, not removed"
    return None


def look_behind(w, case, status, name):
    """What it left does no harm, and was made as a whole, or not at all. A
    result that could not be printed is there all the same."""
    if case.name.startswith("create"):
        path = (os.path.join(w.dir, "new") if case.name == "create" else
                "/dev/shm" + w.shm)
        if status and name != "fflush" and os.path.exists(path):
            return "what could not be created is there"
        return None
    if case.name == "rm" or not case.writes:
        return None
    done = subprocess.run([MBX, "dump", "-r", "file:" + w.region], env=w.env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        return f"the region is damaged: {done.stdout.decode()}"
    return None


def fail_each(w, case, say):
    """How many calls failed, and what was wrong then."""
    log = os.path.join(w.dir, "calls")
    if os.path.exists(log):
        os.unlink(log)
    status, out, err = execute(w, case, FAULT_LOG=log)
    wrong = judge(w, case, status, out, err)
    if status != case.ends:
        wrong = f"status {status}: {err}"
    if wrong:
        return 0, [f"{case.name}, nothing failing: {wrong}"]
    with open(log) as f:
        called = f.read().split()
    tried, bad = 0, []
    for name in sorted(set(called)):
        for n in range(1, min(called.count(name), MOST) + 1):
            for how in HOW.get(name, ["EIO"]):
                number = getattr(errno, how) if how else 0
                status, out, err = execute(w, case,
                                           FAULT=f"{name}:{n}:{number}")
                wrong = judge(w, case, status, out, err, name) or \
                    look_behind(w, case, status, name)
                tried += 1
                if wrong:
                    bad.append(f"{case.name}, {name} {n} fails by {how}: "
                               f"{wrong}")
                if say:
                    print(case.name, name, n, how, status, err.strip())
    return tried, bad


def main():
    args = sys.argv[1:]
    say = "-v" in args
    names = [a for a in args if a != "-v"]
    w = World()
    total, bad = 0, []
    try:
        for case in cases(w):
            if names and case.name not in names:
                continue
            start = time.monotonic()
            tried, wrong = fail_each(w, case, say)
            total += tried
            bad += wrong
            print(f"{case.name}: {tried} calls failed, "
                  f"{len(wrong)} of them badly, "
                  f"{time.monotonic() - start:.1f} s", flush=True)
            for line in wrong:
                print("  " + line, flush=True)
    finally:
        w.close()
    print(f"{total} failing calls, each survived" if not bad else
          f"FAIL: {len(bad)} of {total} failing calls")
    sys.exit(1 if bad else 0)


main()
