# SPDX-License-Identifier: Apache-2.0
# sluice relay between programs that know nothing of it: PostgreSQL, Redis, nginx, iperf3 and HAProxy, as Debian has
# them, each started here on sockets of its own and ended at the end. What arrives through the relay has to be what
# arrives without it, and the log has to tell the same.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
. "$home/scripts/peers.sh"

"$sluice" --version > /dev/null || exit 1 # builds it, when that has not been done
mkdir "$tmp/www" "$tmp/pg-in"
head -c 33554432 /dev/urandom > "$tmp/www/big"
echo hello > "$tmp/www/small"

ports pg pg_in redis redis_in web web_in kept_in left_in told_nginx told_haproxy iperf iperf_up_in iperf_down_in \
  iperf_many_in front_v1 front_v2 front_sum front_data trusted_in untrusted_in chained_in nginx_v1_in nginx_v2_in \
  haproxy_v1_in haproxy_v2_in tls_a tls_b tls_in

cat > "$tmp/sluice.yaml" << END
loops: 2
routes:
  - {name: pg-unix, listen: ["unix:$tmp/pg-in/.s.PGSQL.$pg"], to: ["127.0.0.1:$pg"]}
  - {name: pg-tcp, listen: ["127.0.0.1:$pg_in"], to: ["unix:$tmp/pg/.s.PGSQL.$pg"]}
  - {name: redis, listen: ["127.0.0.1:$redis_in", "unix:$tmp/redis-in"], to: ["127.0.0.1:$redis", "unix:$tmp/redis.sock"]}
  - {name: web, listen: ["127.0.0.1:$web_in"], to: ["127.0.0.1:$web", "unix:$tmp/web.sock"]}
  - {name: kept, listen: ["127.0.0.1:$kept_in"], to: ["127.0.0.1:$web"]}
  - {name: left, listen: ["127.0.0.1:$left_in"], to: ["127.0.0.1:$web"]}
  - {name: iperf-up, listen: ["127.0.0.1:$iperf_up_in"], to: ["127.0.0.1:$iperf"]}
  - {name: iperf-down, listen: ["127.0.0.1:$iperf_down_in"], to: ["127.0.0.1:$iperf"], path: copy}
  - {name: iperf-many, listen: ["127.0.0.1:$iperf_many_in"], to: ["127.0.0.1:$iperf"], path: splice}
  - {name: nginx-v1, listen: ["127.0.0.1:$nginx_v1_in"], to: [{address: "127.0.0.1:$told_nginx", sendProxy: v1}]}
  - {name: nginx-v2, listen: ["127.0.0.1:$nginx_v2_in"], to: [{address: "127.0.0.1:$told_nginx", sendProxy: v2}]}
  - {name: haproxy-v1, listen: ["127.0.0.1:$haproxy_v1_in"], to: [{address: "127.0.0.1:$told_haproxy", sendProxy: v1}]}
  - {name: haproxy-v2, listen: ["127.0.0.1:$haproxy_v2_in"], to: [{address: "127.0.0.1:$told_haproxy", sendProxy: v2}]}
  - name: trusted
    listen: [{address: "127.0.0.1:$trusted_in", proxyFrom: [127.0.0.0/8]}]
    to: [{address: "127.0.0.1:$told_haproxy", sendProxy: v2}]
  - name: untrusted
    listen: [{address: "127.0.0.1:$untrusted_in", proxyFrom: [192.0.2.0/24]}]
    to: ["127.0.0.1:$told_haproxy"]
  - {name: tls-a, listen: ["127.0.0.1:$tls_in"], serverNames: [a.test], to: ["127.0.0.1:$tls_a"]}
  - {name: tls-b, listen: ["127.0.0.1:$tls_in"], serverNames: ["*.b.test"], to: ["127.0.0.1:$tls_b"]}
END
: > "$tmp/relay.err"
"$sluice" relay --config "$tmp/sluice.yaml" > "$tmp/relay.log" 2> "$tmp/relay.err" &
relay=$!
it "the relay listens" wait_until grep -q "listening at 127.0.0.1:$tls_in" "$tmp/relay.err"

# PostgreSQL.

query='select (select count(*) from pgbench_history), (select sum(delta) from pgbench_history),
  (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers), sum(bbalance) from pgbench_branches'
pg_direct() { psql -h "$tmp/pg" -p "$pg" -c "$query"; }
pg_over_tcp() { psql -h 127.0.0.1 -p "$pg_in" -c "$query"; }
pg_over_unix() { psql -h "$tmp/pg-in" -p "$pg" -c "$query"; }
table_direct() { psql -h "$tmp/pg" -p "$pg" -c 'copy pgbench_accounts to stdout' | sum; }
table_relayed() { psql -h 127.0.0.1 -p "$pg_in" -c 'copy pgbench_accounts to stdout' | sum; }
benched() { pgbench -h 127.0.0.1 -p "$pg_in" "$@" 2>&1 | tee "$tmp/pgbench" && grep -q "processed: $transactions/$transactions" "$tmp/pgbench"; }
books_agree() { pg_direct | awk -F '|' -v n="$transactions" '{ print; exit !($1 == n && $2 == $3 && $3 == $4 && $4 == $5) }'; }

postgres() {
  it "PostgreSQL: a cluster of its own" cluster "$tmp/pg"
  serve_cluster "$tmp/pg" "$pg"
  it "PostgreSQL: pgbench fills its tables, over a Unix socket" pgbench -h "$tmp/pg-in" -p "$pg" -i -q -s 2
  transactions=1600
  it "PostgreSQL: pgbench with 8 clients, over TCP to a Unix socket" benched -n -c 8 -j 2 -t 200
  it "PostgreSQL: not a transaction is lost or done twice" books_agree
  it "PostgreSQL: a query answers the same over TCP" same pg_direct pg_over_tcp
  it "PostgreSQL: and over a Unix socket" same pg_direct pg_over_unix
  it "PostgreSQL: 18 MB of a table arrive unchanged" same table_direct table_relayed
  transactions=120
  it "PostgreSQL: a connection for each transaction" benched -n -S -C -c 4 -t 30
}

if [ -x "$pg_bin/pgbench" ]; then
  postgres
else
  echo "skip - PostgreSQL and pgbench: the package postgresql is not installed"
fi

# Redis. Debian's server is a name for redis-check-rdb, which comes with the tools.

redis_direct() { redis-cli -p "$redis" "$@"; }
redis_relayed() { redis-cli -p "$redis_in" "$@"; }
redis_over_unix() { redis-cli -s "$tmp/redis-in" "$@"; }
counted() { echo "$1: $(redis_direct get "$1") of $2" && [ "$(redis_direct get "$1")" -eq "$2" ]; }
original() { sum < "$tmp/www/big"; }
big_direct() { redis_direct get big | head -c 33554432 | sum; }
big_relayed() { redis_relayed get big | head -c 33554432 | sum; }

redis() {
  ln -s "$(command -v redis-check-rdb)" "$tmp/redis-server"
  "$tmp/redis-server" --bind 127.0.0.1 --port "$redis" --unixsocket "$tmp/redis.sock" --save '' --dir "$tmp" > "$tmp/redis.log" 2>&1 &
  peers="$peers $!"
  wait_until redis_direct ping
  it "Redis: redis-benchmark with 50 clients" redis-benchmark -p "$redis_in" -c 50 -n 20000 -q incr one-by-one
  it "Redis: every command has been done, and once" counted one-by-one 20000
  it "Redis: redis-benchmark with 32 commands in flight each" redis-benchmark -p "$redis_in" -c 50 -n 160000 -P 32 -q incr piped
  it "Redis: every command has been done, and once" counted piped 160000
  it "Redis: values of 16 KiB, over a Unix socket" redis-benchmark -s "$tmp/redis-in" -c 20 -n 4000 -P 4 -d 16384 -q -t set,get
  it "Redis: a value of 32 MiB is taken" redis_over_unix -x set big < "$tmp/www/big"
  it "Redis: unchanged" same original big_direct
  it "Redis: and comes back unchanged" same original big_relayed
}

! has redis-tools "Redis" redis-check-rdb redis-cli redis-benchmark || redis

# nginx.

fetch() { curl -sS --fail --noproxy '*' "$@"; }
file_direct() { fetch "http://127.0.0.1:$web/big" | sum; }
file_relayed() { fetch "http://127.0.0.1:$web_in/big" | sum; }
eight() { fetch --parallel -o "$tmp/got#1" "http://127.0.0.1:$web_in/big?[1-8]" && for i in 1 2 3 4 5 6 7 8; do cmp "$tmp/www/big" "$tmp/got$i" && rm "$tmp/got$i" || return; done; }
kept() { [ "$(fetch "http://127.0.0.1:$kept_in/small?[1-300]" | grep -c hello)" -eq 300 ]; }
pressed() { ab -q "$@" "http://127.0.0.1:$web_in/small" 2>&1 | tee "$tmp/ab" && grep -q 'Complete requests: *6000$' "$tmp/ab" && grep -q 'Failed requests: *0$' "$tmp/ab"; }
# Reads a little of much, and goes.
left() { fetch "http://127.0.0.1:$left_in/big" 2> /dev/null | head -c 1000 | wc -c | grep -qx 1000; }

nginx_config() {
  [ "$(id -u)" -ne 0 ] || echo "user root;"
  cat << END
daemon off;
pid $tmp/nginx.pid;
error_log $tmp/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000;
  client_body_temp_path $tmp/nginx.1;
  proxy_temp_path $tmp/nginx.2;
  fastcgi_temp_path $tmp/nginx.3;
  uwsgi_temp_path $tmp/nginx.4;
  scgi_temp_path $tmp/nginx.5;
  server { listen 127.0.0.1:$web; listen unix:$tmp/web.sock; root $tmp/www; }
  server { listen 127.0.0.1:$told_nginx proxy_protocol; location / { return 200 "\$proxy_protocol_addr:\$proxy_protocol_port"; } }
END
  if [ -e "$tmp/cert" ]; then
    for each in "$tls_a a" "$tls_b b"; do
      echo "server { listen 127.0.0.1:${each% *} ssl; ssl_certificate $tmp/cert; ssl_certificate_key $tmp/key; location / { return 200 ${each#* }; } location /big { root $tmp/www; } }"
    done
  fi
  echo "}"
}

nginx_behind() {
  nginx_config > "$tmp/nginx.conf"
  nginx -e "$tmp/nginx.log" -c "$tmp/nginx.conf" > "$tmp/nginx.out" 2>&1 &
  peers="$peers $!"
  wait_until fetch "http://127.0.0.1:$web/small"
  it "nginx: 32 MiB arrive unchanged" same file_direct file_relayed
  it "nginx: eight times 32 MiB at once do, too" eight
  it "nginx: 300 requests on one connection" kept
  it "nginx: a client that goes before it has read all" left
  if has apache2-utils "nginx with ab" ab; then
    it "nginx: ab with 100 clients and a connection for each request" pressed -n 6000 -c 100
    it "nginx: ab with 100 clients that keep their connections" pressed -k -n 6000 -c 100
  fi
}

certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=a.test \
    -addext 'subjectAltName=DNS:a.test,DNS:x.b.test,DNS:c.test' -keyout "$tmp/key" -out "$tmp/cert" 2> /dev/null
}

secret() { fetch --cacert "$tmp/cert" --resolve "$1:$tls_in:127.0.0.1" "https://$1:$tls_in/$2"; }
named() { [ "$(secret "$1" '')" = "$2" ]; }
secret_relayed() { secret x.b.test big | sum; }
refused() { ! secret c.test ''; }

tls() {
  it "TLS: a server name chooses the backend" named a.test a
  it "TLS: a pattern of names does" named x.b.test b
  it "TLS: 32 MiB pass through unchanged" same original secret_relayed
  it "TLS: a name of no route is refused" refused
}

if has nginx "nginx" nginx && has curl "nginx" curl; then
  has_nginx=1
  has openssl "TLS by its server name" openssl && certificate
  nginx_behind
  [ ! -e "$tmp/cert" ] || tls
fi

# iperf3. Each test has a route of its own, to be found in the log.

# The bytes that iperf3 says were $1: sent or received.
iperf_bytes() { awk -v key="\"sum_$1\"" 'index($0, key) { on = 1 } on && /"bytes"/ { gsub(/[^0-9]/, ""); print; exit }' "$tmp/$2.json"; }
streams() { iperf3 -c 127.0.0.1 -J "$@"; }
iperf_up() { streams -p "$iperf_up_in" -n 256M > "$tmp/iperf-up.json"; }
iperf_down() { streams -p "$iperf_down_in" -n 256M -R > "$tmp/iperf-down.json"; }
iperf_many() { streams -p "$iperf_many_in" -n 256M -P 4 > "$tmp/iperf-many.json"; }

iperf() {
  iperf3 -s -B 127.0.0.1 -p "$iperf" > "$tmp/iperf.log" 2>&1 &
  peers="$peers $!"
  wait_until listens "$iperf"
  it "iperf3: one stream of 256 MiB" iperf_up
  it "iperf3: one back, copied" iperf_down
  it "iperf3: four at once, spliced" iperf_many
  has_iperf=1
}

! has iperf3 "iperf3" iperf3 || iperf

# HAProxy in front and behind, for the PROXY protocol. A client has an address that nobody else has.

haproxy_config() {
  cat << END
global
  maxconn 200
defaults
  timeout connect 10s
  timeout client 10s
  timeout server 10s
  mode tcp
listen front-v1
  bind 127.0.0.1:$front_v1
  server relay 127.0.0.1:$trusted_in send-proxy
listen front-v2
  bind 127.0.0.1:$front_v2
  server relay 127.0.0.1:$trusted_in send-proxy-v2
listen front-sum
  bind 127.0.0.1:$front_sum
  server relay 127.0.0.1:$trusted_in send-proxy-v2 proxy-v2-options crc32c check check-send-proxy inter 100
listen front-data
  bind 127.0.0.1:$front_data
  server relay 127.0.0.1:$untrusted_in send-proxy-v2
frontend told
  mode http
  bind 127.0.0.1:$told_haproxy accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port]"
END
}

# Whether the backend at the far end of port $1 is told who the client is: the address, and the port that curl had.
tells() {
  told=$(fetch --interface "$client" -w ' %{local_port}' "http://127.0.0.1:$1/")
  echo "told: $told"
  [ "${told% *}" = "$client:${told#* }" ]
}
unannounced() { ! fetch "http://127.0.0.1:$trusted_in/"; }

proxy_protocol() {
  haproxy_config > "$tmp/haproxy.conf"
  haproxy -f "$tmp/haproxy.conf" > "$tmp/haproxy.log" 2>&1 &
  peers="$peers $!"
  wait_until listens "$told_haproxy"
  client=127.0.0.2
  it "PROXY: HAProxy is told by version 1" tells "$haproxy_v1_in"
  it "PROXY: HAProxy is told by version 2" tells "$haproxy_v2_in"
  client=127.0.0.3
  it "PROXY: what HAProxy says in version 1 is believed, and said on" tells "$front_v1"
  client=127.0.0.4
  it "PROXY: in version 2" tells "$front_v2"
  client=127.0.0.5
  it "PROXY: in version 2 with a checksum" tells "$front_sum"
  client=127.0.0.6
  it "PROXY: the header of a source that is not trusted is data" tells "$front_data"
  it "PROXY: a trusted source that sends none is refused" unannounced
  has_haproxy=1
}

if has haproxy "PROXY protocol" haproxy && has curl "PROXY protocol" curl; then
  proxy_protocol
  if [ -n "${has_nginx-}" ]; then
    client=127.0.0.7
    it "PROXY: nginx is told by version 1" tells "$nginx_v1_in"
    it "PROXY: nginx is told by version 2" tells "$nginx_v2_in"
  fi
fi

# What the log says of it all.

kill -TERM $relay
wait $relay
code=$?
relay=
it "all sessions have ended by themselves" test $code -eq 143

# Whether the route $1 has sessions and all, or as many as $3 says, have ended as the pattern $2 says.
ended() {
  awk -v route="$1" -v how="$2" -v wanted="${3-}" '
    index($4, route "/") == 1 { n++; if ($9 ~ "^" how "$") fine++; else print }
    END { print n + 0 " sessions of " route ", " fine + 0 " ended with " how; exit !(n && fine == (wanted ? wanted : n)) }' "$tmp/relay.log"
}
# Whether a session of route $1 says it came from client $2, and all such do.
came_from() { awk -v route="$1" -v from="$2:" 'index($4, route "/") == 1 && index($2, from) == 1 { n++ } END { exit !n }' "$tmp/relay.log"; }
log_says() { grep -Eq "$1" "$tmp/relay.log"; }
# Whether the bytes of route $1 in column $2 are at least what iperf3 received, and at most what it sent with what it says besides.
iperf_agrees() {
  sent=$(iperf_bytes sent "$1") received=$(iperf_bytes received "$1")
  awk -v route="$1" -v column="$2" -v sent="$sent" -v received="$received" '
    index($4, route "/") == 1 { n += $column; print }
    END { print sent " sent, " n " relayed, " received " received"; exit !(received > 0 && received <= n && n <= sent + 65536) }' "$tmp/relay.log"
}
spliced_only() { awk -v route="$1" 'index($4, route "/") == 1 && $8 != "-" { n++; if ($8 != "spliced=" "'"$2"'" "%") bad = 1 } END { exit !(n && !bad) }' "$tmp/relay.log"; }

if [ -x "$pg_bin/pgbench" ]; then
  it "the log: PostgreSQL's sessions ended in order" ended pg-tcp --
  it "the log: those over its Unix socket, too" ended pg-unix --
fi
if [ -e "$tmp/redis.log" ]; then
  it "the log: Redis's sessions ended in order" ended redis --
fi
if [ -n "${has_nginx-}" ]; then
  it "the log: nginx's sessions ended in order" ended web --
  it "the log: 300 requests were one session" ended kept -- 1
  it "the log: the client that went is named as who ended it" ended left 'C[DL]' 1
fi
if [ -e "$tmp/cert" ] && [ -n "${has_nginx-}" ]; then
  it "the log: TLS sessions by their names" log_says ' tls-b/[^ ]* .* -- .* sni=x\.b\.test$'
  it "the log: the name that no route takes" log_says ' -/- .* PH .*"no route is for server name c\.test"'
fi
if [ -n "${has_iperf-}" ]; then
  it "the log: iperf3's bytes" iperf_agrees iperf-up 7
  it "the log: iperf3's bytes back" iperf_agrees iperf-down 6
  it "the log: iperf3's bytes of four streams" iperf_agrees iperf-many 7
  it "the log: what was to be copied was" spliced_only iperf-down 0
  it "the log: what was to be spliced was" spliced_only iperf-many 100
fi
if [ -n "${has_haproxy-}" ]; then
  for each in 3 4 5; do
    it "the log: client 127.0.0.$each, by a header" came_from trusted "127.0.0.$each"
  done
  it "the log: HAProxy itself, where its word is not taken" came_from untrusted 127.0.0.1
  it "the log: what came instead of a header" log_says ' PH .*"a PROXY header was expected, and it begins with .GET / HTTP/1'
fi
exit $bad
