// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/**
 * A limit of bytes per second: what was not used may be made up for within a tenth of a second, no more. Safe for any
 * thread: a route's bucket is shared by the loops.
 */
final class TokenBucket {
    private static final long SECOND = 1_000_000_000L;

    /** A tenth of a second's bytes at a time, but a page at least, or a splice would move less than one. */
    private static final long BURSTS_PER_SECOND = 10;

    private static final long LEAST_BURST = 4096;

    private final long bytesPerSecond;
    private final long burstBytes;

    // Guarded by this.
    private long tokens;
    private long filledNanos;

    TokenBucket(long bytesPerSecond, long nowNanos) {
        this.bytesPerSecond = bytesPerSecond;
        this.burstBytes = Math.max(bytesPerSecond / BURSTS_PER_SECOND, LEAST_BURST);
        this.tokens = burstBytes;
        this.filledNanos = nowNanos;
    }

    /** Bytes that may be moved now. */
    synchronized long available(long nowNanos) {
        long sinceNanos = nowNanos - filledNanos;
        if (sinceNanos > SECOND) {
            tokens = burstBytes;
            filledNanos = nowNanos;
        } else if (sinceNanos > 0) {
            long earned = Math.multiplyHigh(sinceNanos, bytesPerSecond) == 0
                    ? sinceNanos * bytesPerSecond / SECOND
                    : burstBytes;
            if (earned > 0) {
                tokens = Math.min(tokens + earned, burstBytes);
                filledNanos = nowNanos;
            }
        }
        return Math.max(tokens, 0);
    }

    /** Bytes were moved. Several loops may have looked at once, so it may go below zero, and is made up for. */
    synchronized void take(long bytes) {
        tokens -= bytes;
    }

    /** Nanoseconds until a worthwhile piece may be moved again: four pages, or a tenth of a second's bytes. */
    synchronized long waitNanos() {
        long piece = Math.clamp(bytesPerSecond / BURSTS_PER_SECOND, 1, LEAST_BURST * 4);
        long wanted = piece - tokens;
        return wanted <= 0 ? 0 : Math.max(wanted * SECOND / bytesPerSecond, 1_000_000);
    }
}
