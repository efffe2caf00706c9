#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What it costs to relay TCP in a Netty application, on one event loop: by Sluice's join, by Netty's ByteBufs, and by
# Netty's own spliceTo, which is deprecated. Throughput, and CPU seconds (user and system, of the relay alone) per GB,
# of one stream and of sixteen at once. Each relay is one process that lives through all rounds; rounds in turn, in
# rotating order; medians, and medians of the ratios within a round.
#
#   bench/netty.sh [ROUNDS [BYTES [WARM_BYTES]]]
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-5}
bytes=${2:-4000000000}
warm=${3:-4000000000}
port=17821 # and the five after it
ticks=$(getconf CLK_TCK)
trap 'exec 9>&-; rm -rf "$tmp"' EXIT # and with its input, each relay ends

# The relay of way $1 listens on an even port, and its server is on the next.
port_of() {
  case $1 in sluice) echo $port ;; bytebuf) echo $((port + 2)) ;; spliceTo) echo $((port + 4)) ;; esac
}

start() {
  said=$tmp/$1.said
  : > "$said"
  (
    exec 9>&- # else each would keep the others' input open
    run_java --sun-misc-unsafe-memory-access=allow io.sluice.bench.NettyRelays "$1" "$(port_of "$1")" $(($(port_of "$1") + 1))
  ) < "$tmp/alive" > "$said" &
  until grep -q ready "$said"; do
    kill -0 $! || { echo "the relay $1 did not start" >&2; exit 1; }
    sleep 0.1
  done
  sed -n 's/^ready as process //p' "$said" > "$tmp/$1.pid"
}

cpu_of() { awk '{ print $14 + $15 }' "/proc/$(cat "$tmp/$1.pid")/stat"; }

# One round: $2 bytes through the relay $1, in $3 connections; prints GB/s and CPU seconds per GB.
round() {
  before=$(cpu_of "$1")
  seconds=$("$tmp/netty" "$(port_of "$1")" $(($(port_of "$1") + 1)) "$2" "$3") || exit 1
  awk -v bytes="$2" -v s="$seconds" -v c="$(($(cpu_of "$1") - before))" -v ticks="$ticks" \
    'BEGIN { printf "%.3f %.3f\n", bytes / s / 1e9, c / ticks / bytes * 1e9 }'
}

peer() {
  case $1 in sluice) echo "Sluice's join" ;; bytebuf) echo 'Netty, ByteBufs' ;; *) echo 'Netty, spliceTo' ;; esac
}

build_jar && build_c netty || exit 70
describe_machine
ways='sluice bytebuf spliceTo'
mkfifo "$tmp/alive"
exec 9<> "$tmp/alive"
for way in $ways; do start "$way"; done
for way in $ways; do
  round "$way" "$warm" 1 > /dev/null || exit 1
  round "$way" "$warm" 16 > /dev/null || exit 1
done
echo "$bytes bytes a round after 2 × $warm to warm up, $rounds rounds"
printf '%-12s %-9s %8s %10s   %s\n' connections relay GB/s CPU-s/GB 'CPU, ratio to Sluice'
for connections in 1 16; do
  order=$ways
  count=0
  while [ $((count += 1)) -le "$rounds" ]; do
    order="${order#* } ${order%% *}"
    for way in $order; do
      round "$way" "$bytes" $connections >> "$tmp/$connections.$way" || exit 1
      figure join "$connections connections" "$(peer "$way")" GB/s "$(tail -n 1 "$tmp/$connections.$way" | cut -d ' ' -f 1)" $count
      figure join "$connections connections" "$(peer "$way")" CPU-s/GB "$(tail -n 1 "$tmp/$connections.$way" | cut -d ' ' -f 2)" $count
    done
    for way in $ways; do
      ratio "$(tail -n 1 "$tmp/$connections.$way" | cut -d ' ' -f 2)" "$(tail -n 1 "$tmp/$connections.sluice" | cut -d ' ' -f 2)"
      echo
    done | paste -sd ' ' - >> "$tmp/$connections.ratios"
  done
  field=0
  for way in $ways; do
    field=$((field + 1))
    printf '%-12s %-9s %8s %10s   %s\n' $connections "$way" "$(column "$tmp/$connections.$way" 1)" \
      "$(column "$tmp/$connections.$way" 2)" "$(column "$tmp/$connections.ratios" $field)"
  done
done
for side in "$tmp"/*.sluice "$tmp"/*.bytebuf "$tmp"/*.spliceTo; do echo "  ${side##*/}: $(tr '\n' ';' < "$side")"; done
