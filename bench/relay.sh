#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P7 to P10: sluice relay beside HAProxy (splicing and copying), nginx, Go's io.Copy, and Netty (ByteBufs and its own
# spliceTo), each with one event loop or thread, on loopback. All live through all rounds; rounds in turn, in rotating
# order; medians. CPU seconds are those of the relay alone, user and system. The loads are C programs that cost little,
# for they share the machine: bulk is counted and dropped unread. Beside P8 stands its bound, a C program with our calls.
#
#   bench/relay.sh [ROUNDS [BYTES [SECONDS [CONNECTIONS [growth]]]]]
#
# With growth, at the end how the cost grows with the size of requests and of whole connections, and with their number,
# for bench/run's plots.
# Peers that are not installed are named and left out. Prints a line "FAILED: ..." and ends with 1 when a goal is missed.
set -u
home=$(cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$home/bench/common.sh"

rounds=${1:-5}
bytes=${2:-4000000000}
seconds=${3:-3}
idle=${4:-5000}
port=17841 # and those after it: a listener and a server for each relay
ticks=$(getconf CLK_TCK)
trap 'exec 9>&-; stop; rm -rf "$tmp"' EXIT # without its input, a relay in Netty ends
ulimit -n "$(ulimit -Hn)"

all='sluice haproxy-splice haproxy-copy nginx go netty-bytebuf netty-spliceTo bound'
pids=

listener_of() { echo $((port + 2 * $(echo "$all" | tr ' ' '\n' | grep -nx "$1" | cut -d : -f 1))); }
server_of() { echo $(($(listener_of "$1") + 1)); }

stop() {
  # shellcheck disable=SC2046,SC2086 # lists
  kill $(cat "$tmp"/*.pid 2> /dev/null) $pids ${server:-} ${client:-} 2> /dev/null
}

# Starts the relay $1; its process is in $tmp/$1.pid.
start() {
  from=$(listener_of "$1") to=$(server_of "$1")
  case $1 in
    sluice)
      "$home/sluice" relay --listen "127.0.0.1:$from" --to "127.0.0.1:$to" --loops 1 --log none 9>&- 2> "$tmp/$1.said" &
      ;;
    haproxy-*)
      splice=
      [ "$1" = haproxy-splice ] && splice='  option splice-request
  option splice-response'
      cat > "$tmp/$1.cfg" << END
global
  nbthread 1
  maxconn 6000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen relay
  bind 127.0.0.1:$from
$splice
  server backend 127.0.0.1:$to
END
      haproxy -q -db -f "$tmp/$1.cfg" 9>&- > "$tmp/$1.said" 2>&1 &
      ;;
    nginx)
      cat > "$tmp/nginx.conf" << END
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1;
master_process off;
daemon off;
pid $tmp/nginx.own;
error_log $tmp/nginx.log;
events { worker_connections 20000; }
stream { server { listen 127.0.0.1:$from backlog=4096; proxy_pass 127.0.0.1:$to; tcp_nodelay on; } }
END
      nginx -c "$tmp/nginx.conf" 9>&- > "$tmp/$1.said" 2>&1 &
      ;;
    go) GOMAXPROCS=1 "$tmp/relay-go" "$from" "$to" 9>&- > "$tmp/$1.said" 2>&1 & ;;
    bound) "$tmp/relay" "$from" "$to" 9>&- > "$tmp/$1.said" 2>&1 & ;;
    netty-*)
      (
        exec 9>&-
        run_java --sun-misc-unsafe-memory-access=allow io.sluice.bench.NettyRelays "${1#netty-}" "$from" "$to"
      ) < "$tmp/alive" > "$tmp/$1.said" 2> "$tmp/$1.err" & # of each connection that a client resets, it complains
      ;;
  esac
  pid=$!
  pids="$pids $pid"
  tries=0
  until grep -q " 0100007F:$(printf %04X "$from") 00000000:0000 0A\|0000000000000000FFFF00000100007F:$(printf %04X "$from") 0*:0000 0A" /proc/net/tcp /proc/net/tcp6; do
    { kill -0 $pid 2> /dev/null && [ $((tries += 1)) -le 200 ]; } || { echo "the relay $1 did not start" >&2; cat "$tmp/$1.said" >&2; exit 1; }
    sleep 0.1
  done
  case $1 in netty-*) sed -n 's/^ready as process //p' "$tmp/$1.said" ;; *) echo $pid ;; esac > "$tmp/$1.pid"
}

cpu_of() { awk '{ print $14 + $15 }' "/proc/$(cat "$tmp/$1.pid")/stat"; }
memory_of() { awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$tmp/$1.pid")/status"; }

# Whether relay $1 is there to be measured.
is_there() {
  case $1 in
    haproxy-*) command -v haproxy > /dev/null ;;
    nginx) command -v nginx > /dev/null && [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] ;;
    go) command -v go > /dev/null && GOCACHE=$tmp/go go build -o "$tmp/relay-go" "$home/bench/peers/relay.go" ;;
  esac
}

# Bulk: GB/s and CPU seconds per GB of relay $1.
bulk() {
  before=$(cpu_of "$1")
  took=$("$tmp/netty" "$(listener_of "$1")" "$(server_of "$1")" "$bytes" 1) || exit 1
  awk -v bytes="$bytes" -v s="$took" -v c="$(($(cpu_of "$1") - before))" -v ticks="$ticks" \
    'BEGIN { printf "%.3f %.3f\n", bytes / s / 1e9, c / ticks / bytes * 1e9 }'
}

# GB/s of relay $1 in connections of $2 bytes, each while it lasts; several where one is over too soon.
transfers() {
  number=$((16777216 / $2 + 1))
  while [ $((number -= 1)) -ge 0 ]; do
    "$tmp/netty" "$(listener_of "$1")" "$(server_of "$1")" "$2" 1 || exit 1
  done | awk -v bytes="$2" '{ s += $1; n++ } END { printf "%.3f\n", n * bytes / s / 1e9 }'
}

# Starts the server of relay $1, as process $server.
serve() {
  rm -f "$tmp/server" # what the one before it has said
  "$tmp/requests" serve "$(server_of "$1")" "$2" "$3" 9>&- > "$tmp/server" &
  server=$!
  until grep -qs ready "$tmp/server"; do sleep 0.05; done
}

# Requests of $2 bytes through relay $1, "keep" or "close" ($3), on $4 connections at a time (64): per second, percentiles 50, 99, 90 and 99.9 in ms.
requests() {
  serve "$1" "$2" "$3"
  "$tmp/requests" ask "$(listener_of "$1")" "$2" "$3" "${4:-64}" "$seconds" || exit 1
  kill $server
  wait $server 2> /dev/null || :
}

# Resident KiB per connection of relay $1, above what it has without any.
held() {
  serve "$1" 64 keep
  before=$(memory_of "$1")
  rm -f "$tmp/client"
  "$tmp/requests" hold "$(listener_of "$1")" 64 "$idle" > "$tmp/client" &
  client=$!
  until grep -qs held "$tmp/client"; do
    kill -0 $client 2> /dev/null || { kill $server; wait $server 2> /dev/null; return 1; }
    sleep 0.1
  done
  awk -v k="$(($(memory_of "$1") - before))" -v n="$idle" 'BEGIN { printf "%.2f\n", k / n }'
  kill $client $server
  wait $client $server 2> /dev/null || :
}

# The last line of $tmp/$2.$1 is a figure: what this relay did in round $3. The columns' units are in $columns, and $work
# is what was measured for line $line.
note() {
  [ -n "${BENCH_RAW:-}" ] || return 0
  number=0
  for unit in $columns; do
    number=$((number + 1))
    # shellcheck disable=SC2086 # BY and AT, when there are any
    figure "$line" "$work" "$(peer "$1")" "$(echo "$unit" | tr _ ' ')" "$(tail -n 1 "$tmp/$2.$1" | cut -d ' ' -f $number)" "$3" ${at:-}
  done
}

peer() {
  case $1 in
    sluice) echo Sluice ;;
    haproxy-splice) echo 'HAProxy, splicing' ;;
    haproxy-copy) echo 'HAProxy, copying' ;;
    go) echo 'Go, io.Copy' ;;
    bound) echo 'bound: C, recv and send' ;;
    netty-bytebuf) echo 'Netty, ByteBufs' ;;
    netty-spliceTo) echo 'Netty, spliceTo' ;;
    *) echo "$1" ;;
  esac
}

# Rounds to warm up relay $1 where others have $2: a relay runs for weeks, and the JVM's compilers are at work for the first
# half minute of a load.
warm_up() {
  case $1 in
    sluice | netty-*) [ "$rounds" -gt 1 ] && [ "$2" -gt 1 ] && echo $((7 * $2)) && return ;;
  esac
  echo "$2"
}

# Measures with "$3..." every relay for as many rounds as there are, into files of the name $1, and warms up before by $2.
measure() {
  name=$1 warm=$2
  shift 2
  order=$there
  for each in $there; do
    count=0
    while [ $((count += 1)) -le "$(warm_up "$each" "$warm")" ]; do "$1" "$each" "${2-}" "${3-}" "${4-}" > /dev/null || exit 1; done
  done
  count=0
  while [ $((count += 1)) -le "$rounds" ]; do
    order="${order#* } ${order%% *}"
    for each in $order; do
      "$1" "$each" "${2-}" "${3-}" "${4-}" >> "$tmp/$name.$each" || exit 1
      note "$each" "$name" $count
    done
  done
}

# Ours to that of peer $1 in column $3 of the measure $2, a line for each round.
ours_to() { ratios "$tmp/$2.sluice" "$tmp/$2.$1" "$3"; }

# The goal $1: in column $3 of the measure $2, whose unit is $4, to have "more" or "less" ($5) than $6 times what each of
# the peers $7 (a pattern) has.
missed=
goal() {
  of_best=$(for each in $there; do
    # shellcheck disable=SC2254 # a pattern
    case $each in sluice | bound) ;; $7) echo "$(ours_to "$each" "$2" "$3" | median -) $each" ;; esac
  done | sort -g | if [ "$5" = more ]; then head -n 1; else tail -n 1; fi)
  [ -n "$of_best" ] || return 0 # none of them is here
  ratio=${of_best% *} best=${of_best#* } verdict=missed
  if is_within "$5" "$ratio" "$6"; then
    verdict=reached
  elif [ -e "$tmp/$2.bound" ] && is_within "$5" "$(ours_to bound "$2" "$3" | median -)" "$([ "$5" = more ] && echo 0.95 || echo 1.05)"; then
    verdict='missed, at the bound'
  else
    missed="$missed, $1"
  fi
  echo "  $1: $verdict, $ratio × $best's$([ ! -e "$tmp/$2.bound" ] || echo ", $(ours_to bound "$2" "$3" | median -) × the bound's")"
  in="ratio to $(peer "$best") of the round, $4"
  round=0
  for value in $(ours_to "$best" "$2" "$3"); do figure "$line" "$work" Sluice "$in" "$value" $((round += 1)); done
  verdict_on "$line" "$work" Sluice "$in" "$1" "$verdict"
}

# Whether the ratio $2 is "more" or "less" ($1) than $3, or as much.
is_within() { if [ "$1" = more ]; then at_least "$2" "$3"; else at_least "$3" "$2"; fi; }

"$home/sluice" --version > /dev/null && build_jar && build_c netty && build_c requests && build_c relay || exit 70
describe_machine
there=
for each in ${all% bound}; do
  if is_there "$each"; then there="$there $each"; else echo "not here: $each"; fi
done
there=${there# }
mkfifo "$tmp/alive"
exec 9<> "$tmp/alive"
for each in $there bound; do start "$each"; done
column_of() { column "$tmp/$1.$each" "$2"; }

# First, while no heap has grown for anything else.
echo "P10, $idle idle connections that have exchanged 64 bytes: resident KiB of the relay for each"
line=P10 work="$idle idle connections" columns=KiB
printf '%-16s %8s\n' relay KiB
for each in $there; do
  held "$each" > "$tmp/held.$each" || echo lost > "$tmp/held.$each" # a peer may not hold so many; we have to
  printf '%-16s %8s\n' "$each" "$(cat "$tmp/held.$each")"
  grep -q lost "$tmp/held.$each" || note "$each" held 1
done
if at_least 8 "$(sed 's/lost/9/' "$tmp/held.sluice")"; then verdict=reached; else verdict=missed missed=', ≤ 8 KiB'; fi
echo "  ≤ 8 KiB: $verdict"
verdict_on P10 "$work" Sluice KiB '≤ 8 KiB' $verdict

echo "P7, bulk: $bytes bytes a round in one stream, $rounds rounds after one to warm up"
line=P7 work='bulk, one stream' columns='GB/s CPU-s/GB'
measure bulk 1 bulk
printf '%-16s %8s %10s\n' relay GB/s CPU-s/GB
for each in $there; do printf '%-16s %8s %10s\n' "$each" "$(column_of bulk 1)" "$(column_of bulk 2)"; done
goal '≥ HAProxy splicing, in GB/s' bulk 1 GB/s more 1 haproxy-splice
goal '≤ HAProxy splicing, in CPU-s/GB' bulk 2 CPU-s/GB less 1 haproxy-splice

there="$there bound"
for size in 64 16384; do
  [ $size = 64 ] && warm=3 || warm=1 # what is compiled for the one is so for the other
  echo "P8, request and answer of $size bytes, 64 connections, $seconds s a round, $rounds rounds after $warm to warm up, in a JVM $(warm_up sluice $warm)"
  line=P8 work="requests of $size bytes" columns='requests/s ms,_p50 ms,_p99 ms,_p90 ms,_p99.9' at="bytes $size"
  measure rr-$size $warm requests $size keep
  printf '%-16s %10s %9s %9s\n' relay requests/s 'p50, ms' 'p99, ms'
  for each in $there; do
    printf '%-16s %10s %9s %9s\n' "$each" "$(column_of rr-$size 1)" "$(column_of rr-$size 2)" "$(column_of rr-$size 3)"
  done
  goal '≥ the best peer' rr-$size 1 requests/s more 1 '*'
  goal "p99 ≤ 1.1 × the best peer's" rr-$size 3 'ms, p99' less 1.1 '*'
done
there=${there% bound}

echo "P9, a new connection for each request of 64 bytes, 64 at a time, $seconds s a round, $rounds rounds after 2 to warm up, in a JVM $(warm_up sluice 2)"
line=P9 work='a connection for each request' columns='requests/s ms,_p50 ms,_p99 ms,_p90 ms,_p99.9' at=
measure connections 2 requests 64 close
printf '%-16s %10s %9s %9s\n' relay requests/s 'p50, ms' 'p99, ms'
for each in $there; do
  printf '%-16s %10s %9s %9s\n' "$each" "$(column_of connections 1)" "$(column_of connections 2)" "$(column_of connections 3)"
done
goal '≥ HAProxy' connections 1 requests/s more 1 'haproxy-*'

if [ "${5:-}" = growth ]; then # with few of the peers, in short rounds
  everyone=$there long=$seconds all_rounds=$rounds
  there=$(for each in sluice haproxy-splice haproxy-copy nginx; do
    case " $everyone " in *" $each "*) echo $each ;; esac
  done | paste -sd ' ' -)
  seconds=1 rounds=2 line=P8 columns='requests/s ms,_p50 ms,_p99'
  for size in 1024 131072; do
    echo "requests of $size bytes"
    work="requests of $size bytes" at="bytes $size"
    measure size-$size 1 requests $size keep
  done
  for connections in 1 8 4096; do
    echo "requests of 64 bytes on $connections connections"
    work="requests of 64 bytes, connections: $connections" at="connections $connections"
    measure on-$connections 1 requests 64 keep $connections
  done
  line=P7 columns=GB/s
  sleep 4 # HAProxy tries once a second, three times, to reach a server that is gone, and now there is another
  for size in 65536 1048576 16777216 268435456 1073741824; do
    echo "connections of $size bytes"
    work="connections of $size bytes" at="bytes $size"
    measure transfers-$size 1 transfers $size
  done
  there=$everyone seconds=$long rounds=$all_rounds
fi

for side in bulk rr-64 rr-16384 connections; do
  for each in $there bound; do
    [ ! -e "$tmp/$side.$each" ] || echo "  $side.$each: $(tr '\n' ';' < "$tmp/$side.$each")"
  done
done
[ -z "$missed" ] || { echo "FAILED: missed${missed#,}"; exit 1; }
