# SPDX-License-Identifier: Apache-2.0
# sluice relay, run as people run it: one process that relays, and others at both its ends.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
relay=
trap 'kill $relay 2> /dev/null; rm -rf "$tmp"' EXIT

"$sluice" --version > /dev/null || exit 1 # builds it, when that has not been done
head -c 3000000 /dev/urandom > "$tmp/data"

cat > "$tmp/sluice.yaml" << END
loops: 2
routes:
  - name: files
    listen: ["unix:$tmp/in"]
    to: ["unix:$tmp/out"]
END
# What runs this may be deaf to SIGHUP, as under nohup, and a JVM leaves that as it is.
env --default-signal=HUP "$sluice" relay --config "$tmp/sluice.yaml" --drain 5s > "$tmp/relay.log" 2> "$tmp/relay.err" &
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

admin_port=17641
# One relay follows another, while a client is in the middle of what it says.
follow() {
  "$sluice" relay --listen "unix:$tmp/in" --to "unix:$tmp/out" --handover "$tmp/next" --admin "127.0.0.1:$admin_port" \
    --log none 2> "$tmp/$1.err" 8>&- &
}
"$sluice" copy "unix-listen:$tmp/out" "$tmp/across" &
server=$!
wait_until test -S "$tmp/out"
follow first
first=$!
wait_until grep -q "listening at unix:$tmp/in" "$tmp/first.err"
mkfifo "$tmp/words"
"$sluice" copy "$tmp/words" "unix:$tmp/in" &
client=$!
exec 8> "$tmp/words"
cat "$tmp/data" >&8
wait_until test -s "$tmp/across"
follow relay
relay=$!
it "a relay that follows takes over" wait_until grep -q "another relay has taken over" "$tmp/first.err"
it "and the admin address with all else" wait_until grep -q "admin page at http://127.0.0.1:$admin_port/" "$tmp/relay.err"
cat "$tmp/data" >&8
exec 8>&-
wait $client $server
cat "$tmp/data" "$tmp/data" > "$tmp/both"
it "what was under way arrives by the one before it" cmp -s "$tmp/both" "$tmp/across"
wait $first
code=$?
it "which then ends with 0" test $code -eq 0
rm -f "$tmp/got"
"$sluice" copy "unix-listen:$tmp/out" "$tmp/got" &
server=$!
wait_until test -S "$tmp/out"
"$sluice" copy "$tmp/data" "unix:$tmp/in"
wait $server
it "what comes later arrives by the new one" cmp -s "$tmp/data" "$tmp/got"
kill -TERM $relay
wait $relay
relay=

# A socket that the process is started with, as systemd does it, and in which a connection waits already.
rm -f "$tmp/got"
"$sluice" copy "unix-listen:$tmp/out" "$tmp/got" &
server=$!
wait_until test -S "$tmp/out"
perl -MSocket -e '
  $^F = 3; # what is opened next stays open for the program
  my $s;
  socket($s, PF_UNIX, SOCK_STREAM, 0) && bind($s, sockaddr_un($ARGV[0])) && listen($s, 8) && fileno($s) == 3 or die "$!";
  $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1;
  sleep 1 until -e $ARGV[1];
  exec @ARGV[2 .. $#ARGV] or die "$!"' \
  "$tmp/passed" "$tmp/go" "$sluice" relay --listen "unix:$tmp/passed" --to "unix:$tmp/out" --log none 2> "$tmp/relay.err" &
relay=$!
wait_until test -S "$tmp/passed"
"$sluice" copy "$tmp/data" "unix:$tmp/passed" &
client=$!
: > "$tmp/go"
wait $client $server
it "a connection that waits in a socket passed by systemd is served" cmp -s "$tmp/data" "$tmp/got"
kill -TERM $relay
wait $relay
relay=
it "and the name of that socket stays" test -S "$tmp/passed"
exit $bad
