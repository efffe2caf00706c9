#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P2: references through a pipe, from Java and from C, in three modes; rounds in turn, medians.
#
#   bench/p2.sh [ROUNDS [SECONDS]]
#
# Prints a line "FAILED: ..." and ends with 1 when the goal is missed: ≥ 0.95 × C in each mode.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-9}
seconds=${2:-1}
piece=131072

build_jar && build_c p2 || exit 70
describe_machine
echo "vmsplice → splice to /dev/null, $((piece >> 10)) KiB a call, 1 MiB pipe, 2-MiB-page memory; $rounds rounds of $seconds s"
printf '%-10s %12s %12s %8s   %s\n' mode 'C GiB/s' 'Java GiB/s' ratio 'goal ≥ 0.95'
missed=
for mode in sleeping spinning copying; do
  round=0
  while [ $((round += 1)) -le "$rounds" ]; do
    "$tmp/p2" "$mode" "$piece" "$seconds" >> "$tmp/$mode.c" || exit 1
    run_java io.sluice.bench.PipeThroughput "$mode" "$piece" "$seconds" >> "$tmp/$mode.java" || exit 1
  done
  c=$(median "$tmp/$mode.c")
  ours=$(median "$tmp/$mode.java")
  of_c=$(ratio "$ours" "$c")
  if at_least "$of_c" 0.95; then reached=reached; else reached=missed missed="$missed $mode"; fi
  printf '%-10s %12s %12s %8s   %s\n' "$mode" "$c" "$ours" "$of_c" "$reached"
  for side in c java; do echo "           $side: $(sort -n "$tmp/$mode.$side" | tr '\n' ' ')"; done
done
[ -z "$missed" ] || { echo "FAILED: below 0.95 × C:$missed"; exit 1; }
