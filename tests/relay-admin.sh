# SPDX-License-Identifier: Apache-2.0
# The admin page of sluice relay in a real browser.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
relay=
trap 'kill $relay 2> /dev/null; rm -rf "$tmp"' EXIT

chromium=$(command -v chromium || command -v chromium-browser) || {
  echo "skip - the admin page in a browser: needs Chromium; on Debian: apt-get install chromium"
  exit 0
}

# Chromium with a home of its own; as root it wants to be told that there is no sandbox.
browse() {
  "$chromium" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars \
    --user-data-dir="$tmp/profile" --enable-logging=stderr --window-size=1200,1000 "$@" 2> "$tmp/browser.err"
}

"$sluice" --version > /dev/null || exit 1
head -c 20000000 /dev/urandom > "$tmp/data"
echo secret > "$tmp/token"
"$sluice" relay --listen "unix:$tmp/in" --to "unix:$tmp/out" --backup "unix:$tmp/<b>spare</b>" --admin :0 \
  --admin-token-file "$tmp/token" --log none 2> "$tmp/relay.err" &
relay=$!
it "it says where the page is" wait_until grep -q "admin page at http://127.0.0.1:" "$tmp/relay.err"
page=$(sed -n 's/.*admin page at //p' "$tmp/relay.err")

"$sluice" copy "unix-listen:$tmp/out" "$tmp/got" &
server=$!
wait_until test -S "$tmp/out"
"$sluice" copy "$tmp/data" "unix:$tmp/in"
wait $server

browse --virtual-time-budget=4000 --dump-dom "$page" > "$tmp/dom"
it "the page names the route and its listener" grep -q "unix:$tmp/in · " "$tmp/dom"
it "draws three charts" test "$(grep -o '<canvas' "$tmp/dom" | wc -l)" -eq 3
it "says how much was spliced" grep -Eq 'spliced [0-9.]+ MB' "$tmp/dom"
it "and why the rest was copied" grep -q 'copied: small pieces' "$tmp/dom"
it "shows each backend with its state" test "$(grep -o 'class="badge up"' "$tmp/dom" | wc -l)" -eq 2
it "takes no name for markup" grep -q '&lt;b&gt;spare' "$tmp/dom"
it "runs without a complaint of the browser" test "$(grep -c 'CONSOLE.*\(rror\|refused\|violates\)' "$tmp/browser.err")" -eq 0
browse --virtual-time-budget=4000 --screenshot="${SCREENSHOT:-$tmp/page.png}" "$page" > /dev/null
it "and can be looked at" test -s "${SCREENSHOT:-$tmp/page.png}"

kill -TERM $relay
wait $relay
relay=
exit $bad
