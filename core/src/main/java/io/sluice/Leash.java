// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.TransferResult.Ending;
import io.sluice.flow.Poller;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What ends a loop whatever its ends do: a deadline, a {@link Pulse} that has stopped, and the word of another thread.
 * The loop's thread looks at it; any thread may cut it.
 */
final class Leash {
    private final long deadlineNanos;
    private final @Nullable Pulse pulse;
    private final boolean mayBeCut;
    private volatile @Nullable Ending cut;
    private volatile boolean pulled;
    private volatile @Nullable Thread holder;

    /**
     * A leash that is not cut.
     *
     * @param deadlineNanos on the clock of {@link System#nanoTime}, or {@link Poller#FOREVER}
     * @param pulse what must go on; null: nothing
     * @param mayBeCut whether another thread has it, too
     */
    Leash(long deadlineNanos, @Nullable Pulse pulse, boolean mayBeCut) {
        this.deadlineNanos = deadlineNanos;
        this.pulse = pulse;
        this.mayBeCut = mayBeCut;
    }

    /** Whether a wait must look at {@link #pulled}, too. */
    boolean mayBeCut() {
        return mayBeCut;
    }

    /** The calling thread is the one to wake when the leash is cut. */
    void hold() {
        holder = Thread.currentThread();
    }

    /** Bytes have moved. */
    void moved() {
        if (pulse != null) {
            pulse.beat();
        }
    }

    /** Until when a wait may last before {@link #broken} is to be asked again. */
    long untilNanos() {
        return pulse == null ? deadlineNanos : Math.min(deadlineNanos, pulse.stopsNanos());
    }

    /** Why the loop must end; null when it may go on. */
    @Nullable
    Ending broken() {
        pulled = false;
        if (cut != null) {
            return cut;
        }
        long until = untilNanos();
        if (until == Poller.FOREVER) {
            return null;
        }
        long now = System.nanoTime();
        if (now < until) {
            return null;
        }
        return now >= deadlineNanos ? Ending.DEADLINE_PASSED : Ending.IDLE;
    }

    /** Whether another thread wants {@link #broken} to be asked now. */
    boolean pulled() {
        return pulled;
    }

    /** Has the loop look, also when it waits: the time that it may take is another. */
    void pull() {
        pulled = true;
        LockSupport.unpark(holder);
    }

    /** Ends the loop so at its next look, which is now when it waits. */
    void cut(Ending why) {
        cut = why;
        pull();
    }
}
