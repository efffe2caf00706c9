#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P3: references through a pipe of the user-space kernel, beside Linux. P4: bytes through such a pipe from one thread to
# another, beside java.nio's Pipe, PipedInputStream and Okio's Pipe. Rounds of JMH in turn, allocation by its gc
# profiler; medians of all iterations.
#
#   bench/p3-p4.sh [ROUNDS [ITERATIONS]]     of a second each, for each peer
#
# Prints a line "FAILED: ..." and ends with 1 when a goal is missed: P3 ≥ 4 × the best of Linux, P4 ≥ 2 × the best peer,
# 0 bytes allocated per call.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-3}
iterations=${2:-5}

build_jar || exit 70
describe_machine
echo "medians of $rounds rounds of $iterations iterations"
count=0
while [ $((count += 1)) -le "$rounds" ]; do
  "$java" -jar "$jar" 'ReferenceBenchmark|ByteStreamBenchmark' -i "$iterations" -prof gc >> "$tmp/log" 2>&1 ||
    { tail -n 20 "$tmp/log"; exit 1; }
done

# A file for each peer, named by benchmark and parameters: what each iteration says. And what is allocated.
awk -v tmp="$tmp" '
  /^# Benchmark: / { name = $3; sub(/.*bench\./, "", name) }
  /^# Parameters: / { sub(/^# Parameters: \(/, ""); sub(/\)$/, ""); gsub(/ = /, "="); gsub(/, /, "_"); peer = tmp "/" name "." $0 ".figures" }
  /^Iteration / { print $3 >> peer }
  /^ .*gc.alloc.rate.norm:/ && peer ~ /=user/ { print $(NF - 1) >> (tmp "/allocated") }' "$tmp/log"
for figures in "$tmp"/*.figures; do
  peer=${figures##*/}
  echo "${peer%.figures} $(median "$figures")"
done | sort > "$tmp/medians"
sed 's/^/  /' "$tmp/medians"

awk -v worst="$(sort -n "$tmp/allocated" | tail -n 1)" '
  function better(now, best) { return best == "" || now + 0 < best + 0 }
  /^ByteStream/ && /by=user/ { bytes = $2; next }
  /^ByteStream/ { if (better($2, peer)) peer = $2 }
  /^Reference/ { side = /=user/; if (better($2, least[side])) least[side] = $2 }
  END {
    references = least[0] / least[1]
    carried = peer / bytes
    printf "P3: %.1f × the best of Linux (goal ≥ 4); P4: %.2f × the best peer (goal ≥ 2); at most %.1f bytes allocated per operation\n",
      references, carried, worst
    missed = (references < 4 ? " P3" : "") (carried < 2 ? " P4" : "") (worst >= 16 ? " allocation" : "")
    if (missed) { print "FAILED: missed:" missed; exit 1 }
  }' "$tmp/medians"
