# SPDX-License-Identifier: Apache-2.0
# sluice replay: sessions of a real Redis, recorded by tcpdump and changed by Wireshark's tools, against a fresh one.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
dump=
relay=
port=17671   # that of the recording
fresh=17672  # that of the replay
through=17673
trap 'stop; kill $dump $relay 2> /dev/null; rm -rf "$tmp"' EXIT

for tool in tcpdump editcap mergecap redis-check-rdb redis-cli; do
  if ! command -v $tool > /dev/null; then
    echo "skip - replay of a recorded Redis: there is no $tool (Debian: apt-get install tcpdump wireshark-common redis-tools)"
    exit 0
  fi
done
"$sluice" --version > /dev/null || exit 1 # builds it, when that has not been done

# serve PORT: a Redis with nothing in it. Debian's server is a name for redis-check-rdb, which comes with the tools.
ln -s "$(command -v redis-check-rdb)" "$tmp/redis-server"
serve() {
  "$tmp/redis-server" --port "$1" --bind 127.0.0.1 --save '' --appendonly no --daemonize yes --dir "$tmp" \
    --pidfile "$tmp/redis.$1" > /dev/null
  wait_until redis-cli -p "$1" ping
}

stop() {
  for each in $port $fresh; do
    [ -e "$tmp/redis.$each" ] && redis-cli -p $each shutdown nosave > /dev/null 2>&1
    wait_until test ! -e "$tmp/redis.$each"
  done
}

renew() {
  redis-cli -p $fresh flushall > /dev/null
}

replay() {
  "$sluice" replay "$@" --to "127.0.0.1:$fresh" --speed max --connections 1
}

serve $port
tcpdump -i lo -s 0 -U -w "$tmp/all.pcap" "tcp port $port" 2> "$tmp/dump.err" &
dump=$!
begun() { grep -q listening "$tmp/dump.err" || ! kill -0 $dump; }
wait_until begun
if ! kill -0 $dump 2> /dev/null; then
  echo "skip - replay of a recorded Redis: $(tail -n 1 "$tmp/dump.err")"
  exit 0
fi
# Much and small, large both ways, and a hundred commands before the first answer is read.
redis-cli -p $port -r 300 incr count > /dev/null
head -c 300000 /dev/zero | tr '\0' x > "$tmp/large"
redis-cli -p $port -x set large < "$tmp/large" > /dev/null
redis-cli -p $port get large > /dev/null
awk 'BEGIN { for (i = 0; i < 100; i++) printf "*2\r\n$4\r\nincr\r\n$4\r\npipe\r\n" }' | redis-cli -p $port --pipe > /dev/null 2>&1
redis-cli -p $port echo the-end > /dev/null
wait_until grep -q the-end "$tmp/all.pcap"
kill -INT $dump
wait $dump
dump=
rm -f "$tmp/dump.err"
serve $fresh

"$sluice" replay "$tmp/all.pcap" --list > "$tmp/list"
it "the list names every conversation" test "$(grep -c ": 127.0.0.1:[0-9]* > 127.0.0.1:$port " "$tmp/list")" -eq 5

it "a Redis that begins with nothing answers as the recorded one did" replay "$tmp/all.pcap" --only "1-4" --compare

editcap -F nsecpcap "$tmp/all.pcap" "$tmp/nanos.pcap" && editcap -F pcapng "$tmp/all.pcap" "$tmp/all.pcapng"
renew
it "and so it does in pcap of nanoseconds" replay "$tmp/nanos.pcap" --only "1-4" --compare
renew
it "and in pcapng" replay "$tmp/all.pcapng" --only "1-4" --compare

mkdir "$tmp/parts"
editcap -c 300 "$tmp/all.pcap" "$tmp/parts/part.pcap"
renew
it "and in a directory of pieces" replay "$tmp/parts" --only "1-4" --compare

# Repetitions and a wrong order: twice the same packets, the second time a little later.
editcap -t 0.00002 "$tmp/all.pcapng" "$tmp/late.pcapng" && mergecap -w "$tmp/twice.pcapng" "$tmp/all.pcapng" "$tmp/late.pcapng"
renew
it "and when every packet was captured twice" replay "$tmp/twice.pcapng" --only "1-4" --compare

renew
redis-cli -p $fresh set count 4 > /dev/null
replay "$tmp/all.pcap" --only 1 --compare > "$tmp/different"
code=$?
it "another answer is a difference, and exit code 1" test $code -eq 1
it "of which the first byte is shown" grep -q '^1: .*: the answers differ at byte 1$' "$tmp/different"
it "with what was recorded" grep -q '^  - 00000000  3a 31 0d 0a .*|:1\.\.:2' "$tmp/different"
it "and what was received" grep -q '^  + 00000000  3a 35 0d 0a .*|:5\.\.' "$tmp/different"
replay "$tmp/all.pcap" --only 1 --compare --json > "$tmp/json"
it "in JSON, too" grep -q '"fate": "different", .*"difference": {"kind": "changed", "offset": 1,' "$tmp/json"

editcap -s 150 "$tmp/all.pcap" "$tmp/cut.pcap"
renew
redis-cli -p $fresh -x set large < "$tmp/large" > /dev/null
it "what the snapshot length cut off is not compared" replay "$tmp/cut.pcap" --only "1,3" --compare
replay "$tmp/cut.pcap" --only 2 > "$tmp/part"
it "and a client's bytes that it cut off end the replay there" grep -q "^2: .*: replayed in part" "$tmp/part"

size=$(wc -c < "$tmp/all.pcap")
head -c $((size - 7)) "$tmp/all.pcap" > "$tmp/growing.pcap"
"$sluice" replay "$tmp/growing.pcap" --list > "$tmp/list" 2> "$tmp/notes"
it "a file that ends in the middle of a packet is read up to there" grep -q "file that ends in the middle of a packet" "$tmp/notes"

# What the relay records, it can replay.
redis-cli -p $port flushall > /dev/null
"$sluice" relay --listen "127.0.0.1:$through" --to "127.0.0.1:$port" --record "$tmp/recorded" --record-rotate 1M --log none \
  2> "$tmp/relay.err" &
relay=$!
wait_until grep -q listening "$tmp/relay.err"
redis-cli -p $through -r 300 incr count > /dev/null
redis-cli -p $through -x set large < "$tmp/large" > /dev/null
for i in 1 2 3 4 5 6 7 8; do redis-cli -p $through get large > /dev/null; done
awk 'BEGIN { for (i = 0; i < 100; i++) printf "*2\r\n$4\r\nincr\r\n$4\r\npipe\r\n" }' | redis-cli -p $through --pipe > /dev/null 2>&1
kill -TERM $relay
wait $relay
relay=
rm "$tmp/relay.err"
renew
it "what the relay has recorded is answered in the same way" replay "$tmp/recorded" --compare
"$sluice" replay "$tmp/recorded" --list > "$tmp/list" 2> "$tmp/notes"
it "of which nothing is missing" test "$(grep -c ' down in .*, closed' "$tmp/list")" -eq 11 -a ! -s "$tmp/notes"
it "though it is in several files" test "$(ls "$tmp/recorded" | wc -l)" -gt 2

"$sluice" replay "$tmp/all.pcap" --to 127.0.0.1:1 --only 1 > "$tmp/refused" 2>&1
code=$?
it "a server that is not there is a failure" test $code -eq 1
it "which names it" grep -q "ECONNREFUSED" "$tmp/refused"
"$sluice" replay "$home/README.md" --list > /dev/null 2> "$tmp/notes"
code=$?
it "a file that is no capture is refused" test $code -eq 1 -a "$(grep -c 'README.md: not a capture' "$tmp/notes")" -eq 1
exit $bad
