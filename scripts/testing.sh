# SPDX-License-Identifier: Apache-2.0
# Sourced by tests of the relay. Expects `tmp`, their own directory; whatever stands in its files *.err is shown when a
# test fails. Sets bad to 1 then.
bad=0

# Says whether the test named $1 holds: the rest is a command.
it() {
  name=$1
  shift
  if "$@" > "$tmp/said" 2>&1; then
    echo "ok - $name"
  else
    bad=1
    echo "not ok - $name"
    tail -q -n 20 "$tmp/said" "$tmp"/*.err 2> /dev/null | cut -c 1-300 | sed 's/^/    /'
  fi
}

# Waits for up to 20 s until the command holds.
wait_until() {
  tries=0
  while ! "$@" > /dev/null 2>&1; do
    [ $((tries += 1)) -le 200 ] || return 1
    sleep 0.1
  done
}
