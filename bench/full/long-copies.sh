#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A file of 4 GiB through every kind of end, with `sluice copy`: it arrives unchanged, by the path that is claimed, and
# strace, on the very same runs, sees what of it was read or written through user space.
#
#   bench/full/long-copies.sh [BYTES]     needs twice that much room in memory (or in BENCH_TMP), and strace
set -u
home=$(cd -P -- "$(dirname -- "$0")/../.." && pwd)
. "$home/bench/common.sh"

bytes=${1:-4294967296}
port=17821
original=$tmp/original
arrived=$tmp/arrived
bad=0
command -v strace > /dev/null || { echo "needs strace" >&2; exit 69; }

# sluice copy, as process $1 of a route: its summary and its system calls are kept under that name.
copy() {
  process=$1
  shift
  strace -f -y --seccomp-bpf -o "$tmp/$process.calls" \
    -e trace=execve,read,write,readv,writev,pread64,pwrite64,recvfrom,sendto,splice,sendfile,copy_file_range \
    "$home/sluice" copy --json "$@" 2> "$tmp/$process.json"
}

# Waits until somebody listens on port $1.
listening() {
  waits=0
  until ss -Hltn "sport = :$1" | grep -q .; do
    sleep 0.1
    [ $((waits += 1)) -lt 600 ] || { echo "nobody listens on $1" >&2; exit 1; }
  done
}

# Bytes of the payload that process $1 carried through user space: those of every read and write on its ends, once the
# launcher, a shell that reads from pipes of its own, has become the JVM.
carried() {
  awk -v payload='^(read|write|readv|writev|pread64|pwrite64|recvfrom|sendto)[(][0-9]+<(pipe:|socket:|TCP|UNIX|'"$tmp"'/(original|arrived))' '
    { sub(/^[0-9]+ +/, "") }
    /^execve[(]"[^"]*\/java"/ { sum = 0 }
    $0 ~ payload && / = [0-9]+$/ { sum += $NF }
    END { print sum + 0 }' "$tmp/$1.calls"
}

paths() { sed -n 's/.*"paths": {\([^}]*\)}.*/\1/p' "$tmp/$1.json" | tr -d '"'; }

# Judges a route: its name, then its processes.
arrived_by() {
  route=$1
  shift
  if [ "$(sha256sum < "$arrived")" = "$sum" ]; then equal='SHA-256 equal'; else equal='SHA-256 DIFFERS' bad=1; fi
  echo "$route: $equal"
  for process in "$@"; do
    through=$(carried "$process")
    calls=$(awk '{ sub(/^[0-9]+ +/, "") } match($0, /^(splice|sendfile|copy_file_range)[(]/) { n[substr($0, 1, RLENGTH - 1)]++ }
      END { for (c in n) printf "%d %s ", n[c], c }' "$tmp/$process.calls")
    echo "    $process: $(paths "$process"); calls: ${calls}; $through bytes read or written on its ends"
    if [ "$through" -gt 0 ] || ! grep -q '"exitCode": 0' "$tmp/$process.json" || ! paths "$process" | grep -q ": $bytes"; then
      bad=1
      echo "FAILED: $process: $(cat "$tmp/$process.json")"
    fi
  done
  rm -f "$arrived" "$tmp"/*.calls "$tmp"/*.json
}

"$home/sluice" --version > /dev/null || exit 70
describe_machine
room=$(df --output=avail -B1 "$tmp" | tail -n 1)
[ "$room" -gt $((2 * bytes + (1 << 30))) ] || { echo "needs $((2 * bytes)) bytes in $tmp, which has $room" >&2; exit 69; }
head -c "$bytes" /dev/urandom > "$original"
sum=$(sha256sum < "$original")
echo "$bytes random bytes, in memory"

copy to-file "$original" "$arrived"
arrived_by 'file → file' to-file

copy to-pipe "$original" - | copy from-pipe - "$arrived"
arrived_by 'file → pipe → file' to-pipe from-pipe

copy from-socket tcp-listen://127.0.0.1:$port "$arrived" &
listening $port
copy to-socket "$original" tcp://127.0.0.1:$port
wait
arrived_by 'file → socket, socket → file' to-socket from-socket

copy last tcp-listen://127.0.0.1:$((port + 1)) "$arrived" &
listening $((port + 1))
copy socket-to-pipe tcp-listen://127.0.0.1:$port - | copy pipe-to-socket - tcp://127.0.0.1:$((port + 1)) &
listening $port
copy first "$original" tcp://127.0.0.1:$port
wait
arrived_by 'socket → pipe → socket, between two files' first socket-to-pipe pipe-to-socket last

cat "$original" | copy from-process - "$arrived"
arrived_by 'process → file' from-process
exit $bad
