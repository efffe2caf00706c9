# SPDX-License-Identifier: Apache-2.0
# The half of the suite that needs no Linux, in JVMs that are denied native access: it passes, and the other half is
# skipped and says why. Scenarios, contracts and commands; what takes long elsewhere is left to the whole suite, which
# runs in the same way: mvn test -Dtest.jvm.args=--illegal-native-access=deny
set -u

home=$(cd -P -- "${0%/*}/.." && pwd) || exit 70
. "$home/scripts/toolchain.sh"
find_jdk || { echo "skip - without native access: no JDK was found"; exit 0; }
command -v mvn > /dev/null || { echo "skip - without native access: Maven is not installed"; exit 0; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
tests='io/sluice/testing/NoLeaksTest,io/sluice/*Test,io/sluice/flow/*Test,io/sluice/conformance/*Test,io/sluice/relay/*Test,io/sluice/cli/*Test'
rm -f "$home"/*/target/surefire-reports/TEST-*-denied.xml
maven -q -fae -pl core,conformance,relay,cli test -Dtest="$tests" -Dsurefire.failIfNoSpecifiedTests=false \
  -Dsurefire.reportNameSuffix=denied -Dtest.jvm.args=--illegal-native-access=deny > "$log" 2>&1
code=$?

bad=0
for module in core conformance relay cli; do
  # shellcheck disable=SC2046 # four numbers
  set -- $(cat "$home/$module"/target/surefire-reports/TEST-*-denied.xml 2> /dev/null | awk '
    function number(name) { return match($0, " " name "=\"[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0 }
    /<testsuite / { tests += number("tests"); bad += number("failures") + number("errors"); skipped += number("skipped") }
    /<skipped .*native access is denied/ { denied++ }
    END { print tests - bad - skipped, bad + 0, skipped + 0, denied + 0 }')
  # That nothing was skipped for it would mean that nothing was denied.
  if [ "$1" -gt 0 ] && [ "$2" -eq 0 ] && [ "$4" -gt 0 ]; then
    echo "ok - $module without native access: $1 tests pass, $4 need Linux"
  else
    bad=1
    echo "not ok - $module without native access: $1 tests pass, $2 fail, $4 need Linux"
  fi
  [ "$3" -eq "$4" ] || echo "skip - $(($3 - $4)) tests of $module for other reasons"
done
if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then
  bad=1
  echo "not ok - Maven ended with $code"
fi
[ "$bad" -eq 0 ] || grep '^\[ERROR\]' "$log" | head -n 40
exit $bad
