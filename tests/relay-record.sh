# SPDX-License-Identifier: Apache-2.0
# sluice relay with a recording, read by tshark: while it grows, when it is finished, after the relay was killed, and from a
# disk that is full.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
. "$home/scripts/peers.sh"
disk=

end() { # as usual, but for the disk
  exec 8>&-
  # shellcheck disable=SC2086 # a list
  [ -z "$relay$peers" ] || { kill $relay $peers; wait; } 2> /dev/null
  [ -z "$disk" ] || umount "$disk"
  rm -rf "$tmp"
}

"$sluice" --version > /dev/null || exit 1 # builds it, when that has not been done
has tshark "the recording" tshark xxd || exit 0
head -c 33554432 /dev/urandom > "$tmp/data"
in= # set by the next line
ports in

# Starts a relay that records to $1, with more options.
record() {
  directory=$1
  shift
  "$sluice" relay --listen "127.0.0.1:$in" --to "unix:$tmp/out" --loops 1 --log none --record "$directory" "$@" \
    2> "$tmp/relay.err" 8>&- &
  relay=$!
  wait_until grep -q "listening at" "$tmp/relay.err"
}

stop() {
  kill "$1" "$relay"
  wait $relay 2> /dev/null
  relay=
}

# A backend that keeps what it is told as $1, and one that says $1.
hears() {
  rm -f "$tmp/out" # a name that is left is no listener
  "$sluice" copy "unix-listen:$tmp/out" "$1" 8>&- &
  server=$!
  wait_until test -S "$tmp/out"
}
says() {
  rm -f "$tmp/out"
  "$sluice" copy "$1" "unix-listen:$tmp/out" &
  server=$!
  wait_until test -S "$tmp/out"
}

# Quietly, as root too, who is warned of himself.
shark() { tshark "$@" 2> "$tmp/tshark.err"; }

# What one side of stream $2 in $1 has said: in hex the client's lines begin at once, the server's with a tab.
said_by_client() { shark -r "$1" -q -z "follow,tcp,raw,$2" | grep -E '^[0-9a-f]+$' | xxd -r -p; }
said_by_server() { shark -r "$1" -q -z "follow,tcp,raw,$2" | grep -P '^\t[0-9a-f]+$' | xxd -r -p; }
client_said() { said_by_client "$1" "$2" > "$tmp/followed" && cmp "$tmp/followed" "$3"; }
server_said() { said_by_server "$1" "$2" > "$tmp/followed" && cmp "$tmp/followed" "$3"; }
flags() { [ "$(shark -r "$1" -Y "tcp.stream == $2 && (tcp.flags.syn == 1 || tcp.flags.fin == 1 || tcp.flags.reset == 1)" | wc -l)" -eq "$3" ]; }
recorded() { [ "$(cat "$1"/*.pcapng | wc -c)" -gt "$2" ]; }

# Nothing to warn of; that somebody ends a connection is worth a note to tshark.
no_complaint() { ! shark -r "$1" -Y '_ws.expert.severity >= 0x400000 && !(_ws.expert.message contains "connection closing")' | grep .; }
comments() { shark -r "$1" -Y frame.comment -T fields -e frame.comment; }

# Bulk in either direction, and a file that grows.

record "$tmp/both" --record-when-full block
hears "$tmp/got"
mkfifo "$tmp/words"
"$sluice" copy "$tmp/words" "tcp://127.0.0.1:$in" 8>&- &
client=$!
exec 8> "$tmp/words"
head -c 3000000 "$tmp/data" >&8
it "what was said is soon in the file" wait_until recorded "$tmp/both" 3000000
file=$(echo "$tmp"/both/*.pcapng)
head -c 3000000 "$tmp/data" > "$tmp/beginning"
it "which tshark reads while it grows" client_said "$file" 0 "$tmp/beginning"
tail -c +3000001 "$tmp/data" >&8
exec 8>&-
wait $client $server
it "what is recorded arrives" cmp "$tmp/data" "$tmp/got"
says "$tmp/data"
"$sluice" copy "tcp://127.0.0.1:$in" "$tmp/answered"
wait $server
it "also what the backend says" cmp "$tmp/data" "$tmp/answered"
stop -TERM
it "tshark follows what the client said, byte for byte" client_said "$file" 0 "$tmp/data"
it "and what the backend said" server_said "$file" 1 "$tmp/data"
it "a connection begins and ends with two packets each" flags "$file" 0 4
it "there is nothing to warn of" no_complaint "$file"
comments "$file" > "$tmp/comments"
it "the first packet says where it came to" grep -q "^route relay, listener 127.0.0.1:$in$" "$tmp/comments"
mode() { [ "$(stat -c %a "$1")" = "$2" ]; }
it "the file is its owner's alone" mode "$file" 600
it "and the directory" mode "$tmp/both" 700

# A process that is killed.

record "$tmp/killed"
hears "$tmp/got"
"$sluice" copy "$tmp/words" "tcp://127.0.0.1:$in" 8>&- &
client=$!
exec 8> "$tmp/words"
cat "$tmp/data" >&8
wait_until recorded "$tmp/killed" 1000000
stop -KILL
exec 8>&-
wait $client $server
file=$(echo "$tmp"/killed/*.pcapng)
readable() { shark -r "$1" > "$tmp/packets" || grep -q "cut short in the middle of a packet" "$tmp/tshark.err"; }
it "a relay that is killed leaves a file that can be read" readable "$file"
is_beginning() { said_by_client "$1" 0 > "$tmp/followed" && head -c "$(wc -c < "$tmp/followed")" "$tmp/data" | cmp - "$tmp/followed"; }
it "with what was said so far" is_beginning "$file"

# A disk that is full, and files that may not be long.

goes_on() {
  hears "$tmp/got"
  "$sluice" copy "$tmp/data" "tcp://127.0.0.1:$in"
  wait $server
  cmp "$tmp/data" "$tmp/got"
}
tells() { comments "$1" | tee "$tmp/comments" | grep -Eq "^[0-9]+ bytes not recorded: [a-z]+: $2 in sluice-"; }

mkdir "$tmp/disk"
if mount -t tmpfs -o size=8m none "$tmp/disk" 2> /dev/null; then
  disk=$tmp/disk
  record "$disk/recordings"
  it "on a full disk the session goes on" goes_on
  stop -TERM
  file=$(echo "$disk"/recordings/*.pcapng)
  it "the file can be read" shark -r "$file" -q -z io,stat,0
  it "and says what is missing" tells "$file" ENOSPC
  it "so does the log" grep -q "the recording in .* lacks [0-9,]* bytes" "$tmp/relay.err"
  umount "$disk"
  disk=
else
  echo "skip - a full disk: nothing may be mounted here"
fi

(
  ulimit -f 6000 # of 1024 bytes, or of 512
  exec "$sluice" relay --listen "127.0.0.1:$in" --to "unix:$tmp/out" --loops 1 --log none --record "$tmp/short" \
    2> "$tmp/relay.err"
) &
relay=$!
wait_until grep -q "listening at" "$tmp/relay.err"
hears "$tmp/got" # not limited itself
"$sluice" copy "$tmp/data" "tcp://127.0.0.1:$in"
wait $server
it "where files may not be long the session goes on" cmp "$tmp/data" "$tmp/got"
stop -TERM
several() { ls "$tmp/short" && [ "$(find "$tmp/short" -name '*.pcapng' | wc -l)" -gt 2 ]; }
it "and the recording in the next file" several
whole() { for each in "$tmp"/short/*.pcapng; do shark -r "$each" -q -z io,stat,0 || return; done; }
it "each of which can be read" whole

exit $bad
