# SPDX-License-Identifier: Apache-2.0
# ./sluice tee beside tee(1): the same bytes, the same exit codes where there is no reason to differ.
set -u

sluice=$(cd -P -- "${0%/*}/.." && pwd)/sluice
tmp=$(mktemp -d)
trap 'exec 3>&-; rm -rf "$tmp"' EXIT
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

# Runs $1, a command line in which TEE stands for the tool, with each; its exit code goes to code, what it leaves to a
# directory of its own.
both() {
  for tool in theirs ours; do
    rm -rf $tool && mkdir $tool
    [ $tool = ours ] && TEE="$sluice tee" || TEE=tee
    (cd $tool && data=../data && eval "$1" 2> ../err.$tool; echo $? > code)
  done
  cp err.ours err
}

same() { diff -r theirs ours > /dev/null; }

"$sluice" --version > /dev/null 2> err || { echo "not ok - the tool builds"; exit 1; }
head -c 16777217 /dev/urandom > data # 16 MiB and a byte

both 'cat $data | $TEE a b | cat > out'
holds "a pipe goes to a pipe and to files as by tee(1)" same
holds "all of it" [ "$(cmp data ours/a && cmp data ours/b && cmp data ours/out && cat ours/code)" = 0 ]
holds "and nothing is said" [ ! -s err ]
both '$TEE a < $data > out'
holds "so does a file" same
both 'echo before > a; cat $data | $TEE -a a b >> out; $TEE --append a < $data > /dev/null'
holds "--append adds to what is there" same
both 'echo before > a; cat $data | $TEE a > /dev/null'
holds "else it is replaced" same
both 'cat $data | $TEE | cat > out'
holds "without FILE it is cat" same
both '$TEE a < /dev/null > out'
holds "nothing makes empty files" same
both 'printf abc | $TEE -- -a ./- > out'
holds "names that look like options are taken after --" same

mkdir directory
both 'cat $data | $TEE ../directory a ../nosuch/b > out'
holds "a FILE that cannot be opened leaves the others alone, and gives 1" same
holds "each has its line" [ "$(cat err)" = "sluice: tee: ../directory: Is a directory (open: EISDIR); name a file in it: what moves is one stream of bytes, not a tree
sluice: tee: ../nosuch/b: No such file or directory (open: ENOENT); check its spelling, or make its directory first" ]
both 'cat $data | $TEE a /dev/full b > out'
holds "a FILE that becomes full leaves the others alone, and gives 1" same
holds "and is named" [ "$(cat err)" = "sluice: tee: 1 of 4 destinations failed: /dev/full: No space left on device, after 0 bytes" ]
both 'cat $data | $TEE a b > /dev/full'
holds "so does standard output" same
holds "by its name" [ "$(cat err)" = "sluice: tee: 1 of 3 destinations failed: standard output: No space left on device, after 0 bytes" ]
both 'cat $data | $TEE > /dev/full'
holds "with nobody left it ends" same
both 'cat $data | $TEE a >&-'
holds "closed standard output leaves the files alone, and gives 1" same
holds "and says so" [ "$(cat err)" = "sluice: tee: standard output is not open for writing: Bad file descriptor (fcntl F_GETFL: EBADF); the shell's redirections decide what it is open for" ]

both '{ $TEE a; echo $? > gone; } < /dev/zero | head -c 10 > out; rm a'
holds "a source without end ends with its reader, by 141" same
holds "silently" [ "$(wc -c < err)/$(cat ours/gone)" = 0/141 ]
{ cat data | "$sluice" tee -k a 2> err; echo $? > code; } | head -c 10 > out
holds "--keep-going gives the file the rest" cmp -s data a
holds "with the same code" [ "$(cat code)/$(wc -c < err)" = 141/0 ]
mkfifo fifo
head -c 10 fifo > out &
{ "$sluice" tee fifo < /dev/zero 2> err; echo $? > code; } > /dev/null
wait
holds "the reader of a FIFO may be the one that goes" [ "$(cat code)/$(wc -c < out)" = 141/10 ]
"$sluice" tee data < data > out 2> err
code=$?
holds "a file is not read and written at once" \
  [ "$code/$(cat err)/$(wc -c < data)" = "1/sluice: tee: standard input and data are the same file; name another destination/16777217" ]

# Signals. A shell starts what it puts in the background with SIGINT ignored; env gives it back.

interrupted() {
  mkfifo wait 2> /dev/null
  rm -f half
  env --default-signal=INT "$sluice" tee "$@" half < wait > out 2> err &
  pid=$!
  exec 3> wait
  printf 12345 >&3
  until [ "$(cat half 2> /dev/null)" = 12345 ]; do sleep 0.05; done
  kill -INT $pid
}
interrupted
wait $pid
code=$?
exec 3>&-
holds "Ctrl-C gives 130 and says what had been moved" [ "$code/$(cat err)" = "130/sluice: tee: interrupted, after 5 bytes" ]
interrupted -i
printf 67890 >&3
exec 3>&-
wait $pid
code=$?
holds "--ignore-interrupts goes on to the end" [ "$code/$(cat half)/$(cat out)/$(cat err)" = 0/1234567890/1234567890/ ]

# What strace sees: where tee(2) is claimed, no payload passes through user space.

cat data | "$sluice" tee --json a 2> err | cat > out
holds "no byte is said to have passed through user space" grep -q '"bytes": 16777217,.*"userSpaceBytes": 0,' err
if command -v strace > /dev/null && strace -qq -o trace true 2> /dev/null; then
  cat data | strace -f -qq -y -e trace=tee,read,write,readv,writev -o trace "$sluice" tee a 2> err | cat > out
  duplicated=$(awk '/ tee[( ]/ && $NF ~ /^[0-9]+$/ { sum += $NF } END { print sum + 0 }' trace)
  # The launcher's shell has pipes of its own, for a few words.
  copied=$(awk '/ (read|write)v?\([0-9]+<pipe:/ && $NF ~ /^[0-9]+$/ { sum += $NF } END { print sum + 0 }' trace)
  # One byte more is the probe that asks whether tee works here.
  holds "and none has: tee(2) duplicated all of it ($duplicated, copied $copied)" \
    [ "$duplicated" -ge 16777217 -a "$duplicated" -lt 16777300 -a "$copied" -lt 4096 ]
else
  echo "skip - tee(2) duplicates all of it: strace is not installed or may not trace"
fi
exit $bad
