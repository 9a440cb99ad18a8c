#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: BUILD=DIR TMPDIR=DIR tests/bench.sh
# The benchmark measures right messages, says what it can't measure, and leaves
# nothing behind, interrupted or not. Says nothing about speed.
set -eu

bench=$BUILD/bench/linux/bench
csv=$TMPDIR/bench.csv
trap 'rm -f "$csv" "$csv".*' EXIT

[ "$(nproc)" -ge 2 ] || {
    echo "needs two cores"
    exit 77
}

fail() {
    echo "$*"
    exit 1
}

"$bench" --quick --only '*/mbx_*/64' >"$csv" ||
    fail "exit status $?: $(grep skipped "$csv")"
[ "$(head -n 1 "$csv")" = suite,case,bytes,metric,value,unit,reference,ratio ]
awk -F, 'NF != 8 { print "not 8 columns: " $0; bad = 1 } END { exit bad }' "$csv"
for row in "round trip,mbx_tx_send,64,p99" "round trip,mbx_send,64,round trip" \
    "throughput,mbx_send waiting,64,throughput" \
    "batched,mbx_tx_put,64,throughput" "batched,mbx_put,64,throughput" \
    "in place,mbx_tx_claim,64,throughput" "in place,mbx_claim,64,throughput" \
    "state,mbx_set,64,reads" "log,mbx_log,64,reads"; do
    grep -q "^$row,[0-9]" "$csv" || fail "no figure: $row"
done
! grep ',skipped,' "$csv" | grep -v 'not installed\|No space\|denied' ||
    fail "rows that failed"
python3 tests/bench/linux/report.py "$csv" >"$csv.txt"
grep -q '^Goals' "$csv.txt" || fail "a report without goals"

# A row of its own suite, the sleepers and the growing ones
"$bench" --quick --only 'blocking*/mbx_send to a sleeper/16' >"$csv"
grep -q '^blocking round trip,mbx_send to a sleeper,16,round trip,[0-9]' "$csv"
"$bench" --quick --only 'growth/mbx_send observers 10/16' >"$csv"
grep -q '^growth,mbx_send observers 10,16,round trip,[0-9]' "$csv"

# Interrupted, amid many processes: tests/run looks for what is left of them.
"$bench" --only 'growth/mbx_send observers 100/16' >"$csv" 2>&1 &
pid=$!
sleep 2
kill -s TERM $pid
wait $pid && fail "interrupted, and yet successful"
echo "measured, interrupted"
