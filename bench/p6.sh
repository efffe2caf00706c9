#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P6: what it costs to receive a file from a pipe and from a socket, in CPU seconds per GB (user and system, of the
# receiving process alone; the sender is another), by a Transfer and by FileChannel.transferFrom. Beside them the bound:
# a C program that makes the same system calls as the Transfer. Rounds in turn; medians, and medians of the ratios within
# a round. The pipe that is received from is the usual 64 KiB; Sluice and its bound have it hold 512 KiB, as sluice copy
# does and transferFrom cannot.
#
#   bench/p6.sh [ROUNDS [BYTES [WARM_BYTES]]]     the file lies in memory (tmpfs), and then on the disk that holds the source tree
#
# Prints a line "FAILED: ..." and ends with 1 when the goal, ≤ 0.50 × transferFrom, is missed by more than what C with the
# same calls misses it by.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-6}
bytes=${2:-4000000000}
warm=${3:-2000000000}
port=17811
on_disk=$home/bench/target/p6.out
trap 'rm -rf "$tmp" "$on_disk"' EXIT

receive() {
  case $1 in
    sluice | transferFrom) run_java io.sluice.bench.FileReceiver "$@" ;;
    c-splice)
      shift
      "$tmp/p6" splice "$@"
      ;;
  esac
}

# One round: receives by $1 from $2 into the file $3; prints CPU seconds per GB.
round() {
  total=$((warm + bytes))
  touch_memory $total
  if [ "$2" = pipe ]; then
    "$tmp/p6" feed $total | receive "$1" "$3" $warm > "$tmp/said"
  else
    "$tmp/p6" send $port $total &
    receive "$1" "$3" $warm $port > "$tmp/said"
    wait $!
  fi || exit 1
  received=$(stat -c %s "$3")
  rm -f "$3"
  [ "$received" -eq $total ] || { echo "$1: $received bytes arrived of $total" >&2; exit 1; }
  awk '{ printf "%.3f\n", $3 / $1 * 1e9 }' "$tmp/said"
}

peer() {
  case $1 in sluice) echo Sluice ;; c-splice) echo 'bound: C, splice' ;; *) echo "$1" ;; esac
}

# The order of round $1. In six rounds each comes as often after each other: what a run costs depends on the memory that
# the one before it has left, and who always followed the slowest would look a tenth better.
order() {
  case $(($1 % 6)) in
    0) echo c-splice transferFrom sluice ;;
    1) echo sluice transferFrom c-splice ;;
    2) echo sluice c-splice transferFrom ;;
    3) echo transferFrom c-splice sluice ;;
    4) echo transferFrom sluice c-splice ;;
    5) echo c-splice sluice transferFrom ;;
  esac
}

build_jar && build_c p6 || exit 70
describe_machine
echo "CPU seconds per GB, $bytes bytes after $warm to warm up, $rounds rounds"
printf '%-16s %8s %13s %9s %7s %9s   %s\n' 'source → file' Sluice transferFrom C-splice ratio 'to C' 'goal: ratio ≤ 0.50'
open=
for place in tmpfs disk; do
  [ $place = tmpfs ] && file=$tmp/p6.out || file=$on_disk
  for source in pipe socket; do
    count=0
    while [ $((count += 1)) -le "$rounds" ]; do
      for how in $(order $count); do
        round $how $source "$file" >> "$tmp/$source-$place-$how" || exit 1
        figure P6 "$source → $place" "$(peer $how)" CPU-s/GB "$(tail -n 1 "$tmp/$source-$place-$how")" $count
      done
      of_round() { ratio "$(tail -n 1 "$tmp/$source-$place-sluice")" "$(tail -n 1 "$tmp/$source-$place-$1")"; }
      echo "$(of_round transferFrom) $(of_round c-splice)" >> "$tmp/$source-$place"
      figure P6 "$source → $place" Sluice 'ratio to transferFrom, of a round' "$(of_round transferFrom)" $count
    done
    cost() { median "$tmp/$source-$place-$1"; }
    of_peer=$(cut -d ' ' -f 1 "$tmp/$source-$place" | median -)
    of_c=$(cut -d ' ' -f 2 "$tmp/$source-$place" | median -)
    if at_least 0.50 "$of_peer"; then
      verdict=reached
    elif at_least 1.05 "$of_c"; then
      verdict='missed, at the bound'
    else
      verdict=missed open="$open, $source → $place"
    fi
    verdict_on P6 "$source → $place" Sluice 'ratio to transferFrom, of a round' '≤ 0.50 × transferFrom' "$verdict"
    printf '%-14s %8s %13s %9s %7s %9s   %s\n' "$source → $place" "$(cost sluice)" "$(cost transferFrom)" \
      "$(cost c-splice)" "$of_peer" "$of_c" "$verdict"
  done
done
for side in "$tmp"/*-*-*; do echo "  ${side##*/}: $(sort -n "$side" | tr '\n' ' ')"; done
[ -z "$open" ] || { echo "FAILED: missed, and more than 5 % above C: ${open#, }"; exit 1; }
