#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# R9 of the goals: PIT changes the pipe, page and splice classes of the user-space kernel, one class after the other. Every
# change that no test notices must stand in docs/mutation.md, with the reason why nothing can notice it.
#
#   bench/full/mutation.sh [CLASS...]     classes of io.sluice.kernel.user; all of them take more than an hour
#
# A survivor is named by method, source line and change, not by a number that the next edit moves.
set -u
home=$(cd -P -- "$(dirname -- "$0")/../.." && pwd)
. "$home/bench/common.sh"

explained=$home/docs/mutation.md
package=io.sluice.kernel.user
source=$home/core/src/main/java/io/sluice/kernel/user

# The classes, and beside each the tests that look at it alone: quick ones, since each process of PIT begins by running
# them all.
classes='
  Memory          MemoryTest PagePoolTest
  Page            MemoryTest PagePoolTest
  PagePool        MemoryTest PagePoolTest
  Lent            MemoryTest
  Mapping         MemoryTest
  GiftedPage      MemoryTest
  WaitQueue       WaitQueueTest WaitableTest HandoverTest
  Waiter          WaitQueueTest WaitableTest HandoverTest
  Waitable        WaitQueueTest WaitableTest HandoverTest
  Handover        HandoverTest
  Ring            RingTest
  Splice          FileToPipeTest PipeToFileTest PipeToPipeTest
  FileCopy        FileCopyTest
  Sendfile        SendfileTest
  Vmsplice        VmspliceTest
  Pipe            PipeTest PipeCapacityTest PipeWriteTest PipeReadTest HandoverTest
  PipeEnd         PipeEndTest
  Claim           ClaimTest
  DescriptorTable DescriptorTableTest
'

prepare() {
  maven -q -pl core -am test-compile >&2 &&
    maven -q -f bench/mutation/pom.xml dependency:build-classpath "-Dmdep.outputFile=$tmp/libraries" >&2 || exit 70
  path=$home/core/target/classes:$home/core/target/test-classes:$(cat "$tmp/libraries")
}

# The names of the tests, as PIT takes them.
tests_of() {
  names=
  for test in "$@"; do
    names=$names${names:+,}$package.$test
  done
}

# Runs PIT on class $1, what is nested in it included, with the tests after it; the report is $tmp/$1/mutations.xml.
mutate() {
  class=$1
  shift
  tests_of "$@"
  nice -n 10 "$java" -cp "$path" org.pitest.mutationtest.commandline.MutationCoverageReport \
    --reportDir "$tmp/$class" --timestampedReports=false --outputFormats XML --verbosity NO_SPINNER --threads 1 \
    --sourceDirs "$home/core/src/main/java" --mutableCodePaths "$home/core/target/classes" \
    --classPath "$(echo "$path" | tr : ,)" --targetClasses "$package.$class,$package.$class\$*" --targetTests "$names" \
    --timeoutConst 4000 --timeoutFactor 1.5 \
    --jvmArgs=--enable-native-access=ALL-UNNAMED,-XX:TieredStopAtLevel=1,-XX:+UseSerialGC > "$tmp/$class.log" 2>&1
}

# The survivors of class $1: "method | source line | change", one a line.
survivors() {
  sed -n -E "/status='(SURVIVED|NO_COVERAGE|RUN_ERROR|NON_VIABLE|MEMORY_ERROR)'/"'s|.*<mutatedMethod>(.*)</mutatedMethod>.*<lineNumber>([0-9]+)</lineNumber>.*<description>(.*)</description>.*|\1\t\2\t\3|p' \
    "$tmp/$1/mutations.xml" | sed -e 's/&lt;/</g; s/&gt;/>/g; s/&#39;/'"'"'/g; s/&quot;/"/g; s/&amp;/\&/g' |
    awk -F '\t' -v source="$source/$1.java" '
      BEGIN { while ((getline line < source) > 0) { sub(/^ +/, "", line); sub(/ *\/\/ .*$/, "", line); text[++n] = line } }
      { print $1 " | " text[$2] " | " $3 }'
}

# What docs/mutation.md explains of class $1, in the same form: the list items "`method` `source line` change" below "## $1".
explanations() {
  awk -v class="$1" '
    /^## / { here = $0 == "## " class }
    here && /^- `/ { split($0, part, "`"); change = part[5]; sub(/^ */, "", change)
      print part[2] " | " part[4] " | " change }' "$explained"
}

prepare
describe_machine
chosen=" ${*:-$(echo "$classes" | awk '{ print $1 }' | tr '\n' ' ')} "
printf '%-16s %8s %8s %10s %12s\n' class mutants noticed explained unexplained
bad=0
while read -r class tests; do
  case $chosen in *" $class "*) ;; *) continue ;; esac
  [ -n "$class" ] || continue
  # shellcheck disable=SC2086 # a list
  mutate "$class" $tests || { echo "FAILED: PIT on $class: $(grep -m 1 -E 'SEVERE|Error|Exception' "$tmp/$class.log")"; bad=1; continue; }
  survivors "$class" | sort > "$tmp/left"
  explanations "$class" | sort > "$tmp/known"
  comm -23 "$tmp/left" "$tmp/known" > "$tmp/unknown"
  mutants=$(grep -c '<mutation ' "$tmp/$class/mutations.xml")
  noticed=$(grep -c "detected='true'" "$tmp/$class/mutations.xml")
  new=$(grep -c . "$tmp/unknown")
  printf '%-16s %8d %8d %10d %12d\n' "$class" "$mutants" "$noticed" "$(($(grep -c . "$tmp/left") - new))" "$new"
  if [ "$new" -gt 0 ]; then
    bad=1
    sed "s/^/FAILED: nobody notices in $class: /" "$tmp/unknown"
  fi
  comm -13 "$tmp/left" "$tmp/known" | sed "s/^/    noticed by now, in $class: /"
done << EOF
$classes
EOF
exit $bad
