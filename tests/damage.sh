#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/damage.sh
# Each word of a region's layout and control wrong in turn, by several values:
# dump shows it, the others refuse or do without, and nothing crashes or hangs.
# timeout: 400
set -u

. tests/cmd/common.sh

saved=$tmp/saved
run create "file:$saved" 'queue:up:h2r:16x4:u32 a' 'queue:idle:h2r:12x2' \
    'state:goal:h2r:8x2:u32 a, u32 b' 'log:lines:h2r:12x4' \
    'call:ask:h2r:12x12x2:u8 n -> u8 m' || fail "create: $(cat "$tmp/err")"
remote recv idle -r "file:$saved" # is there, but takes nothing of these
for n in 1 2 3; do
    expect 0 '' send up -r "file:$saved" -t 10000 $n
done
run call ask -r "file:$saved" -t 100 7 # nobody answers it
kill "$last"
wait "$last"
expect 0 '' set goal -r "file:$saved" 1 2
python3 - "$mbx" "$tmp" <<'END' || fail "see above"
import json, subprocess, sys

mbx, tmp = sys.argv[1:]
region = open(tmp + "/saved", "rb").read()
bad = tmp + "/bad"


def word(off):
    return int.from_bytes(region[off:off + 4], "little")


def run(*args):
    done = subprocess.run([mbx, *args, "-r", "file:" + bad], timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert 0 <= done.returncode <= 4, (args, where, done)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def sealed(data):
    """With the superblock's check made good, as an attacker would."""
    h = 0x811c9dc5
    for byte in data[4:60]:
        h = (h ^ byte) * 0x01000193 & 0xffffffff
    return data[:60] + h.to_bytes(4, "little") + data[64:]


def decoded():
    open(bad, "wb").write(region)
    return json.loads(subprocess.run(
        [mbx, "dump", "--json", "-r", "file:" + bad],
        stdout=subprocess.PIPE).stdout)


where = None
assert decoded()["problems"] == []
# the superblock, the directory, the texts; either side's block; the blocks and
# first words of each ring
words = list(range(0, word(48 - 4) + 64, 4))
for section in (word(32), word(36)):
    words += range(section, section + 64, 4)
for off in range(64, 64 + 64 * word(20), 64):
    for stream in (32, 48):
        for at in (word(off + stream + 8), word(off + stream + 12)):
            words += [w for w in range(at, at + 96, 4) if at]
words = sorted(w for w in set(words) if w + 4 <= len(region))
tried = refused = 0
looks = [("info", "-t", "0"), ("stat",), ("stat", "--json"),
         ("get", "goal", "-t", "0"), ("log", "lines", "-t", "0"),
         ("doctor", "-t", "0"), ("info", "-t", "0", "--json"),
         ("dump", "--all")]
for w in words:
    was = word(w)
    for n, value in enumerate({0, was ^ 1, was + 4, 1 << 20,
                               0xffffffff} - {was}):
        where = f"word {w:#x}: {was:#x} -> {value:#x}"
        data = (region[:w] + (value & 0xffffffff).to_bytes(4, "little")
                + region[w + 4:])
        open(bad, "wb").write(sealed(data) if w < 60 and n % 2 else data)
        status, out, err = run("dump", *(["--json"] if n % 2 else []))
        if n % 2:
            shown = json.loads(out)
            assert status == (1 if shown["problems"] else 0), (where, shown)
        status, out, err = run(*looks[(w // 4 + n) % len(looks)])
        assert status == 0 or out or err.startswith("mbx: "), (where, err)
        refused += status != 0
        tried += 1
print(f"{tried} wrong words in {len(words)} places, {refused} refused")
assert refused > tried // 8
END
echo "all well"
