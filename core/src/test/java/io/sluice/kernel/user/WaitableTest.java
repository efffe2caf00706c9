// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.user.Waitable.ANY_EVENT;
import static io.sluice.kernel.user.Waitable.NO_DEADLINE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.Pending;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What calls sleep on: who is woken, what they answer, and what watchers hear. */
class WaitableTest {
    /** Something to read for one after the other, and room to write. */
    private static final class Counter extends Waitable {
        int data;
        int room;

        @Override
        boolean readableLocked() {
            return data > 0;
        }

        @Override
        boolean writableLocked() {
            return room > 0;
        }

        void change(int moreData, int moreRoom) {
            lock();
            data += moreData;
            room += moreRoom;
            unlock();
        }

        long takeBefore(long deadlineNanos) {
            lock();
            try {
                long slept = awaitReadableLocked(deadlineNanos);
                data -= slept == 0 ? 1 : 0;
                return slept;
            } finally {
                unlock();
            }
        }

        long fillBefore(long deadlineNanos) {
            lock();
            try {
                long slept = awaitWritableLocked(deadlineNanos);
                room -= slept == 0 ? 1 : 0;
                return slept;
            } finally {
                unlock();
            }
        }

        /** Whether nobody holds the lock, as another thread finds. */
        boolean isFree() {
            return Pending.start(() -> {
                        lock();
                        unlock();
                        return true;
                    })
                    .value();
        }
    }

    private static final class Events implements Watch {
        final List<Integer> heard = new ArrayList<>();

        @Override
        public void changed(int events) {
            heard.add(events);
        }
    }

    private static long in(long millis) {
        return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    }

    private final Counter counter = new Counter();

    @Test
    void answersAtOnceWhatIsThere() {
        counter.change(1, 1);
        assertThat(counter.takeBefore(in(-1))).isZero();
        assertThat(counter.fillBefore(in(-1))).isZero();
        assertThat(counter.isFree()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void wakesSleepersInTheOrderInWhichTheyCame(Pending.Kind kind) {
        List<Pending<Long>> readers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            readers.add(
                    Pending.start(kind, () -> counter.takeBefore(NO_DEADLINE)).mustWait());
        }
        for (int i = 0; i < 4; i++) {
            counter.change(1, 0);
            assertThat(readers.get(i).value()).isZero();
            readers.subList(i + 1, 4).forEach(Pending::mustWait);
        }
        assertThat(counter.readers.isEmpty()).isTrue();
        assertThat(counter.isFree()).isTrue();
    }

    @Test
    void wakesReadersForDataAndWritersForRoom() {
        Pending<Long> reader =
                Pending.start(() -> counter.takeBefore(NO_DEADLINE)).mustWait();
        Pending<Long> writer =
                Pending.start(() -> counter.fillBefore(NO_DEADLINE)).mustWait();
        assertThat(counter.readers.isEmpty()).isFalse();
        counter.change(0, 1);
        assertThat(writer.value()).isZero();
        reader.mustWait();
        counter.change(1, 0);
        assertThat(reader.value()).isZero();
    }

    @Test
    void wakesTheNextWhenTheFirstIsInterrupted() {
        Pending<Long> first =
                Pending.start(() -> counter.takeBefore(NO_DEADLINE)).mustWait();
        Pending<Long> second =
                Pending.start(() -> counter.takeBefore(NO_DEADLINE)).mustWait();
        Pending<Long> third =
                Pending.start(() -> counter.takeBefore(NO_DEADLINE)).mustWait();
        second.interrupt();
        assertThat(second.value()).isEqualTo(-EINTR);
        first.interrupt();
        assertThat(first.value()).isEqualTo(-EINTR);
        counter.change(1, 0);
        assertThat(third.value()).isZero();
        assertThat(counter.readers.isEmpty()).isTrue();
    }

    @Test
    void answersEintrOnceWhenItIsInterruptedBefore() {
        Thread.currentThread().interrupt();
        assertThat(counter.takeBefore(NO_DEADLINE)).isEqualTo(-EINTR);
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(counter.readers.isEmpty()).isTrue();
    }

    @Test
    void answersEagainAtItsDeadlineAndNotBefore() {
        long start = System.nanoTime();
        assertThat(counter.takeBefore(in(30))).isEqualTo(-EAGAIN);
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(30));
        assertThat(counter.fillBefore(in(0))).isEqualTo(-EAGAIN);
        assertThat(counter.isFree()).isTrue();
    }

    @Test
    void isServedBeforeItsDeadline() {
        Pending<Long> reader =
                Pending.start(() -> counter.takeBefore(in(60_000))).mustWait();
        counter.change(1, 0);
        assertThat(reader.value()).isZero();
    }

    @Test
    void answersEbadfWhenTheKernelEnds() {
        Events events = new Events();
        counter.watch(events, true, true);
        Pending<Long> reader =
                Pending.start(() -> counter.takeBefore(NO_DEADLINE)).mustWait();
        Pending<Long> writer =
                Pending.start(() -> counter.fillBefore(NO_DEADLINE)).mustWait();
        events.heard.clear();
        counter.die();
        assertThat(reader.value()).isEqualTo(-EBADF);
        assertThat(writer.value()).isEqualTo(-EBADF);
        assertThat(events.heard).containsExactly(ANY_EVENT, ANY_EVENT);
        assertThat(counter.takeBefore(NO_DEADLINE)).as("from then on").isEqualTo(-EBADF);
    }

    @Test
    void looksAsItWasWhenTheLockWasLetGo() {
        assertThat(counter.looksEmpty()).isTrue();
        assertThat(counter.looksFull()).as("new: nobody has looked").isFalse();
        counter.change(0, 0);
        assertThat(counter.looksFull()).isTrue();
        counter.change(1, 1);
        assertThat(counter.looksEmpty()).isFalse();
        assertThat(counter.looksFull()).isFalse();
    }

    @Test
    void isLockedByOneAtATimeHoweverLongThatTakes() {
        counter.lock();
        Pending<Boolean> other = Pending.start(() -> {
                    counter.lock();
                    boolean held = counter.locked();
                    counter.unlock();
                    return held;
                })
                .mustWait();
        counter.unlock();
        assertThat(other.value()).isTrue();
    }

    @Test
    void knowsWhetherItsLockIsHeld() {
        assertThat(counter.locked()).isFalse();
        counter.lock();
        assertThat(counter.locked()).isTrue();
        counter.unlock();
        assertThat(counter.locked()).isFalse();
    }

    @Test
    void tellsEachSideWhatItsWatchersShouldHearOnceTheLockIsFree() {
        Events readSide = new Events();
        Events writeSide = new Events();
        Events both = new Events();
        counter.watch(readSide, true, false);
        counter.watch(writeSide, false, true);
        counter.watch(both, true, true);
        counter.lock();
        counter.tellReadersLocked(1);
        counter.tellReadersLocked(64);
        counter.tellWritersLocked(4);
        assertThat(both.heard).isEmpty();
        counter.unlock();
        assertThat(readSide.heard).containsExactly(65);
        assertThat(writeSide.heard).containsExactly(4);
        assertThat(both.heard).containsExactly(65, 4);
        counter.change(0, 0);
        assertThat(both.heard).as("no news").hasSize(2);
    }

    @Test
    void tellsOfAnyEventWhateverElseThereIsToTell() {
        Events events = new Events();
        counter.watch(events, true, false);
        counter.lock();
        counter.tellReadersLocked(1);
        counter.tellReadersLocked(ANY_EVENT);
        counter.unlock();
        counter.lock();
        counter.tellReadersLocked(ANY_EVENT);
        counter.tellReadersLocked(1);
        counter.unlock();
        assertThat(events.heard).containsExactly(ANY_EVENT, ANY_EVENT);
    }

    @Test
    void tellsNothingToThoseWhoNoLongerWatch() {
        Events gone = new Events();
        Events stays = new Events();
        counter.watch(gone, true, true);
        counter.watch(stays, true, true);
        counter.unwatch(gone);
        assertThat(counter.isFree()).isTrue();
        counter.lock();
        counter.tellReadersLocked(1);
        counter.tellWritersLocked(4);
        counter.unlock();
        assertThat(gone.heard).isEmpty();
        assertThat(stays.heard).containsExactly(1, 4);
    }
}
