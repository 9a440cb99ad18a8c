#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A third implementation: the golden region, computed and read from the rules
in common/LAYOUT.md alone, sharing no line with common/.

usage: third.py region.hex
"""
import struct
import sys

QUEUE, STATE, LOG, CALL = 1, 2, 3, 4
HOST, REMOTE = 0, 1
FAIL, DROP, BLOCK, OVERWRITE = range(4)
MSG, PAD = 0xB6000000, 0xF6000000
WORD = 0xFFFFFFFF


def up(n, to):
    return (n + to - 1) // to * to


def ring(depth, largest):
    return (depth + 1) * (4 + up(largest, 4)) + 4


def slotted(slots, largest):
    return slots * (8 + up(largest, 4))


# name, kind, direction, full, slots, (max, bytes) fwd and back, type
CHANNELS = [
    ("cmd", QUEUE, HOST, BLOCK, 0, (20, ring(3, 20)), (0, 0),
     "u32 op, x8 data[]"),
    ("events", QUEUE, REMOTE, DROP, 0, (13, ring(2, 13)), (0, 0), ""),
    ("sensor", STATE, REMOTE, OVERWRITE, 2, (12, slotted(2, 12)), (0, 0),
     "u32 n, i16 v[3], x8 f, char u"),
    ("setpoint", STATE, HOST, OVERWRITE, 4, (5, slotted(4, 5)), (0, 0), ""),
    ("log", LOG, REMOTE, OVERWRITE, 4, (22, slotted(4, 22)), (0, 0),
     "char text[]"),
    ("rpc", CALL, HOST, FAIL, 0, (14, ring(2, 14)), (17, ring(2, 17)),
     "char q[] -> char a[]"),
]
REGION_BYTES, LINE, PAGE = 0x5C0, 16, 64


def fnv(data):
    h = 0x811C9DC5
    for b in data:
        h = (h ^ b) * 0x01000193 & WORD
    return h


def pack(*words):
    return struct.pack(f"<{len(words)}I", *words)


def text_of(kind):
    return b"" if not kind else kind.encode() + b"\0" * (up(len(kind) + 1, 4)
                                                          - len(kind))


class Layout:
    def __init__(self, align):
        texts = b"".join(text_of(c[-1]) for c in CHANNELS)
        self.text_off = 64 + 64 * len(CHANNELS)
        host = up(self.text_off + len(texts), align)
        end, _ = self.walk(host, host)
        self.section = [host, up(end[HOST], align)]
        self.align = align
        end, self.streams = self.walk(*self.section)
        self.end_off = end[REMOTE]
        self.directory, self.texts = self.entries(), texts

    def walk(self, host, remote):
        free = [host + up(64, LINE), remote + up(64, LINE)]
        streams = []
        for _, kind, direction, _, _, fwd, back, _ in CHANNELS:
            pair = []
            for (_, size), writer in ((fwd, direction), (back, 1 - direction)):
                if pair and kind != CALL:
                    pair.append((0, 0))
                    continue
                slots = kind in (STATE, LOG)
                data, read = free[writer], 0
                free[writer] += up(12 if slots else 8, LINE) + up(size, LINE)
                if not slots:
                    read = free[1 - writer]
                    free[1 - writer] += up(12, LINE)
                pair.append((data, read))
            streams.append(pair)
        return free, streams

    def entries(self):
        out, text = b"", self.text_off
        for c, ((fwd_at, fwd_read), (back_at, back_read)) in zip(CHANNELS,
                                                                 self.streams):
            name, kind, direction, full, slots, fwd, back, typ = c
            out += name.encode().ljust(16, b"\0")
            out += pack(kind | direction << 8 | full << 16, fnv(typ.encode()),
                        text if typ else 0, slots, *fwd, fwd_at, fwd_read,
                        *back, back_at, back_read)
            text += len(text_of(typ))
        return out

    def layout_hash(self):
        return fnv(pack(len(CHANNELS)) + self.directory)

    def head(self, instance, formatter):
        words = pack(0x00010000, REGION_BYTES, instance, self.layout_hash(),
                     len(CHANNELS), LINE, self.align, *self.section, 64,
                     self.text_off, self.end_off, formatter, 0)
        return (b"mbx1" + words + pack(fnv(words)) + self.directory
                + self.texts)


def payload(s, n):
    return bytes((16 * s + i) & 255 for i in range(n))


def same(what, got, want):
    if isinstance(want, bytes) and len(got) == len(want) and got != want:
        at = next(i for i in range(len(want)) if got[i] != want[i]) & ~3
        what += f", from its offset {at:#x}"
        got, want = got[at:at + 4], want[at:at + 4]
    if got != want:
        sys.exit(f"third.py: {what}: {got!r}, by LAYOUT.md {want!r}")


class Region:
    def __init__(self, data, layout):
        self.data, self.layout = data, layout

    def word(self, off):
        return struct.unpack_from("<I", self.data, off)[0]

    def waiting(self, index, back=0):
        """Messages from the read offset on, and the offset of the 0."""
        data_off, read_off = self.layout.streams[index][back]
        size = CHANNELS[index][5 + back][1]
        base = data_off + up(8, LINE)
        pos = self.word(read_off) & ~1
        found = []
        for _ in range(size // 4):
            h = self.word(base + pos)
            if h == 0:
                return found, pos
            if h == PAD + size - pos - 4 and pos:
                pos = 0
                continue
            n = h - MSG
            if not 0 <= n <= size - pos - 4 or pos + 4 + up(n, 4) >= size:
                sys.exit(f"third.py: impossible header {h:#x} at {pos}")
            found.append(self.data[base + pos + 4:base + pos + 4 + n])
            pos += 4 + up(n, 4)
        sys.exit("third.py: the headers go all the way round")

    def records(self, index):
        """(number, level, stamp, bytes) of each whole record, oldest first."""
        data_off = self.layout.streams[index][0][0]
        slots, largest = CHANNELS[index][4], CHANNELS[index][5][0]
        begin, end = self.word(data_off), self.word(data_off + 4)
        found = []
        for n in range(end - slots + 1, end + 1):
            at = (data_off + up(12, LINE)
                  + (n & WORD) % slots * (8 + up(largest, 4)))
            info = self.word(at + 4)
            if info and (begin - n) & WORD < slots:
                same("bits of info", info & 0xF0000000, 0x80000000)
                size = info & 0xFFFFFF
                found.append((n, info >> 24 & 15, self.word(at),
                              self.data[at + 8:at + 8 + size]))
        return found


def load(path):
    data = b""
    for line in open(path):
        off, words = line.split(":")
        same("offset", int(off, 16), len(data))
        data += pack(*(int(w, 16) for w in words.split()))
    same("size", len(data), REGION_BYTES)
    return data


def check_head(r):
    want = r.layout.head(instance=1, formatter=REMOTE)
    same("superblock, directory, texts", r.data[:len(want)], want)
    same("zeros behind the texts", r.data[len(want):r.layout.section[HOST]],
         bytes(r.layout.section[HOST] - len(want)))
    same("behind end_off", r.data[r.layout.end_off:],
         b"\x5a" * (REGION_BYTES - r.layout.end_off))
    for side, wakeup, boot, owner in ((HOST, 2, 0, 4321),
                                      (REMOTE, 1, 0xB007, 0)):
        w = [r.word(r.layout.section[side] + 4 * i) for i in range(16)]
        same("state, session, ack, beat", w[:4], [2, 1, 1, 3])
        same("instance ... code version", w[5:8],
             [1, r.layout.layout_hash(), 0x00010000])
        same("boot, wakeup, owner", w[8:11], [boot, wakeup, owner])
        same("reserved", w[11:], [0] * 5)


def check_queues(r):
    got, pos = r.waiting(0)
    same("cmd", got, [payload(4, 19), payload(5, 18), payload(6, 1), b""])
    same("cmd's write offset", pos, 36)
    tx, rx = r.layout.streams[0][0]
    same("cmd's rx block", [r.word(rx), r.word(rx + 4)], [56, 1])

    got, _ = r.waiting(1)
    same("events", got, [payload(1, 9), payload(2, 11), payload(3, 3),
                         payload(4, 13)])
    tx, rx = r.layout.streams[1][0]
    same("events: in hand", r.word(rx), 0 | 1)
    same("events: one dropped, wants room", r.word(tx), 1 << 1 | 1)


def check_slots(r):
    same("sensor", [(n, p) for n, _, _, p in r.records(2)],
         [(n, payload(n, 12)) for n in (4, 5)])
    same("setpoint", r.records(3), [])
    same("log", [(n, lv, p) for n, lv, _, p in r.records(4)],
         [(n, lv, payload(n, 16 + n))
          for n, lv in ((3, 6), (4, 7), (5, 6), (6, 3))])


def check_calls(r):
    session = r.word(r.layout.section[HOST] + 4)
    got, _ = r.waiting(5)
    same("requests", got, [pack((session * 0x9e3779b1 + 3) & WORD, 100) + payload(3, 1)])
    got, _ = r.waiting(5, back=1)
    same("replies", got, [pack((session * 0x9e3779b1 + 2) & WORD, -2 & WORD) + payload(2, 7)])


def main():
    layout = Layout(PAGE)
    if layout.end_off > REGION_BYTES:
        layout = Layout(LINE)
    r = Region(load(sys.argv[1]), layout)
    check_head(r)
    check_queues(r)
    check_slots(r)
    check_calls(r)
    print("third.py: by the rules of LAYOUT.md, the same region")


main()
