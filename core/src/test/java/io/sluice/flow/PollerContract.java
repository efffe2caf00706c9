// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_MOD;
import static io.sluice.kernel.Flags.MFD_CLOEXEC;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.flow.Poller.Outcome;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.Pending;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Parking until a descriptor is ready: who wakes whom, when, and at what cost. */
abstract class PollerContract extends PollerFixture {
    // What ends a wait.

    @ParameterizedTest
    @EnumSource
    void parksPlatformAndVirtualThreadsUntilThereIsSomethingToRead(Pending.Kind kind) {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> reader = waiting(kind, pipe[0], EPOLLIN, Poller.FOREVER)) {
            write(pipe[1], 1);
            assertThat(reader.value()).isEqualTo(Outcome.READY);
        }
    }

    @ParameterizedTest
    @EnumSource
    void parksPlatformAndVirtualThreadsUntilThereIsRoomToWrite(Pending.Kind kind) {
        Descriptor[] pipe = pipe();
        fill(pipe[1]);
        try (Pending<Outcome> writer = waiting(kind, pipe[1], EPOLLOUT, Poller.FOREVER)) {
            kernel.read(pipe[0].fd(), memory);
            assertThat(writer.value()).isEqualTo(Outcome.READY);
        }
    }

    @Test
    void doesNotParkWhenItIsReadyAlready() throws Exception {
        Descriptor[] pipe = pipe();
        write(pipe[1], 1);
        assertThat(poller.await(pipe[0], EPOLLIN, in(20))).isEqualTo(Outcome.READY);
    }

    @Test
    void aHangUpWakesTheReader() {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> reader = waiting(pipe[0], EPOLLIN)) {
            pipe[1].close();
            assertThat(reader.value()).isEqualTo(Outcome.READY);
        }
    }

    @Test
    void aReaderThatGoesWakesTheWriter() {
        Descriptor[] pipe = pipe();
        fill(pipe[1]);
        try (Pending<Outcome> writer = waiting(pipe[1], EPOLLOUT)) {
            pipe[0].close();
            assertThat(writer.value()).isEqualTo(Outcome.READY);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aDeadlineEndsTheWait(Pending.Kind kind) {
        Descriptor[] pipe = pipe();
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(30);
        try (Pending<Outcome> reader = Pending.start(kind, () -> poller.await(pipe[0], EPOLLIN, deadline))) {
            assertThat(reader.value()).isEqualTo(Outcome.TIMED_OUT);
            assertThat(System.nanoTime()).isGreaterThanOrEqualTo(deadline);
        }
    }

    @Test
    void aDeadlineThatHasPassedOnlyLooks() throws Exception {
        Descriptor[] pipe = pipe();
        assertThat(poller.await(pipe[0], EPOLLIN, System.nanoTime() - 1)).isEqualTo(Outcome.TIMED_OUT);
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptEndsTheWaitAndIsTakenDown(Pending.Kind kind) {
        Descriptor[] pipe = pipe();
        try (Pending<Boolean> reader = Pending.start(kind, () -> {
            assertThat(poller.await(pipe[0], EPOLLIN, Poller.FOREVER)).isEqualTo(Outcome.INTERRUPTED);
            return Thread.interrupted();
        })) {
            reader.mustWait().interrupt();
            assertThat(reader.value()).as("still interrupted").isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource
    void closingTheDescriptorEndsTheWait(Pending.Kind kind) {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> reader = waiting(kind, pipe[0], EPOLLIN, Poller.FOREVER)) {
            pipe[0].close();
            assertThat(reader.value()).isEqualTo(Outcome.CLOSED);
        }
    }

    @Test
    void aClosedDescriptorIsNotWaitedFor() throws Exception {
        Descriptor[] pipe = pipe();
        pipe[0].close();
        assertThat(poller.await(pipe[0], EPOLLIN, Poller.FOREVER)).isEqualTo(Outcome.CLOSED);
        assertThat(poller.awaitUntil(() -> false, Poller.FOREVER, pipe[0])).isEqualTo(Outcome.CLOSED);
    }

    @Test
    void aConditionEndsTheWaitWhenItsMakerUnparks() {
        Descriptor[] pipe = pipe();
        AtomicBoolean condition = new AtomicBoolean();
        try (Pending<Outcome> onCondition =
                        Pending.start(() -> poller.awaitUntil(condition::get, Poller.FOREVER, pipe[0]));
                Pending<Outcome> onEither =
                        Pending.start(() -> poller.await(pipe[0], EPOLLIN, Poller.FOREVER, condition::get))) {
            onCondition.mustWait();
            onEither.mustWait();
            condition.set(true);
            LockSupport.unpark(onCondition.thread());
            LockSupport.unpark(onEither.thread());
            assertThat(onCondition.value()).isEqualTo(Outcome.READY);
            assertThat(onEither.value()).isEqualTo(Outcome.READY);
        }
    }

    // Several on one descriptor.

    @Test
    void aReaderAndAWriterOfOneSocketWaitAtOnceAndAreWokenEachByItsOwn() {
        Descriptor[] pair = sockets();
        fill(pair[0]);
        try (Pending<Outcome> reader = waiting(pair[0], EPOLLIN);
                Pending<Outcome> writer = waiting(pair[0], EPOLLOUT)) {
            write(pair[1], 1);
            assertThat(reader.value()).isEqualTo(Outcome.READY);
            writer.mustWait();
            while (kernel.read(pair[1].fd(), memory) > 0) {
                // Until it is empty.
            }
            assertThat(writer.value()).isEqualTo(Outcome.READY);
        }
    }

    @Test
    void theWriterOfASocketWaitsOnWhenItsReaderIsServedFirstAndInTheOtherOrder() {
        Descriptor[] pair = sockets();
        fill(pair[0]);
        try (Pending<Outcome> writer = waiting(pair[0], EPOLLOUT);
                Pending<Outcome> reader = waiting(pair[0], EPOLLIN)) {
            while (kernel.read(pair[1].fd(), memory) > 0) {
                // Until it is empty.
            }
            assertThat(writer.value()).isEqualTo(Outcome.READY);
            reader.mustWait();
            write(pair[1], 1);
            assertThat(reader.value()).isEqualTo(Outcome.READY);
        }
    }

    @Test
    void everybodyWhoWaitsToReadIsToldThatThereIsSomething() {
        Descriptor[] pipe = pipe();
        List<Pending<Outcome>> readers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            readers.add(waiting(pipe[0], EPOLLIN));
        }
        write(pipe[1], 1);
        for (Pending<Outcome> reader : readers) {
            assertThat(reader.value()).isEqualTo(Outcome.READY);
            reader.close();
        }
    }

    @Test
    void oneWhoGivesUpTakesNobodyWithHim() {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> first = waiting(pipe[0], EPOLLIN);
                Pending<Outcome> second = waiting(pipe[0], EPOLLIN)) {
            first.interrupt();
            assertThat(first.value()).isEqualTo(Outcome.INTERRUPTED);
            second.mustWait();
            write(pipe[1], 1);
            assertThat(second.value()).isEqualTo(Outcome.READY);
        }
    }

    @Test
    void aThousandVirtualThreadsWaitAtOnceForADescriptorEach() {
        int count = 1000;
        List<Descriptor[]> pipes = new ArrayList<>();
        List<Pending<Outcome>> readers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Descriptor[] pipe = sockets();
            pipes.add(pipe);
            readers.add(Pending.start(Pending.Kind.VIRTUAL, () -> {
                pipe[0].enter();
                try {
                    return poller.await(pipe[0], EPOLLIN, Poller.FOREVER);
                } finally {
                    pipe[0].leave();
                }
            }));
        }
        readers.getLast().mustWait();
        pipes.forEach(pipe -> write(pipe[1], 1));
        readers.forEach(reader -> assertThat(reader.value()).isEqualTo(Outcome.READY));
    }

    // What never waits.

    @Test
    void aRegularFileIsAlwaysReadyAndEpollNeverHearsOfItAgain() throws Exception {
        Descriptor file = guard((int) kernel.memfdCreate("always ready", MFD_CLOEXEC));
        assertThat(poller.await(file, EPOLLIN, Poller.FOREVER)).isEqualTo(Outcome.READY);
        assertThat(poller.await(file, EPOLLOUT, Poller.FOREVER)).isEqualTo(Outcome.READY);
        assertThat(calls)
                .filteredOn(call -> call.name().equals("epoll_ctl") && call.integer(2) == file.fd())
                .allMatch(call -> call.result() == -Errno.EPERM);
        file.close();
        assertThat(calls.stream().filter(call -> call.name().equals("epoll_ctl") && call.integer(2) == file.fd()))
                .hasSize(2);
    }

    @Test
    void aDeviceThatEpollRefusesIsAlwaysReady() throws Exception {
        Descriptor nowhere = guard((int) kernel.open("/dev/null", O_WRONLY | O_CLOEXEC, 0));
        assertThat(poller.await(nowhere, EPOLLOUT, Poller.FOREVER)).isEqualTo(Outcome.READY);
    }

    // What it costs.

    @Test
    void startsNothingBeforeTheFirstWait() {
        pipe();
        assertThat(count("epoll_create1")).isZero();
    }

    @Test
    void anIdlePollerIsNeverWoken() throws Exception {
        Descriptor[] busy = pipe();
        Descriptor[] quiet = pipe();
        try (Pending<Outcome> once = waiting(busy[0], EPOLLIN)) {
            write(busy[1], 1);
            assertThat(once.value()).isEqualTo(Outcome.READY);
        }
        // Nobody waits for it now, however much happens there.
        for (int i = 0; i < 1000; i++) {
            write(busy[1], 1);
        }
        try (Pending<Outcome> impatient = Pending.start(
                Pending.Kind.VIRTUAL, () -> poller.await(quiet[0], EPOLLIN, System.nanoTime() + 1_000_000))) {
            assertThat(impatient.value())
                    .as("a deadline is the waiting thread's own affair")
                    .isEqualTo(Outcome.TIMED_OUT);
        }
        try (Pending<Outcome> last = waiting(quiet[0], EPOLLIN)) {
            write(quiet[1], 1);
            assertThat(last.value()).isEqualTo(Outcome.READY);
        }
        poller.close();
        assertThat(count("epoll_wait"))
                .as("one for each of the two that were woken, one for the end if it came back to sleep before")
                .isBetween(2L, 3L);
        assertThat(calls.stream().filter(call -> call.name().equals("epoll_wait")))
                .allMatch(call -> call.integer(2) == -1, "has no timeout");
    }

    @Test
    void waitingAgainCostsOneCall() throws Exception {
        Descriptor[] pipe = pipe();
        write(pipe[1], 1);
        for (int i = 0; i < 10; i++) {
            assertThat(poller.await(pipe[0], EPOLLIN, Poller.FOREVER)).isEqualTo(Outcome.READY);
        }
        assertThat(calls.stream()
                        .filter(call -> call.name().equals("epoll_ctl") && call.integer(2) == pipe[0].fd())
                        .map(call -> call.integer(1)))
                .startsWith(EPOLL_CTL_ADD, EPOLL_CTL_MOD)
                .hasSize(10);
    }

    @Test
    void aSecondWaiterForTheSameNeedsNoCallAtAll() {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> first = waiting(pipe[0], EPOLLIN)) {
            long before = count("epoll_ctl");
            try (Pending<Outcome> second = waiting(pipe[0], EPOLLIN)) {
                assertThat(count("epoll_ctl")).isEqualTo(before);
                write(pipe[1], 1);
                assertThat(List.of(first.value(), second.value())).containsOnly(Outcome.READY);
            }
        }
    }

    // Its end.

    @Test
    void closingThePollerReleasesWhoeverWaits() {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> reader = waiting(pipe[0], EPOLLIN);
                Pending<Outcome> onCondition =
                        Pending.start(() -> poller.awaitUntil(() -> false, Poller.FOREVER, pipe[1]))) {
            onCondition.mustWait();
            poller.close();
            assertThat(reader.value()).isEqualTo(Outcome.CLOSED);
            assertThat(onCondition.value()).isEqualTo(Outcome.CLOSED);
        }
    }

    @Test
    void aClosedPollerAnswersSoAndStartsNothing() throws Exception {
        Descriptor[] pipe = pipe();
        poller.close();
        assertThat(poller.await(pipe[0], EPOLLIN, Poller.FOREVER)).isEqualTo(Outcome.CLOSED);
        assertThat(poller.awaitUntil(() -> false, Poller.FOREVER, pipe[0])).isEqualTo(Outcome.CLOSED);
        assertThat(count("epoll_create1")).isZero();
    }

    @Test
    void closingThePollerLeavesNoThreadAndNoDescriptorBehindOnReturn() throws Exception {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> started = waiting(pipe[0], EPOLLIN)) {
            write(pipe[1], 1);
            assertThat(started.value()).isEqualTo(Outcome.READY);
        }
        Thread thread = calls.stream()
                .filter(call -> call.name().equals("epoll_create1"))
                .findFirst()
                .map(call -> pollerThread())
                .orElseThrow();
        poller.close();
        assertThat(thread.isAlive()).isFalse();
        poller.close();
    }

    private static Thread pollerThread() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("sluice-poller"))
                .findFirst()
                .orElseThrow();
    }

    /** The number of a closed poller's epoll instance was used on, and by then it could be another poller's. */
    @Test
    void aDescriptorThatOutlivesItsPollerTouchesNoOther() throws Exception {
        Descriptor[] pipe = pipe();
        poller.await(pipe[0], EPOLLIN, System.nanoTime());
        poller.close();
        try (Poller other = new Poller(kernel)) {
            Descriptor[] elsewhere = pipe();
            other.await(elsewhere[0], EPOLLIN, System.nanoTime());
            calls.clear();
            pipe[0].close();
            assertThat(count("epoll_ctl")).isZero();
            assertThat(count("close")).isEqualTo(1);
        }
    }

    @Test
    void waitsBegunWhileItClosesAreAllReleased() throws Exception {
        for (int round = 0; round < 50; round++) {
            Descriptor[] pipe = pipe();
            Poller closing = new Poller(kernel);
            List<Pending<Outcome>> waits = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                waits.add(Pending.start(Pending.Kind.VIRTUAL, () -> closing.await(pipe[0], EPOLLIN, Poller.FOREVER)));
            }
            closing.close();
            for (Pending<Outcome> wait : waits) {
                assertThat(wait.value()).isEqualTo(Outcome.CLOSED);
            }
            pipe[0].close();
            pipe[1].close();
        }
    }

    // What the kernel may refuse.

    @Test
    void aKernelThatGivesNoEpollInstanceOrNoRoomInItIsNamedAndNothingIsLeft() {
        for (String refused : List.of("epoll_create1", "eventfd", "epoll_ctl")) {
            Kernel refusing = new ForwardingKernel(kernel) {
                @Override
                protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                    return name.equals(refused) ? -Errno.ENOSPC : call.getAsLong();
                }
            };
            Descriptor[] pipe = pipe();
            try (Poller poor = new Poller(refusing)) {
                assertThatThrownBy(() -> poor.await(pipe[0], EPOLLIN, Poller.FOREVER))
                        .isInstanceOf(PollerException.class)
                        .hasMessageContaining(refused)
                        .hasMessageContaining("ENOSPC");
            }
        }
    }

    /** Pitfall 70. */
    @Test
    void anInterruptedSystemCallOfThePollersIsMadeAgain() {
        AtomicInteger left = new AtomicInteger(3);
        Kernel interrupting = new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                boolean answers = (name.equals("epoll_wait") || name.equals("write")) && left.getAndDecrement() > 0;
                return answers ? -Errno.EINTR : call.getAsLong();
            }
        };
        Descriptor[] pipe = pipe();
        try (Poller disturbed = new Poller(interrupting);
                Pending<Outcome> reader = Pending.start(() -> disturbed.await(pipe[0], EPOLLIN, Poller.FOREVER))) {
            reader.mustWait();
            write(pipe[1], 1);
            assertThat(reader.value()).isEqualTo(Outcome.READY);
            left.set(1);
        }
    }
}
