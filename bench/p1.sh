#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P1: what a system call costs from Java above the same call from C, and that nothing is allocated for it.
#
#   bench/p1.sh          every call of SystemCallBenchmark beside C, on a platform and on a virtual thread
#   bench/p1.sh short    the splice that fails at once, alone
#   bench/p1.sh quick    that, in one round of three
#
# C and Java take turns, so that a change of the machine's pace meets both. Each figure is the lowest of 300 windows or
# more, 5 to 20 ms each, with their median in brackets: on a machine that others use too, the lowest is the call's cost.
# Prints a line "FAILED: ..." and ends with 1 when the goal is missed: splice <= C + 50 ns, 0 bytes per call.
set -eu

home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"
command -v gcc > /dev/null || { echo "FAILED: needs a C compiler; on Debian: apt-get install gcc libc6-dev"; exit 1; }
build_jar
build_c p1

pattern='SystemCallBenchmark' rounds=3
only=
[ -z "${1-}" ] || only=spliceEbadf pattern=SystemCallBenchmark.spliceEbadf
[ "${1-}" != quick ] || rounds=1

# Two runs: JMH itself allocates a little for each window, which only long ones make invisible. Before the compiler is
# done with a call the interpreter allocates too, so the lowest of several seconds counts: what a call allocates, it
# allocates in each of them.
java_round() {
  java_run "$1" -wi 10 -w 100ms -i 100 -r 20ms |
    awk -v who="$1" '
      /^# Benchmark:/ { name = $3; sub(/.*\./, "", name) }
      /^Iteration/ { print who, name, $3 }' >> "$tmp/round"
}

java_bytes() {
  java_run "$1" -wi 1 -w 1s -i 6 -r 1s -prof gc |
    awk -v who="bytes-$1" '
      /^# Benchmark:/ { name = $3; sub(/.*\./, "", name) }
      /^ +gc.alloc.rate.norm:/ { print who, name, $2 }' >> "$tmp/round"
}

java_run() {
  executor=$1
  shift
  "$java" --sun-misc-unsafe-memory-access=allow -jar "$jar" "$pattern" "$@" \
    -jvmArgsAppend "-Djmh.executor=$executor" -jvmArgsAppend --sun-misc-unsafe-memory-access=allow
}

# What a round has brought, of each call its lowest window.
end_round() {
  sort -k1,1 -k2,2 -k3,3n "$tmp/round" | sort -u -k1,1 -k2,2 | while read -r who name value _; do
    case $who in *PLATFORM) peer='Sluice, platform thread' ;; *VIRTUAL) peer='Sluice, virtual thread' ;; C-threads) peer='C, two threads' ;; *) peer='C, one thread' ;; esac
    case $who in bytes-*) unit='bytes allocated' ;; *) unit=ns ;; esac
    case $name in 'splice()') name=spliceEbadf ;; esac
    [ -n "${only:+x}" ] && [ "$name" != "$only" ] || figure P1 "$name" "$peer" "$unit" "$value" $round
  done
  cat "$tmp/round" >> "$tmp/figures"
  rm "$tmp/round"
}

round=0
while [ $((round += 1)) -le $rounds ]; do
  "$tmp/p1" | sed 's/^/C-one-thread /' >> "$tmp/round"
  "$tmp/p1" threads | sed 's/^/C-threads /' >> "$tmp/round"
  java_round PLATFORM
  java_round VIRTUAL
  end_round
done
java_bytes PLATFORM
java_bytes VIRTUAL
round=1
end_round

code=0
sort -k1,1 -k2,2 -k3,3n "$tmp/figures" | awk -v short="${1-}" '
  function cell(who, name,   k) {
    k = who SUBSEP name
    return n[k] ? sprintf("%.0f (%.0f)", all[k, 1], all[k, int((n[k] + 1) / 2)]) : "-"
  }
  function low(who, name) { return all[who, name, 1] }
  { k = $1 SUBSEP $2; all[k, ++n[k]] = $3; if (!($2 in seen)) { seen[$2] = 1; names[++count] = $2 } }
  END {
    format = "%-20s %16s %16s %16s %16s %14s\n"
    printf format, "ns per call", "C, one thread", "C, two threads", "Java, platform", "Java, virtual", "bytes, p / v"
    for (i = 1; i <= count; i++) {
      name = names[i]
      if (short && name != "splice()" && name != "spliceEbadf") continue
      bytes = n["bytes-PLATFORM", name] ? sprintf("%.2f / %.2f", low("bytes-PLATFORM", name), low("bytes-VIRTUAL", name)) : "-"
      printf format, name, cell("C-one-thread", name), cell("C-threads", name), cell("PLATFORM", name), cell("VIRTUAL", name), bytes
      for (w = 1; w <= 2; w++) {
        who = w == 1 ? "bytes-PLATFORM" : "bytes-VIRTUAL"
        if (n[who, name] && low(who, name) >= 0.5) { print "FAILED: " name " allocates"; allocates = 1 }
      }
    }
    above = low("PLATFORM", "spliceEbadf") - low("C-one-thread", "spliceEbadf")
    printf "splice above C, lowest windows: %+.0f ns over syscall(), %+.0f ns over splice() with a second thread; goal: <= 50 ns\n",
      above, low("PLATFORM", "spliceEbadf") - low("C-threads", "splice()")
    if (above > 50) { print "FAILED: splice costs more than C + 50 ns"; slow = 1 }
    exit 2 * allocates + 4 * slow
  }' || code=$?
verdict_on P1 spliceEbadf 'Sluice, platform thread' ns '≤ C + 50 ns' "$([ $((code & 4)) -eq 0 ] && echo reached || echo missed)"
verdict_on P1 spliceEbadf 'Sluice, platform thread' 'bytes allocated' '0 bytes per call' "$([ $((code & 2)) -eq 0 ] && echo reached || echo missed)"
[ $code -eq 0 ] || exit 1
