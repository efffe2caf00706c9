#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P5: sluice copy beside cp, cat, pv and dd bs=1M, as processes from their start to their end: from file to file, from
# file to pipe (drained by cat), from pipe (filled by cat) to file, from file to /dev/null. Rounds in random order, since
# what a copy costs depends on the memory that the one before it has left; medians. And how long sluice takes to start: to
# copy an empty file, and to pass one byte on.
#
# A file that is written to is there before, and emptied by who writes it: so he gets the memory that this has freed. A
# virtual machine may pay twice as much for memory that it has given back to its host as for copying into it, and it gives
# back soon what is free in GiB: files of 768 MiB cost the same within some percent each time, files of 4 GiB do not.
#
#   bench/p5.sh [ROUNDS [BYTES]]     the files lie in memory (tmpfs), and with BENCH_DISK=DIR once more there
#
# Prints a line "FAILED: ..." and ends with 1 when a goal is missed: wall time ≤ the best of the others and the start,
# first byte ≤ 150 ms, resident set ≤ 120 MiB. A miss within 5 % of C with the same calls, and the start, is said to be at
# the bound, and does not fail: from file to file that is cp, with its copy_file_range, from pipe to file bench/c/p6.c.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-9}
bytes=${2:-4294967296}
sluice=$home/sluice
missed=
trap 'rm -rf "$tmp" "${disk:-$tmp}"' EXIT

build_c p5 && build_c p6 && "$sluice" --version > /dev/null || exit 70

# The command of tool $1 for work $2, as words; what it reads and writes by name are $place/in and $place/out.
run() {
  from=/dev/null to=/dev/null
  case $2 in
    file-file) case $1 in cat | pv) from=$place/in to=$place/out ;; esac ;;
    file-pipe) to='|' ;;
    pipe-file) from="|$place/in" to=$place/out ;;
    file-null) ;;
  esac
  case $1:$2 in
    sluice:file-file) set -- "$sluice" copy "$place/in" "$place/out" ;;
    sluice:file-pipe) set -- "$sluice" copy "$place/in" ;;
    sluice:pipe-file) set -- "$sluice" copy ;;
    sluice:file-null) set -- "$sluice" copy "$place/in" /dev/null ;;
    bound:pipe-file) set -- "$tmp/p6" splice "$place/out" 0 ;;
    cp:file-file) set -- cp "$place/in" "$place/out" ;;
    cp:file-null) set -- cp "$place/in" /dev/null ;;
    cat:file-file | pv:file-file | cat:pipe-file | pv:pipe-file) set -- $1 ;;
    cat:file-*) set -- cat "$place/in" ;;
    pv:file-*) set -- pv "$place/in" ;;
    dd:file-file) set -- dd if="$place/in" of="$place/out" bs=1M ;;
    dd:pipe-file) set -- dd bs=1M ;;
    dd:file-pipe) set -- dd if="$place/in" bs=1M ;;
    dd:file-null) set -- dd if="$place/in" of=/dev/null bs=1M ;;
    *) return ;;
  esac
  "$tmp/p5" "$from" "$to" "$@" 2> "$tmp/err" || { cat "$tmp/err" >&2; exit 1; }
}

# The last line of file $3 is a figure of peer $2: wall time, CPU time, and for us the resident set.
timed() {
  read -r wall cpu resident << END
$(tail -n 1 "$3")
END
  figure P5 "$1" "$2" s "$wall" $count
  figure P5 "$1" "$2" 'CPU-s' "$cpu" $count
  [ "$2" != Sluice ] || figure P5 "$1" "$2" 'MiB resident' "$(ratio "$resident" 1024)" $count
}

peer() {
  case $1 in sluice) echo Sluice ;; dd) echo 'dd bs=1M' ;; bound) echo 'bound: C, splice' ;; *) echo "$1" ;; esac
}

measure() {
  place=$1
  works='file-file file-pipe pipe-file file-null'
  on="$(df --output=fstype "$place" | tail -n 1), $((bytes >> 20)) MiB"
  head -c "$bytes" /dev/urandom > "$place/in"
  cat "$place/in" > /dev/null
  echo x > "$tmp/x"
  rm -f "$tmp"/*-*.t "$tmp"/start "$tmp"/byte
  for work in file-file pipe-file; do
    run sluice $work > /dev/null
    cmp "$place/in" "$place/out" || { echo "FAILED: $work: the copy differs"; exit 1; }
  done
  count=0
  while [ $((count += 1)) -le "$rounds" ]; do
    "$tmp/p5" /dev/null /dev/null "$sluice" copy >> "$tmp/start" || exit 1
    "$tmp/p5" "|$tmp/x" 1 "$sluice" copy >> "$tmp/byte" || exit 1
    timed "start, nothing to copy" Sluice "$tmp/start"
    timed "start, to the first byte" Sluice "$tmp/byte"
    for work in $works; do
      for tool in $(shuf -e sluice cp cat pv dd bound); do
        command -v $tool > /dev/null || [ $tool = sluice ] || [ $tool = bound ] || continue
        run $tool $work >> "$tmp/$tool-$work.t"
        [ ! -s "$tmp/$tool-$work.t" ] || timed "$work on $on" "$(peer $tool)" "$tmp/$tool-$work.t"
      done
    done
  done

  describe_machine
  start=$(column "$tmp/start" 1)
  first=$(column "$tmp/byte" 1)
  echo "on $on, $rounds rounds; seconds of wall time (CPU time), medians"
  printf '%-11s %15s %15s %15s %15s %15s   %s\n' '' sluice cp cat pv 'dd bs=1M' 'against the best; resident set'
  for work in $works; do
    best=
    printf '%-11s' "$work"
    for tool in sluice cp cat pv dd; do
      wall=$(column "$tmp/$tool-$work.t" 1)
      [ -n "$wall" ] || { printf ' %15s' -; continue; }
      printf ' %15s' "$(awk -v w="$wall" -v c="$(column "$tmp/$tool-$work.t" 2)" 'BEGIN { printf "%.2f (%.2f)", w, c }')"
      [ $tool = sluice ] && { mine=$wall; continue; }
      [ -z "$best" ] || at_least "$wall" "$best" || best=
      [ -n "$best" ] && at_least "$wall" "$best" || best=$wall
    done
    resident=$(column "$tmp/sluice-$work.t" 3)
    verdict=$(awk -v m="$mine" -v b="$best" -v s="$start" 'BEGIN { printf "%+.2f s, %s", m - b, m <= b + s ? "reached" : "missed" }')
    case $work in file-file) same_calls=cp ;; *) same_calls=bound ;; esac
    bound=$(column "$tmp/$same_calls-$work.t" 1)
    if [ -n "$bound" ]; then
      verdict="$verdict; C with the same calls $(awk -v b="$bound" 'BEGIN { printf "%.2f s", b }')"
      limit=$(awk -v b="$bound" -v s="$start" 'BEGIN { print 1.05 * (b + s) }')
      case $verdict in *missed*) at_least "$limit" "$mine" && verdict="$verdict: at the bound" ;; *) ;; esac
    fi
    echo "   $verdict; $((resident / 1024)) MiB"
    case $verdict in *'at the bound') said='missed, at the bound' ;; *missed*) said=missed missed="$missed, $work" ;; *) said=reached ;; esac
    verdict_on P5 "$work on $on" Sluice s '≤ the best + start' "$said"
    if [ "$resident" -le $((120 << 10)) ]; then said=reached; else said=missed missed="$missed, resident set of $work"; fi
    verdict_on P5 "$work on $on" Sluice 'MiB resident' '≤ 120 MiB' $said
  done
  echo "start to end without a byte: $(awk -v s="$start" 'BEGIN { printf "%.0f", s * 1000 }') ms;" \
    "to the first byte: $(awk -v s="$first" 'BEGIN { printf "%.0f", s * 1000 }') ms (goal: ≤ 150)"
  if at_least 0.150 "$first"; then said=reached; else said=missed missed="$missed, first byte"; fi
  verdict_on P5 'start, to the first byte' Sluice s '≤ 0.150 s' $said
  rm -f "$place/in" "$place/out"
}

measure "$tmp"
if [ -n "${BENCH_DISK:-}" ]; then
  disk=$(mktemp -d -p "$BENCH_DISK" sluice-bench.XXXXXX) || exit 70
  measure "$disk"
fi
[ -z "$missed" ] || { echo "FAILED: missed: ${missed#, }"; exit 1; }
