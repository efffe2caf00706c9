# SPDX-License-Identifier: Apache-2.0
# ./sluice copy as a process of its own: standard streams, terminals, signals, full disks, and what strace sees.
set -u

sluice=$(cd -P -- "${0%/*}/.." && pwd)/sluice
tmp=$(mktemp -d)
mounted=
trap 'exec 3>&- 4>&-; [ -z "$mounted" ] || umount "$mounted"; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
bad=0

ok() { echo "ok - $*"; }

not_ok() {
  bad=1
  echo "not ok - $*"
  [ ! -s err ] || sed 's/^/    err: /' err | cut -c 1-300
}

# Holds a condition (the words after $1, a command) to be true.
holds() {
  what=$1
  shift
  if "$@"; then ok "$what"; else not_ok "$what"; fi
}

sum() { sha256sum | cut -d ' ' -f 1; }

"$sluice" --version > /dev/null 2> err || { not_ok "the tool builds"; exit 1; }
head -c 67108865 /dev/urandom > data # 64 MiB and a byte
expected=$(sum < data)

# Standard streams.

holds "a pipe goes to a pipe" [ "$(cat data | "$sluice" copy 2> err | sum)" = "$expected" ]
"$sluice" copy < data > out 2> err
holds "a redirected file goes to a redirected file" [ "$(sum < out)" = "$expected" ]
holds "and nothing is said when nobody watches" [ ! -s err ]
"$sluice" copy data 2> err | cat > out
holds "file to pipe to file is equal" [ "$(sum < out)" = "$expected" ]
cat data | "$sluice" copy - out 2> err
holds "pipe to file is equal" [ "$(sum < out)" = "$expected" ]

echo words > localhost:9000
holds "a file that is called like an address can be named" [ "$("$sluice" copy localhost:9000 2> err)" = words ]

echo before > out
"$sluice" copy --json - < data >> out 2> err
holds "standard output that appends is appended to" [ "$(tail -c +8 out | sum)" = "$expected" ]
holds "by copying, since splice refuses it" grep -q '"paths": {"copy": 67108865}' err
holds "with nothing tried and refused" grep -q '"fallbacks": \[\]' err
"$sluice" copy < out >> out 2> err
code=$?
holds "a file that is both standard input and output is refused" \
  [ "$code/$(cat err)" = "1/sluice: copy: standard input and standard output are the same file; name another destination" ]

"$sluice" copy <&- 2> err
code=$?
holds "closed standard input is an error" [ "$code/$(grep -c '^sluice: copy: standard input.*EBADF' err)" = 1/1 ]
"$sluice" copy data >&- 2> err
code=$?
holds "closed standard output is an error" [ "$code/$(grep -c '^sluice: copy: standard output.*EBADF' err)" = 1/1 ]
"$sluice" copy data out 2>&-
holds "closed standard error harms nothing" [ "$?/$(sum < out)" = "0/$expected" ]

# Flags of a description that others share, by /proc: O_NONBLOCK is 04000.
nonblocking() { awk '/^flags:/ { exit $2 % 10000 < 4000 }' "/proc/self/fdinfo/$1"; }
mkfifo in out.fifo
exec 3<> in 4<> out.fifo
echo through | "$sluice" copy >&4 2> err
holds "bytes went through the shared pipe" [ "$(head -n 1 <&4)" = through ]
if nonblocking 4; then not_ok "standard output is not left non-blocking"; else ok "standard output is not left non-blocking"; fi
echo through >&3
"$sluice" copy --limit 8 <&3 > out 2> err
holds "a pipe without end is left at the limit" [ "$(cat out)" = through ]
if nonblocking 3; then not_ok "standard input is not left non-blocking"; else ok "standard input is not left non-blocking"; fi
exec 3>&- 4>&-

# The reader goes away.

{ "$sluice" copy data 2> err; echo $? > code; } | head -c 10 > out
holds "a reader that goes away gives 141 and one line" \
  [ "$(cat code)/$(grep -c '^sluice: copy: standard output: its reader is gone, after [0-9]* bytes$' err)/$(wc -l < err)" = 141/1/1 ]
{ "$sluice" copy -q data 2> err; echo $? > code; } | head -c 10 > out
holds "and no line when it should be quiet" [ "$(cat code)/$(wc -c < err)" = 141/0 ]
holds "a source without end ends with it" [ "$("$sluice" copy -q /dev/zero | head -c 1000 | wc -c)" = 1000 ]

# A full disk.

"$sluice" copy data > /dev/full 2> err
code=$?
holds "a full disk behind standard output is an error" [ "$code/$(grep -c 'ENOSPC), after 0 bytes; make room' err)" = 1/1 ]
mkdir disk
if mount -t tmpfs -o size=1m tmpfs disk 2> /dev/null; then
  mounted=$tmp/disk
  "$sluice" copy --json data disk/file 2> err
  code=$?
  bytes=$(sed 's/.*"bytes": \([0-9]*\), "seconds.*/\1/' err)
  holds "a disk that becomes full is an error" [ "$code/$(grep -c ENOSPC err)" = 1/1 ]
  holds "and what was written is reported exactly" [ "$bytes" = "$(wc -c < disk/file)" ]
  cat data | "$sluice" copy --json - disk/file 2> err
  bytes=$(sed 's/.*"bytes": \([0-9]*\), "seconds.*/\1/' err)
  holds "also from a pipe" [ "$bytes" = "$(wc -c < disk/file)" ]
  umount disk && mounted=
else
  echo "skip - a disk that becomes full is an error: mounting a small tmpfs needs root"
fi
(ulimit -f 1000 && trap '' XFSZ && exec "$sluice" copy data limited) 2> err
holds "a file-size limit is an error that names it" [ "$(grep -c 'EFBIG.*after [1-9][0-9]* bytes.*ulimit -f' err)" = 1 ]

# Calls that a security policy refuses, as containers do.

home=${sluice%/sluice}
if gcc -O2 -o refuse "$home/testing/refuse.c" 2> /dev/null && ./refuse splice=EPERM -- true; then
  ./refuse splice=EPERM -- "$sluice" copy --json data 2> err | cat > out
  holds "where splice is refused the bytes are copied" [ "$(sum < out)" = "$expected" ]
  holds "and the reason is told" \
    grep -q '"paths": {"copy": 67108865}.*"fallbacks": \[{"path": "splice", "call": "splice", "errno": "EPERM"}\]' err
  ./refuse splice=EPERM -- "$sluice" copy --path splice data 2> err | cat > out
  holds "unless splice alone was allowed" [ "$(wc -c < out)/$(grep -c 'splice: EPERM), after 0 bytes' err)" = 0/1 ]
  ./refuse tee=ENOSYS vmsplice=ENOSYS -- "$sluice" copy --json data out out2 2> err
  holds "where tee is refused several destinations get copies" \
    [ "$(sum < out)/$(sum < out2)/$(grep -c '"userSpaceBytes": 0,' err)" = "$expected/$expected/0" ]
  ./refuse copy_file_range=ENOSYS -- "$sluice" copy --json data out 2> err
  holds "where copy_file_range is refused it goes by splice" \
    [ "$(sum < out)/$(grep -c '"paths": {"splice": 67108865}' err)" = "$expected/1" ]
  ./refuse splice=EPERM -- "$sluice" doctor > out
  holds "doctor names the refusal" grep -q '^  splice  *refused: EPERM' out
else
  echo "skip - where splice is refused the bytes are copied: no C compiler, or no seccomp filter can be installed here"
fi

# Permission.

if [ "$(id -u)" -eq 0 ]; then
  chmod 755 "$tmp"
  : > secret && chmod 600 secret
  setpriv --reuid=65534 --clear-groups "$sluice" copy secret /dev/null 2> err
  code=$?
  holds "what may not be read is an error" [ "$code/$(grep -c '^sluice: copy: secret: Permission denied (open: EACCES)' err)" = 1/1 ]
else
  : > secret && chmod 0 secret
  "$sluice" copy secret /dev/null 2> err
  code=$?
  holds "what may not be read is an error" [ "$code/$(grep -c '^sluice: copy: secret: Permission denied (open: EACCES)' err)" = 1/1 ]
fi

# Signals. A shell starts what it puts in the background with SIGINT ignored; env gives it back.

interrupted() {
  mkfifo wait 2> /dev/null
  env --default-signal=INT "$sluice" copy wait half 2> err &
  pid=$!
  exec 3> wait
  printf 12345 >&3
  until [ "$(cat half 2> /dev/null)" = 12345 ]; do sleep 0.05; done
  kill -"$1" $pid
  wait $pid
  code=$?
  exec 3>&-
}
interrupted INT
holds "Ctrl-C gives 130 and says what had been moved" [ "$code/$(cat err)" = "130/sluice: copy: interrupted, after 5 bytes" ]
holds "and leaves what was written" [ "$(cat half)" = 12345 ]
rm half
interrupted TERM
holds "SIGTERM gives 143 and says the same" [ "$code/$(cat err)" = "143/sluice: copy: interrupted, after 5 bytes" ]

# Terminals.

if command -v script > /dev/null; then
  terminal() { script -qec "$1" /dev/null < /dev/null > seen; }
  terminal "'$sluice' copy data out"
  holds "on a terminal the progress and the summary show" \
    [ "$(grep -c '100%.*64.0 MiB/64.0 MiB' seen)/$(grep -c '^64.0 MiB (67108865 B) in ' seen)" = 1/1 ]
  terminal "'$sluice' copy --quiet data out"
  holds "unless it should be quiet" [ ! -s seen ]
  echo 'to be seen' > words
  terminal "'$sluice' copy words"
  holds "bytes that go to a terminal have it to themselves" [ "$(tr -d '\r' < seen)" = 'to be seen' ]
  terminal "stty cols 60 && '$sluice' copy --rate 40M --interval 0.2 data out"
  widest=$(tr '\r' '\n' < seen | awk '/%/ && length($0) > widest { widest = length($0) } END { print widest + 0 }')
  holds "the line moves on, and is no wider than the terminal ($widest)" [ "$(tr '\r' '\n' < seen | grep -c %)" -gt 4 -a "$widest" -le 60 ]
else
  echo "skip - on a terminal the progress and the summary show: script(1) is not installed (Debian: bsdutils)"
fi
"$sluice" copy --progress --interval 0.1 --rate 100M --size 64M - out < data 2> err
holds "progress can be asked for anywhere" [ "$(tr '\r' '\n' < err | grep -c MiB)" -gt 1 ]

# What strace sees: where splice is claimed, no payload passes through user space.

if command -v strace > /dev/null && strace -qq -o trace true 2> /dev/null; then
  # Bytes of all reads and writes by the tool on the files in and out and on the FIFO pipe.
  payload() {
    # A file for each thread: in one for all, a call that another thread's interrupts lies on two lines.
    strace -ff -qq -y -e trace=read,write,pread64,pwrite64,readv,writev -o trace "$@" 2> err
    awk -v mine="<$tmp/(in|out|pipe)>" '$0 ~ mine && $NF ~ /^[0-9]+$/ { sum += $NF } END { print sum + 0 }' trace.*
    rm -f trace.*
  }
  rm -f in out && cp data in
  holds "no payload is read or written from file to file" [ "$(payload "$sluice" copy in out)/$(sum < out)" = "0/$expected" ]
  mkfifo pipe
  cat in > pipe &
  holds "nor from pipe to file" [ "$(payload "$sluice" copy pipe out)/$(sum < out)" = "0/$expected" ]
  cat pipe > out &
  seen=$(payload "$sluice" copy in pipe)
  wait
  holds "nor from file to pipe" [ "$seen/$(sum < out)" = "0/$expected" ]
  holds "by --path copy all of it is, twice" [ "$(payload "$sluice" copy --path copy in out)" = $((2 * 67108865)) ]
else
  echo "skip - strace sees no payload: strace is not installed or may not trace"
fi
exit $bad
