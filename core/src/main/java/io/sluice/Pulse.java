// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Poller;
import java.time.Duration;

/** When bytes have last moved, and how long none may. Shared by the loops of a join; safe for any thread. */
final class Pulse {
    /** Never stops. */
    static final Duration NEVER = Duration.ofSeconds(Long.MAX_VALUE);

    private volatile long withinNanos;
    private volatile long lastNanos = System.nanoTime();

    /** Begins now. */
    Pulse(Duration within) {
        within(within);
    }

    /** Allows another time from now on. */
    void within(Duration within) {
        withinNanos = nanos(within);
        beat();
    }

    /** What comes near the end of counting is none: the sum with a clock would pass it. */
    private static long nanos(Duration duration) {
        try {
            long nanos = duration.toNanos();
            return nanos > Poller.FOREVER / 2 ? Poller.FOREVER : nanos;
        } catch (ArithmeticException beyondCounting) {
            return Poller.FOREVER;
        }
    }

    void beat() {
        lastNanos = System.nanoTime();
    }

    /** When it counts as stopped unless it beats before. */
    long stopsNanos() {
        long within = withinNanos;
        return within == Poller.FOREVER ? Poller.FOREVER : lastNanos + within;
    }
}
