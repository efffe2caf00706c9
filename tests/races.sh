#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lets threads meet where things are shared without a lock, or where sleepers could miss their wake-up: jcstress on the
# counts of pages, the pool, descriptions, the table of descriptors, pipes and the guard of descriptors.
#
#   RACES_MILLIS=20000 tests/races.sh    20 s for each test instead of 0.3
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd) || exit 70
. "$home/scripts/toolchain.sh"
jar=$home/races/target/races.jar
[ -e "$jar" ] || { echo "skip races: $jar is not built"; exit 0; }
[ "$(nproc)" -ge 2 ] || { echo "skip races: two threads cannot meet on one processor"; exit 0; }
find_jdk || exit 69

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out" || exit 70
"$jdk/bin/java" -jar "$jar" -sc false -jvmArgs=-XX:+UseSerialGC -f 1 -fsm 1 -iters 1 -time "${RACES_MILLIS:-300}" -v \
  > log 2>&1
code=$?
grep -o '^\.* \[[A-Z]*\] io\.sluice\.[A-Za-z.]*' log | sort -u | awk '
  /\[OK\]/ { print "ok " $3; next }
  { print "not ok " $3 }'
[ "$code" -eq 0 ] && grep -q '^\.* \[OK\]' log && exit 0
cat log
exit 1
