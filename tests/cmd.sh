#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/cmd.sh
# The command mbx on shared memory, saved files and firmware as a process: what
# it prints for people and for pipes, and what it says to every bad input.
set -u

. tests/cmd/common.sh

section help and usage
expect 2 'did you mean "boards"?' boads
expect 2 'no command "toaster"; "mbx --help"' toaster
run ls --help
grep -q '^usage: mbx ls \[OPTION\]...$' "$tmp/out" || fail "ls --help: $(head -n 1 "$tmp/out")"
run --help || fail "help"
grep -q '^  sim ' "$tmp/out" || fail "help does not list sim"
for command in ls info stat dump send recv call get set watch log ping cksum \
    create rm sim boards doctor; do
    expect 0 "usage: mbx $command" $command --help
    grep -q 'exit status: 0 done' "$tmp/out" || fail "$command: no exit status"
done
expect 0 "mbx 0." --version
expect 2 'see "mbx --help"'
expect 2 '-r in place of a command: options stand behind it' -r $region info
expect 2 'no command "nosuch"' nosuch
expect 2 'no option --nosuch; see "mbx info --help"' info --nosuch
expect 2 'no value after -r' info -r
expect 2 'no value after -n' recv -n
expect 2 'no value after -n' recv --count
expect 2 'one region at a time' doctor -r $region $region
MBX_REGION='' run doctor
[ $? -le 1 ] || fail "doctor of nothing: $(cat "$tmp/err")"
expect 2 'usage: mbx recv' recv
expect 2 '"superfluous" is one operand too many (see' info superfluous
expect 2 'too many; a region is named by -r' info shm:/pair
expect 2 'use -r NAME or set MBX_REGION, as in "mbx info -r shm:/board"' info
expect 2 'a side is "host" or "remote"' send c x -r $region --side left
expect 2 'expected a number from 0' recv c -r $region -t -1
expect 2 'expected a number from' ping -r $region -n 0

section regions that are none
expect 4 'No such file' info -r $region
expect 2 'as in shm:/board' info -r shm:noslash
expect 2 'nonsense' info -r nonsense
expect 4 'not a regular file' info -r file:/dev
mkfifo "$tmp/fifo"
expect 4 'not a regular file' info -r "file:$tmp/fifo"
expect 4 'not a regular file' info -r file:/dev/null
: >"$tmp/empty"
expect 4 'a region needs at least' info -r "file:$tmp/empty"
head -c 4096 /dev/zero >"$tmp/zeros"
expect 4 'not formatted yet' info -r "file:$tmp/zeros"
expect 1 'not formatted' dump -r "file:$tmp/zeros"
yes mbx | head -c 4096 >"$tmp/text"
expect 4 'not an mbx region' info -r "file:$tmp/text"
expect 1 'magic is 0xa78626d, expected 0x3178626d' dump -r "file:$tmp/text"
expect 4 '' rm "file:$tmp/text"
[ -e "$tmp/text" ] || fail "rm removed a file that is no region"

section create
bad() {
    expect 2 "$1" create $region "$2"
    [ ! -e "/dev/shm/$name" ] || fail "create $2 left a region"
}
bad 'a kind is queue, state, log or call' pipe:a:h2r:8x8
bad 'a kind is' ''
bad 'a kind is' queue-:a:h2r:8x8
bad 'a name is 1 to 15' queue
bad 'its sizes make no sense' queue:a:h2r
bad 'its sizes make no sense' queue:a:h2r:65536x60000
bad 'its sizes make no sense' call:a:h2r:16x65536x60000
bad 'no such type' queue:a:h2r:8x8:blockx
bad 'a name is 1 to 15' queue::h2r:8x8
bad 'a name is 1 to 15' queue:abcdefghijklmnop:h2r:8x8
bad 'a name is 1 to 15' 'queue:a b:h2r:8x8'
bad 'a direction is' queue:a:up:8x8
bad 'a direction is' queue:a
bad 'its sizes make no sense' queue:a:h2r:8
bad 'its sizes make no sense' queue:a:h2r:8x0
bad 'its sizes make no sense' queue:a:h2r:-8x8
bad 'its sizes make no sense' queue:a:h2r:8x8x8
bad 'its sizes make no sense' queue:a:h2r:99999999999x8
bad 'its sizes make no sense' queue:a:h2r:16000000x16000000
bad 'its sizes make no sense' state:a:h2r:8x3
bad 'its sizes make no sense' log:a:h2r:16000000x8388608
bad 'its sizes make no sense' call:a:h2r:8x8
bad 'no such type' 'queue:a:h2r:8x8:u31 a'
bad 'no such type' 'queue:a:h2r:8x8:wait'
bad 'needs a name' 'queue:a:h2r:8x8:u32'
bad 'expected [N] or []' 'queue:a:h2r:8x8:u32 a[0]'
bad 'only the last field' 'queue:a:h2r:8x8:u8 a[], u8 b'
bad 'longer than a message' 'queue:a:h2r:8x8:u32 a[3]'
bad 'longer than any message' 'queue:a:h2r:8x8:u64 a[16777200]'
bad 'not as long as' 'state:a:h2r:8x2:u32 a'
bad 'a log has no type' 'log:a:h2r:8x2:u32 a'
bad 'no such type' 'call:a:h2r:8x8x2:u32 a -> u31 b'
expect 2 'a full queue can fail, drop or block' create $region queue:a:h2r:8x2:blokc
expect 2 'a full queue can fail, drop or block' create $region 'queue:a:h2r:8x2:blokc:u32 op'
expect 2 'two channels are named "a"' create $region log:a:r2h:8x2 log:a:r2h:8x2
expect 2 'expected bytes from 64 to 1G' create $region log:a:r2h:8x2 -s 63
expect 2 'expected bytes from 64 to 1G' create $region log:a:r2h:8x2 -s 2G
expect 4 'need' create $region queue:a:h2r:1024x16 -s 4K
[ ! -e "/dev/shm/$name" ] || fail "a region too small was left"

run create $region --size 64K \
    'queue:commands:h2r:64x8:block:u32 op, i16 pair[2], char text[]' \
    'queue:plain:h2r:32x2:fail' 'queue:lossy:h2r:32x1:drop' \
    'queue:ping:h2r:64x4' 'queue:pong:r2h:64x4' \
    'state:temp:r2h:8x4:f32 celsius, x32 flags' 'state:goal:h2r:4x2:i32 v' \
    'log:log:r2h:96x8' 'call:led:h2r:4x4x2:u32 on -> u32 on' ||
    fail "create: $(cat "$tmp/err")"
[ "$(stat -c '%a %s' "/dev/shm/$name")" = "600 65536" ] || fail "mode or size"
expect 4 'exists' create $region log:a:r2h:8x2
export MBX_REGION=$region

section ls, info, stat
run ls || fail ls
odd="/dev/shm/$name-$(printf '\033[2J')"
cp "/dev/shm/$name" "$odd"
run ls || fail "ls with an odd name there"
rm "$odd"
grep -q "$(printf '\033')" "$tmp/out" && fail "ls: a name reaches the terminal raw"
grep -qF "$name-\\x1b[2J" "$tmp/out" || fail "ls: no odd name: $(cat "$tmp/out")"
run ls || fail ls
grep -q "^$region  *65536  *65536  *9 down  *down$" "$tmp/out" || fail "ls: $(cat "$tmp/out")"
json "[r for r in j if r['region'] == '$region'][0]['channels'] == 9" ls --json
expect 0 'call  h2r  4 -> 4 B' info
json 'len(j["channels"]) == 9 and j["bytes"] == 65536 and j["sides"]["host"]["state"] == "down"' info --json
json '[c["name"] for c in j["channels"]].count("led") == 2' stat --json
expect 0 'lossy' stat
timeout -s TERM 0.5 "$mbx" stat --watch --json >"$tmp/out"
head -n 1 "$tmp/out" | python3 -m json.tool >/dev/null || fail "stat --watch"

section wrong channels, kinds and directions
expect 2 'no channel "nosuch"; the region has: commands, plain, lossy' send nosuch x
expect 2 '"temp" is a state (r2h), not a queue; for it, there is "mbx get"' send temp 1
expect 2 'use "mbx send"' recv commands
expect 2 'use "mbx recv" (--side remote' send pong x
expect 2 '"pong" is a queue (r2h), not a call; for it, there is "mbx recv"' call pong
expect 2 'use "mbx get" or "mbx watch"' set temp 1 2
expect 2 'not a state; for it, there is "mbx call"' get led
expect 2 'not a log; for it, there is "mbx set", "mbx get"' log goal

expect 2 'for it, there is a server' send led x --side remote
expect 2 'mbx: --for 0: expected a number from 1' watch temp --for 0
expect 2 'mbx: -s 0: expected a number from 1' watch temp -s 0

section nobody there
expect 3 'the remote is not there: nothing heard of it within 50 ms' send plain x -t 50
expect 3 'the remote is not there' call led 1 -t 150
expect 3 'the remote is not there' ping -t 50
expect 3 'the remote is not there' recv pong -t 50
expect 3 'no value' get temp
[ "$("$mbx" info -t 0 --json | grep -c '"state": "down"')" -eq 2 ] ||
    fail "somebody is still attached"

section messages, as people type and read them
remote recv commands
expect 0 '' send commands op=3 pair=1,-2 hello world
done_well
[ "$(cat "$tmp/bg.out")" = 'op=3 pair=1,-2 text="hello world"' ] || fail "recv: $(cat "$tmp/bg.out")"
remote recv commands --json
expect 0 '' send commands text='a"b' 0x10 -1,32767
done_well
python3 -c 'import json, sys
j = json.load(sys.stdin)
assert j["fields"] == {"op": 16, "pair": [-1, 32767], "text": "a\"b"}, j' \
    <"$tmp/bg.out" || fail "recv --json"
remote recv commands --hex
expect 0 '' send commands --hex '01 02:03 ff' aa
done_well
[ "$(cat "$tmp/bg.out")" = 010203ffaa ] || fail "recv --hex: $(cat "$tmp/bg.out")"
remote recv commands
expect 0 '' send commands --hex 010203
done_well
[ "$(cat "$tmp/bg.out")" = '(cut short before "op") (3 bytes more: 010203)' ] ||
    fail "a short one: $(cat "$tmp/bg.out")"
remote recv plain
expect 0 '' send plain "$(printf 'a\033[31m\nb')"
done_well
[ "$(cat "$tmp/bg.out")" = 'hex 611b5b33316d0a62' ] || fail "escapes: $(cat "$tmp/bg.out")"
remote recv commands
expect 0 '' send commands 1 2,3 "$(printf 'a\033[31m\nb')"
done_well
[ "$(cat "$tmp/bg.out")" = 'op=1 pair=2,3 text="a\x1b[31m\nb"' ] ||
    fail "escapes in text: $(cat "$tmp/bg.out")"

section messages through pipes
head -c 32 "$mbx" >"$tmp/32"
remote recv plain --raw
"$mbx" send plain <"$tmp/32" || fail "send from stdin"
done_well
cmp "$tmp/32" "$tmp/bg.out" || fail "recv --raw"
remote recv plain --raw
expect 0 '' send plain --file "$tmp/32"
done_well
cmp "$tmp/32" "$tmp/bg.out" || fail "send --file"
remote recv plain -n 100
seq 100 | "$mbx" send plain --lines || fail "send --lines"
done_well
seq 100 | cmp - "$tmp/bg.out" || fail "recv -n 100"
remote recv commands --json -n 2
printf '1 2,3 a\n4 5,6 b\n' | "$mbx" send commands --lines || fail "send --lines"
done_well
[ "$(grep -c '"bytes"' "$tmp/bg.out")" -eq 2 ] || fail "one line a message"

section bad data
expect 2 '"x" is no u32 for field "op"; the channel carries "u32 op' send commands x 1,2 t
expect 2 '4294967296 is out of range for field "op", u32: 0 to 4294967295' send commands 4294967296 1,2 t
expect 2 '99999999999999999999999 is out of range' send commands 99999999999999999999999 1,2 t
expect 2 '-1 is out of range for field "op", u32: 0 to' send commands -1 1,2 t
expect 2 '32768 is out of range for field "pair", i16: -32768 to 32767' send commands 1 1,32768 t
expect 2 'has 2 elements, "1" has 1' send commands 1 1 t
expect 2 'no value for field "text"' send commands 1 1,2
expect 2 'given twice' send commands op=1 op=2 1,2 t
expect 2 'have at most 64' send commands 1 1,2 "$(head -c 57 /dev/zero | tr '\0' a)"
expect 2 'one value too many' set goal 1 2
expect 2 'is not hexadecimal' send commands --hex 0g
expect 2 'is not hexadecimal' send commands --hex 012
expect 2 'the channel takes 32' send plain --hex "$(head -c 66 /dev/zero | tr '\0' 0)"
expect 1 'is longer than a message of the channel, 32 bytes' send plain --file "$mbx"
head -c 33 "$mbx" | "$mbx" send plain 2>"$tmp/err"
grep -q '^mbx: standard input is longer than a message' "$tmp/err" || fail "send: $(cat "$tmp/err")"
expect 1 'No such file' send plain --file "$tmp/nosuch"
expect 1 'Is a directory' send plain --file "$tmp"
expect 2 'either --file or data' send plain --file "$tmp/32" x
expect 2 '--lines takes standard input' send plain --lines x
{ printf '1 1,2'; yes ' a' | head -n 100000 | tr -d '\n'; } >"$tmp/words"
"$mbx" send commands --lines <"$tmp/words" 2>"$tmp/err"
grep -q 'have at most 64' "$tmp/err" || fail "100,000 words: $(cat "$tmp/err")"

section full
in_background recv lossy --side remote -n 1 -t 10000
expect 0 '' send lossy first
done_well
remote recv ping # is there, but takes nothing of these
expect 0 '' send plain 1 -t 10000
expect 0 '' send plain 2
# told CHANNEL TEXT: a send into it says so
told() {
    "$mbx" send "$1" x -t 1000 2>"$tmp/err"
    grep -q "$2" "$tmp/err"
}
until_true told plain '^mbx: plain: full, and the remote made no room within 1000 ms'
until_true told lossy '^mbx: lossy: full, and the channel drops what finds no room'
json '[c["full"] for c in j["channels"] if c["name"] == "lossy"][0] >= 1' stat --json
# interrupted while they wait for room, or for a reply
yes | timeout -s INT --preserve-status 0.5 "$mbx" send plain --lines -t 20000
[ $? -eq 130 ] || fail "send --lines: interrupted"
timeout -s INT --preserve-status 0.5 "$mbx" call led 1 -t 20000
[ $? -eq 130 ] || fail "call: interrupted"
kill -9 "$last"
wait "$last" 2>/dev/null
expect 0 '(gone)' info -t 0
expect 0 ', gone)' ls
# a server that goes with a request in its hands
run create "file:$tmp/served" call:ask:h2r:4x4x2 queue:up:h2r:8x2 || fail "create: $(cat "$tmp/err")"
remote recv up -r "file:$tmp/served"
server=$last
in_background call ask hi -t 20000 -r "file:$tmp/served"
waits() {
    "$mbx" stat -r "file:$tmp/served" | grep -q '^ask > .*/[0-9]*  *1 '
}
until_true waits
kill $server
wait $last
[ $? -eq 3 ] || fail "call: $(cat "$tmp/bg.err")"
grep -q '^mbx: .*the peer went away during the call' "$tmp/bg.err" || fail "call: $(cat "$tmp/bg.err")"

section states and the log
expect 0 '' set temp 1.5 0xff --side remote
prints 'celsius=1.5 flags=0x000000ff' get temp
json 'j["number"] == 1 and j["fields"]["celsius"] == 1.5' get temp --json
prints 0000c03fff000000 get temp --hex
expect 2 'a value has 4 bytes, not 1' set goal --hex 00
expect 0 '' set goal -5
prints 'v=-5' get goal
expect 0 '' set temp nan 0 --side remote
json 'j["fields"]["celsius"] == "nan"' get temp --json
in_background watch temp --for 20
until_true grep -q '#2, 0 missed' "$tmp/bg.out"
expect 0 '' set temp 2 0 --side remote
until_true grep -q 'celsius=2 .*#3, 0 missed' "$tmp/bg.out"
kill "$last"
wait "$last"
expect 0 '' log
expect 2 'a level is error' log --level loud

section ping with replies that are wrong or lost
wrong_reply() {
    "$mbx" recv ping --side remote --raw -t 10000 >/dev/null &&
        "$mbx" send pong "$1" --side remote -t 10000
}
wrong_reply "not what was sent." &
pids="$pids $!"
expect 1 'wrong reply to message 0: 18 bytes, expected 16' ping -n 1 -t 10000
wait $!
remote recv ping
run ping -n 1 -t 1000
[ $? -eq 1 ] || fail "ping: status of a lost reply: $(cat "$tmp/out" "$tmp/err")"
grep -q '1 sent, 0 returned, 1 lost, 0 wrong' "$tmp/out" || fail "lost: $(cat "$tmp/out")"
wait "$last"
expect 2 'carry at most 64 bytes' ping -s 65
expect 2 'no channel "echo"' ping --to echo

section signals and pipes that break
timeout -s INT --preserve-status 0.5 "$mbx" recv pong --follow
[ $? -eq 130 ] || fail "Ctrl-C is not how recv ended"
timeout -s TERM --preserve-status 0.5 "$mbx" recv pong --follow
[ $? -eq 143 ] || fail "SIGTERM is not how recv ended"
json 'j["sides"]["host"]["state"] == "down"' info -t 0 --json
in_background watch temp
until_true grep -q celsius "$tmp/bg.out"
kill "$last"
wait "$last"
if [ -e /dev/full ]; then
    "$mbx" info -t 0 >/dev/full 2>"$tmp/err" && fail "a full disk went unnoticed"
    grep -q '^mbx: standard output: No space left' "$tmp/err" || fail "$(cat "$tmp/err")"
fi
"$mbx" --help | head -n 1 >/dev/null
{
    timeout 20 "$mbx" recv pong --follow
    echo $? >"$tmp/status"
} | :
[ "$(cat "$tmp/status")" -eq 141 ] || fail "recv does not see that nobody reads"

# a socket that nobody reads breaks as a pipe does
python3 - "$mbx" <<'END' || fail "log -f does not see that its socket's end is closed"
import signal, socket, subprocess, sys
ours, theirs = socket.socketpair()
log = subprocess.Popen([sys.argv[1], "log", "-f"], stdout=theirs)
theirs.close()
ours.close()
sys.exit(log.wait(20) != -signal.SIGPIPE)
END
# where there is no standard output, a region must not become it
"$mbx" recv commands --side remote -t 10000 >&- 2>"$tmp/bg.err" </dev/null &
last=$!
pids="$pids $last"
expect 0 '' send commands 1 2,3 hello -t 10000
wait $last
[ $? -eq 1 ] || fail "recv without a standard output: $(cat "$tmp/bg.err")"
grep -q '^mbx: standard output: Bad file descriptor' "$tmp/bg.err" || fail "$(cat "$tmp/bg.err")"
expect 0 '' dump

section saved and damaged regions
remote recv ping # somebody to send to
expect 0 '' send commands 7 8,9 waiting -t 10000
kill "$last"
wait "$last"
cp "/dev/shm/$name" "$tmp/saved"
save=file:$tmp/saved
expect 0 'op=7 pair=8,9 text="waiting"' dump -r "$save"
json 'j["problems"] == [] and len(j["channels"]) == 9' dump -r "$save" --json
json '[c for c in j["channels"] if c["name"] == "commands"][0]["queue"]["waiting"][0]["fields"]["op"] == 7' dump -r "$save" --json
prints 'celsius=2 flags=0x00000000' get temp -r "$save"
expect 0 '' info -r "$save" -t 0

# damage OFFSET BYTES: a copy in which those stand there
damage() {
    cp "$tmp/saved" "$tmp/bad"
    # shellcheck disable=SC2059 # octal escapes are what it is for
    printf "$2" | dd of="$tmp/bad" bs=1 seek="$1" conv=notrunc 2>/dev/null
}
bad=file:$tmp/bad
# damaged OFFSET BYTES TEXT: dump says TEXT, decodes on, and all else refuses
damaged() {
    damage "$1" "$2"
    expect 1 "$3" dump -r "$bad"
    json 'len(j["problems"]) > 0' dump -r "$bad" --json
}
damaged 0 'XXXX' 'magic is 0x58585858, expected 0x3178626d'
expect 4 'not an mbx region' info -r "$bad"
damaged 4 '\0\0\007\0' 'version is 0x70000, expected 0x10000'
expect 4 'layout version 7.0' info -r "$bad"
damaged 60 'abcd' 'check is 0x64636261, expected 0x'
grep -q 'op=7' "$tmp/out" || fail "dump gave up at a wrong check"
expect 4 'damaged' info -r "$bad"
damaged 32 '\377\377\377\377' 'host_off 0xffffffff is outside the region'
damaged 36 '\0\0\377\177' 'remote_off 0x7fff0000 is outside the region'
damaged 20 '\377\377\377\377' 'channels is 4294967295, expected at most'
grep -q 'op=7' "$tmp/out" || fail "dump gave up at a wrong count"
damaged 40 '\377\377\377\377' 'directory_off 0xffffffff is outside the region'
damaged 80 '\011\0\0\0' 'commands: kind is 0x00000009, expected kind 1 to 4'
expect 4 'mbx dump' info -r "$bad"
damaged 80 '\001\002\0\0' 'commands: kind is 0x00000201, expected kind 1 to 4, direction 0 or 1'
damaged 80 '\001\0\004\0' 'commands: kind is 0x00040001, expected'
damaged 84 '\0\0\0\0' 'commands: hash of the type text is 0x'
damaged 88 '\377\377\377\377' 'commands: type text at 0xffffffff is outside'
damage 88 '\0\200\0\0'
yes x | tr -d '\n' | dd of="$tmp/bad" bs=1100 seek=32768 count=1 iflag=fullblock oflag=seek_bytes \
    conv=notrunc 2>/dev/null
expect 1 'commands: type text at 0x8000 does not end' dump -r "$bad"
damaged 100 '\377\377\377\377' 'commands: ring of 0xffffffff bytes'
damaged 104 '\0\0\377\377' 'outside the region of 0x10000 bytes'
damaged 108 '\002\0\0\0' 'outside the region of 0x10000 bytes'
damaged 64 '\033[3' '\x1b[3'
word() {
    "$mbx" dump -r "$save" --json | python3 -c 'import json, sys
j = json.load(sys.stdin)
q = [c for c in j["channels"] if c["name"] == "commands"][0]["queue"]
print({"read": q["consumer_offset"], "header": q["ring_offset"] + q["read"]}[sys.argv[1]])' "$1"
}
damaged "$(word read)" '\002\0\0\0' 'commands: read position is 0x2, expected a multiple of 4'
expect 0 'CORRUPT' stat -r "$bad"
damaged "$(word header)" '\001\002\003\004' 'is 0x04030201, expected 0'
expect 0 'CORRUPT' stat -r "$bad"
damage "$(od -An -tu4 -j 36 -N 4 "$tmp/saved" | tr -d ' ')" '\002\0\0\0\0\0\0\0'
expect 0 'remote   up, session 0' info -t 0 -r "$bad"
# a request without its head, an answer that nobody took, padding all round
python3 - "$mbx" "$tmp" <<'END' || fail "what is put into rings"
import json, subprocess, sys
mbx, tmp = sys.argv[1:]
data = bytearray(open(tmp + "/saved", "rb").read())
channels = {c["name"]: c for c in json.loads(subprocess.run(
    [mbx, "dump", "--json", "-r", f"file:{tmp}/saved"],
    stdout=subprocess.PIPE).stdout)["channels"]}
def poke(at, *words):
    for i, w in enumerate(words):
        data[at + 4 * i:at + 4 * i + 4] = (w & 0xffffffff).to_bytes(4, "little")
    open(tmp + "/bad", "wb").write(data)
def dump():
    return subprocess.run([mbx, "dump", "-r", f"file:{tmp}/bad"],
                          stdout=subprocess.PIPE).stdout.decode()
led = channels["led"]
for name, words in {"queue": [0xb6000004, 5, 0],
                    "replies": [0xb600000c, 7, -22, 1, 0]}.items():
    poke(led[name]["ring_offset"] + led[name]["read"], *words)
said = dump()
assert "     4 B  on=5\n" in said, said
assert "     4 B  id 00000007 status -22 on=1\n" in said, said
plain = channels["plain"]["queue"]
poke(plain["consumer_offset"], 16)
end = int(channels["plain"]["words"][9], 16)
poke(plain["ring_offset"] + 16, 0xf6000000 + end - 20)
poke(plain["ring_offset"], 0xb6000000 + 12)
said = dump()
assert "plain: header at" in said, said
END
head -c 5000 "$tmp/saved" >"$tmp/bad"
expect 1 'region_bytes is 0x10000, expected at most 0x1388' dump -r "$bad"
expect 4 'only 5000 are mapped' info -r "$bad"
# anything at all, without a crash, and always valid JSON
i=0
while [ $i -lt 40 ]; do
    cp "$tmp/saved" "$tmp/bad"
    dd if=/dev/urandom of="$tmp/bad" bs=1 seek=$((4 + i * 16)) count=64 \
        conv=notrunc 2>/dev/null
    run dump -r "$bad" --json
    got=$?
    [ $got -le 1 ] || fail "dump of random words at $((4 + i * 16)): status $got"
    python3 -m json.tool <"$tmp/out" >/dev/null || fail "dump of random words"
    run dump -r "$bad"
    run info -t 0 -r "$bad"
    [ $? -le 4 ] || fail "info of random words"
    run stat -r "$bad"
    [ $? -le 4 ] || fail "stat of random words"
    i=$((i + 1))
done

section a region that is being formatted
run create "file:$tmp/half" queue:up:h2r:64x4 state:wanted:h2r:8x2 log:lines:r2h:40x8 ||
    fail "create: $(cat "$tmp/err")"
cp "$tmp/half" "$tmp/whole"
# half: what its formatter does first
half() { printf '\0\0\0\0' | dd of="$tmp/half" bs=4 conv=notrunc 2>/dev/null; }
for command in 'watch wanted' 'log --follow lines' 'stat --watch' 'stat --watch --json'; do
    cp "$tmp/whole" "$tmp/copy" && cat "$tmp/copy" >"$tmp/half"
    # shellcheck disable=SC2086 # several words
    timeout 30 "$mbx" $command -r "file:$tmp/half" >"$tmp/out" 2>"$tmp/err" &
    last=$!
    pids="$pids $last"
    sleep 0.3
    half
    until_true grep -q 'was formatted again; following' "$tmp/err"
    kill -TERM $last
    wait $last
    [ $? -eq 143 ] || fail "$command: interrupted while it follows: $(cat "$tmp/err")"
    cat "$tmp/copy" >"$tmp/half"
    # shellcheck disable=SC2086 # several words
    timeout 30 "$mbx" $command -r "file:$tmp/half" >"$tmp/out" 2>"$tmp/err" &
    last=$!
    pids="$pids $last"
    sleep 0.3
    truncate -s 0 "$tmp/half"
    wait $last
    [ $? -eq 4 ] || fail "$command: its region went: $(cat "$tmp/err")"
    grep -q 'truncated' "$tmp/err" || fail "$command: $(cat "$tmp/err")"
done
# become REGION: what its formatter does then, the magic last
become() {
    dd if="$1" of="$tmp/half" bs=4 skip=1 seek=1 conv=notrunc 2>/dev/null
    dd if="$1" of="$tmp/half" bs=4 count=1 conv=notrunc 2>/dev/null
}
cat "$tmp/copy" >"$tmp/half"
expect 0 '' set wanted 12345678 -r "file:$tmp/half"
cp "$tmp/half" "$tmp/copy"
for other in '1 queue:wanted:h2r:8x2 reads states and logs only' \
    '2 log:wanted:h2r:8x2 as a state' '4 none its first word is'; do
    status=${other%% *} said=${other#* }
    channel=${said%% *} said=${said#* }
    rm -f "$tmp/other"
    if [ "$channel" = none ]; then
        yes | head -c 4096 >"$tmp/other"
    else
        run create "file:$tmp/other" "$channel" -s "$(stat -c %s "$tmp/half")" ||
            fail "create: $(cat "$tmp/err")"
    fi
    timeout 30 "$mbx" watch wanted -r "file:$tmp/half" >"$tmp/out" 2>"$tmp/err" &
    last=$!
    pids="$pids $last"
    until_true grep -q 12345678 "$tmp/out"
    half
    until_true grep -q 'was formatted again; following' "$tmp/err"
    become "$tmp/other"
    wait $last
    [ $? -eq "$status" ] || fail "watch: became $channel: $(cat "$tmp/err")"
    grep -q "^mbx: .*$said" "$tmp/err" || fail "watch: became $channel: $(cat "$tmp/err")"
    cat "$tmp/copy" >"$tmp/half"
done
half
in_background log lines -t 20000 -r "file:$tmp/half"
sleep 0.3
become "$tmp/copy"
done_well # it was waited for
half
expect 4 'not formatted' info -t 300 -r "file:$tmp/half"
timeout -s INT --preserve-status 1 "$mbx" recv -t 9000 -r "file:$tmp/half" up >"$tmp/out" 2>&1
[ $? -eq 130 ] || fail "interrupted while it waits for a region: $(cat "$tmp/out")"

section what is left of a command line
run create "file:$tmp/more" queue:up:h2r:64x4 queue:down:r2h:64x4 || fail "create"
expect 2 'standard input and nothing else' send -r "file:$tmp/more" up --lines -x
expect 2 'standard input and nothing else' send -r "file:$tmp/more" up --lines -f "$tmp/text"
"$mbx" recv -r "file:$tmp/more" -S remote -t 20000 up >"$tmp/got" &
last=$!
pids="$pids $last"
echo hello | timeout 30 "$mbx" send -r "file:$tmp/more" -t 20000 -f - up || fail "send -f -"
wait $last || fail "recv: $?"
grep -q hello "$tmp/got" || fail "send -f -: $(cat "$tmp/got")"
# a pipe that breaks ends it, also where somebody made SIGPIPE be ignored
(
    trap '' PIPE
    timeout 20 "$mbx" stat --watch -r "file:$tmp/more"
    echo $? >"$tmp/status"
) | head -n 1 >/dev/null
[ "$(cat "$tmp/status")" -eq 141 ] || fail "SIGPIPE: $(cat "$tmp/status")"

section a root whose path is too long
MBX_ROOT=/$(printf '%05000d' 0)
export MBX_ROOT
for command in 'info -r mem:0x3ed80000+64K' 'info -r dt:mbx'; do
    # shellcheck disable=SC2086 # several words
    expect 4 '' $command
done
expect 4 'no UIO devices' info -r uio:mailbox
expect 2 'MBX_ROOT=' doctor
unset MBX_ROOT

section rm
in_background recv pong --follow
until_true sh -c "\"$mbx\" info -t 0 | grep -q '^host  *attaching'"
expect 1 'is in use by process' rm $region
expect 0 '' rm --force $region
kill "$last"
wait "$last"
[ ! -e "/dev/shm/$name" ] || fail "rm"
expect 4 'No such file' rm $region
unset MBX_REGION

section names of regions that are nearly right
expect 2 'no size after "0x3ed80000"; a slice is' info -r shm:/S@0x3ed80000
expect 2 '"64KB" is no size' info -r shm:/S@0x3ed80000+64KB
expect 2 '"3ed80000" is no number: hexadecimal begins with 0x' info -r shm:/S@3ed80000+64K
expect 2 '"3ed80000" is no number: hexadecimal begins with 0x; an address' info -r mem:3ed80000+64K
expect 2 '"64KB" is no size' info -r mem:0x3ed80000+64KB
expect 2 'has an end, not a size' info -r mem:0x3ed80000-0x3ed90000
expect 2 'as a region it is shm:/pair' info -r /dev/shm/pair
expect 2 'as a region it is file:./pair' info -r ./pair
expect 2 'such memory is for a program and its children' info -r anon:64K
expect 2 'no board is named; there are' info -r board:
mkdir -p "$tmp/pc/dev"
: >"$tmp/pc/dev/mem"
MBX_ROOT=$tmp/pc expect 4 'to emulate it here: "mbx sim --board zcu102-r5"' info -r board:zcu102-r5
MBX_ROOT=$tmp/pc expect 4 "boot with your board's overlay" info -r dt:x

section boards
expect 0 'zynqmp-r5f           Cortex-R5F, RPU 0             0x3ec00000  0x3ec00000     1 MiB  not tried on hardware' boards
expect 0 'region      32 KiB of MCU SRAM3: Linux 0x10048000, the core 0x30048000' \
    boards stm32mp157-m4
expect 0 'tried       not tried on hardware' boards am62x-m4f
json 'len(j) >= 10 and [b["name"] for b in j if b["tried"] == "emulation"] == ["zcu102-r5"]' \
    boards --json
json 'j["address"] == 0x4a310000 and j["remote_address"] == 0x10000' boards --json am335x-pru
expect 2 'no board "stm32mp1-m4"; did you mean stm32mp157-m4? There are beagley-ai-mcu-r5f,' \
    boards stm32mp1-m4

section sim with firmware as a process
demo=$BUILD/host/demo
[ -x "$demo" ] || { echo "no $demo: run make firmware-linux"; exit 77; }
# sim ARGS...: board linux, in a TMPDIR of its own, which it has to leave empty
mkdir "$tmp/sim"
sim() {
    TMPDIR=$tmp/sim timeout -k 5 60 "$mbx" sim --board linux --region \
        "shm:/$name-sim" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    [ -z "$(ls "$tmp/sim")" ] || fail "sim $*: left $(ls "$tmp/sim")"
    [ ! -e "/dev/shm/$name-sim" ] || fail "sim $*: left its region"
    return $got
}
# sim_says STATUS TEXT ARGS...
sim_says() {
    status=$1 text=$2
    shift 2
    sim "$@"
    got=$?
    [ $got -eq "$status" ] || fail "sim $*: status $got: $(cat "$tmp/out" "$tmp/err")"
    [ -z "$text" ] || cat "$tmp/out" "$tmp/err" | grep -qF -e "$text" ||
        fail "sim $*: says '$(cat "$tmp/out" "$tmp/err")', not '$text'"
}
sim_says 2 'say what to run' --fw "$demo"
sim_says 2 'say what to run' --fw "$demo" --keep -- true
sim_says 2 'no board "toaster"; boards: mps2-an521, mps2-an385, zcu102-r5, linux' --board toaster -- true
sim_says 2 'machine microbit does not map its RAM to a file' --board microbit -- true
sim_says 1 'nosuch: No such file' --fw "$tmp/nosuch" -- true
sim_says 2 'must be shm:/NAME or file:PATH' --region anon:64K -- true
sim_says 1 "ended before it formatted the region (status 1): it said nothing" --fw /bin/false -- true
sim_says 1 'not-there is not installed' --board mps2-an521 --fw "$demo" --qemu not-there -- true
# a board that QEMU has to be told of before it runs, by a QEMU that refuses
cat >"$tmp/qemu" <<'END'
#!/usr/bin/env python3
import socket, sys
qmp = next(a for a in sys.argv if a.startswith('unix:'))
listener = socket.socket(socket.AF_UNIX)
listener.bind(qmp[5:].split(',')[0])
listener.listen()
talk = listener.accept()[0].makefile('rw')
for answer in '{"QMP": {}}', '{"event": "X"}\n{"return": {}}\n{"event": "Y"}', '{"error": {"desc": "no such wire"}}':
    print(answer, file=talk, flush=True)
    talk.readline()
listener.accept()
END
chmod +x "$tmp/qemu"
sim_says 1 'ended before it could be set up (status 1)' --board zcu102-r5 --fw "$demo" --qemu /bin/false -- true
sim_says 1 "QEMU refuses {'execute': 'qom-set'" --board zcu102-r5 --fw "$demo" --qemu "$tmp/qemu" -- true
sim_says 1 ': no such wire' --board zcu102-r5 --fw "$demo" --qemu "$tmp/qemu" -- true
# one that hangs up, one that greets with an error, one that allows nothing
for said in '' '{"error": {"desc": "go away"}}' '{"QMP": {}}'; do
    cat >"$tmp/qemu2" <<END
#!/usr/bin/env python3
import socket, sys
qmp = next(a for a in sys.argv if a.startswith('unix:'))
listener = socket.socket(socket.AF_UNIX)
listener.bind(qmp[5:].split(',')[0])
listener.listen()
talk = listener.accept()[0].makefile('rw')
if '$said':
    print('$said', file=talk, flush=True)
    if 'QMP' in '$said':
        print('{"error": {"desc": "not allowed"}}', file=talk, flush=True)
        talk.readline()
talk.close()
sys.exit(4)
END
    chmod +x "$tmp/qemu2"
    sim_says 1 'ended before it could be set up (status 4)' --board zcu102-r5 \
        --fw "$demo" --qemu "$tmp/qemu2" -- true
done
sim_says 127 'no-such-program: No such file' -- no-such-program
sim_says 7 '' -- sh -c 'exit 7'
sim_says 137 '' -- sh -c 'kill -9 $$'
sim_says 0 "region   shm:/$name-sim" -- mbx info -t 0
cat >"$tmp/silent" <<END
#!/bin/sh
echo so far so good >&2
exec sleep 60
END
chmod +x "$tmp/silent"
TMPDIR=$tmp "$mbx" sim --board zcu102-r5 --region "shm:/$name-slow" --fw "$demo" \
    --qemu "$tmp/silent" -- true >"$tmp/slow" 2>&1 </dev/null &
slow=$!
pids="$pids $slow"
sim_says 1 'has not come to life' --fw "$tmp/silent" -- true
grep -q 'so far so good' "$tmp/err" || fail "sim: not its last words: $(cat "$tmp/err")"
wait $slow
[ $? -eq 1 ] || fail "sim: a QEMU that does not answer: $(cat "$tmp/slow")"
grep -q '^mbx: board zcu102-r5: QEMU does not answer at .* within 10 s' "$tmp/slow" ||
    fail "sim: a QEMU that does not answer: $(cat "$tmp/slow")"
TMPDIR=$tmp/sim timeout -s INT --preserve-status 0.5 "$mbx" sim --board zcu102-r5 \
    --region "shm:/$name-sim" --fw "$demo" --qemu "$tmp/silent" -- true >"$tmp/out" 2>&1
[ $? -eq 130 ] || fail "sim: interrupted while QEMU starts: $(cat "$tmp/out")"
[ ! -s "$tmp/out" ] || fail "sim: interrupted, and complains: $(cat "$tmp/out")"
sim_says 2 'a folder to write to is needed' --dir "$tmp/nosuch" -- true
mkdir "$tmp/a,b"
sim_says 2 'no comma' --dir "$tmp/a,b" -- true
long=$tmp/$(printf '%090d' 0)
mkdir "$long"
sim_says 2 'at most 90' --dir "$long" -- true
sim_says 2 'no commas, please' --region "file:$tmp/a,b" -- true
sim_says 2 '' --region "file:/$(printf '%04200d' 0)" -- true
sim_says 7 '' sh -c 'exit 7' # without --
(cd "$BUILD/host" && sim_says 0 '' --fw demo -- true) || fail "sim --fw demo"
# a TMPDIR where no socket could be
for odd in . "$tmp/a,b" "$long"; do
    TMPDIR=$odd timeout -k 5 60 "$mbx" sim --board linux --fw "$demo" --region \
        "shm:/$name-sim" -- true || fail "sim with TMPDIR=$odd"
    [ -z "$(find "$odd" -maxdepth 1 -name 'mbx-sim-*')" ] ||
        fail "sim made a folder in $odd"
done
(
    unset PATH
    exec "$mbx" sim --board linux --fw "$demo" -- "$mbx" info -t 0
) >"$tmp/out" || fail "sim without a PATH"
sim_says 1 'no-such-qemu: No such file' --board mps2-an521 --fw "$demo" --qemu "$tmp/no-such-qemu" -- true
# what QEMU says of itself is told before what the firmware does
cat >"$tmp/talks" <<'END'
#!/bin/sh
printf 'first\n\naudio: nothing\nqemu: it is the plug\nqemu: it is the wire\nlast\n' >&2
for arg; do
    case $arg in file:*) printf 'boot\r\n\r\nno clock\r\n' >"${arg#file:}" ;; esac
done
exit 3
END
chmod +x "$tmp/talks"
sim_says 1 '(status 3): qemu: it is the wire' --board mps2-an521 --fw "$demo" --qemu "$tmp/talks" -- true
[ "$(grep "^mbx: the board's console: " "$tmp/err")" = "mbx: the board's console: boot
mbx: the board's console: no clock" ] || fail "sim: $(cat "$tmp/err")"
cat >"$tmp/talks" <<'END'
#!/bin/sh
echo forget it >&2
rm "$(readlink "/proc/$$/fd/2")"
exit 3
END
sim_says 1 '(status 3): it said nothing' --fw "$tmp/talks" -- true
# the name that it would take, taken
# shellcheck disable=SC2016 # the number of that very shell, which becomes mbx
sh -c ': >"/dev/shm/mbx-sim-$$" && echo "$$" >"$1" && shift && exec "$@"' sh "$tmp/pid" \
    "$mbx" sim --board linux --fw "$demo" -- true >"$tmp/out" 2>&1
[ $? -eq 4 ] || fail "sim: its name was taken: $(cat "$tmp/out")"
grep -q 'File exists' "$tmp/out" || fail "sim: $(cat "$tmp/out")"
rm "/dev/shm/mbx-sim-$(cat "$tmp/pid")" || fail "sim removed what was not its own"
# a firmware that ends under a command, and a command that does not want to end
sim_says 5 'ended while the command ran' --fw "$demo" -- \
    sh -c 'kill -9 $(cat /proc/$PPID/task/$PPID/children | cut -d " " -f 1); sleep 1; exit 5'
TMPDIR=$tmp/sim timeout -s TERM --preserve-status 1 "$mbx" sim --board linux \
    --region "shm:/$name-sim" -- sh -c 'trap "" TERM; sleep 4; sleep 4; sleep 4'
[ $? -eq 137 ] || fail "sim: a command that ignores SIGTERM"
[ ! -e "/dev/shm/$name-sim" ] || fail "sim: left its region"
# a board that does not end by SIGTERM, as it is stopped
sim_says 0 '' --fw "$demo" -- \
    sh -c 'kill -STOP $(cat /proc/$PPID/task/$PPID/children | cut -d " " -f 1)'
quoted="$tmp/it's"
mkdir "$quoted"
"$mbx" sim --board linux --fw "$demo" --dir "$quoted" --keep >"$tmp/bg.out" &
last=$!
pids="$pids $last"
until_true grep -q MBX_DOORBELL "$tmp/bg.out"
(
    # shellcheck disable=SC1091
    . "$tmp/bg.out"
    [ "$MBX_DOORBELL" = "socket:$quoted/doorbell" ] && "$mbx" info -t 0
) >/dev/null || fail "sim --keep: $(cat "$tmp/bg.out")"
kill -HUP "$last"
wait "$last" || fail "sim --keep: SIGHUP: status $?"

# A board's RAM with the region as a slice of it, whose sim was killed
ram=shm:/$name-ram slice=@0x3ed80000+64K
truncate -s 1G "/dev/shm/$name-ram"
printf '\177ELF' | dd of="/dev/shm/$name-ram" conv=notrunc status=none
expect 4 'holds something else' rm "$ram"
MBX_REGION=$ram$slice MBX_BOARD_SOCKET=$tmp/bell "$demo" 2>/dev/null &
pids="$pids $!"
until_true sh -c "'$mbx' info -t 0 -r '$ram$slice' >/dev/null 2>&1"
run ls && grep -q "^$ram$slice  *65536  *65536  *9 down" "$tmp/out" ||
    fail "ls: $(cat "$tmp/out")"
run doctor
grep -qF "shm       $ram$slice, 65536 bytes" "$tmp/out" || fail "doctor: $(cat "$tmp/out")"
expect 4 "this is all of a board's RAM; name the region in it, $ram$slice" info -r "$ram"
run doctor "$ram"
grep -qF -e "-> name the region in it: $ram$slice" "$tmp/out" || fail "doctor: $(cat "$tmp/out")"
in_background recv -r "$ram$slice" pong --follow
until_true sh -c "'$mbx' info -t 0 -r '$ram$slice' | grep -q '^host  *up'"
expect 1 "is in use by process $last" rm "$ram"
kill "$last"
wait "$last" 2>/dev/null
expect 4 "name all of it: $ram" rm "$ram$slice"
expect 0 '' rm "$ram"
[ ! -e "/dev/shm/$name-ram" ] || fail "rm left a board's RAM"

# a region that was there is used, if it fits, and stays; so does a folder given
existing=shm:/$name-there
: >"/dev/shm/$name-there"
sim_says 4 'a region needs at least' --region "$existing" -- true
truncate -s 64K "/dev/shm/$name-there"
sim_says 4 'has 65536 bytes, but board linux has just 1048576 of RAM' \
    --region "$existing" -- true
truncate -s 1M "/dev/shm/$name-there"
mkdir "$tmp/sockets"
sim_says 0 on=1 --region "$existing" --dir "$tmp/sockets" -- mbx call led 1
sim_says 0 'session 2' --region "$existing" --dir "$tmp/sockets" -- mbx info -t 0
[ -e "/dev/shm/$name-there" ] || fail "sim removed what it had not made"
[ -z "$(ls "$tmp/sockets")" ] || fail "sim left $(ls "$tmp/sockets")"
rmdir "$tmp/sockets" || fail "sim removed a folder that it had not made"

section ping, call, get and cksum against the demo
printf abc >"$tmp/abc"
: >"$tmp/nothing"
cat >"$tmp/script" <<'END'
set -eu
cd "$1"
mbx ping -n 200 --json >ping.json
mbx ping -n 20 -s 256 >ping.txt
mbx call led on=1 >call.txt
mbx call led 1 --json >call.json
mbx call rate 0 2>call.err && exit 10
mbx get stats --json >get.json
mbx log >log.txt
mbx log --json >log.json
mbx watch sensor --for 1 --json >watch.json
mbx cksum abc nothing "$MBX_BIG" >cksum.txt 2>cksum.err
mbx cksum <abc >cksum.stdin
# what a client that was killed has left: an answer never taken, and pieces
printf 'xyz\n\n' | mbx send data --lines
mbx send data rubbish
mbx cksum abc >cksum.again
# the same without a new life of the host: another process goes on with it
mbx recv pong --follow &
holder=$!
until mbx info -t 0 | grep -q '^host  *up.* pid'; do sleep 0.05; done
printf 'xyz\n\n' | mbx send data --lines
mbx cksum abc >cksum.joined
mbx send data rubbish
until mbx stat | awk '$1 == "data" { exit $5 != 0 }'; do sleep 0.05; done
mbx cksum abc >>cksum.joined
kill $holder
wait $holder || :
status=0
mbx cksum abc nosuch . nothing >cksum.some 2>cksum.err2 || status=$?
[ $status -eq 1 ] || exit 11
END
MBX_BIG=$mbx sim -- sh "$tmp/script" "$tmp" ||
    fail "the script: status $?: $(cat "$tmp/out" "$tmp/err")"
python3 - "$tmp" <<'END' || fail "against the demo"
import json, sys
load = lambda name: [json.loads(l) for l in open(sys.argv[1] + "/" + name)]
ping = json.load(open(sys.argv[1] + "/ping.json"))
assert ping["returned"] == ping["sent"] == 200, ping
us = ping["round_trip_us"]
assert 0 < us["min"] <= us["median"] <= us["p90"] <= us["p99"] <= us["max"], us
assert load("call.json")[0]["fields"] == {"on": 1}
assert load("get.json")[0]["fields"]["pings"] >= 220
assert load("log.json")[0]["level"] == "info"
numbers = [w["number"] for w in load("watch.json")]
assert len(numbers) > 1 and numbers == sorted(set(numbers)), numbers
END
[ "$(cat "$tmp/call.txt")" = "on=1" ] || fail "call"
grep -q '^mbx: rate: the server answered with status -22' "$tmp/call.err" || fail "call: $(cat "$tmp/call.err")"
grep -q '20 sent, 20 returned, 0 lost, 0 wrong, 256 bytes each' "$tmp/ping.txt" || fail ping
grep -q ' info     led on' "$tmp/log.txt" || fail "log: $(cat "$tmp/log.txt")"
cd "$tmp" || exit 1
cksum abc nothing "$mbx" | cmp - cksum.txt || fail "cksum"
[ ! -s cksum.err ] || fail "cksum: progress in a pipe: $(cat cksum.err)"
cksum <abc | cmp - cksum.stdin || fail "cksum of stdin"
cksum abc | cmp - cksum.again || fail "cksum after a client that died"
cksum abc abc | cmp - cksum.joined || fail "cksum beside another process"
cksum abc nothing | cmp - cksum.some || fail "cksum with files that can't be read"
[ "$(grep -c '^mbx: ' cksum.err2)" -eq 2 ] || fail "cksum: $(cat cksum.err2)"
cd - >/dev/null || exit 1

section sim without firmware
mkdir -p "$tmp/bin"
cp "$mbx" "$tmp/bin/mbx"
# elsewhere BOARD TEXT: what an mbx says that has no firmware beside it
elsewhere() {
    (cd "$tmp" && timeout 60 bin/mbx sim --board "$1" -- true) >"$tmp/out" 2>&1
    got=$?
    [ $got -ne 0 ] || fail "sim --board $1 without firmware"
    grep -qF -e "$2" "$tmp/out" || fail "sim --board $1: $(cat "$tmp/out")"
}
elsewhere linux 'no host/demo in'
elsewhere mps2-an521 'no mps2-an521/demo.elf in'
mkdir -p "$tmp/build/mps2-an521"
echo nothing >"$tmp/build/mps2-an521/demo.elf"
elsewhere mps2-an521 'build/mps2-an521/demo.elf mbx firmware'
yes mbx | head -c 1M >"$tmp/not-one"
expect 4 'something else than an mbx region' sim --board linux --region "file:$tmp/not-one" -- true
expect 2 '' sim --board mps2-an521 --region shm:noslash -- true

section sim and signals
# start_keep: sim --keep in the background; its pid in $last, the board's in $board
start_keep() {
    : >"$tmp/bg.out"
    TMPDIR=$tmp/sim "$mbx" sim --board linux --region "shm:/$name-sim" --keep \
        >"$tmp/bg.out" 2>"$tmp/bg.err" </dev/null &
    last=$!
    pids="$pids $last"
    until_true grep -q MBX_DOORBELL "$tmp/bg.out"
    board=$(cat "/proc/$last/task/$last/children")
    board=${board% }
}
# nothing_left WHO: neither the region nor anything in TMPDIR
nothing_left() {
    [ -z "$(ls "$tmp/sim")" ] || fail "$1 left $(ls "$tmp/sim")"
    [ ! -e "/dev/shm/$name-sim" ] || fail "$1 left its region"
}
gone() {
    ! kill -0 "$1" 2>/dev/null
}
start_keep
(
    # shellcheck disable=SC1091
    . "$tmp/bg.out"
    timeout 30 "$mbx" ping
) >"$tmp/out" || fail "the lines of --keep are of no use: $(cat "$tmp/out")"
kill "$last"
wait "$last" || fail "sim --keep: status $?"
until_true gone "$board"
board=
nothing_left "sim --keep"
start_keep
kill -9 "$board"
board=
wait "$last"
[ $? -eq 1 ] || fail "sim --keep: its board's death"
grep -q 'ended by itself (signal 9)' "$tmp/bg.err" || fail "sim --keep: $(cat "$tmp/bg.err")"
start_keep
kill -9 "$last"
wait "$last" 2>/dev/null
until_true gone "$board"
board=
rm -rf "$tmp/sim" "/dev/shm/$name-sim"
mkdir "$tmp/sim"
TMPDIR=$tmp/sim timeout -s TERM --preserve-status 2 "$mbx" sim --board linux \
    --region "shm:/$name-sim" -- sleep 60
[ $? -eq 143 ] || fail "sim: SIGTERM to the command"
nothing_left sim
# Ctrl-C is for both, and the command's to answer
# shellcheck disable=SC2016 # for that shell
TMPDIR=$tmp/sim timeout 60 "$mbx" sim --board linux --region "shm:/$name-sim" -- \
    sh -c 'trap "sleep 0.3; exit 3" INT; kill -INT 0; sleep 5'
[ $? -eq 3 ] || fail "sim: SIGINT to the command"
nothing_left sim
echo "all well"
