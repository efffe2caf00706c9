# SPDX-License-Identifier: Apache-2.0
# ./sluice copy --kernel user as a process of its own: standard streams, FIFOs and TCP, where native access is denied too.
set -u

sluice=$(cd -P -- "${0%/*}/.." && pwd)/sluice
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
bad=0

# Holds a condition (the words after $1, a command) to be true.
holds() {
  what=$1
  shift
  if "$@"; then
    echo "ok - $what"
  else
    bad=1
    echo "not ok - $what"
    [ ! -s err ] || sed 's/^/    err: /' err | cut -c 1-300
  fi
}

copy() { "$sluice" copy --kernel user "$@"; }

"$sluice" --version > /dev/null 2> err || { echo "not ok - the tool builds"; exit 1; }
head -c 16777217 /dev/urandom > data # 16 MiB and a byte

cat data | copy 2> err | cmp -s - data
holds "a pipe goes to a pipe" [ $? -eq 0 ]
copy < data > out 2> err
holds "a redirected file goes to a redirected file" cmp -s data out
holds "and nothing is said when nobody watches" [ ! -s err ]
copy data 2> err | { sleep 1; cat; } > out
holds "a reader that takes its time gets every byte" cmp -s data out
copy data out 2> err
holds "a file that is there is replaced" cmp -s data out
mkfifo fifo
cat data > fifo &
copy fifo out 2> err
holds "a FIFO is read to its end" cmp -s data out
cat fifo > out &
copy data fifo 2> err
wait
holds "a FIFO is written" cmp -s data out
{ copy data 2> err; echo $? > code; } | head -c 10 > out
holds "a reader that goes away gives 141 and one line" [ "$(cat code)/$(wc -l < err)" = 141/1 ]
copy --summary tcp-listen://127.0.0.1:0 out 2> heard &
until port=$(sed -n 's/.*:\([0-9][0-9]*\)$/\1/p' heard | head -n 1) && [ -n "$port" ]; do sleep 0.1; done
copy data "tcp://127.0.0.1:$port" 2> err
wait
holds "TCP goes from one to another" cmp -s data out

home=${sluice%/sluice}
. "$home/scripts/toolchain.sh"
if find_jdk; then
  denied() { "$jdk/bin/java" --illegal-native-access=deny -cp "$home/target/launcher/current/lib/*" io.sluice.cli.Main "$@"; }
  rm out
  denied copy --kernel user data out 2> err
  holds "where native access is denied it goes as well" cmp -s data out
  denied conform "$home/conformance/src/test/resources/scenarios/K.md" > out 2> err
  holds "and scenarios run" [ "$(tail -n 1 out | sed 's/^[1-9][0-9]* //')/$(wc -c < err)" = "passed, 0 failed, 0 skipped/0" ]
  denied conform --kernel linux "$home/conformance/src/test/resources/scenarios/K.md" > out 2> err
  holds "on Linux they say what they need" [ "$?/$(grep -c -- --enable-native-access err)" = 1/1 ]
else
  echo "skip - where native access is denied it goes as well: no JDK was found"
fi
exit $bad
