#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P2: references through a pipe, from Java and from C, in three modes. Both run all the while and measure in turn, for
# as short as makes sense and often: what else goes on in the machine then meets both alike. Each pair gives a ratio;
# their median counts.
#
#   bench/p2.sh [PAIRS [SECONDS]]
#
# Prints a line "FAILED: ..." and ends with 1 when the goal is missed: ≥ 0.95 × C in each mode.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

pairs=${1:-50}
seconds=${2:-0.3}
piece=131072

build_jar && build_c p2 || exit 70
mkfifo "$tmp/to-c" "$tmp/from-c" "$tmp/to-java" "$tmp/from-java" || exit 70
describe_machine
echo "vmsplice → splice to /dev/null, $((piece >> 10)) KiB a call, 1 MiB pipe, 2-MiB-page memory; $pairs pairs of $seconds s"
printf '%-10s %12s %12s %8s %16s   %s\n' mode 'C GiB/s' 'Java GiB/s' ratio 'middle half' 'goal: ratio ≥ 0.95'
missed=
for mode in sleeping spinning copying; do
  "$tmp/p2" "$mode" "$piece" "$seconds" < "$tmp/to-c" > "$tmp/from-c" &
  run_java io.sluice.bench.PipeThroughput "$mode" "$piece" "$seconds" < "$tmp/to-java" > "$tmp/from-java" &
  exec 3> "$tmp/to-c" 4< "$tmp/from-c" 5> "$tmp/to-java" 6< "$tmp/from-java"
  read -r ready <&4 && read -r ready <&6 || { echo "$mode: did not start" >&2; exit 1; }
  pair=0
  while [ $((pair += 1)) -le "$pairs" ]; do
    echo >&3 && read -r of_c <&4 && echo >&5 && read -r of_java <&6 || exit 1
    figure P2 "$mode" C GiB/s "$of_c" $pair
    figure P2 "$mode" Sluice GiB/s "$of_java" $pair
    echo "$of_c" >> "$tmp/$mode.c"
    echo "$of_java" >> "$tmp/$mode.java"
    echo "$(ratio "$of_java" "$of_c")" >> "$tmp/$mode.ratio"
    figure P2 "$mode" Sluice 'ratio to C, of a pair' "$(tail -n 1 "$tmp/$mode.ratio")" $pair
  done
  exec 3>&- 4<&- 5>&- 6<&-
  wait
  middle=$(sort -n "$tmp/$mode.ratio" | awk '{ v[NR] = $1 } END { print v[int((NR + 3) / 4)] " – " v[int((3 * NR + 3) / 4)] }')
  of_both=$(median "$tmp/$mode.ratio")
  if at_least "$of_both" 0.95; then reached=reached; else reached=missed missed="$missed $mode"; fi
  verdict_on P2 "$mode" Sluice 'ratio to C, of a pair' '≥ 0.95 × C' $reached
  printf '%-10s %12s %12s %8s %16s   %s\n' "$mode" "$(median "$tmp/$mode.c")" "$(median "$tmp/$mode.java")" "$of_both" \
    "$middle" "$reached"
done
[ -z "$missed" ] || { echo "FAILED: below 0.95 × C:$missed"; exit 1; }
