# SPDX-License-Identifier: BSD-2-Clause
"""The builds that deterministic figures are taken of: cores, flags, linking."""
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
CROSS = os.environ.get("ARMCC", "arm-none-eabi-gcc")[: -len("gcc")]

# Flags, the machine of qemu-system-arm, how an image gets into it, and where its
# RAM is. The Cortex-R5 stands alone, with nothing but memory.
CORES = {
    "m3": ("-mcpu=cortex-m3 -mthumb", "-M mps2-an385", "-kernel {elf}", 0),
    "m33": ("-mcpu=cortex-m33 -mthumb", "-M mps2-an521", "-kernel {elf}",
            0x10000000),
    "r5": ("-mcpu=cortex-r5 -mthumb", "-M none -cpu cortex-r5 -m 1M",
           "-device loader,file={elf},cpu-num=0", 0x8000),
}
LEVELS = ("Os", "O2")
# As the Makefile's for firmware.
FLAGS = ("-std=gnu11 -fno-delete-null-pointer-checks -fno-common "
         "-ffreestanding -ffunction-sections -fdata-sections").split()


class Problem(Exception):
    """What a person should read instead of a traceback."""


def run(*command):
    """Output of a command; a Problem with what it said if it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError as error:
        raise Problem(f"{command[0]} is not installed (make setup)") from error
    if done.returncode:
        raise Problem(f"{' '.join(command)}\n{done.stdout.rstrip()}")
    return done.stdout


def version(compiler):
    """What a compiler's figures depend on, as it names itself."""
    return run(compiler, "--version").splitlines()[0]


def suites():
    return [f"{core}-{level}" for core in CORES for level in LEVELS]


class Build:
    """Objects of one core and level, from the common/ in @tree."""

    def __init__(self, suite, tree, out):
        self.suite, self.tree = suite, tree
        self.core, self.level = suite.split("-")
        self.dir = os.path.join(out, suite)
        os.makedirs(self.dir, exist_ok=True)

    def compile(self, source, *flags):
        cpu = CORES[self.core][0].split()
        name = os.path.basename(source)[:-2] + "".join(flags)
        obj = os.path.join(self.dir, re.sub(r"[^\w.-]", "", name) + ".o")
        run(CROSS + "gcc", *FLAGS, "-" + self.level, *cpu, *flags,
            "-fcallgraph-info=su", "-I" + os.path.join(self.tree, "common"),
            "-I" + HERE, "-c", source, "-o", obj)
        return obj

    def library(self):
        """Name of the part -> object, for each file of common/."""
        folder = os.path.join(self.tree, "common")
        return {name[:-2]: self.compile(os.path.join(folder, name))
                for name in sorted(os.listdir(folder)) if name.endswith(".c")}

    def link(self, name, objects, *flags):
        """An image; memcpy and its kin come from firmware/, if needed."""
        libc = os.path.join(HERE, "../../firmware/freestanding.c")
        elf = os.path.join(self.dir, name + ".elf")
        run(CROSS + "gcc", *CORES[self.core][0].split(), "-nostdlib",
            "-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments",
            *flags, "-o", elf, *objects, self.compile(libc), "-lgcc")
        return elf

    def bare(self, name, objects, *flags):
        """An image of objects, bare.c's among them, and the library."""
        base = CORES[self.core][3]
        return self.link(name, objects + list(self.library().values()),
                         "-T", os.path.join(HERE, "bare.ld"),
                         f"-Wl,--defsym=base=0x{base:x}", *flags)

    def emulate(self, elf, *options):
        """The command that runs an image until it ends."""
        _, machine, load, _ = CORES[self.core]
        return ["timeout", "600", "qemu-system-arm", *machine.split(),
                "-display", "none", "-monitor", "none", "-serial", "null",
                *options, *(part.format(elf=elf) for part in load.split())]

    def symbols(self, elf):
        """Name -> address."""
        return {line.split()[2]: int(line.split()[0], 16)
                for line in run(CROSS + "nm", elf).splitlines()
                if len(line.split()) == 3}
