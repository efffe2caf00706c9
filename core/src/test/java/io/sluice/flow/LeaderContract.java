// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.EPOLLIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.Poller.Outcome;
import io.sluice.testing.Pending;
import io.sluice.testing.Pending.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whose turn it is to sleep in epoll_wait, and how it passes on. */
abstract class LeaderContract extends PollerFixture {
    private Pending<Outcome> leading(Descriptor on) {
        return waiting(Kind.PLATFORM, on, EPOLLIN, Poller.FOREVER);
    }

    private static boolean sleepsInEpollWait(Thread thread) {
        return Stream.of(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("epollWait"));
    }

    private static boolean leads(Pending<?> pending) {
        return sleepsInEpollWait(pending.thread());
    }

    /** Returns when it sleeps in epoll_wait; fails when it ends instead, or never does. */
    private static void mustLead(Thread thread) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!sleepsInEpollWait(thread)) {
            assertThat(thread.isAlive()).as("it has not ended").isTrue();
            assertThat(System.nanoTime()).as("time to take the lead").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    /** Threads that have returned from epoll_wait, by their first such return. */
    private List<Thread> leaders() {
        return calls.stream()
                .filter(call -> call.name().equals("epoll_wait"))
                .map(call -> call.thread())
                .distinct()
                .toList();
    }

    private static Optional<Thread> pollersOwn() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("sluice-poller"))
                .findAny();
    }

    private void wakes(Pending<Outcome> reader, Descriptor writeEnd) {
        write(writeEnd, 1);
        assertThat(reader.value()).isEqualTo(Outcome.READY);
    }

    // Who leads.

    @Test
    void aPlatformThreadThatWaitsAloneSleepsThereItselfAndNoOtherIsStarted() {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> reader = leading(pipe[0])) {
            wakes(reader, pipe[1]);
            assertThat(leaders()).containsExactly(reader.thread());
        }
        assertThat(pollersOwn()).isEmpty();
    }

    @Test
    void aVirtualThreadNeverLeads() {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> reader = waiting(pipe[0], EPOLLIN)) {
            wakes(reader, pipe[1]);
        }
        assertThat(leaders())
                .singleElement()
                .satisfies(thread -> assertThat(thread.getName()).isEqualTo("sluice-poller"));
    }

    /** Whoever makes the condition true only unparks, which would not reach a thread in a system call. */
    @Test
    void aWaitWithAConditionNeverLeads() {
        Descriptor[] pipe = pipe();
        AtomicBoolean condition = new AtomicBoolean();
        try (Pending<Outcome> reader =
                Pending.start(() -> poller.await(pipe[0], EPOLLIN, Poller.FOREVER, condition::get))) {
            reader.mustWait();
            condition.set(true);
            LockSupport.unpark(reader.thread());
            assertThat(reader.value()).isEqualTo(Outcome.READY);
            assertThat(leaders()).doesNotContain(reader.thread());
        }
    }

    @Test
    void onlyOneLeadsAtATime() {
        Descriptor[] first = pipe();
        Descriptor[] second = pipe();
        try (Pending<Outcome> leader = leading(first[0]);
                Pending<Outcome> follower = leading(second[0])) {
            assertThat(leads(leader)).isTrue();
            assertThat(leads(follower)).isFalse();
            wakes(follower, second[1]);
            assertThat(leaders()).containsExactly(leader.thread());
            wakes(leader, first[1]);
        }
    }

    @Test
    void aLeaderWakesAVirtualThreadAndSleepsOn() {
        Descriptor[] first = pipe();
        Descriptor[] second = pipe();
        try (Pending<Outcome> leader = leading(first[0]);
                Pending<Outcome> virtual = waiting(second[0], EPOLLIN)) {
            wakes(virtual, second[1]);
            leader.mustWait();
            assertThat(leaders()).containsExactly(leader.thread());
            wakes(leader, first[1]);
        }
    }

    @Test
    void aLeaderIsNotWokenByWhatNobodyWaitsFor() {
        Descriptor[] busy = pipe();
        Descriptor[] quiet = pipe();
        try (Pending<Outcome> once = leading(busy[0])) {
            wakes(once, busy[1]);
        }
        try (Pending<Outcome> leader = leading(quiet[0])) {
            for (int i = 0; i < 1000; i++) {
                write(busy[1], 1);
            }
            wakes(leader, quiet[1]);
        }
        assertThat(count("epoll_wait")).isEqualTo(2);
        assertThat(count("write")).as("none to wake a leader").isEqualTo(1002);
    }

    // How the lead passes on.

    /** How a leader's wait may end. */
    enum End {
        EVENT {
            @Override
            void bringAbout(Pending<Outcome> leader, Descriptor[] pipe, LeaderContract test) {
                test.write(pipe[1], 1);
            }
        },
        INTERRUPT {
            @Override
            void bringAbout(Pending<Outcome> leader, Descriptor[] pipe, LeaderContract test) {
                leader.interrupt();
            }
        },
        CLOSE {
            @Override
            void bringAbout(Pending<Outcome> leader, Descriptor[] pipe, LeaderContract test) {
                pipe[0].close();
            }
        },
        DEADLINE {
            @Override
            void bringAbout(Pending<Outcome> leader, Descriptor[] pipe, LeaderContract test) {
                // Passes by itself.
            }
        };

        abstract void bringAbout(Pending<Outcome> leader, Descriptor[] pipe, LeaderContract test);

        Outcome outcome() {
            return switch (this) {
                case EVENT -> Outcome.READY;
                case INTERRUPT -> Outcome.INTERRUPTED;
                case CLOSE -> Outcome.CLOSED;
                case DEADLINE -> Outcome.TIMED_OUT;
            };
        }
    }

    private void endsAndPassesOnTo(Kind next, End end) {
        Descriptor[] first = pipe();
        Descriptor[] second = pipe();
        long deadline = end == End.DEADLINE ? System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(200) : Poller.FOREVER;
        try (Pending<Outcome> leader = Pending.start(() -> {
                    first[0].enter();
                    try {
                        return poller.await(first[0], EPOLLIN, deadline);
                    } finally {
                        first[0].leave();
                    }
                });
                Pending<Outcome> follower = Pending.start(next, () -> {
                    while (!leads(leader) && !leader.isDone()) {
                        Thread.onSpinWait();
                    }
                    return poller.await(second[0], EPOLLIN, Poller.FOREVER);
                })) {
            follower.mustWait();
            end.bringAbout(leader, first, this);
            assertThat(leader.value()).isEqualTo(end.outcome());
            follower.mustWait();
            wakes(follower, second[1]);
            assertThat(leaders().getLast().equals(follower.thread())).isEqualTo(next == Kind.PLATFORM);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLeaderWhoseWaitEndsPassesTheLeadOnToAPlatformThread(End end) {
        endsAndPassesOnTo(Kind.PLATFORM, end);
    }

    @ParameterizedTest
    @EnumSource
    void aLeaderWhoseWaitEndsLeavesVirtualThreadsToThePollersOwn(End end) {
        endsAndPassesOnTo(Kind.VIRTUAL, end);
    }

    @Test
    void aFollowerThatGivesUpIsNotMadeTheLeader() {
        Descriptor[] pipe = pipe();
        Descriptor[] other = pipe();
        try (Pending<Outcome> leader = leading(pipe[0]);
                Pending<Outcome> givesUp = leading(other[0]);
                Pending<Outcome> stays = leading(other[0])) {
            givesUp.interrupt();
            assertThat(givesUp.value()).isEqualTo(Outcome.INTERRUPTED);
            wakes(leader, pipe[1]);
            mustLead(stays.thread());
            wakes(stays, other[1]);
        }
    }

    @Test
    void thePollersOwnThreadMakesWayOnceOnlyPlatformThreadsWait() {
        Descriptor[] pipe = pipe();
        Descriptor[] other = pipe();
        try (Pending<Outcome> virtual = waiting(pipe[0], EPOLLIN)) {
            wakes(virtual, pipe[1]);
        }
        mustLead(pollersOwn().orElseThrow());
        kernel.read(pipe[0].fd(), memory);
        try (Pending<Outcome> byTheOwn = leading(pipe[0]);
                Pending<Outcome> byItself = leading(other[0])) {
            assertThat(leads(byTheOwn)).isFalse();
            assertThat(leads(byItself)).isFalse();
            wakes(byTheOwn, pipe[1]);
            mustLead(byItself.thread());
            wakes(byItself, other[1]);
        }
    }

    /** It looked for an outcome before there was one; then its leader gave it one, and next the lead. */
    @Test
    void aFollowerThatIsWokenAndThenMadeTheLeaderDoesNotSleepAgain() throws PollerException {
        InterestList interests = new InterestList(kernel);
        Watch watch = new Watch(kernel, interests, () -> {});
        Waiter waiter = new Waiter(Thread.currentThread(), EPOLLIN, null);
        watch.enlist(waiter);
        waiter.ready();
        watch.sleep(waiter, Poller.FOREVER);
        assertThat(count("epoll_wait")).isZero();
        watch.delist(waiter);
        watch.stop();
        interests.close();
    }

    // Its end.

    @Test
    void closingThePollerEndsTheLeaderAndWaitsForIt() {
        Descriptor[] pipe = pipe();
        try (Pending<Outcome> leader = leading(pipe[0]);
                Pending<Outcome> follower = leading(pipe[0]);
                Pending<Outcome> virtual = waiting(pipe[0], EPOLLIN)) {
            poller.close();
            calls.clear();
            assertThat(leader.value()).isEqualTo(Outcome.CLOSED);
            assertThat(follower.value()).isEqualTo(Outcome.CLOSED);
            assertThat(virtual.value()).isEqualTo(Outcome.CLOSED);
            assertThat(calls).as("calls after the close").isEmpty();
        }
        assertThat(pollersOwn()).isEmpty();
    }

    // All at once.

    /** A byte goes to and fro, and each side waits for it: what is lost once stays lost. */
    private Pending<Integer> answering(Kind kind, Descriptor in, Descriptor out, int rounds, boolean first) {
        return Pending.start(kind, () -> {
            in.enter();
            try {
                for (int round = 0; round < rounds; round++) {
                    if (first) {
                        write(out, 1);
                    }
                    while (kernel.read(in.fd(), memory.asSlice(0, 1)) != 1) {
                        assertThat(poller.await(in, EPOLLIN, Poller.FOREVER)).isEqualTo(Outcome.READY);
                    }
                    if (!first) {
                        write(out, 1);
                    }
                }
                return rounds;
            } finally {
                in.leave();
            }
        });
    }

    @Test
    void noWakeUpIsLostWhilePlatformAndVirtualThreadsComeAndGo() {
        int pairs = 6;
        int rounds = 1000;
        Random random = new Random(1);
        Descriptor[] quiet = pipe();
        AtomicBoolean over = new AtomicBoolean();
        List<Pending<Integer>> answering = new ArrayList<>();
        for (int i = 0; i < pairs; i++) {
            Descriptor[] there = pipe();
            Descriptor[] back = pipe();
            answering.add(answering(i % 2 == 0 ? Kind.PLATFORM : Kind.VIRTUAL, back[0], there[1], rounds, true));
            answering.add(answering(i % 3 == 0 ? Kind.PLATFORM : Kind.VIRTUAL, there[0], back[1], rounds, false));
        }
        // These take the lead and drop it again, by deadlines and interrupts.
        List<Pending<Integer>> restless = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            long patienceNanos = random.nextLong(50_000, 2_000_000);
            restless.add(Pending.start(() -> {
                int waits = 0;
                while (!over.get()) {
                    assertThat(poller.await(quiet[0], EPOLLIN, System.nanoTime() + patienceNanos))
                            .isIn(Outcome.TIMED_OUT, Outcome.INTERRUPTED);
                    waits++;
                }
                return waits;
            }));
        }
        while (!answering.stream().allMatch(Pending::isDone)
                && !restless.getFirst().isDone()) {
            restless.get(random.nextInt(restless.size())).interrupt();
            LockSupport.parkNanos(random.nextLong(10_000, 300_000));
        }
        answering.forEach(side -> assertThat(side.value()).isEqualTo(rounds));
        over.set(true);
        restless.forEach(one -> assertThat(one.value()).isPositive());
        answering.forEach(Pending::close);
        restless.forEach(Pending::close);
    }
}
