// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.flow.Poller.Outcome;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One thread's wait: ended by whoever gives it an outcome first, by its condition, its deadline, or an interrupt.
 * Awaited by that thread; given its outcome by any.
 */
final class Waiter {
    /** How the waiting thread sleeps: until it is woken, at most so long, or for no reason. */
    interface Sleep<E extends Exception> {
        void sleep(long leftNanos) throws E;
    }

    /** What is waited for: EPOLLIN or EPOLLOUT, or 0 when no descriptor ends the wait. */
    final int events;

    private final Thread thread;
    private final @Nullable BooleanSupplier condition;
    private volatile @Nullable Outcome outcome;
    private volatile @Nullable Watch watch;

    Waiter(Thread thread, int events, @Nullable BooleanSupplier condition) {
        this.thread = thread;
        this.events = events;
        this.condition = condition;
    }

    /**
     * Whether its thread may sleep in epoll_wait: a virtual one would hold its carrier there, and whoever makes a
     * condition true unparks the thread, which ends no system call.
     */
    boolean mayLead() {
        return condition == null && !thread.isVirtual();
    }

    /** From now on its thread may be asleep in {@code newWatch}. */
    void sleepsIn(Watch newWatch) {
        watch = newWatch;
    }

    /** Sleeps until the wait has ended; the interrupt flag is cleared exactly when the answer is INTERRUPTED. */
    <E extends Exception> Outcome await(long deadlineNanos, Sleep<E> sleep) throws E {
        while (true) {
            Outcome ended = outcome;
            if (ended != null) {
                return ended;
            }
            if (condition != null && condition.getAsBoolean()) {
                return Outcome.READY;
            }
            if (Thread.interrupted()) {
                return Outcome.INTERRUPTED;
            }
            long leftNanos = deadlineNanos == Poller.FOREVER ? Poller.FOREVER : deadlineNanos - System.nanoTime();
            if (leftNanos <= 0) {
                return Outcome.TIMED_OUT;
            }
            sleep.sleep(leftNanos);
        }
    }

    /** The sleep of a thread that others wake by name. */
    void park(long leftNanos) {
        if (leftNanos == Poller.FOREVER) {
            LockSupport.park(this);
        } else {
            LockSupport.parkNanos(this, leftNanos);
        }
    }

    void unpark() {
        LockSupport.unpark(thread);
    }

    /** Whether the poller or a close has ended it, and taken it off its descriptor. */
    boolean hasOutcome() {
        return outcome != null;
    }

    /** Its event has come. Said by the leader, so the thread is parked, or is the leader itself. */
    void ready() {
        outcome = Outcome.READY;
        if (!thread.equals(Thread.currentThread())) {
            unpark();
        }
    }

    /** What it waits for is closed. */
    void closed() {
        outcome = Outcome.CLOSED;
        unpark();
        Watch asleepIn = watch;
        if (asleepIn != null) {
            asleepIn.wakeLeader(this);
        }
    }
}
