#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hold LAYOUT.md's tables to what compilers made of the structs.

usage: compare.py LAYOUT.md layout.h FACTS...

FACTS are the contents of fields.c's section, one file a compiler. Tables that
count in LAYOUT.md: those below a heading that names one struct and its size,
"struct mbx_x (N bytes)", with the columns offset, size, field; and every
table row whose first two cells are a number and an MBX_ name.
"""
import re
import struct
import sys

RECORD = struct.Struct("<16s24sII")


def text(raw):
    return raw.split(b"\0")[0].decode()


def load_facts(path):
    raw = open(path, "rb").read()
    if not raw or len(raw) % RECORD.size:
        sys.exit(f"layout: {path} holds {len(raw)} bytes, no whole records")
    facts = {}
    for owner, name, value, size in RECORD.iter_unpack(raw):
        key = (text(owner), text(name))
        if key in facts:
            sys.exit(f"layout: fields.c lists {key} twice")
        facts[key] = (value, size)
    return facts


def number(cell):
    return int(cell, 0) if re.fullmatch(r"0x[0-9a-f]+|[0-9]+", cell) else None


def load_tables(path):
    """The same kind of dictionary from the document."""
    facts, owner, errors = {}, None, []

    def add(key, value):
        if key in facts:
            errors.append(f"{path}:{n}: {key[0]} {key[1]} stands there twice")
        facts[key] = value

    for n, line in enumerate(open(path), 1):
        if line.startswith("#"):
            m = re.search(r"`struct (mbx_\w+)` \((\d+) bytes\)", line)
            owner = m and m[1]
            if m:
                add((owner, ""), (0, int(m[2])))
        if not line.startswith("|"):
            continue
        cells = [c.strip().strip("`") for c in line.strip().strip("|").split("|")]
        if len(cells) < 2 or number(cells[0]) is None:
            continue
        if re.fullmatch(r"MBX_[A-Z0-9_]+", cells[1]):
            add(("", cells[1]), (number(cells[0]), 0))
        elif owner:
            if len(cells) != 5 or number(cells[1]) is None:
                errors.append(f"{path}:{n}: not offset, size, field, writer, "
                              "meaning")
                continue
            field = re.sub(r"\[\d+\]$", "", cells[2])
            add((owner, field), (number(cells[0]), number(cells[1])))
    return facts, errors


def show(key, fact):
    if fact is None:
        return "nothing"
    if not key[0]:
        return f"{fact[0]:#x}"
    return f"offset {fact[0]}, {fact[1]} bytes" if key[1] else f"{fact[1]} bytes"


def compare(what_a, a, what_b, b):
    return [f"{key[0]} {key[1]}".strip() + f": {what_a} has "
            f"{show(key, a.get(key))}, {what_b} {show(key, b.get(key))}"
            for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)]


def whole(facts):
    """The fields listed of a struct cover each byte of it, once."""
    errors = []
    for owner, name in facts:
        if not owner or name:
            continue
        at = 0
        for (o, f), (off, size) in sorted(facts.items(), key=lambda i: i[1]):
            if o != owner or not f:
                continue
            if off != at:
                errors.append(f"struct {o}: bytes {at}..{off} before {f} are "
                              "in no field that fields.c lists")
            at = off + size
        if at != facts[owner, ""][1]:
            errors.append(f"struct {owner}: fields.c lists {at} bytes of "
                          f"{facts[owner, ''][1]}")
    return errors


def in_header(path, facts):
    """Structs and constants that layout.h defines and fields.c forgot."""
    src = re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)
    structs = re.findall(r"^struct (mbx_\w+) \{", src, flags=re.M)
    names = re.findall(r"^#define (MBX_\w+)\s+\(?(?:0x|[0-9]|MBX_)", src, re.M)
    names += re.findall(r"^\s+(MBX_\w+) = ", src, flags=re.M)
    if not structs or not names:
        return [f"{path}: found no structs or no constants"]
    return [f"{path}: fields.c does not list {n}" for n in structs + names
            if (n, "") not in facts and ("", n) not in facts]


def main():
    doc, header, *compiled = sys.argv[1:]
    first = load_facts(compiled[0])
    errors = whole(first) + in_header(header, first)
    for other in compiled[1:]:
        errors += compare(compiled[0], first, other, load_facts(other))
    tables, doc_errors = load_tables(doc)
    errors += doc_errors + compare("LAYOUT.md", tables, "the compiler", first)
    for e in errors:
        print("layout:", e)
    if errors:
        sys.exit(1)
    structs = sum(1 for o, f in first if o and not f)
    fields = sum(1 for o, f in first if o and f)
    print(f"layout: {structs} structs, {fields} fields, "
          f"{len(first) - structs - fields} constants: LAYOUT.md and "
          f"{len(compiled)} builds agree")


main()
