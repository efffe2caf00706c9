// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One thread asleep in a call: a link of a {@link WaitQueue}, used again when the sleep is over. */
final class Waiter {
    /** What a sleep and a wake-up cost: to look on that long is never more than twice as dear as to sleep at once. */
    private static final long SPIN_NANOS = 20_000;

    /** Whether to look on makes sense: with one processor nobody changes anything meanwhile. */
    static final boolean SPINS = Runtime.getRuntime().availableProcessors() > 1;

    @Nullable
    Thread thread;

    /** Where a reader wants its bytes, if a writer may put them there itself. */
    @Nullable
    Iov room;

    /** Set under the lock: what the sleeper came for is already in its room. */
    boolean served;

    /** Set under the lock of the queue's object by whoever wakes, and read without it by the sleeper. */
    volatile boolean woken;

    @Nullable
    Waiter next;

    @Nullable
    Waiter previous;

    /** Parks until woken, interrupted or late. A carrier is not held. */
    void park(long deadlineNanos) {
        Thread me = Thread.currentThread();
        if (SPINS && !me.isVirtual()) {
            spin();
        }
        while (!woken && !me.isInterrupted()) {
            if (deadlineNanos == Waitable.NO_DEADLINE) {
                LockSupport.park(this);
            } else {
                long left = deadlineNanos - System.nanoTime();
                if (left <= 0) {
                    return;
                }
                LockSupport.parkNanos(this, left);
            }
        }
    }

    /**
     * Looks on for a moment: in a stream the other side is often about to call. A virtual thread would hold its
     * carrier.
     */
    private void spin() {
        long end = System.nanoTime() + SPIN_NANOS;
        while (!woken && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }
}
