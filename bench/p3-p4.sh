#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P3: references through a pipe of the user-space kernel, beside Linux. P4: bytes through such a pipe from one thread to
# another, beside java.nio's Pipe, PipedInputStream and Okio's Pipe. All in one run of JMH, allocation by its gc profiler.
#
#   bench/p3-p4.sh [ITERATIONS]     of a second each, for each peer
#
# Prints a line "FAILED: ..." and ends with 1 when a goal is missed: P3 ≥ 4 × the best of Linux, P4 ≥ 2 × the best peer,
# 0 bytes allocated per call.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

iterations=${1:-10}

build_jar || exit 70
describe_machine
"$java" -jar "$jar" 'ReferenceBenchmark|ByteStreamBenchmark' -i "$iterations" -prof gc -rf csv -rff "$tmp/p.csv" \
  > "$tmp/log" 2>&1 || { tail -n 20 "$tmp/log"; exit 1; }

# A line for each figure: name, carrier or kernel, mode, piece, value.
tr -d '"\r' < "$tmp/p.csv" | awk -F, '
  NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
  { name = $column["Benchmark"]; sub(/.*bench\./, "", name); value = $column["Score"]
    print name, $column["Param: by"] $column["Param: kernelName"], "-" $column["Param: mode"], $column["Param: pieceBytes"] + 0, value }
' > "$tmp/figures"

awk '
  function better(now, best) { return best == "" || now < best }
  $1 == "ByteStreamBenchmark.piece" { printf "P4  %-6s %33.2f µs per 64 KiB\n", $2, $5; if ($2 == "user") bytes = $5; else if (better($5, peer)) peer = $5 }
  $1 == "ReferenceBenchmark.mebibyte" {
    printf "P3  %-6s %-9s %7d bytes a call %7.2f µs per MiB\n", $2, substr($3, 2), $4, $5 / 1000
    if (better($5, least[$2])) least[$2] = $5
  }
  / user / && /gc.alloc.rate.norm/ && $5 > worst { worst = $5 }
  END {
    references = least["linux"] / least["user"]
    carried = peer / bytes
    printf "P3: %.1f × the best of Linux (goal ≥ 4); P4: %.2f × the best peer (goal ≥ 2); at most %.1f bytes allocated per operation\n",
      references, carried, worst
    missed = (references < 4 ? " P3" : "") (carried < 2 ? " P4" : "") (worst >= 16 ? " allocation" : "")
    if (missed) { print "FAILED: missed:" missed; exit 1 }
  }' "$tmp/figures"
