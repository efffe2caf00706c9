# SPDX-License-Identifier: Apache-2.0
# sluice demo: the whole relay in one command, on both kernels.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
demo=
trap 'kill $demo 2> /dev/null; rm -rf "$tmp"' EXIT

"$sluice" --version > /dev/null || exit 1
export TMPDIR="$tmp"

all_agree() { "$sluice" demo --bytes 300M "$@" > "$tmp/out" 2> "$tmp/demo.err" && [ "$(grep -c ' agrees$' "$tmp/out")" -eq 4 ] && tail -n 1 "$tmp/out" | grep -qx 'All agree.'; }
left_nothing() { ! ls -d "$tmp"/sluice-demo*; }
json_agrees() { "$sluice" demo --bytes 3000001 --json > "$tmp/json" && grep -q '"agrees": true' "$tmp/json" && grep -q '"recorded": {"bytes": 3000001,' "$tmp/json"; }
no_room() { "$sluice" demo --bytes 8000P 2> "$tmp/demo.err"; [ $? -eq 1 ] && grep -q 'fewer --bytes' "$tmp/demo.err"; }
is_up() { grep -q 'Ctrl-C ends them' "$tmp/stay.err"; }
page() { sed -n 's/.*admin page at //p' "$tmp/stay.err"; }
looked_at() { curl -sS --fail --noproxy '*' "$(page)api/status" | grep -q '"mirrored":1'; }

it "the backend, the mirror and the recording agree with the client" all_agree
it "and nothing is left of it" left_nothing
it "on the kernel in user space, too" all_agree --kernel user
it "so says JSON" json_agrees
it "what does not fit in the temporary directory is refused before it begins" no_room
"$sluice" demo --bytes 1M --stay > "$tmp/out" 2> "$tmp/stay.err" &
demo=$!
it "the relay stays when that is asked for" wait_until is_up
if command -v curl > /dev/null; then
  it "with its page" looked_at
fi
kill -TERM $demo
wait $demo
code=$?
demo=
it "until it is ended" test $code -eq 143
it "and nothing is left of that, either" left_nothing
exit $bad
