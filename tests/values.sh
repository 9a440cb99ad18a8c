#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR tests/values.sh
# The command mbx: values of every type as people type and read them, text as a
# terminal may see it, and options with values that are none.
set -u

. tests/cmd/common.sh

section values of every type
run create $region 'state:floats:h2r:28x2:f32 a, f64 b, f32 c[4]' \
    'state:chars:h2r:8x2:char name[8]' \
    'state:hex:h2r:12x2:x8 id[4], x64 mask' \
    'state:wide:h2r:16x2:u64 u, i64 i' 'state:small:h2r:4x2:i8 a, u8 b, x16 c' \
    'queue:text:h2r:32x8:u8 n, char s[]' 'queue:hexes:h2r:32x8:x8 b[]' \
    'queue:reals:h2r:32x8:f64 v[]' 'queue:raw:h2r:96x8' \
    'state:more:h2r:105x2:char big[100], x8 one, x16 two[2]' \
    'state:open:h2r:4x2:u8 n, u8 rest[]' 'queue:words:h2r:400x4:u8 n, char s[]' \
    'call:ask:h2r:16x16x2:u8 n, x8 raw[] -> char s[]' ||
    fail "create: $(cat "$tmp/err")"
export MBX_REGION=$region

# keeps STATE TEXT VALUE...: what is set is what is read
keeps() {
    state=$1 value=$2
    shift 2
    expect 0 '' set "$state" "$@"
    prints "$value" get "$state"
}
keeps floats 'a=1.5 b=-2.5 c=1,2,3,4' 1.5 -2.5 1,2,3,4
json 'j["fields"] == {"a": 1.5, "b": -2.5, "c": [1, 2, 3, 4]}' get floats --json
keeps floats 'a=-0.5 b=0.25 c=inf,-inf,0,0' -.5 .25 1e400,-1e39,0,0
keeps chars 'name="abc"' abc
keeps chars 'name=""' ''
keeps chars 'name="abcdefgh"' abcdefgh
json 'j["fields"]["name"] == "abcdefgh"' get chars --json
keeps hex 'id=01020304 mask=0x00000000000000ff' 01020304 0xff
json 'j["fields"] == {"id": "01020304", "mask": "0x00000000000000ff"}' get hex --json
keeps hex 'id=0a0b0c0d mask=0x0000000000000005' 0a:0B:0c:0D 5
keeps wide 'u=18446744073709551615 i=-9223372036854775808' \
    18446744073709551615 -9223372036854775808
json 'j["fields"]["u"] == "18446744073709551615"' get wide --json
keeps wide 'u=5 i=6' +5 +6
keeps wide 'u=4 i=3' i=3 u=4
json 'j["fields"] == {"u": 4, "i": 3}' get wide --json
keeps small 'a=-128 b=255 c=0xffff' -128 255 65535
keeps more 'big="abc" one=0x07 two=0x0001,0xffff' abc 7 1,65535
keeps more 'big="" one=0xff two=0x0000,0x0000' '' 255 0,0
keeps open 'n=1 rest=2,3,4' 1 2,3,4
[ "$("$mbx" get small --raw | wc -c)" -eq 4 ] || fail "get --raw"
for bad in '' x 1x 1.5.5; do
    expect 2 "\"$bad\" is no f32 for field \"a\"" set floats "$bad" 1 1,2,3,4
done
expect 2 '"4z" is no f32 for field "c"' set floats 1 1 1,2,3,4z
for bad in '' - + 1x x; do
    expect 2 "\"$bad\" is no u64 for field \"u\"" set wide "$bad" 0
    expect 2 "\"$bad\" is no i64 for field \"i\"" set wide 0 "$bad"
done
expect 2 '"nosuch=1" is no u64' set wide nosuch=1 i=2
expect 2 '-1 is out of range for field "u"' set wide -1 0
expect 2 '9223372036854775808 is out of range for field "i"' set wide 0 9223372036854775808
expect 2 '-9223372036854775809 is out of range' set wide 0 -9223372036854775809
expect 2 '-129 is out of range for field "a", i8' set small -129 0 0
expect 2 '65536 is out of range for field "c", x16' set small 0 0 65536
expect 2 '"abcdefghi" does not fit field "name" of 8 characters' set chars abcdefghi
expect 2 'has 4 bytes, "0102" has 2' set hex 0102 0
for bad in 0g020304 g0020304; do
    expect 2 "\"$bad\" is not hexadecimal" set hex $bad 0
done

section text as a terminal may see it
# travels CHANNEL WANTED DATA...: what is sent is what a remote's recv prints
travels() {
    channel=$1 wanted=$2
    shift 2
    remote recv "$channel"
    expect 0 '' send "$channel" "$@" -t 10000
    done_well
    [ "$(cat "$tmp/bg.out")" = "$wanted" ] ||
        fail "send $channel $*: arrived as '$(cat "$tmp/bg.out")', not '$wanted'"
}
travels hexes b=0102ff 0102ff
travels hexes b= ''
travels reals v=1.5,-2,0.1 1.5,-2,0.1
travels reals v= ''
travels text 'n=255 s="Grüße, 語, 😀"' 255 'Grüße, 語, 😀'
# one character, or none: each byte is shown as what it is
text_of() { # HEX WANTED
    travels text "n=1 s=\"$2\"" --hex "01$1"
}
text_of 7f '\x7f'
text_of 80 '\x80'
text_of c3 '\xc3'
text_of c080 '\xc0\x80'
text_of c2a0 "$(printf '\302\240')"
text_of c285 '\xc2\x85'
text_of c3c3 '\xc3\xc3'
text_of e08080 '\xe0\x80\x80'
text_of e0a080 "$(printf '\340\240\200')"
text_of eda080 '\xed\xa0\x80'
text_of ee8080 "$(printf '\356\200\200')"
text_of f0808080 '\xf0\x80\x80\x80'
text_of f48fbfbf "$(printf '\364\217\277\277')"
text_of f4908080 '\xf4\x90\x80\x80'
text_of f5808080 '\xf5\x80\x80\x80'
text_of 090d0a '\t\r\n'
remote recv text --json
expect 0 '' send text --hex 01ff -t 10000
done_well
python3 -c 'import json, sys
assert json.load(sys.stdin)["fields"]["s"] == "\\xff"' <"$tmp/bg.out" ||
    fail "json of what is no text: $(cat "$tmp/bg.out")"
travels raw 'plain text' 'plain text'
travels raw 'hex 00' --hex 00
printf 'from a pipe' >"$tmp/data"
remote recv raw --raw
"$mbx" send raw --file - <"$tmp/data" || fail "send --file -"
done_well
cmp "$tmp/data" "$tmp/bg.out" || fail "send --file -"
remote recv text -n 2
printf '1 a b  c\n2 x' | "$mbx" send text --lines || fail "send --lines"
done_well
[ "$(cat "$tmp/bg.out")" = 'n=1 s="a b c"
n=2 s="x"' ] || fail "send --lines: $(cat "$tmp/bg.out")"

# more words than there could be fields, and each of them arrives
remote recv words
echo "7 $(seq -s ' ' 100)" | "$mbx" send words --lines || fail "send --lines of many words"
done_well
[ "$(cat "$tmp/bg.out")" = "n=7 s=\"$(seq -s ' ' 100)\"" ] || fail "many words: $(cat "$tmp/bg.out")"

section options with values that are none
for bad in '' x 5x 0x -1 1000001000 99999999999999999999; do
    expect 2 'expected a number from' recv raw -t "$bad"
done
for bad in '' K x 64x 64Kx 63 2G 1025M 99999999999999999999999; do
    expect 2 'expected bytes from 64 to 1G' create shm:/$name-no log:a:r2h:8x2 -s "$bad"
done
expect 2 'no value after -r' info --region
expect 2 'no option --regoin' info --regoin
expect 2 'no option -y' info -y
expect 2 'a side is' send raw x --side ''
MBX_REGION='' expect 2 'no region given' info
expect 0 '' set small 1 2 3 --side host
expect 0 'usage: mbx COMMAND' -h
expect 0 'usage: mbx COMMAND' help
expect 0 'usage: mbx info' info -h
expect 2 'usage: mbx' set
expect 2 'a level is error' log -l ''
expect 2 'has no log channel' log
expect 2 'too many fields' create shm:/$name-no "queue:a:h2r:256x8:$(seq -s , -f 'u8 f%g' 100)"
expect 2 'a name is' create shm:/$name-no 'queue'
expect 2 'are named "a"' create shm:/$name-no queue:a:h2r:8x8 state:a:r2h:8x2
for bad in 8 8x 8x1 8x2x 8x2x2 0x2 x2; do
    expect 2 'its sizes make no sense' create shm:/$name-no "state:a:h2r:$bad"
done
for bad in 8x8 8x8x 0x8x0 9999999999x8x8 1000000x1000000x4000; do
    expect 2 'its sizes make no sense' create shm:/$name-no "call:a:h2r:$bad"
done
for bad in 'u8' 'u8 ' 'u8 a[' 'u8 a[x]' 'u8 a[2' 'u8 a[2]]' 'u8 a b' 'u8 a,' \
    ', u8 a' 'u8 a[99999999999]' 'u8 a-b' \
    'u8 averylongnameoffortycharactersorsomewhatmore'; do
    expect 2 '' create shm:/$name-no "queue:a:h2r:64x8:$bad"
done
expect 0 '' create shm:/$name-tab "queue:a:h2r:64x8:u8	a ,  u8 b[2]	"
expect 0 'u8' info -t 0 -r shm:/$name-tab
expect 0 '' rm shm:/$name-tab
[ ! -e "/dev/shm/$name-no" ] || fail "what could not be declared was created"
section a region with many channels
# shellcheck disable=SC2046 # one word a channel
expect 0 '' create shm:/$name-many $(seq -f 'queue:channel.%g.her:h2r:8x2' 100 169) -s 1M
expect 2 'channel.100.her, channel.101.her' send -r shm:/$name-many nosuch x
grep -q '\.\.\.$' "$tmp/err" || fail "not cut: $(cat "$tmp/err")"
json 'len(j["channels"]) == 70' info -t 0 --json -r shm:/$name-many
expect 0 'channel.169.her' dump -r shm:/$name-many
# how many there are can't be told any more: the first ones are shown
printf '\377\377\377\377' | dd of="/dev/shm/$name-many" bs=4 seek=5 conv=notrunc 2>/dev/null
expect 1 'channels is 4294967295, expected at most 4096' dump -r shm:/$name-many
grep -q '"channel.163.her"' "$tmp/out" || fail "too few channels shown"
grep -q '"channel.164.her"' "$tmp/out" && fail "too many channels shown"
expect 0 '' rm shm:/$name-many
expect 0 '' create shm:/$name-many log:one:r2h:16x2 log:two:h2r:16x2
expect 2 'there is more than one log: "one", "two"' log -r shm:/$name-many
expect 0 '' log -r shm:/$name-many two
expect 2 'for it, there is' send -r shm:/$name-many one x
expect 0 '' rm shm:/$name-many
echo "all well"
