#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 3,000,000 connections through `sluice relay`, opened, half-closed, left and reset at random: all byte counts agree at
# the client, in the relay's log and at the backend, no stream that was cut looks complete, and nothing leaks. The relay
# has a heap of 48 MiB, in which there is no room for what is forgotten. On two cores that takes six to ten minutes.
#
#   bench/full/relay-soak.sh [CONNECTIONS [SEED]]
set -u
home=$(cd -P -- "$(dirname -- "$0")/../.." && pwd)
. "$home/bench/common.sh"

connections=${1:-3000000}
seed=${2:-$(date +%s)}
port=17831
"$home/sluice" --version > /dev/null || exit 70
maven -q -pl relay -am -DskipTests test-compile >&2 || exit 70
describe_machine

JAVA_TOOL_OPTIONS='-Xmx48m' "$home/sluice" relay --listen 127.0.0.1:$port --to 127.0.0.1:$((port + 1)) \
  --proxy-from 127.0.0.0/8 > "$tmp/log" 2> "$tmp/err" &
relay=$!
trap 'kill $relay 2> /dev/null; rm -rf "$tmp"' EXIT
waits=0
until ss -Hltn "sport = :$port" | grep -q .; do
  sleep 0.1
  [ $((waits += 1)) -lt 200 ] || { cat "$tmp/err"; echo "FAILED: the relay does not listen"; exit 1; }
done

"$java" -Xmx6g --enable-native-access=ALL-UNNAMED -cp "$home/relay/target/test-classes:$home/target/launcher/current/lib/*" \
  io.sluice.relay.ChurnSoak $relay "$tmp/log" $port $((port + 1)) "$connections" "$seed"
code=$?
wait $relay
ended=$?
[ "$ended" -eq 143 ] || { cat "$tmp/err"; echo "FAILED: the relay ended with $ended"; code=1; }
exit $code
