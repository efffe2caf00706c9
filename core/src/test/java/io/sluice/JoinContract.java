// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two parties that hear each other. */
abstract class JoinContract extends SluiceFixture {
    private static final int MANY = 3_000_000;
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofMinutes(5);

    /** A party, seen from outside, and the end that the join has of it. */
    private record Party(SocketEnd itself, SocketEnd joined) {}

    private Party party() throws IOException {
        SocketEnd[] pair = tcp();
        return new Party(pair[0], pair[1]);
    }

    private final byte[] questions = TransferContract.random(MANY);
    private final byte[] answers = TransferContract.random(MANY / 3);

    private static Pending<Join.Result> start(Join join) {
        return Pending.start(Pending.Kind.VIRTUAL, join::run);
    }

    private static Future<byte[]> says(SocketEnd party, byte[] what) {
        FutureTask<byte[]> said = new FutureTask<>(() -> {
            party.write(TransferContract.copyOf(what));
            party.shutdownOutput();
            return what;
        });
        Thread.ofVirtual().start(said);
        return said;
    }

    private static FutureTask<byte[]> hears(SocketEnd party) {
        return TransferContract.start(() -> TransferContract.drain(party));
    }

    /** Pitfalls 16, 19 and 20: all of it goes by splice, and the end follows the last byte. */
    @ParameterizedTest
    @EnumSource(Pending.Kind.class)
    void bothHearAllThatTheOtherSays(Pending.Kind kind) throws Exception {
        Party a = party();
        Party b = party();
        FutureTask<byte[]> heardByA = hears(a.itself);
        FutureTask<byte[]> heardByB = hears(b.itself);
        Future<byte[]> saidByA = says(a.itself, questions);
        Future<byte[]> saidByB = says(b.itself, answers);
        Join join = sluice.join(a.joined, b.joined);
        try (Pending<Join.Result> joined = Pending.start(kind, join::run)) {
            Join.Result result = joined.value();
            assertThat(heardByB.get()).isEqualTo(saidByA.get());
            assertThat(heardByA.get()).isEqualTo(saidByB.get());
            assertThat(result.complete()).isTrue();
            assertThat(result.forth().moved().bytes()).isEqualTo(MANY).isEqualTo(join.forthBytes());
            assertThat(result.back().moved().bytes()).isEqualTo(MANY / 3).isEqualTo(join.backBytes());
            assertThat(result.forth().moved().bytesByPath()).containsOnlyKeys(TransferPath.SPLICE);
        }
    }

    /** Pitfall 63. */
    @Test
    void aPartyThatHasSaidAllStillHears() throws Exception {
        Party a = party();
        Party b = party();
        try (Pending<Join.Result> joined = start(sluice.join(a.joined, b.joined))) {
            a.itself.write(text("request"));
            a.itself.shutdownOutput();
            assertThat(read(b.itself, 100)).isEqualTo("request");
            assertThat(read(b.itself, 100)).isEqualTo("end");
            joined.mustWait();
            b.itself.write(text("late answer"));
            b.itself.shutdownOutput();
            assertThat(read(a.itself, 100)).isEqualTo("late answer");
            assertThat(read(a.itself, 100)).isEqualTo("end");
            assertThat(joined.value().complete()).isTrue();
        }
    }

    @Test
    void aPairOfPipesIsAPartyToo() throws Exception {
        Pipe toProgram = keep(sluice.pipe());
        Pipe fromProgram = keep(sluice.pipe());
        Party a = party();
        Join join = sluice.join(new Duplex(a.joined, a.joined), new Duplex(fromProgram.reader(), toProgram.writer()));
        try (Pending<Join.Result> joined = start(join)) {
            a.itself.write(text("input"));
            a.itself.shutdownOutput();
            assertThat(read(toProgram.reader(), 100)).isEqualTo("input");
            assertThat(read(toProgram.reader(), 100)).isEqualTo("end");
            fromProgram.writer().write(text("output"));
            fromProgram.writer().close();
            assertThat(read(a.itself, 100)).isEqualTo("output");
            assertThat(read(a.itself, 100)).isEqualTo("end");
            assertThat(joined.value().complete()).isTrue();
        }
    }

    /** Pitfalls 3, 4 and 14: each way waits for its sink, and neither asks its source again. */
    @Test
    void aJoinWhosePartiesBothHearNothingForNowMakesNoCalls() throws Exception {
        long capacity = 4096;
        Pipe fromA = keep(sluice.pipe());
        Pipe fromB = keep(sluice.pipe());
        Pipe toA = keep(sluice.pipe(4096));
        Pipe toB = keep(sluice.pipe(4096));
        fromA.writer().write(room(16 * capacity));
        fromB.writer().write(room(16 * capacity));
        Join join = sluice.join(new Duplex(fromA.reader(), toA.writer()), new Duplex(fromB.reader(), toB.writer()));
        try (Pending<Join.Result> joined = start(join)) {
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            int before;
            do {
                before = callsNamed("splice").size();
                joined.mustWait();
                assertThat(System.nanoTime()).as("time to come to rest").isLessThan(deadline);
            } while (join.forthBytes() < capacity
                    || join.backBytes() < capacity
                    || callsNamed("splice").size() > before);
            fromA.writer().close();
            fromB.writer().close();
            assertThat(countToEnd(toB.reader())).isEqualTo(16 * capacity);
            assertThat(countToEnd(toA.reader())).isEqualTo(16 * capacity);
            assertThat(joined.value().complete()).isTrue();
        }
    }

    /** Pitfall 64: a stream that is cut does not look like one that has ended. */
    @Test
    void aResetEndsBothWaysAndIsPassedOnAsOne() throws Exception {
        Party a = party();
        Party b = party();
        try (Pending<Join.Result> joined = start(sluice.join(a.joined, b.joined))) {
            joined.mustWait();
            a.itself.reset();
            Join.Result result = joined.value();
            assertThat(result.complete()).isFalse();
            assertThat(result.forth().moved().ending()).isEqualTo(Ending.FAILED);
            ErrnoException failure = result.forth().failure();
            assertThat(failure).isNotNull();
            assertThat(failure.errno()).isEqualTo(Errno.ECONNRESET);
            assertThat(result.back().moved().ending()).isIn(Ending.CUT_SHORT, Ending.SINK_CLOSED);
            b.joined.close();
            assertThatThrownBy(() -> b.itself.read(room(1)))
                    .isInstanceOfSatisfying(
                            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ECONNRESET));
        }
    }

    /** Pitfalls 38 and 63. */
    @Test
    void aPartyThatHearsNoMoreEndsOnlyTheWayToIt() throws Exception {
        Pipe toProgram = keep(sluice.pipe());
        Pipe fromProgram = keep(sluice.pipe());
        Party a = party();
        Join join = sluice.join(new Duplex(a.joined, a.joined), new Duplex(fromProgram.reader(), toProgram.writer()));
        try (Pending<Join.Result> joined = start(join)) {
            toProgram.reader().close();
            a.itself.write(text("for nobody"));
            joined.mustWait();
            fromProgram.writer().write(text("still speaking"));
            assertThat(read(a.itself, 100)).isEqualTo("still speaking");
            fromProgram.writer().close();
            Join.Result result = joined.value();
            assertThat(result.forth().moved().ending()).isEqualTo(Ending.SINK_CLOSED);
            assertThat(result.forth().moved().strandedBytes()).isEqualTo("for nobody".length());
            assertThat(result.back().complete()).isTrue();
        }
    }

    @Test
    void silenceForTooLongEndsBothWays() throws Exception {
        Party a = party();
        Party b = party();
        a.itself.write(text("hello"));
        Duration idle =
                Duration.ofMillis(500); // less is over before the first step on a machine that has much else to do
        Join.Result result = sluice.join(a.joined, b.joined).idle(idle).run();
        assertThat(result.forth().moved().ending()).isEqualTo(Ending.IDLE);
        assertThat(result.forth().moved().bytes()).isEqualTo(5);
        assertThat(read(b.itself, 100)).isEqualTo("hello");
        assertThat(result.back().moved().ending()).isIn(Ending.IDLE, Ending.CUT_SHORT);
        assertThat(result.elapsed()).isGreaterThanOrEqualTo(idle);
    }

    @Test
    void oneWayThatSpeaksKeepsTheOtherOneAlive() throws Exception {
        Party a = party();
        Party b = party();
        Duration idle = Duration.ofSeconds(1); // less is over by itself on a machine that has much else to do
        Join join = sluice.join(a.joined, b.joined).idle(idle);
        try (Pending<Join.Result> joined = Pending.start(Pending.Kind.VIRTUAL, () -> {
            Join.Result result = join.run();
            if (!result.complete()) {
                b.joined.close(); // or who reads there would wait for ever
            }
            return result;
        })) {
            long end = System.nanoTime() + 2 * idle.toNanos();
            while (System.nanoTime() < end) {
                a.itself.write(text("."));
                assertThat(read(b.itself, 1))
                        .as(() -> joined.isDone() ? "it ended: " + joined.value() : "still joined")
                        .isEqualTo(".");
            }
            b.itself.write(text("here"));
            assertThat(read(a.itself, 100)).isEqualTo("here");
            a.itself.shutdownOutput();
            b.itself.shutdownOutput();
            assertThat(joined.value().complete()).isTrue();
        }
    }

    /** Pitfall 62. */
    @Test
    void aHalfClosedJoinHasAPatienceOfItsOwn() throws Exception {
        Party a = party();
        Party b = party();
        try (Pending<Join.Result> joined =
                start(sluice.join(a.joined, b.joined).idle(LONG).halfClosed(SHORT))) {
            joined.mustWait();
            a.itself.shutdownOutput();
            Join.Result result = joined.value();
            assertThat(result.forth().complete()).isTrue();
            assertThat(result.back().moved().ending()).isEqualTo(Ending.IDLE);
        }
    }

    @Test
    void theWholeMayBeGivenATime() throws Exception {
        Party a = party();
        Party b = party();
        Join.Result result = sluice.join(a.joined, b.joined).deadline(SHORT).run();
        assertThat(result.forth().moved().ending()).isEqualTo(Ending.DEADLINE_PASSED);
        b.joined.close();
        assertThatThrownBy(() -> b.itself.read(room(1)))
                .as("cut, and not ended")
                .isInstanceOf(ErrnoException.class);
    }

    @ParameterizedTest
    @EnumSource(Pending.Kind.class)
    void anInterruptEndsBothWaysAndLeavesTheEndsOpen(Pending.Kind kind) throws Exception {
        Party a = party();
        Party b = party();
        try (Pending<Join.Result> joined = Pending.start(kind, sluice.join(a.joined, b.joined)::run)) {
            b.itself.write(text("12345"));
            assertThat(read(a.itself, 100)).isEqualTo("12345");
            joined.mustWait().interrupt();
            assertThat(joined.failure())
                    .isInstanceOfSatisfying(
                            TransferInterruptedException.class,
                            e -> assertThat(e.bytesMoved()).isEqualTo(5));
            assertThat(a.joined.isOpen() && b.joined.isOpen()).isTrue();
        }
    }

    @Test
    void anInterruptReachesAJoinThatWaitsForItsWayBack() throws Exception {
        Party a = party();
        Party b = party();
        try (Pending<Join.Result> joined = start(sluice.join(a.joined, b.joined))) {
            a.itself.shutdownOutput();
            assertThat(read(b.itself, 1)).isEqualTo("end");
            joined.mustWait().interrupt();
            assertThat(joined.failure()).isInstanceOf(TransferInterruptedException.class);
        }
    }

    @Test
    void closingAnyEndWakesTheJoin() throws Exception {
        for (int which = 0; which < 2; which++) {
            Party a = party();
            Party b = party();
            try (Pending<Join.Result> joined = start(sluice.join(a.joined, b.joined))) {
                joined.mustWait();
                (which == 0 ? a : b).joined.close();
                assertThat(joined.failure()).isInstanceOf(AsynchronousCloseException.class);
            }
            assertThatThrownBy(() -> sluice.join(a.joined, b.joined).run()).isInstanceOf(ClosedChannelException.class);
        }
    }

    @Test
    void aThousandJoinsAreServedAtOnce() throws Exception {
        int count = 1000;
        List<Party> parties = new ArrayList<>();
        List<Pending<Join.Result>> joins = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                Party a = party();
                Party b = party();
                parties.add(a);
                parties.add(b);
                joins.add(start(sluice.join(a.joined, b.joined)));
            }
            for (int i = count - 1; i >= 0; i--) {
                parties.get(2 * i).itself.write(text("question " + i));
                assertThat(read(parties.get(2 * i + 1).itself, 100)).isEqualTo("question " + i);
                parties.get(2 * i + 1).itself.write(text("answer " + i));
                assertThat(read(parties.get(2 * i).itself, 100)).isEqualTo("answer " + i);
            }
            for (Party party : parties) {
                party.itself.shutdownOutput();
            }
            for (Pending<Join.Result> join : joins) {
                assertThat(join.value().complete()).isTrue();
            }
        } finally {
            for (Pending<Join.Result> join : joins) {
                join.close();
            }
        }
    }

    @Test
    void misuseIsToldAtOnce() throws Exception {
        Party a = party();
        Join join = sluice.join(a.joined, a.joined);
        assertThatThrownBy(() -> join.pipeSize(0)).isInstanceOf(IllegalArgumentException.class);
        a.itself.shutdownOutput();
        join.run();
        assertThatThrownBy(join::run).isInstanceOf(IllegalStateException.class).hasMessageContaining("once");
        try (Sluice stranger = Sluice.on(kernel)) {
            assertThatThrownBy(() -> stranger.join(a.joined, a.joined).run())
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
