# SPDX-License-Identifier: Apache-2.0
# The manual pages, as man(1) would render them.
set -u

pages=$(cd -P -- "${0%/*}/../docs/man" && pwd)
bad=0

if ! command -v groff > /dev/null || ! echo | groff -mandoc -Tutf8 > /dev/null 2>&1; then
  echo "skip - manual pages render: groff with mandoc macros is not installed (Debian: apt-get install groff)"
  exit 0
fi
for page in "$pages"/*.1; do
  complaints=$(groff -mandoc -Tutf8 -ww -z "$page" 2>&1)
  lines=$(groff -mandoc -Tutf8 "$page" 2> /dev/null | wc -l)
  if [ -z "$complaints" ] && [ "$lines" -gt 20 ]; then
    echo "ok - ${page##*/} renders without a complaint"
  else
    bad=1
    echo "not ok - ${page##*/}: $complaints"
  fi
done
exit $bad
