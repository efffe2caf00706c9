# SPDX-License-Identifier: Apache-2.0
# sluice relay among people who mean it no good: clients that are slow, many, malformed or gone, backends that reset or
# never answer, too few descriptors, configurations that are none. Each is refused or waited out, the log says why, and
# whoever behaves is served meanwhile.
set -u

home=$(cd -P -- "${0%/*}/.." && pwd)
sluice=$home/sluice
tmp=$(mktemp -d)
. "$home/scripts/testing.sh"
relay=
peers=
trap 'end' EXIT

end() {
  # shellcheck disable=SC2086 # a list
  [ -z "$relay$peers" ] || { kill $relay $peers; wait; } 2> /dev/null
  rm -rf "$tmp"
}

"$sluice" --version > /dev/null || exit 1 # builds it, when that has not been done
: > "$tmp/relay.err"

# Configurations.

# Whether the file with the text $1, in the notation of printf, is refused with words that match $2, and quickly.
refused() {
  # shellcheck disable=SC2059 # a notation
  printf "$1" > "$tmp/bad.yaml"
  timeout 20 "$sluice" relay --check --config "$tmp/bad.yaml" > "$tmp/out" 2>&1
  code=$?
  cut -c 1-300 "$tmp/out"
  [ $code -eq 1 ] && [ "$(wc -l < "$tmp/out")" -le 12 ] && grep -Eq "bad.yaml:$2" "$tmp/out" && ! grep -q '^	at ' "$tmp/out"
}
route='routes:\n- name: r\n  listen: [":1"]\n  to: [a:1]\n'
laughs='a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\n'

it "a file: no YAML, with its line" refused 'routes:\n- name: "x\n' '[0-9]+:[0-9]+: '
it "a file: an unknown key" refused "${route}  tires: 3\n" "5:3: 'tires' is not known here"
it "a file: a key given twice" refused "${route}  name: s\n" '[0-9]+:[0-9]+: .*name'
it "a file: a number that is none" refused "loops: many\n$route" '1:8: '
it "a file: a number too large" refused "loops: 99999999999999999999\n$route" '1:8: '
it "a file: no bytes of a text" refused 'routes: \377\376\000\n' ' is not UTF-8'
it "a file: a byte that no text has" refused 'routes:\n \001\n' '2: the character U.0001'
it "a file: a text instead of routes" refused 'routes: all\n' '1:9: '
it "a file: lists within lists, 20,000 of them" refused "routes: $(head -c 20000 /dev/zero | tr '\0' '[')" '[0-9]+:[0-9]+: '
it "a file: references that double and double" refused "${laughs}routes: *d\n" '[0-9]+:[0-9]+: '
it "a file: an address of no port" refused "routes:\n- name: r\n  listen: [\":99999\"]\n  to: [a:1]\n" '3:12: '
it "a file: nothing" refused '' ' is empty'

command -v perl > /dev/null && command -v ss > /dev/null ||
  { echo "skip - hostile clients and backends: there is no perl, or no ss, of the package iproute2"; exit $bad; }

# People, good and bad. Whoever waits, waits for the other side or for being ended, and not for a time.
cat > "$tmp/people.pl" << 'END'
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(:all);
$| = 1;
$SIG{PIPE} = 'IGNORE';
my ($what, $port, @rest) = @ARGV;

sub called {
    my ($from) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, LocalAddr => $from // '127.0.0.1') || die "connect: $!\n";
}

sub listening {
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => shift, ReuseAddr => 1) || die "listen: $!\n";
}

sub by_reset { setsockopt($_[0], SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)); close $_[0] }

# Until somebody ends it.
sub stay { sleep 3600 while 1 }

my %people = (
    # A backend that answers what it is told.
    echo => sub {
        my $door = listening(1024);
        my $all = IO::Select->new($door);
        while (1) {
            for my $each ($all->can_read) {
                if ($each == $door) { $all->add($door->accept); next }
                if (sysread($each, my $word, 65536)) { syswrite($each, $word) } else { $all->remove($each); close $each }
            }
        }
    },
    # A backend that resets whoever comes.
    resets => sub { my $door = listening(64); while (my $client = $door->accept) { by_reset($client) } },
    # A backend that is there and never answers: what its queue has no room for is not even refused.
    blackhole => sub { my $door = listening(1); my @full = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0) } 1 .. 4; print "full\n"; stay() },
    # Says a word, from an address, and has it echoed.
    ask => sub {
        my ($from, $first) = @rest;
        my $s = called($from);
        syswrite($s, eval "qq\0$first\0") if defined $first;
        my $word = "hello $$\n";
        syswrite($s, $word) == length $word or die "send: $!\n";
        my $heard = '';
        while (length $heard < length $word) { sysread($s, $heard, 4096, length $heard) or die 'no answer: ' . ($! || 'end') . "\n" }
        $heard eq $word or die "heard $heard\n";
    },
    # Says something and listens: prints how many bytes came, and how it ended.
    say => sub {
        my ($words, $then) = @rest;
        my $s = called();
        syswrite($s, eval "qq\0$words\0");
        shutdown($s, 1) if ($then // '') eq 'end';
        my ($bytes, $got) = (0, 0);
        while ($got = sysread($s, my $heard, 65536)) { $bytes += $got }
        print "$bytes bytes, ", (defined $got ? 'end' : "reset: $!"), "\n";
    },
    # Many that say something, and then nothing more.
    hold => sub {
        my ($count, $from, $words) = @rest;
        my @all;
        for (1 .. $count) {
            my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, LocalAddr => $from) || die "connect: $!\n";
            syswrite($s, eval "qq\0$words\0") if defined $words;
            push @all, $s;
        }
        print "held\n";
        stay();
    },
    # Many that say something a byte at a time, for ever; until all have been thrown out.
    slow => sub {
        my ($count, $words) = @rest;
        my $text = eval "qq\0$words\0";
        my @all = map { called() } 1 .. $count;
        print "held\n";
        for (my $i = 0; @all; $i++) {
            my $select = IO::Select->new(@all);
            my %gone = map { $_ => 1 } grep { !sysread($_, my $heard, 4096) } $select->can_read(0.05);
            @all = grep { !$gone{$_} && (syswrite($_, substr($text, $i % length $text, 1)) // 0) } @all;
        }
        print "all thrown out\n";
    },
    # Says something urgent in the middle, while the relay cannot look: it is not carried on, and what is behind it is.
    urgent => sub {
        my $s = called();
        syswrite($s, 'x') && sysread($s, my $heard, 1);
        kill 'STOP', $rest[0];
        syswrite($s, 'abc') && send($s, '!', MSG_OOB) && syswrite($s, 'def');
        kill 'CONT', $rest[0];
        $heard = '';
        while (length $heard < 6) { sysread($s, $heard, 100, length $heard) or die "no answer\n" }
        $heard eq 'abcdef' or die "heard $heard\n";
    },
    # Vanishes without a word, as a machine does whose power fails: TCP_REPAIR, for root alone.
    vanish => sub {
        my $s = called();
        syswrite($s, "x") && sysread($s, my $heard, 1);
        setsockopt($s, 6, 19, pack('i', 1)) or exit 3;
        close $s;
    },
);
alarm 60 if $what =~ /^(ask|say|urgent|vanish)$/; # nobody waits for ever
$people{$what}->();
END
people() { perl "$tmp/people.pl" "$@"; }

listens() { ss -Hltn "sport = :$1" | grep -q .; }
port=$((30000 + $$ % 2000))
ports() {
  for each in "$@"; do
    while port=$((port + 1)) && listens "$port"; do :; done
    eval "$each=$port"
  done
}

# Starts people that stay until they are released; what they say goes to a file of the name $1.
stay() {
  name=$1
  shift
  perl "$tmp/people.pl" "$@" > "$tmp/$name.out" 2>&1 &
  peers="$peers $!"
  eval "$name=$!"
}
release() {
  eval "kill \$$1; wait \$$1" 2> /dev/null
}
held() { wait_until grep -q . "$tmp/$1.out"; }

ports good proxy proxy_slow names limited sourced black resetting vanishing echo_port black_port reset_port
stay echoes echo "$echo_port"
stay resets resets "$reset_port"
stay hole blackhole "$black_port"
held hole

cat > "$tmp/sluice.yaml" << END
loops: 2
routes:
  - {name: good, listen: ["127.0.0.1:$good"], to: ["127.0.0.1:$echo_port"]}
  - name: proxy
    listen: [{address: "127.0.0.1:$proxy", proxyFrom: [127.0.0.0/8]}]
    to: ["127.0.0.1:$echo_port"]
    timeouts: {hello: 1s}
  - {name: named, listen: ["127.0.0.1:$names"], serverNames: [a.test], to: ["127.0.0.1:$echo_port"], timeouts: {hello: 1s}}
  - {name: others, listen: ["127.0.0.1:$names"], to: ["127.0.0.1:$echo_port"], timeouts: {hello: 1s}}
  - {name: limited, listen: ["127.0.0.1:$limited"], to: ["127.0.0.1:$echo_port"], limits: {sessions: 20, queue: 30}, timeouts: {queue: 1s}}
  - {name: sourced, listen: ["127.0.0.1:$sourced"], to: ["127.0.0.1:$echo_port"], limits: {perSource: 20}}
  - {name: black, listen: ["127.0.0.1:$black"], to: ["127.0.0.1:$black_port", {address: "127.0.0.1:$echo_port", backup: true}], timeouts: {connect: 300ms}}
  - {name: resetting, listen: ["127.0.0.1:$resetting"], to: ["127.0.0.1:$reset_port"]}
  - name: vanishing
    listen: ["127.0.0.1:$vanishing"]
    to: ["127.0.0.1:$echo_port"]
    keepAlive: {idle: 1s, interval: 1s, probes: 2}
END
# So little memory that whatever is kept for each of those who come would be missed.
JAVA_TOOL_OPTIONS='-Xmx32m' "$sluice" relay --config "$tmp/sluice.yaml" > "$tmp/relay.log" 2> "$tmp/relay.err" &
relay=$!
it "the relay listens" wait_until grep -q "listening at 127.0.0.1:$vanishing" "$tmp/relay.err"
wait_until listens "$echo_port"

served() { people ask "$1"; }
log_says() { grep -Eq "$1" "$tmp/relay.log"; }
lines() { [ "$(grep -Ec "$1" "$tmp/relay.log")" -ge "$2" ]; }
it "whoever behaves is served" served "$good"

# Headers that are none. Each is answered by a reset, and a line that says why.

# Sends $1, of which the log is to say $2.
malformed() {
  people say "$proxy" "$1" | tee /dev/stderr | grep -q '^0 bytes, reset' && wait_until log_says " -/- .* PH .*$2"
}
v2='\r\n\r\n\x00\r\nQUIT\n'
it "PROXY: another protocol" malformed 'GET / HTTP/1.1\r\n\r\n' "it begins with 'GET /"
it "PROXY: an address that is none" malformed 'PROXY TCP4 192.0.2.300 192.0.2.1 1 2\r\n' 'not a PROXY header: .*300'
it "PROXY: a port that is none" malformed 'PROXY TCP4 192.0.2.3 192.0.2.1 65536 2\r\n' 'not a PROXY header: .*65536'
it "PROXY: a name, which must not be looked up" malformed 'PROXY TCP4 example.com 192.0.2.1 1 2\r\n' 'not a PROXY header: .*example'
it "PROXY: a line that does not end" malformed "PROXY @{['x' x 200]}" 'within 107 bytes'
it "PROXY: a line that would forge one of the log" malformed 'PROXY TCP4 \n2026-01-01 forged\r\n' '.x0a2026-01-01 forged'
it "PROXY: version 3" malformed "$v2"'\x31\x11\x00\x0c@{["x" x 12]}' 'of version 3'
it "PROXY: a command of nobody" malformed "$v2"'\x2f\x11\x00\x0c@{["x" x 12]}' 'command 15'
it "PROXY: 64 KiB announced" malformed "$v2"'\x21\x11\xff\xff' 'of 65551 bytes'
it "PROXY: shorter than its addresses" malformed "$v2"'\x21\x21\x00\x0c@{["x" x 12]}' 'with 12 bytes; it needs 36'
it "PROXY: an extension that is longer than all" malformed "$v2"'\x21\x11\x00\x0f@{["x" x 12]}\x04\xff\xff' 'extension 4 is longer'
it "PROXY: a checksum that is wrong" malformed "$v2"'\x21\x11\x00\x13@{["x" x 12]}\x03\x00\x04abcd' 'wrong checksum'
it "the forged line is none" sh -c "! grep -q '^2026-01-01 forged' '$tmp/relay.log'"
it "who sends a good one is served all the same" people ask "$proxy" 127.0.0.1 'PROXY TCP4 192.0.2.3 192.0.2.1 1 2\r\n'

# A ClientHello that is one in form, in 20,000 records of a byte each.
crumbs() {
  people say "$names" '@{[join "", map { "\x16\x03\x01\x00\x01" . $_ } "\x01", "\x00", "\x3f", ("\x00") x 20000]}' end |
    tee /dev/stderr | grep -qx '120018 bytes, end'
}
it "a ClientHello in crumbs goes on as what it is" crumbs

# The slow.

stay slow_proxy slow "$proxy" 200 'PROXY TCP4 '
stay slow_hello slow "$names" 200 '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
stay silent hold "$proxy" 200 127.0.0.1
held slow_proxy && held slow_hello && held silent
it "among 600 who say what they want a byte at a time or not at all, others are served" served "$good"
it "at the same door, too" people ask "$proxy" 127.0.0.1 'PROXY TCP4 192.0.2.3 192.0.2.1 1 2\r\n'
it "the slow are thrown out" wait_until grep -q 'all thrown out' "$tmp/slow_proxy.out"
it "all of them" wait_until grep -q 'all thrown out' "$tmp/slow_hello.out"
it "the log says that no header came in time" wait_until lines ' cH .*"no PROXY header came in time"' 200
it "and no ClientHello" wait_until lines ' cH .*"no ClientHello came in time"' 200
release silent

# The many.

stay many hold "$limited" 300 127.0.0.1
held many
it "300 at a route that takes 20: others are served elsewhere" served "$good"
it "the log says that it was full" wait_until lines ' limited/- .* PH .*"the route is full"' 1
it "and that those in the queue waited in vain" wait_until lines ' limited/- .* PQ ' 30
it "together all but those it took" wait_until lines ' limited/- .* P[HQ] ' 280
release many
it "when they have gone it serves again" wait_until served "$limited"
stay from_one hold "$sourced" 300 127.0.0.2
held from_one
it "300 from one address do not keep out another" served "$sourced"
it "the log names the address" wait_until lines ' 127\.0\.0\.2:.* sourced/- .* PH .*"the source has as many' 280
release from_one

# Backends.

it "a backend that never answers is given up for another" served "$black"
it "the log says that it took two" wait_until log_says ' black/127.0.0.1:[0-9]+ .* [0-9]+/[0-9]+/2$'
reset_through() { people say "$resetting" x | tee /dev/stderr | grep -q '^0 bytes, reset'; }
it "a reset of a backend is a reset for the client" reset_through
it "in the log it is the backend's" wait_until log_says ' resetting/[^ ]* .* S[DC] '

it "what follows something urgent arrives" people urgent "$good" $relay

people vanish "$vanishing"
case $? in
  0) it "a client that vanished is found out" wait_until log_says ' vanishing/[^ ]* .* 1 1 [^ ]+ C[DL] ' ;;
  *) echo "skip - a client that vanishes: TCP_REPAIR needs the privileges of root" ;;
esac

resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$relay/status"; }
sockets() { ls -l "/proc/$relay/fd" | grep -c 'socket:'; }
# Each of the eight addresses at a socket for each loop.
doors() { [ "$(sockets)" -eq 16 ]; }
it "not a socket is left but those that listen" wait_until doors
it "memory has stayed within 160 MiB" test "$(resident)" -le 163840
it "nothing of it was a mistake of the relay's" sh -c "! grep -Eq ' I[HQCDL] | has failed|Exception|Error' '$tmp/relay.log' '$tmp/relay.err'"
kill -TERM $relay
wait $relay
it "it ends in order" test $? -eq 143
relay=

# Too few descriptors: an odd and an even number, so that the last one is once a client's and once a backend's.

few() {
  : > "$tmp/relay.err" # or the word of the one before would be taken for its own
  (ulimit -n "$1" && export JAVA_TOOL_OPTIONS='-Xmx32m' && exec "$sluice" relay --listen "127.0.0.1:$few_in" --to "127.0.0.1:$echo_port" \
    --health 200ms --idle-timeout 500ms --loops 1) > "$tmp/few.$1.log" 2> "$tmp/relay.err" &
  relay=$!
  wait_until grep -q listening "$tmp/relay.err"
  stay "flood_$1" hold "$few_in" 150 127.0.0.1
  held "flood_$1"
  it "with $1 descriptors: 150 come, and it says that they wait" wait_until grep -q 'wait: EMFILE' "$tmp/relay.err"
  it "with $1 descriptors: whoever waits long enough is served" served "$few_in"
  release "flood_$1"
  it "with $1 descriptors: served at once when they have gone" served "$few_in"
  it "with $1 descriptors: nobody who was let in is sent away for want of them" sh -c "! grep -E ' R[HQCDL] ' '$tmp/few.$1.log'"
  it "with $1 descriptors: the backend is not blamed" sh -c "! grep -E 'is down|no backend' '$tmp/few.$1.log' '$tmp/relay.err'"
  kill -TERM $relay
  wait $relay
  it "with $1 descriptors: it ends in order" test $? -eq 143
  relay=
}
ports few_in
few 60
few 61
exit $bad
