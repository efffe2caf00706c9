// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLLRDNORM;
import static io.sluice.kernel.Flags.EPOLLWRNORM;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SPLICE_F_MORE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Stat;
import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** splice and tee between two pipes: which slots arrive, who hears of it, and what others do meanwhile. */
@NoLeaks
class PipeToPipeTest {
    /** The two calls, which wait and refuse alike. */
    enum Call {
        SPLICE {
            @Override
            long run(OpenFile in, OpenFile out, long len, int flags) {
                return Splice.splice(in, null, out, null, len, flags);
            }
        },
        TEE {
            @Override
            long run(OpenFile in, OpenFile out, long len, int flags) {
                return Splice.tee(in, out, len, flags);
            }
        };

        abstract long run(OpenFile in, OpenFile out, long len, int flags);
    }

    private static final int MAY_SLEEP = SPLICE_F_MORE;

    private final Plumbing plumbing = new Plumbing();
    private final Pipe from = plumbing.pipe();
    private final Pipe to = plumbing.pipe();
    private final OpenFile in = new PipeEnd(from, O_RDONLY);
    private final OpenFile out = new PipeEnd(to, O_WRONLY);

    @AfterEach
    void close() {
        plumbing.close();
    }

    private long splice(long len) {
        return Call.SPLICE.run(in, out, len, MAY_SLEEP);
    }

    private long tee(long len) {
        return Call.TEE.run(in, out, len, MAY_SLEEP);
    }

    private void fillUp(Pipe pipe, int slots) {
        for (int i = 0; i < slots; i++) {
            plumbing.put(pipe, "-");
        }
    }

    // Slots.

    @Test
    void movesSlotsAndSplitsTheLast() {
        plumbing.put(from, "abc", "def", "ghi");
        List<Integer> freed = plumbing.heardByWriters(from);
        List<Integer> added = plumbing.heardByReaders(to);
        assertThat(splice(2)).isEqualTo(2);
        assertThat(freed).as("no slot is free that was not").isEmpty();
        assertThat(added).containsExactly(EPOLLIN | EPOLLRDNORM);
        assertThat(splice(3)).isEqualTo(3);
        assertThat(freed).containsExactly(EPOLLOUT | EPOLLWRNORM);
        assertThat(plumbing.text(to)).containsExactly("ab", "c", "de");
        assertThat(plumbing.text(from)).containsExactly("f", "ghi");
        assertThat(splice(1)).as("a slot to its end").isEqualTo(1);
        assertThat(plumbing.text(to)).containsExactly("ab", "c", "de", "f");
        assertThat(splice(100)).isEqualTo(3);
        assertThat(from.ring.isEmpty()).isTrue();
    }

    @Test
    void sharesSlotsAndPartsOfTheLast() {
        plumbing.put(from, "abc", "def", "ghi");
        List<Integer> freed = plumbing.heardByWriters(from);
        List<Integer> added = plumbing.heardByReaders(to);
        assertThat(tee(5)).isEqualTo(5);
        assertThat(tee(3)).isEqualTo(3);
        assertThat(tee(100)).isEqualTo(9);
        assertThat(plumbing.text(to)).containsExactly("abc", "de", "abc", "abc", "def", "ghi");
        assertThat(plumbing.text(from)).containsExactly("abc", "def", "ghi");
        assertThat(freed).isEmpty();
        assertThat(added).hasSize(3).containsOnly(EPOLLIN | EPOLLRDNORM);
    }

    @ParameterizedTest
    @EnumSource
    void stopsWhereTheTargetIsFull(Call call) {
        fillUp(to, 15);
        plumbing.put(from, "abc", "def");
        assertThat(call.run(in, out, 5, 0)).isEqualTo(3);
        assertThat(plumbing.text(to)).hasSize(16).endsWith("abc");
    }

    @ParameterizedTest
    @EnumSource
    void takesAHugeLengthForAll(Call call) {
        plumbing.put(from, "abc", "def");
        assertThat(call.run(in, out, Long.MIN_VALUE, 0)).isEqualTo(6);
        assertThat(plumbing.text(to)).containsExactly("abc", "def");
    }

    @Test
    void movesNothingWhenThereIsNothingToMove() {
        List<Integer> freed = plumbing.heardByWriters(from);
        List<Integer> added = plumbing.heardByReaders(to);
        Splice.lockBoth(from, to);
        assertThat(Splice.moveLocked(from, to, 5)).isZero();
        from.unlock();
        to.unlock();
        plumbing.put(from, "abc");
        Splice.lockBoth(from, to);
        assertThat(Splice.moveLocked(from, to, 0)).isZero();
        from.unlock();
        to.unlock();
        assertThat(freed).isEmpty();
        assertThat(added).isEmpty();
        assertThat(plumbing.text(from)).containsExactly("abc");
    }

    // Refusals and waits.

    @ParameterizedTest
    @EnumSource
    void needsTwoPipesAndTheRightEnds(Call call) {
        plumbing.put(from, "abc");
        OpenFile wrong = new PipeEnd(from, O_WRONLY);
        assertThat(call.run(wrong, out, 1, 0)).isEqualTo(-EBADF);
        assertThat(call.run(in, new PipeEnd(to, O_RDONLY), 1, 0)).isEqualTo(-EBADF);
        assertThat(call.run(in, wrong, 1, 0)).as("to itself").isEqualTo(-EINVAL);
    }

    @Test
    void sharesNothingWithWhatIsNoPipe() {
        plumbing.put(from, "abc");
        OpenFile other = new OpenFile(0) {
            @Override
            void stat(Stat stat) {
                throw new AssertionError("nobody asks");
            }
        };
        other.setStatusFlags(2, 3);
        assertThat(Splice.tee(in, other, 1, 0)).isEqualTo(-EINVAL);
        assertThat(Splice.tee(other, out, 1, 0)).isEqualTo(-EINVAL);
    }

    @ParameterizedTest
    @EnumSource
    void waitsForDataUnlessItMayNot(Call call) throws Exception {
        assertThat(call.run(in, out, 9, SPLICE_F_NONBLOCK)).isEqualTo(-EAGAIN);
        assertThat(call.run(new PipeEnd(from, O_RDONLY | O_NONBLOCK), out, 9, 0))
                .isEqualTo(-EAGAIN);
        assertThat(call.run(in, new PipeEnd(to, O_WRONLY | O_NONBLOCK), 9, 0)).isEqualTo(-EAGAIN);
        Running<Long> sleeper =
                Machine.start(() -> call.run(in, out, 9, MAY_SLEEP)).asleep();
        plumbing.put(from, "abc");
        assertThat(sleeper.answer()).isEqualTo(3);
        assertThat(plumbing.text(to)).containsExactly("abc");
    }

    @ParameterizedTest
    @EnumSource
    void waitsForRoomUnlessItMayNot(Call call) throws Exception {
        plumbing.put(from, "abc");
        fillUp(to, 16);
        assertThat(call.run(in, out, 9, SPLICE_F_NONBLOCK)).isEqualTo(-EAGAIN);
        Running<Long> sleeper =
                Machine.start(() -> call.run(in, out, 9, MAY_SLEEP)).asleep();
        plumbing.take(to, 1);
        assertThat(sleeper.answer()).isEqualTo(3);
        assertThat(plumbing.text(to)).hasSize(16).endsWith("abc");
    }

    @ParameterizedTest
    @EnumSource
    void endsWithItsSourceButOnlyOnceThereIsRoom(Call call) {
        plumbing.closeEnd(from, false);
        List<Integer> added = plumbing.heardByReaders(to);
        assertThat(call.run(in, out, 9, MAY_SLEEP)).isZero();
        assertThat(added).isEmpty();
        fillUp(to, 16);
        assertThat(call.run(in, out, 9, SPLICE_F_NONBLOCK)).isEqualTo(-EAGAIN); // [G07]
    }

    @ParameterizedTest
    @EnumSource
    void breaksWhereNobodyReads(Call call) {
        plumbing.put(from, "abc");
        plumbing.closeEnd(to, true);
        assertThat(call.run(in, out, 9, MAY_SLEEP)).isEqualTo(-EPIPE);
        assertThat(plumbing.resources.sigpipes.sum()).isEqualTo(1);
        assertThat(plumbing.text(from)).containsExactly("abc");
    }

    // What others do meanwhile: between the look at both pipes and the hold of both locks.

    /** A call that may not sleep, and what happens in the moment in which it holds neither lock. */
    private long meanwhile(Call call, Runnable others) {
        AtomicBoolean happened = new AtomicBoolean();
        to.watch(
                events -> {
                    if (!happened.getAndSet(true)) {
                        others.run();
                    }
                },
                true,
                false);
        to.lock();
        try {
            to.tellReadersLocked(EPOLLIN); // told when the call lets go of the lock after its look
            return call.run(in, out, 9, SPLICE_F_NONBLOCK);
        } finally {
            to.unlock();
        }
    }

    @ParameterizedTest
    @EnumSource
    void breaksWhenTheLastReaderLeavesMeanwhile(Call call) {
        plumbing.put(from, "abc");
        assertThat(meanwhile(call, () -> plumbing.closeEnd(to, true))).isEqualTo(-EPIPE);
        assertThat(plumbing.resources.sigpipes.sum()).isEqualTo(1);
        assertThat(plumbing.text(from)).containsExactly("abc");
    }

    @Test
    void triesAgainWhenOthersTakeTheBytesMeanwhileUnlessItTees() {
        plumbing.put(from, "abc");
        assertThat(meanwhile(Call.SPLICE, () -> plumbing.take(from, (int) from.ring.bytes())))
                .isEqualTo(-EAGAIN);
        plumbing.put(from, "abc");
        assertThat(meanwhile(Call.TEE, () -> plumbing.take(from, (int) from.ring.bytes())))
                .isZero();
    }

    @Test
    void endsWhenTheLastWriterLeavesMeanwhile() {
        plumbing.put(from, "abc");
        assertThat(meanwhile(Call.SPLICE, () -> {
                    plumbing.take(from, 3);
                    plumbing.closeEnd(from, false);
                }))
                .isZero();
    }

    @Test
    void locksTheOlderPipeFirstWhicheverIsTheSource() {
        for (boolean swapped : new boolean[] {false, true}) {
            from.lock();
            Pending<Boolean> other = Pending.start(() -> {
                        Splice.lockBoth(swapped ? to : from, swapped ? from : to);
                        boolean both = from.locked() && to.locked();
                        from.unlock();
                        to.unlock();
                        return both;
                    })
                    .mustWait();
            assertThat(Pending.start(() -> plumbing.text(to)).value())
                    .as("the newer one is free")
                    .isEmpty();
            from.unlock();
            assertThat(other.value()).isTrue();
        }
    }
}
