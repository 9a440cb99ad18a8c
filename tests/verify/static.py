# SPDX-License-Identifier: BSD-2-Clause
"""Accessors only: in the sources, in the object code, and on the processor. And
what the accessors' orders are made of."""

import glob
import os
import platform
import re

from common import (BUILD, HEADERS, ROOT, SOURCES, Result, Row, call,
                    common_with, must, seeded, tool, unbroken, weakened)

FLAGS = ["-std=gnu11", "-fno-delete-null-pointer-checks", "-Icommon"]
CORES = [("gcc", "objdump", []),
         ("arm-none-eabi-gcc", "arm-none-eabi-objdump",
          ["-mcpu=cortex-m3", "-mthumb", "-ffreestanding"]),
         ("arm-none-eabi-gcc", "arm-none-eabi-objdump",
          ["-mcpu=cortex-r5", "-mthumb", "-ffreestanding"]),
         ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump", [])]
# It copies the configuration, and touches no shared memory.
MAY_CALL = {"mbx_link_init"}
COPIES = re.compile(r"<?(mem(?:cpy|move|set))\b")

# Instructions of object code: load, store, acquire, release, full barrier
LETTERS = re.compile(r"\t(?:(?P<F>dmb\s+sy|mfence|lock )|(?P<A>ldap?r\b)|"
                     r"(?P<R>stlr\b)|(?P<L>ldr|(?:mov|add)\s+\()|"
                     r"(?P<S>str|mov\w*\s+[^(]*,\())")
# What orders.c is to be on each kind of core
ARM = {"acquire": "LLFL", "release": "SFSS", "stores": "SFS", "loads": "LFL",
       "all": "SFL", "masked": "SSS"}
ARM64 = {**ARM, "acquire": "LAL", "release": "SRS", "masked": "S"}
X86 = {**ARM64, "acquire": "LLL", "release": "SSS", "stores": "SS",
       "loads": "LL"}
KINDS = {"gcc": {"x86_64": X86, "aarch64": ARM64}.get(platform.machine(), {}),
         "arm-none-eabi-gcc": ARM, "aarch64-linux-gnu-gcc": ARM64}


def replaced(sources, seed):
    if not seed:
        return sources
    path = seed.write(os.path.join(BUILD, "seeds", "static"))
    return [path if os.path.basename(s) == seed.file else s for s in sources]


def noderef(seed=None):
    """A dereference of a shared pointer, or one that loses the mark."""
    sources = replaced(SOURCES, seed)
    apps = [] if seed else glob.glob(os.path.join(ROOT, "firmware/apps/*/*.c"))
    found = []
    base = must(["gcc", "-print-file-name="], "static").strip()
    for source in sources + apps:
        status, out = call(["sparse", "-gcc-base-dir", base, "-D_GNU_SOURCE",
                            *FLAGS, "-Ifirmware", "-Ifirmware/boards/linux",
                            "-Wno-non-pointer-null", source], "sparse")
        found += [line for line in out.splitlines()
                  if re.search("noderef|address space", line)
                  and "duplicate" not in line]
        if status:  # it did not get to the end
            found.append(f"sparse ends with {status}: "
                         + (out.splitlines() or [source])[-1])
    return found, f"{len(sources + apps)} files"


def copies(seed=None):
    """A call of memcpy and its like by a function that it isn't meant for."""
    found, objects = [], 0
    out_file = os.path.join(BUILD, "static.o")
    for compiler, objdump, flags in CORES:
        if not tool(compiler):
            continue
        for source in replaced(SOURCES, seed):
            for optimize in ("-Os", "-O2"):
                must([compiler, *FLAGS, *flags, optimize, "-c", source, "-o",
                      out_file], "static")
                objects += 1
                function = "?"
                for line in must([objdump, "-dr", out_file],
                                 "static").splitlines():
                    m = re.match(r"[0-9a-f]+ <(.*)>:", line)
                    if m:
                        function = m.group(1).split(".")[0]
                    m = COPIES.search(line)
                    if m and function not in MAY_CALL:
                        found.append(f"{compiler} {optimize} "
                                     f"{os.path.basename(source)}: "
                                     f"{function} calls {m.group(1)}")
    return found, f"{objects} objects"


def orders(seed=None):
    """An order that is not in the object code."""
    where = os.path.join(BUILD, "seeds", "static")
    return orders_with(common_with(seed, where) if seed else "common", BUILD)


def orders_with(common, where):
    found, kept = [], 0
    out_file = os.path.join(where, "orders.o")
    for compiler, objdump, flags in CORES:
        if not tool(compiler):
            continue
        for optimize in ("-Os", "-O2"):
            must([compiler, f"-I{common}", *FLAGS, *flags, optimize, "-c",
                  "tests/verify/orders.c", "-o", out_file], "static")
            code = must([objdump, "-d", "--no-show-raw-insn", out_file],
                        "static")
            for function, want in KINDS[compiler].items():
                body = re.search(rf"<{function}>:\n(.*?)(\n\n|$)", code, re.S)
                is_now = "".join(m.lastgroup for m in
                                 LETTERS.finditer(body.group(1)))
                kept += is_now == want
                if is_now != want:
                    found.append(f"{' '.join([compiler, *flags[:1]])} "
                                 f"{optimize}: {function}: {is_now} instead "
                                 f"of {want}")
    looked = found or kept
    return found if looked else None, f"{kept} orders"


def header_orders():
    """Each order that a header makes, forgotten: where all the compilers are
    that between them compile it."""
    return weakened(HEADERS) if platform.machine() == "x86_64" and all(
        tool(compiler) for compiler, *_ in CORES) else ()


def aligned(seed=None):
    """Runs under x86's alignment check."""
    if platform.machine() != "x86_64":
        return None, "an x86 feature"
    program = os.path.join(BUILD, "aligned")
    # vector moves of private structs are checked as well, and need not pass
    must(["gcc", *FLAGS, "-O2", "-mgeneral-regs-only", "-o", program, "tests/verify/aligned.c",
          *replaced(SOURCES, seed)], "static")
    status, out = call([program], "aligned")
    return ([f"exit status {status} {out}"] if status else []), out.strip()


CHECKS = [("sparse, noderef", noderef, "sparse"),
          ("no memcpy in object code", copies, "objdump"),
          ("orders in object code", orders, "objdump"),
          ("alignment check of x86", aligned, "gcc")]


def run(_size):
    for name, check, needs in CHECKS:
        if not tool(needs):
            yield Result("SKIP", f"{name}: no {needs}")
            continue
        found, what = check()
        if found is None:
            yield Result("SKIP", f"{name}: {what}")
        else:
            yield Result("FAIL" if found else "ok",
                         f"{name}: {what}; " + (found or ["nothing found"])[0])


SEEDS = [(check, seeded(*case)) for check, *case in [
    (noderef, "slots.c", "mbx_ld_acquire(mbx_word_at(at->ctl, END))",
     "mbx_word_at(at->ctl, END)->raw"),
    (noderef, "slots.c", "#include <mbx/slots.h>", "#include <mbx/slot.h>"),
    (copies, "copy.c", "	if (way == MBX_COPY_IN)",
     "	__builtin_memcpy(to, from, bytes);\n	if (way == MBX_COPY_IN)"),
    (aligned, "copy.c", "	mbx_words_in(to, from, bytes & 15u);",
     "	*(volatile uint64_t *)((uintptr_t)to | 4) = 0;"),
]] + [(orders, seed) for seed in header_orders()]


def seeds(_size):
    for name, check, _ in CHECKS:
        found, _ = check()
        yield from unbroken(found and f"{name}: {found[0]}")
    for check, seed in SEEDS:
        found, _ = check(seed)
        if found is None:
            yield Result("SKIP", f"{seed.where} {seed.what}: cannot be tried "
                         "here")
        else:
            yield Result("ok" if found else "FAIL", f"{seed.where} "
                         f"{seed.what}: " + (found or ["NOT CAUGHT"])[0])


ROWS = [Row("accessors", "accessors only", run, seeds)]
