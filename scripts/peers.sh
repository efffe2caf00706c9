# SPDX-License-Identifier: Apache-2.0
# Sourced by tests with programs that know nothing of sluice, after testing.sh. Expects `tmp`. What stands in `relay` and
# `peers` is ended with the test, and `tmp` removed.
PATH=$PATH:/usr/sbin
relay=
peers=
chmod 711 "$tmp" # PostgreSQL, which is not run as root, has its files below
trap 'end' EXIT

end() {
  # shellcheck disable=SC2086 # a list
  [ -z "$relay$peers" ] || { kill $relay $peers; wait; } 2> /dev/null
  rm -rf "$tmp"
}

# Whether the programs after the Debian package $1 are there; when not, the tests of $2 are skipped.
has() {
  package=$1 tests=$2
  shift 2
  for program in "$@"; do
    command -v "$program" > /dev/null || { echo "skip - $tests: there is no ${program##*/}, of the package $package"; return 1; }
  done
}

listens() { ss -Hltn "sport = :$1" | grep -q .; }

# Gives each name a port that nobody listens on.
port=$((20000 + $$ % 10000))
ports() {
  for each in "$@"; do
    while port=$((port + 1)) && listens "$port"; do :; done
    eval "$each=$port"
  done
}

sum() { sha256sum | cut -d ' ' -f 1; }

# Whether two commands, each one word, say the same, and something.
same() { one=$($1) && other=$($2) && echo "$1: $one" && echo "$2: $other" && [ -n "$one" ] && [ "$one" = "$other" ]; }

# PostgreSQL, which refuses to be run by root.

pg_bin=$(for each in /usr/lib/postgresql/*/bin; do echo "$each"; done | sort -V | tail -n 1)
unprivileged=
[ "$(id -u)" -ne 0 ] || unprivileged="setpriv --reuid $(id -u nobody) --regid $(id -g nobody) --clear-groups"

# A cluster of its own in directory $1.
cluster() {
  mkdir "$1" && { [ -z "$unprivileged" ] || chown nobody "$1"; } || return
  # shellcheck disable=SC2086 # a list
  (cd / && $unprivileged "$pg_bin/initdb" -D "$1/data" -U postgres -A trust -E UTF8 --no-locale --no-sync)
}

# Serves the cluster in directory $1 at port $2, and on a Unix socket there.
serve_cluster() {
  # shellcheck disable=SC2086 # a list
  (cd / && exec $unprivileged "$pg_bin/postgres" -D "$1/data" -k "$1" -h 127.0.0.1 -p "$2" -F > "$1.log" 2>&1) &
  peers="$peers $!"
  wait_until "$pg_bin/pg_isready" -q -h "$1" -p "$2"
}

psql() { "$pg_bin/psql" -X -A -t -U postgres postgres "$@"; }
pgbench() { "$pg_bin/pgbench" -U postgres "$@" postgres; }
