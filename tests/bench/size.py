# SPDX-License-Identifier: BSD-2-Clause
"""What mbx takes of a core's memory: text, rodata, data, bss, stack, RAM."""
import os
import re

from cross import CROSS, HERE, run

SECTIONS = ("text", "rodata", "data", "bss")
# What GCC does not know: bytes that functions in assembly push.
PUSHED = {"mbx_copy_words": 5 * 4}
# What programs of the benchmarks leave to the linker, at addresses that matter
# to nobody.
OPEN = ("region buf result now tx rx mbx state log wish config record caller "
        "server request").split()


def sections(path):
    """Bytes by kind of section."""
    found = dict.fromkeys(SECTIONS, 0)
    for line in run(CROSS + "size", "-A", path).splitlines():
        words = line.split()
        kind = re.match(r"\.(text|rodata|data|bss)\b", words[0]) if words else None
        if kind and len(words) == 3:
            found[kind.group(1)] += int(words[1])
    return found


def user_text(build, library, source, *flags):
    """Text and constants that a program adds to one that does nothing.

    Returns that, and the library's share of it: without the program's main().
    """
    def linked(name, objects):
        elf = build.link(name, objects, "-Wl,-emain",
                         *[f"-Wl,--defsym={n}=0x{0x20000000 + 0x1000 * i:x}"
                           for i, n in enumerate(OPEN)])
        found = sections(elf)
        return found["text"] + found["rodata"]

    minimal = os.path.join(HERE, "minimal.c")
    nothing = build.compile(minimal, "-DNOTHING")
    user = build.compile(os.path.join(HERE, source), *flags)
    whole = (linked(source[:-2], [user, *library.values()])
             - linked("nothing", [nothing]))
    own = sections(user)
    return whole, whole - own["text"] - own["rodata"]


def stack(objects):
    """The deepest chain of calls that begins in each public function."""
    own, calls = {}, {}
    for obj in objects:
        with open(obj[:-2] + ".ci") as f:
            text = f.read()
        for title, tail in re.findall(
                r'node: \{ title: "([^"]*)" label: "[^"]*?\\n(\d+) bytes', text):
            own[title] = int(tail) or PUSHED.get(title, 0)
        for caller, callee in re.findall(
                r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', text):
            calls.setdefault(caller, set()).add(callee)

    def depth(name, path=()):
        if name in path:
            return 0  # a call in return position: a jump
        below = [depth(c, path + (name,)) for c in calls.get(name, ())]
        return own.get(name, 0) + max(below, default=0)

    return {name: depth(name) for name in own if ":" not in name}


def ram(build):
    """Sizes of the private structs, from the compiler."""
    obj = build.compile(os.path.join(HERE, "structs.c"))
    sizes = {}
    for line in run(CROSS + "nm", "-S", obj).splitlines():
        _, size, _, name = line.split()
        sizes[name[len("size_of_"):]] = int(size, 16)
    return sizes


def measure(build, figures):
    library = build.library()
    total = 0
    for part, obj in library.items():
        for kind, n in sections(obj).items():
            if n or kind == "text":
                figures.add(build.suite, part, 0, kind, n, "B")
            if part != "err":
                total += n
    figures.add(build.suite, "all parts but err", 0, "text", total, "B")
    for name, *program in (
            ("queue user", "minimal.c"),
            ("queue, link user", "whole.c", "-DSLOTS=0"),
            ("queue, state, log, link user", "whole.c"),
            ("queue, state, log, call, link user", "whole.c", "-DCALLS=1")):
        text, of_library = user_text(build, library, *program)
        figures.add(build.suite, name, 0, "text", text, "B")
        figures.add(build.suite, name, 0, "text of mbx", of_library, "B")
    deepest = stack(library.values())
    for part in ("mbx_tx_send", "mbx_rx_recv"):
        figures.add(build.suite, part, 0, "stack", deepest[part], "B")
    figures.add(build.suite, "any function", 0, "stack", max(deepest.values()),
                "B")
    private = ram(build)
    for name in sorted(set(private) - {"ring", "ring0"}):
        n = private[name]
        figures.add(build.suite, f"struct {name}", 0, "RAM", n, "B")
    # all that is not payload; the blocks are LAYOUT.md's, ends are one side's
    ends = private["mbx_tx"] + private["mbx_rx"]
    for where, ring in ("offset 0", "ring0"), ("any offset", "ring"):
        shared = 2 * (private[ring] + 8 + 12) - 2 * 8 * 64
        name = f"8 x 64 B both ways, from {where}"
        figures.add(build.suite, name, 0, "shared RAM", shared, "B")
        figures.add(build.suite, name, 0, "RAM, ends too", shared + ends, "B")
