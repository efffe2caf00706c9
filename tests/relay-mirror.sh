# SPDX-License-Identifier: Apache-2.0
# sluice relay with mirrors between programs that know nothing of it: a second PostgreSQL that follows the first one, and
# mirrors that stall or are not there while iperf3 goes on as if there were none.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
. "$home/scripts/peers.sh"

"$sluice" --version > /dev/null || exit 1
ports pg pg_shadow pg_in iperf stalled_in stalled gone_in gone waited_in waited admin

cat > "$tmp/sluice.yaml" << END
admin: "127.0.0.1:$admin"
routes:
  - name: pg
    listen: ["127.0.0.1:$pg_in"]
    to: ["127.0.0.1:$pg"]
    mirrors: ["127.0.0.1:$pg_shadow"]
  - name: stalled
    listen: ["127.0.0.1:$stalled_in"]
    to: ["127.0.0.1:$iperf"]
    mirrors: ["127.0.0.1:$stalled"]
  - name: gone
    listen: ["127.0.0.1:$gone_in"]
    to: ["127.0.0.1:$iperf"]
    mirrors: ["127.0.0.1:$gone"]
  - name: waited
    listen: ["127.0.0.1:$waited_in"]
    to: ["unix:$tmp/sink"]
    mirrors: [{address: "unix:$tmp/follower", whenFull: block}]
END
"$sluice" relay --config "$tmp/sluice.yaml" > "$tmp/relay.log" 2> "$tmp/relay.err" &
relay=$!
it "the relay listens" wait_until grep -q "admin page at" "$tmp/relay.err"

# Whether the metrics of route $2 have a line of mirrors like $1; they are said in any case.
metric() { curl -sS --fail --noproxy '*' "http://127.0.0.1:$admin/metrics" | grep "^sluice_mirror.*route=\"$2\"" | tee "$tmp/metrics"; grep "$1" "$tmp/metrics"; }

# PostgreSQL. What pgbench does comes to the same in whatever order its sessions do it.

books='select count(*), sum(delta) from pgbench_history; copy (select * from pgbench_accounts order by aid) to stdout;
  copy (select * from pgbench_tellers order by tid) to stdout; copy (select * from pgbench_branches order by bid) to stdout;
  copy (select tid, bid, aid, delta from pgbench_history order by 1, 2, 3, 4) to stdout'
books() { psql -h "$tmp/$1" -p "$2" -c "$books" | sum; }
books_of_pg() { books pg "$pg"; }
books_of_shadow() { books shadow "$pg_shadow"; }
rows_of_shadow() { [ "$(psql -h "$tmp/shadow" -p "$pg_shadow" -c 'select count(*) from pgbench_history')" -eq 1600 ]; }
benched() {
  PGSSLMODE=disable PGGSSENCMODE=disable pgbench -h 127.0.0.1 -p "$pg_in" -n -c 8 -j 2 -t 200 2>&1 | tee "$tmp/pgbench" &&
    grep -q "processed: 1600/1600" "$tmp/pgbench"
}

postgres() {
  it "PostgreSQL: a cluster" cluster "$tmp/pg"
  it "PostgreSQL: and a second one" cluster "$tmp/shadow"
  serve_cluster "$tmp/pg" "$pg"
  serve_cluster "$tmp/shadow" "$pg_shadow"
  for each in "pg $pg" "shadow $pg_shadow"; do
    it "PostgreSQL: pgbench fills ${each% *}" pgbench -h "$tmp/${each% *}" -p "${each#* }" -i -q -s 2
  done
  it "PostgreSQL: pgbench with 8 clients, mirrored" benched
  it "PostgreSQL: the second one has every transaction" wait_until rows_of_shadow
  it "PostgreSQL: and the same in every table" same books_of_pg books_of_shadow
  it "PostgreSQL: the metrics have its sessions: eight, and one that looks first" metric "mirrored_total.* 9.0" pg
  it "PostgreSQL: nothing was missed" metric "missed_bytes_total.* 0.0" pg
}

if [ -x "$pg_bin/pgbench" ]; then
  postgres
else
  echo "skip - PostgreSQL and pgbench: the package postgresql is not installed"
fi

# Mirrors that are no good.

iperf_through() { iperf3 -c 127.0.0.1 -p "$1" -n 1G -J > "$tmp/iperf.json" && awk '/"sum_sent"/ { on = 1 } on && /"bytes"/ { gsub(/[^0-9]/, ""); exit !($0 >= 1073741824) }' "$tmp/iperf.json"; }

iperf() {
  iperf3 -s -B 127.0.0.1 -p "$iperf" > "$tmp/iperf.log" 2>&1 &
  peers="$peers $!"
  # Stopped, so that the kernel takes its connections, and as much as fits in its buffers.
  iperf3 -s -B 127.0.0.1 -p "$stalled" > "$tmp/stalled.log" 2>&1 &
  stopped=$!
  wait_until listens "$iperf" && wait_until listens "$stalled"
  kill -STOP $stopped
  it "iperf3: 1 GiB beside a mirror that takes connections and does not read" iperf_through "$stalled_in"
  it "iperf3: 1 GiB beside a mirror that is not there" iperf_through "$gone_in"
  it "the metrics tell what the one has missed" metric 'missed_bytes_total.* [1-9]' stalled
  it "and that it did not keep up" metric 'lost_total.*reason="full".* 1.0' stalled
  it "and of the other, that it was not reached" metric 'lost_total.*reason="unreachable".* 2.0' gone
  kill -KILL $stopped
}

if has iperf3 "mirrors that stall" iperf3 && has curl "mirrors that stall" curl; then
  iperf
fi

# One that is waited for gets all, however slow it is.

head -c 67108864 /dev/urandom > "$tmp/data"
"$sluice" copy -q "unix-listen:$tmp/sink" "$tmp/got" &
sink=$!
mkfifo "$tmp/slow"
"$sluice" copy -q --rate 40M "unix-listen:$tmp/follower" "$tmp/slow" 2> "$tmp/follower.err" &
shadow=$!
cat "$tmp/slow" > "$tmp/copied" &
cat=$!
wait_until test -S "$tmp/sink" && wait_until test -S "$tmp/follower"
it "64 MiB through a route whose mirror is waited for" "$sluice" copy -q "$tmp/data" "tcp://127.0.0.1:$waited_in"
wait $sink $shadow $cat
it "arrive" cmp "$tmp/data" "$tmp/got"
it "at the slow mirror, too" cmp "$tmp/data" "$tmp/copied"

kill -TERM $relay
wait $relay
code=$?
relay=
it "the relay ends as it should" test $code -eq 143 -o $code -eq 1
it "each session's line says what its mirror has got" grep -Eq " stalled/.* mirror=127.0.0.1:$stalled/[0-9]+/0/[1-9][0-9]*/full" "$tmp/relay.log"
exit $bad
