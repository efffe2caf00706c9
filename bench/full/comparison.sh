#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# R1 of the goals: the two kernels compared by 10 million random calls from a fresh seed, and by every program of five
# calls out of the small alphabet over pipes of one and two slots.
#
#   bench/full/comparison.sh [CALLS [LENGTH]]
#
# Prints a line "FAILED: ..." and ends with 1 when they differ.
set -u
home=$(cd -P -- "$(dirname -- "$0")/../.." && pwd)
. "$home/bench/common.sh"

calls=${1:-10000000}
length=${2:-5}

export JAVA_HOME="$jdk"
describe_machine
"$home/fuzz" --calls "$calls" 2> "$tmp/seeds" || bad=yes
head -n 1 "$tmp/seeds"
cd "$home" || exit 70
if maven -q -pl core,conformance -am -Dtest=ComparisonTest -Dsurefire.failIfNoSpecifiedTests=false -Dfuzz.length="$length" \
  -Dfuzz.calls=1 test > "$tmp/log" 2>&1; then
  echo "every program of $length calls: $(awk -v n="$length" 'BEGIN { printf "%d", 4 * 13 ^ n }') programs, 0 differences"
else
  tail -n 40 "$tmp/log"
  bad=yes
fi
[ -z "${bad:-}" ] || { echo "FAILED: the kernels differ"; exit 1; }
