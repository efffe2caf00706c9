// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/**
 * A token bucket: tokens are bytes, and every call may move at most what is in the bucket. It holds no more than a
 * tenth of a second's worth, so a pause does not pile up into a burst. One thread.
 */
final class RateLimit {
    private static final long SECOND = 1_000_000_000L;

    private final long bytesPerSecond;
    private final double capacity;
    private double tokens;
    private long updatedNanos;

    RateLimit(long bytesPerSecond, long nowNanos) {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException("a rate is at least 1 byte per second, not " + bytesPerSecond);
        }
        this.bytesPerSecond = bytesPerSecond;
        this.capacity = Math.max(1, bytesPerSecond / 10.0);
        this.updatedNanos = nowNanos;
    }

    /** Bytes that may move now. */
    long allowance(long nowNanos) {
        tokens = Math.min(capacity, tokens + (double) (nowNanos - updatedNanos) * bytesPerSecond / SECOND);
        updatedNanos = nowNanos;
        return (long) tokens;
    }

    void spend(long bytes) {
        tokens -= bytes;
    }

    /** How long to wait for a piece that is worth a call: a hundredth of a second's worth, at least a byte. */
    long nanosUntilWorthwhile() {
        double wanted = Math.max(1, bytesPerSecond / 100.0);
        return (long) Math.ceil((wanted - tokens) * SECOND / bytesPerSecond);
    }
}
