#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P3: references through a pipe of the user-space kernel, beside Linux. P4: bytes through such a pipe from one thread to
# another, beside java.nio's Pipe, PipedInputStream and Okio's Pipe. Rounds of JMH in turn, allocation by its gc
# profiler; medians of all iterations.
#
#   bench/p3-p4.sh [ROUNDS [ITERATIONS [WARM_UPS]]]     of a second each, for each peer
#
# Prints a line "FAILED: ..." and ends with 1 when a goal is missed: P3 ≥ 4 × the best of Linux, P4 ≥ 2 × the best peer,
# 0 bytes allocated per call.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-3}
iterations=${2:-5}
warm=${3:-5}

build_jar || exit 70
describe_machine
echo "medians of $rounds rounds of $iterations iterations"
count=0
while [ $((count += 1)) -le "$rounds" ]; do
  "$java" -jar "$jar" 'ReferenceBenchmark|ByteStreamBenchmark' -wi "$warm" -i "$iterations" -prof gc >> "$tmp/log" 2>&1 ||
    { tail -n 20 "$tmp/log"; exit 1; }
done

# What the results call a peer of JMH's log; sets line and work as well.
called() {
  case $1 in
    ByteStream*) line=P4 work='pieces of 64 KiB' unit=µs ;;
    *) line=P3 work='references, 1 MiB' unit=ns ;;
  esac
  how=${1#*mode=}
  case $1 in
    *by=user) called=Sluice ;;
    *by=linux) called="a pipe of Linux's" ;;
    *by=nio) called='java.nio Pipe' ;;
    *by=piped) called=PipedInputStream ;;
    *by=okio) called='Okio Pipe' ;;
    *Name=user*) called="Sluice, ${how%%_*}, $((${how#*pieceBytes=} >> 10)) KiB a call" ;;
    *Name=linux*) called="Linux, ${how%%_*}, $((${how#*pieceBytes=} >> 10)) KiB a call" ;;
  esac
}

# A file for each peer, named by benchmark and parameters: what each iteration says. And what is allocated.
awk -v tmp="$tmp" '
  /^# Benchmark: / { name = $3; sub(/.*bench\./, "", name) }
  /^# Parameters: / { sub(/^# Parameters: \(/, ""); sub(/\)$/, ""); gsub(/ = /, "="); gsub(/, /, "_"); peer = tmp "/" name "." $0 ".figures"; round[peer]++ }
  /^Iteration / { print $3 >> peer; who = peer; sub(/.*\//, "", who); sub(/\.figures$/, "", who); print who, $3, round[peer] }
  /^ .*gc.alloc.rate.norm:/ && peer ~ /=user/ { print $(NF - 1) >> (tmp "/allocated") }' "$tmp/log" > "$tmp/rounds"
while read -r peer value round; do
  called "$peer"
  figure "$line" "$work" "$called" "$unit" "$value" "$round"
done < "$tmp/rounds"
for figures in "$tmp"/*.figures; do
  peer=${figures##*/}
  echo "${peer%.figures} $(median "$figures")"
done | sort > "$tmp/medians"
sed 's/^/  /' "$tmp/medians"

awk -v goals="$tmp/goals" -v worst="$(sort -n "$tmp/allocated" | tail -n 1)" '
  function better(now, best) { return best == "" || now + 0 < best + 0 }
  /^ByteStream/ && /by=user/ { bytes = $2; next }
  /^ByteStream/ { if (better($2, peer)) peer = $2 }
  /^Reference/ { side = /=user/; if (better($2, least[side])) { least[side] = $2; ours[side] = $1 } }
  END {
    references = least[0] / least[1]
    carried = peer / bytes
    printf "P3: %.1f × the best of Linux (goal ≥ 4); P4: %.2f × the best peer (goal ≥ 2); at most %.1f bytes allocated per operation\n",
      references, carried, worst
    print ours[1], (references < 4 ? "missed" : "reached"), "≥ 4 × the best of Linux" > goals
    print "ByteStream.by=user", (carried < 2 ? "missed" : "reached"), "≥ 2 × the best peer" > goals
    missed = (references < 4 ? " P3" : "") (carried < 2 ? " P4" : "") (worst >= 16 ? " allocation" : "")
    if (missed) { print "FAILED: missed:" missed; exit 1 }
  }' "$tmp/medians"
code=$?
while read -r peer verdict goal; do
  called "$peer"
  verdict_on "$line" "$work" "$called" "$unit" "$goal" "$verdict"
done < "$tmp/goals"
exit $code
