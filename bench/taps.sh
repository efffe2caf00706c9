#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P11 and P12: what a mirror and a recording cost. `sluice relay` with one event loop and nothing beside it; with a mirror
# that keeps up; with one that stalls and is detached; with a recording of every byte (block) on a disk and in memory. In
# the same run a C program that makes the same system calls and nothing else, and tcpdump on the traffic of the relay that
# does not record, with what it drops. Bulk in one stream on loopback; rounds in turn, in rotating order; medians, and
# medians of the ratios within a round. CPU seconds are those of the relay alone, user and system, its recorder's thread
# included.
#
#   bench/taps.sh [ROUNDS [BYTES]]
#
# BENCH_DISK is a directory on a disk (/var/tmp). Prints a line "FAILED: ..." and ends with 1 when a goal is missed.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-21}
bytes=${2:-2000000000}
disk=$(mktemp -d -p "${BENCH_DISK:-/var/tmp}" sluice-bench.XXXXXX) || exit 70
port=17901 # and those after it: a listener and a server for each relay
ticks=$(getconf CLK_TCK)
all='plain mirrored stalled recorded-disk recorded-memory c-plain c-mirrored c-disk c-memory'
pids=
trap 'stop; rm -rf "$tmp" "$disk"' EXIT

stop() {
  # shellcheck disable=SC2046,SC2086 # lists
  kill -KILL $(cat "$tmp"/*.pid 2> /dev/null) $pids 2> /dev/null
  wait 2> /dev/null || :
}

listener_of() { echo $((port + 10 + 2 * $(echo "$all" | tr ' ' '\n' | grep -nx "$1" | cut -d : -f 1))); }
server_of() { echo $(($(listener_of "$1") + 1)); }
listens() { grep -q "0100007F:$(printf %04X "$1") 0*:0000 0A" /proc/net/tcp /proc/net/tcp6; }

await_port() {
  tries=0
  until listens "$1"; do
    [ $((tries += 1)) -le 200 ] || { echo "nobody listens at $1: $2" >&2; exit 1; }
    sleep 0.1
  done
}

# The files of a recording, and how they are rotated: what is over makes room.
recording() { echo "--record $1 --record-when-full block"; }

start() {
  from=$(listener_of "$1") to=$(server_of "$1")
  case $1 in
    c-plain) "$tmp/taps" "$from" "$to" & ;;
    c-mirrored) "$tmp/taps" "$from" "$to" mirror $((port + 1)) & ;;
    c-disk) "$tmp/taps" "$from" "$to" record "$disk/c-recorded" & ;;
    c-memory) "$tmp/taps" "$from" "$to" record "$tmp/c-recorded" & ;;
    *)
      case $1 in
        plain) options= ;;
        mirrored) options="--mirror 127.0.0.1:$((port + 1)) --mirror-when-full block" ;;
        stalled) options="--mirror 127.0.0.1:$((port + 2))" ;;
        recorded-memory) options=$(recording "$tmp/recording") ;;
        recorded-disk) options=$(recording "$disk/recording") ;;
      esac
      # shellcheck disable=SC2086 # a list
      "$home/sluice" relay --listen "127.0.0.1:$from" --to "127.0.0.1:$to" --loops 1 --log none $options \
        --admin "127.0.0.1:$((from + 100))" 2> "$tmp/$1.said" &
      ;;
  esac
  echo $! > "$tmp/$1.pid"
  await_port "$from" "$1, $(cat "$tmp/$1.said" 2> /dev/null)"
}

cpu_of() { awk '{ print $14 + $15 }' "/proc/$(cat "$tmp/$1.pid")/stat"; }

# What the admin address of relay $1 says of its recording: $2.
told() { curl -sS --noproxy '*' "http://127.0.0.1:$(($(listener_of "$1") + 100))/api/status" | grep -o "\"$2\":[0-9]*" | head -n 1 | cut -d : -f 2; }

# Whether what C recorded in directory $1 is whole; but for less than a MiB, that it has not yet written.
recorded_by_c() {
  size=$(stat -c %s "$1/c-recorded")
  [ "$size" -ge $((bytes - (1 << 20))) ] || { echo "C recorded $size bytes of $bytes" >&2; exit 1; }
}

# Bulk: GB/s and CPU seconds per GB of relay $1, until the recording has all.
bulk() {
  rm -f "$tmp"/recording/* "$disk"/recording/* # the files of the rounds before; the one that is written to lives on
  before=$(cpu_of "$1")
  took=$("$tmp/netty" "$(listener_of "$1")" "$(server_of "$1")" "$bytes" 1) || exit 1
  case $1 in
    recorded-*)
      tries=0
      until [ "$(told "$1" waitingBytes)" -eq 0 ]; do
        [ $((tries += 1)) -le 600 ] || exit 1
        sleep 0.1
      done
      ;;
    c-disk) recorded_by_c "$disk" ;;
    c-memory) recorded_by_c "$tmp" ;;
  esac
  awk -v bytes="$bytes" -v s="$took" -v c="$(($(cpu_of "$1") - before))" -v ticks="$ticks" \
    'BEGIN { printf "%.3f %.3f\n", bytes / s / 1e9, c / ticks / bytes * 1e9 }'
}

# Sets what the results call relay $1, and the lines that its figures are of.
called() {
  case $1 in
    plain) called='relay alone' lines='P11 P12' ;;
    mirrored) called='Sluice, a mirror' lines=P11 ;;
    stalled) called='Sluice, a stalled mirror' lines=P11 ;;
    recorded-memory) called='Sluice, recording to memory' lines=P12 ;;
    recorded-disk) called='Sluice, recording to a disk' lines=P12 ;;
    c-plain) called='bound: C alone' lines='P11 P12' ;;
    c-mirrored) called='bound: C, a mirror' lines=P11 ;;
    c-disk) called='bound: C, recording to a disk' lines=P12 ;;
    c-memory) called='bound: C, recording to memory' lines=P12 ;;
  esac
}

# What relay $1 did in round $2, the last line of $tmp/bulk.$1, are figures.
note() {
  called "$1"
  for line in $lines; do
    figure "$line" bulk "$called" GB/s "$(tail -n 1 "$tmp/bulk.$1" | cut -d ' ' -f 1)" "$2"
    figure "$line" bulk "$called" CPU-s/GB "$(tail -n 1 "$tmp/bulk.$1" | cut -d ' ' -f 2)" "$2"
  done
}

missed=
# The goal $1: relay $2 costs at most $3 times what the one without a tap does. A miss by what it costs in C, relay $4, or
# at most 5 % more, is at the bound.
goal() {
  called "$2"
  multiple=$(cost "$2" plain | median -) verdict=missed
  if at_least "$3" "$multiple"; then
    verdict=reached
  elif [ -n "${4-}" ] && at_least 1.05 "$(cost "$2" "$4" | median -)"; then
    verdict='missed, at the bound'
  else
    missed="$missed, $2: $1"
  fi
  echo "  $2: $1: $verdict, $multiple × it${4:+, $(cost "$2" "$4" | median -) × C with the same calls, itself $(cost "$4" c-plain | median -) × C alone}"
  in='ratio to the relay alone in the round, CPU-s/GB'
  round=0
  for value in $(cost "$2" plain); do figure "$lines" bulk "$called" "$in" "$value" $((round += 1)); done
  verdict_on "$lines" bulk "$called" "$in" "$1" "$verdict"
}

# The CPU seconds of relay $1 to those of $2, a line for each round.
cost() { ratios "$tmp/bulk.$1" "$tmp/bulk.$2" 2; }

"$home/sluice" --version > /dev/null && build_c netty && build_c drop && build_c taps || exit 70
describe_machine
"$tmp/drop" $((port + 1)) > "$tmp/drop.said" &
pids=$!
"$tmp/drop" $((port + 2)) > "$tmp/stalled.said" &
stalled=$!
pids="$pids $stalled"
await_port $((port + 1)) drop
await_port $((port + 2)) drop
kill -STOP $stalled # what comes is held by the kernel until its buffers are full
for each in $all; do start "$each"; done

# The JVM's compilers are at work for the first half minute of a load.
[ "$rounds" -gt 1 ] && warm=14 || warm=1
echo "P11 and P12: $bytes bytes a round in one stream, $rounds rounds after one to warm up, in a JVM $warm"
order=$all
for each in $all; do
  case $each in c-*) left=1 ;; *) left=$warm ;; esac
  while [ $((left -= 1)) -ge 0 ]; do bulk "$each" > /dev/null || exit 1; done
done
count=0
while [ $((count += 1)) -le "$rounds" ]; do
  order="${order#* } ${order%% *}"
  for each in $order; do
    bulk "$each" >> "$tmp/bulk.$each" || exit 1
    note "$each" $count
  done
done
printf '%-16s %8s %10s\n' relay GB/s CPU-s/GB
for each in $all; do printf '%-16s %8s %10s\n' "$each" "$(column "$tmp/bulk.$each" 1)" "$(column "$tmp/bulk.$each" 2)"; done

goal '≤ 1.4 × the relay alone' mirrored 1.4 c-mirrored
goal '≤ 1.05 × the relay alone: no loss' stalled 1.05
goal '≤ 1.8 × the relay alone' recorded-disk 1.8 c-disk
goal '≤ 1.8 × the relay alone' recorded-memory 1.8 c-memory
for each in recorded-memory recorded-disk; do
  missing=$(($(told $each bytesMissedBehind) + $(told $each bytesMissedDisk)))
  echo "  $each: $(told $each bytes) bytes recorded, $missing missing"
  called $each
  figure P12 bulk "$called" 'bytes missing' $missing 1
  if [ $missing -eq 0 ]; then verdict=reached; else verdict=missed missed="$missed, no byte is missing"; fi
  verdict_on P12 bulk "$called" 'bytes missing' 'no byte is missing' $verdict
done

if command -v tcpdump > /dev/null; then
  tcpdump -i lo -B 65536 -w "$tmp/tcpdump.pcap" "tcp port $(listener_of plain)" 2> "$tmp/tcpdump.said" &
  echo $! > "$tmp/tcpdump.pid"
  until grep -qs listening "$tmp/tcpdump.said"; do sleep 0.1; done
  before=$(cpu_of tcpdump)
  said=$(bulk plain)
  cpu=$(($(cpu_of tcpdump) - before))
  kill -INT "$(cat "$tmp/tcpdump.pid")"
  wait "$(cat "$tmp/tcpdump.pid")" 2> /dev/null
  rm "$tmp/tcpdump.pid"
  own=$(awk -v c="$cpu" -v t="$ticks" -v b="$bytes" 'BEGIN { printf "%.3f", c / t / b * 1e9 }')
  dropped=$(sed -n 's/^\([0-9]*\) packets\{0,1\} dropped by kernel.*/\1/p' "$tmp/tcpdump.said")
  figure P12 bulk tcpdump GB/s "${said% *}" 1
  figure P12 bulk 'tcpdump, its own' CPU-s/GB "$own" 1
  figure P12 bulk tcpdump 'packets dropped' "$dropped" 1
  echo "tcpdump of the same traffic into memory, a buffer of 64 MiB: the relay at ${said% *} GB/s;" \
    "$(grep -o '[0-9]* packets* captured' "$tmp/tcpdump.said"), $dropped packets dropped by kernel," \
    "$own CPU-s/GB of its own, and that of the kernel's copies in the relay's"
else
  echo "not here: tcpdump"
fi
for each in $all; do echo "  $each: $(tr '\n' ';' < "$tmp/bulk.$each")"; done
[ -z "$missed" ] || { echo "FAILED: missed${missed#,}"; exit 1; }
