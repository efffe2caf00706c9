# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts that measure: builds what they run, and works out medians. Expects `home`, the root of the
# source tree; sets `java`, `jar` and `tmp`, which is removed at the end.

. "$home/scripts/toolchain.sh"

find_jdk || { echo "needs a JDK $JDK_WANTED or newer" >&2; exit 69; }
java=$jdk/bin/java
jar=$home/bench/target/benchmarks.jar
# Files of several GiB go where they cost no disk: to memory, when there is enough of it.
tmp=$(mktemp -d -p "${BENCH_TMP:-/dev/shm}" sluice-bench.XXXXXX) || exit 70
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP

# Builds benchmarks.jar unless it is newer than every source.
build_jar() {
  newer=$(find "$home"/core/src/main "$home"/netty/src/main "$home"/bench/src/main "$home"/bench/pom.xml -newer "$jar" -print -quit 2> /dev/null) &&
    [ -e "$jar" ] && [ -z "$newer" ] && return
  maven -q -pl bench -am -Dmaven.test.skip=true package >&2
}

# Compiles bench/c/$1.c to $tmp/$1.
build_c() {
  gcc -O2 -pthread -o "$tmp/$1" "$home/bench/c/$1.c"
}

# Runs a class of the benchmarks as a program.
run_java() {
  "$java" --enable-native-access=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED -cp "$jar" "$@"
}

# The median of the numbers in a file, one a line.
median() {
  sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# The median of column $2 of a file of rounds, a line each; nothing when there was none.
column() { [ ! -s "$1" ] || cut -d ' ' -f "$2" "$1" | median -; }

# Column $3 of the file $1 to that of the file $2, a line for each round. What is compared is of one round, for a slow
# minute of the machine meets all of a round; the median of these is said.
ratios() { paste -d ' ' "$1" "$2" | awk -v c="$3" '{ printf "%.4f\n", $c / $(NF / 2 + c) }'; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# Whether $1 ≥ $2, as awk reads numbers.
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'; }

# Fills $1 bytes of memory and frees them, so that whoever comes next finds as much that was touched. A virtual machine
# pays for memory that it has never touched, or has given back to its host, more than for copying into it, and who starts
# at once after a large file was deleted would pay less than who starts after a tenth of a second.
touch_memory() { head -c "$1" /dev/zero > "$tmp/touched"; rm "$tmp/touched"; }

# What bench/run collects: JSON, an object a line, in the file $BENCH_RAW; without that, nothing. The names are ours and
# have nothing in them that JSON escapes.

# figure LINE WORK PEER UNIT VALUE ROUND [BY AT]: one round of one peer. BY and AT say at which size, or with how many
# connections, where the same work was measured at several. A peer whose name begins with "Sluice" is ours, "bound: " is
# before a program that makes the same system calls.
figure() {
  [ -n "${BENCH_RAW:-}" ] || return 0
  printf '{"line":"%s","work":"%s","peer":"%s","unit":"%s","value":%s,"round":%s%s}\n' "$1" "$2" "$3" "$4" "$5" "$6" \
    "${7:+,\"by\":\"$7\",\"at\":$8}" >> "$BENCH_RAW"
}

# verdict_on LINE WORK PEER UNIT GOAL VERDICT: reached, missed, or what else is to be said of it.
verdict_on() {
  [ -n "${BENCH_RAW:-}" ] || return 0
  printf '{"line":"%s","work":"%s","peer":"%s","unit":"%s","goal":"%s","verdict":"%s"}\n' "$@" >> "$BENCH_RAW"
}

# The machine and the moment, as every result states them.
describe_machine() {
  echo "$(date -u +%Y-%m-%dT%H:%MZ), $(uname -srm), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)," \
    "$(nproc) cores, $(awk '/MemTotal/ { printf "%d GiB", $2 / 1048576 + 0.5 }' /proc/meminfo), JDK $jdk_id," \
    "load $(cut -d ' ' -f 1 /proc/loadavg)"
}
