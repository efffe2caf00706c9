// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_MORE;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SPLICE_F_MORE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static io.sluice.kernel.Flags.TCP_NODELAY;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.WhenFull;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.user.UserKernel;
import io.sluice.relay.Call.Kind;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which system calls a session makes, and which it never makes. */
class SessionCallsTest {
    private final Kernel kernel = UserKernel.builder().build();
    private final Conversation all = new Conversation(kernel, true, Path.of("/tmp"));

    @AfterEach
    void close() {
        all.close();
        kernel.close();
    }

    private static List<Call> callsOfEverySession() throws Exception {
        List<Call> calls = new ArrayList<>();
        for (RecordedSession session : RecordedSession.all()) {
            try (Kernel kernel = UserKernel.builder().build();
                    Conversation all = new Conversation(kernel, true, Path.of("/tmp"))) {
                all.start(session.routes(all));
                all.loop.plan(0, Fault.NONE, fd -> {});
                Pair pair = all.begin();
                session.opening().go(all, pair);
                session.talk().go(all, pair);
                assertThat(all.ended()).isNotNull();
                calls.addAll(all.loop.planned());
            }
        }
        return calls;
    }

    private static Route.Builder to(Address backend) {
        return RelayFixture.route().to(Backend.at(backend));
    }

    private Pair startedWith(Route.Builder route) throws Exception {
        all.start(route.build());
        all.loop.plan(0, Fault.NONE, fd -> {});
        return all.begin();
    }

    private SessionLog ended(Pair pair) {
        pair.client.end();
        pair.server.end();
        all.hear();
        SessionLog log = all.ended();
        assertThat(pair.allIsHeard()).isTrue();
        pair.assertNothingIsWrong();
        assertThat(log).isNotNull();
        return log;
    }

    /** The flag alone would not do for a socket, nor its mode for a pipe (pitfalls 10 and 12). */
    @Test
    void noneOfThemCouldBlock() throws Exception {
        assertThat(callsOfEverySession()).isNotEmpty().allSatisfy(call -> {
            switch (call.name()) {
                case "splice" -> assertThat(call.integer(5) & SPLICE_F_NONBLOCK).isNotZero();
                case "recv", "send" ->
                    assertThat(call.integer(2) & MSG_DONTWAIT).isNotZero();
                case "accept4" -> assertThat(call.integer(1) & SOCK_NONBLOCK).isNotZero();
                case "socket" -> assertThat(call.integer(1) & SOCK_NONBLOCK).isNotZero();
                case "pipe2" -> assertThat(call.integer(1) & O_NONBLOCK).isNotZero();
                default -> assertThat(call.name()).isNotIn("tee", "vmsplice", "sendfile", "open", "poll", "write");
            }
        });
    }

    /** One session's bulk must not hold up the others of its loop (pitfalls 13 and 41). */
    @Test
    void noneMovesMoreThanAPipeHolds() throws Exception {
        assertThat(callsOfEverySession())
                .filteredOn(call -> call.name().equals("splice"))
                .isNotEmpty()
                .allSatisfy(call -> assertThat(call.number(4)).isLessThanOrEqualTo(512 << 10));
    }

    /** Else a fault of such a call would never be tried. */
    @Test
    void everyKindOfCallIsAmongThem() throws Exception {
        assertThat(callsOfEverySession()).extracting(Call::kind).contains(Kind.values());
    }

    /** Nobody knows whether a peer has more to say, unless it has said that it has not (pitfall 58). */
    @Test
    void nothingIsHeldBackForMore() throws Exception {
        assertThat(callsOfEverySession())
                .filteredOn(call -> call.name().equals("splice"))
                .isNotEmpty()
                .allSatisfy(call -> assertThat(call.integer(5) & SPLICE_F_MORE).isZero());
        Pair pair = startedWith(to(all.backend()));
        for (int fd : new int[] {all.loop.accepted(), all.loop.connected()}) {
            int[] on = new int[1];
            assertThat(kernel.getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, on)).isNotNegative();
            assertThat(on).as("TCP_NODELAY").containsExactly(1);
        }
        pair.client.say(100);
        all.hear();
        assertThat(sends(all)).isNotEmpty().noneMatch(SessionCallsTest::keepsBack);
        ended(pair);
    }

    private static List<Call> sends(Conversation of) {
        return of.loop.planned().stream()
                .filter(call -> call.kind() == Kind.SEND)
                .toList();
    }

    private static boolean keepsBack(Call send) {
        return (send.integer(2) & MSG_MORE) != 0;
    }

    // The last words.

    /** They leave with the end: one segment less on the way, and one wake-up less of whoever hears it. */
    @Test
    void onlyTheLastWordsAreKeptBackAndOnlyForTheEnd() throws Exception {
        Pair pair = startedWith(to(all.backend()));
        answers(all, pair);
        assertThat(pair.clientHasHeardAll()).as("the words and the end").isTrue();
        assertThat(sends(all)).extracting(call -> call.buffer().byteSize()).containsExactly(100L, 200L);
        assertThat(sends(all)).extracting(SessionCallsTest::keepsBack).containsExactly(false, true);
        ended(pair);
    }

    private static void answers(Conversation all, Pair pair) {
        pair.client.say(100);
        all.hear();
        pair.server.say(200);
        pair.server.end();
        all.hear();
    }

    @Test
    void whatIsKeptBackLeavesInTheSameTurn() throws Exception {
        Set<Integer> waiting = new HashSet<>();
        for (Call call : callsOfEverySession()) {
            switch (call.kind()) {
                case SEND -> {
                    if (keepsBack(call)) {
                        waiting.add(call.socket());
                    }
                }
                case END -> waiting.remove(call.socket());
                case WAIT ->
                    assertThat(waiting)
                            .as("sockets that keep words back while the loop sleeps")
                            .isEmpty();
                default -> {
                    if (call.name().equals("close")) {
                        waiting.remove(call.integer(0));
                    }
                }
            }
        }
    }

    /** A mirror or a limit could come between. */
    @Test
    void nothingIsKeptBackWhereTheEndMayHaveToWait() throws Exception {
        int mirror = Far.listener(kernel, Far.anyPort());
        int port = ((InetSocketAddress) Far.name(kernel, mirror)).getPort();
        assertNothingIsKeptBack(route -> route.limits(new Limits(0, 0, 0, 1_000_000, 0)));
        Backend heard = Backend.at(new Address.Tcp("127.0.0.1", port));
        Mirror ofAnswers = new Mirror(heard, Mirror.Of.RESPONSES, Sample.ALL, 1 << 20, WhenFull.DETACH);
        assertNothingIsKeptBack(route -> route.mirror(ofAnswers));
        kernel.close(mirror);
    }

    private void assertNothingIsKeptBack(UnaryOperator<Route.Builder> with) throws Exception {
        try (Conversation other = new Conversation(kernel, true, Path.of("/tmp"))) {
            other.start(with.apply(to(other.backend())).build());
            other.loop.plan(0, Fault.NONE, fd -> {});
            Pair pair = other.begin();
            answers(other, pair);
            assertThat(pair.clientHasHeardAll()).as("the words and the end").isTrue();
            assertThat(sends(other)).isNotEmpty().noneMatch(SessionCallsTest::keepsBack);
        }
    }

    /** They may be the answer to what the backend has not read all of. */
    @Test
    void aResetTakesNoLastWordsWithIt() throws Exception {
        Pair pair = startedWith(to(all.backend()));
        all.settle();
        pair.server.say(200);
        pair.server.end();
        pair.server.send();
        pair.server.reset();
        all.hear();
        assertThat(all.ended()).isNotNull();
        assertThat(pair.client.heardBytes()).isEqualTo(200);
        assertThat(sends(all)).isNotEmpty().noneMatch(SessionCallsTest::keepsBack);
    }

    /** Between the words and the end, as it has to come after them, a session may fail. */
    @Test
    void whatIsKeptBackLeavesBeforeAReset() throws Exception {
        answers(all, afterAnother(all, 0, Fault.NONE));
        List<Boolean> kept = all.loop.planned().stream()
                .map(call -> call.kind() == Kind.SEND && keepsBack(call))
                .toList();
        int next = kept.indexOf(true) + 1;
        try (Kernel another = UserKernel.builder().build();
                Conversation again = new Conversation(another, true, Path.of("/tmp"))) {
            Pair pair = afterAnother(again, next + 1, Fault.NO_MEMORY);
            answers(again, pair);
            SessionLog log = again.ended();
            assertThat(again.loop.met()).isNotNull().extracting(Call::kind).isEqualTo(Kind.RECEIVE);
            assertThat(log).isNotNull();
            assertThat(log.termination().cause()).isEqualTo(Termination.Cause.RESOURCE);
            assertThat(pair.client.heardBytes()).isEqualTo(200);
            assertThat(pair.client.heardEnd()).isFalse();
        }
    }

    /**
     * A session of whose calls one meets a fault; by then the loop sleeps, so that they are numbered alike each time.
     */
    private static Pair afterAnother(Conversation all, long number, Fault fault) throws Exception {
        all.start(to(all.backend()).build());
        all.begin().client.say(3);
        all.hear();
        all.loop.plan(number, fault, fd -> {});
        return all.begin();
    }

    /** Asked again, it says so, and the session goes on in the same turn. */
    @Test
    void aConnectionOverLoopbackStandsAtOnce() throws Exception {
        startedWith(to(all.backend()));
        List<Kind> kinds = all.loop.planned().stream().map(Call::kind).toList();
        assertThat(kinds.subList(kinds.indexOf(Kind.CONNECT), kinds.indexOf(Kind.RECEIVE)))
                .containsExactly(Kind.CONNECT, Kind.CONNECT, Kind.WATCH);
    }

    /** What is in a pipe cannot be looked at any more (pitfalls 39 and 48). */
    @Test
    void nothingIsSplicedBeforeItIsKnownWhoWantsWhat() throws Exception {
        Listen trusting = new Listen(RelayFixture.ANYWHERE, null, null, null, List.of(Cidr.parse("127.0.0.0/8")));
        Pair pair = startedWith(Route.named("test")
                .listen(trusting)
                .serverName("db.example.com")
                .to(Backend.at(all.backend()))
                .path(PathChoice.SPLICE));
        byte[] header = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n".getBytes(ISO_8859_1);
        pair.preface(header, List.of(new byte[0]));
        all.settle();
        byte[] hello = Hellos.of("db.example.com");
        for (byte each : hello) {
            pair.client.say(new byte[] {each});
            all.settle();
        }
        pair.client.say(100_000);
        SessionLog log = ended(pair);
        assertThat(log.serverName()).isEqualTo("db.example.com");
        assertThat(log.bytesByPath())
                .containsEntry(TransferPath.COPY, (long) hello.length)
                .containsEntry(TransferPath.SPLICE, 100_000L);
        List<Kind> kinds = all.loop.planned().stream().map(Call::kind).toList();
        assertThat(kinds.indexOf(Kind.SPLICE_IN))
                .as("the first splice comes after the last look")
                .isGreaterThan(kinds.lastIndexOf(Kind.RECEIVE))
                .isGreaterThan(kinds.lastIndexOf(Kind.SEND));
    }

    /** Two calls and a pipe are a waste for a few bytes (pitfall 60). */
    @Test
    void bulkIsSplicedAndMessagesAreCopiedBeforeAndAfter() throws Exception {
        Pair pair = startedWith(to(all.backend()));
        messages(pair);
        assertThat(spliced()).as("splices of messages").isZero();
        pair.client.say(500_000);
        all.hear();
        long bulk = spliced();
        assertThat(bulk).as("splices of bulk").isPositive();
        messages(pair);
        long after = spliced();
        messages(pair);
        assertThat(spliced()).as("splices of messages, a few after the bulk").isEqualTo(after);
        ended(pair);
    }

    private void messages(Pair pair) {
        for (int i = 0; i < 10; i++) {
            pair.client.say(100);
            all.hear();
        }
    }

    private long spliced() {
        return all.loop.planned().stream()
                .filter(call -> call.kind() == Kind.SPLICE_IN)
                .count();
    }

    /** A limit that saw only whole pieces would be none (pitfall 65). */
    @Test
    void aLimitedSessionAsksForNoMoreThanItMayHave() throws Exception {
        Pair pair = startedWith(to(all.backend()).path(PathChoice.SPLICE).limits(new Limits(0, 0, 0, 200_000, 0)));
        pair.client.say(30_000);
        ended(pair);
        List<Long> asked = all.loop.planned().stream()
                .filter(call -> call.kind() == Kind.SPLICE_IN)
                .map(call -> call.number(4))
                .toList();
        assertThat(asked).isNotEmpty().allMatch(bytes -> bytes <= 20_000);
    }
}
