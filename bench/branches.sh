#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What each branch of a fan-out adds: `sluice tee` from a pipe to 1, 2, 4 and 8 pipes, which a C program empties by splice,
# beside tee(1), which copies. Rounds in turn; CPU seconds are those of the command alone.
#
#   bench/branches.sh [ROUNDS [BYTES]]
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-5}
bytes=${2:-2147483648}

build_c p5 && build_c p6 && "$home/sluice" --version > /dev/null || exit 70
describe_machine
head -c "$bytes" /dev/zero > "$tmp/in"
for fifo in 1 2 3 4 5 6 7 8; do mkfifo "$tmp/$fifo"; done

# One round of tool $1 with $2 branches: GB/s from one end to the other, and CPU seconds per GB that went in.
round() {
  drains= to=
  for fifo in $(seq "$2"); do
    "$tmp/p6" splice /dev/null 0 < "$tmp/$fifo" > "$tmp/drained.$fifo" &
    drains="$drains $!"
    [ "$fifo" -eq 1 ] || to="$to $tmp/$fifo"
  done
  case $1 in sluice) command="$home/sluice" ;; *) command= ;; esac
  # shellcheck disable=SC2086 # words
  "$tmp/p5" "|$tmp/in" "$tmp/1" $command tee $to > "$tmp/said" || exit 1
  # shellcheck disable=SC2086 # a list
  wait $drains
  for fifo in $(seq "$2"); do
    [ "$(cut -d ' ' -f 1 "$tmp/drained.$fifo")" -eq "$bytes" ] || { echo "FAILED: $1: not all went to branch $fifo"; exit 1; }
  done
  awk -v b="$bytes" '{ printf "%.3f %.3f\n", b / $1 / 1e9, $2 / b * 1e9 }' "$tmp/said"
}

peer() { case $1 in sluice) echo Sluice ;; *) echo 'tee(1)' ;; esac }

count=0
order='sluice tee'
while [ $((count += 1)) -le "$rounds" ]; do
  order="${order#* } ${order%% *}"
  for branches in 1 2 4 8; do
    for tool in $order; do
      round $tool $branches >> "$tmp/$tool.$branches" || { tail -n 1 "$tmp/$tool.$branches"; exit 1; }
      read -r rate cost << END
$(tail -n 1 "$tmp/$tool.$branches")
END
      figure tee "a pipe to $branches" "$(peer $tool)" GB/s "$rate" $count branches $branches
      figure tee "a pipe to $branches" "$(peer $tool)" CPU-s/GB "$cost" $count branches $branches
    done
  done
done

echo "$bytes bytes from a pipe to several, $rounds rounds; GB/s (CPU seconds per GB), medians"
printf '%-10s %16s %16s\n' branches sluice 'tee(1)'
for branches in 1 2 4 8; do
  printf '%-10s' $branches
  for tool in sluice tee; do
    printf ' %16s' "$(printf '%.2f (%.3f)' "$(column "$tmp/$tool.$branches" 1)" "$(column "$tmp/$tool.$branches" 2)")"
  done
  echo
done
