# SPDX-License-Identifier: Apache-2.0
# sluice relay, run as people run it: one process that relays, and others at both its ends.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
bad=0
relay=
trap 'kill $relay 2> /dev/null; rm -rf "$tmp"' EXIT

# Says whether the test named $1 holds: the rest is a command.
it() {
  name=$1
  shift
  if "$@"; then
    echo "ok - $name"
  else
    bad=1
    echo "not ok - $name"
    sed 's/^/    /' "$tmp/relay.err"
  fi
}

# Waits for up to 20 s until the command holds.
wait_until() {
  tries=0
  while ! "$@" 2> /dev/null; do
    [ $((tries += 1)) -le 200 ] || return 1
    sleep 0.1
  done
}

"$sluice" --version > /dev/null || exit 1 # builds it, when that has not been done
head -c 3000000 /dev/urandom > "$tmp/data"

cat > "$tmp/sluice.yaml" << END
loops: 2
routes:
  - name: files
    listen: ["unix:$tmp/in"]
    to: ["unix:$tmp/out"]
END
"$sluice" relay --config "$tmp/sluice.yaml" --drain 5s > "$tmp/relay.log" 2> "$tmp/relay.err" &
relay=$!
it "it says where it listens" wait_until grep -q "listening at unix:$tmp/in" "$tmp/relay.err"

"$sluice" copy "unix-listen:$tmp/out" "$tmp/got" &
server=$!
wait_until test -S "$tmp/out"
"$sluice" copy "$tmp/data" "unix:$tmp/in"
wait $server
it "what is sent to it arrives at the backend" cmp -s "$tmp/data" "$tmp/got"
it "a line tells of the session" wait_until grep -Eq ' files/unix:.*/out [0-9/]+ 0 3000000 spliced=[0-9]+% -- ' "$tmp/relay.log"

sed -i 's/name: files/name: renamed/' "$tmp/sluice.yaml"
kill -HUP $relay
it "SIGHUP has it follow the file" wait_until grep -q "follows $tmp/sluice.yaml" "$tmp/relay.err"
echo "routs:" > "$tmp/sluice.yaml"
kill -HUP $relay
it "a bad file is refused, with the line" wait_until grep -q "sluice.yaml:1:1: 'routs' is not known here" "$tmp/relay.err"

"$sluice" copy "unix-listen:$tmp/out" "$tmp/again" &
server=$!
wait_until test -S "$tmp/out"
"$sluice" copy "$tmp/data" "unix:$tmp/in"
wait $server
it "and what was there goes on" cmp -s "$tmp/data" "$tmp/again"
it "by its new name" wait_until grep -q ' renamed/' "$tmp/relay.log"

kill -TERM $relay
wait $relay
code=$?
it "SIGTERM ends it with 143" test $code -eq 143
it "and takes the name of its socket away" test ! -e "$tmp/in"
relay=
exit $bad
