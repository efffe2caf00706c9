// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A limit of bytes per second. */
class TokenBucketTest {
    private static final long SECOND = 1_000_000_000L;

    /** Moves all that is allowed, waits as long as it is told, and counts what comes through in ten seconds. */
    @ParameterizedTest
    @ValueSource(longs = {100, 4096, 100_000, 10_000_000, 10_000_000_000L})
    void letsThroughWhatItIsMadeFor(long bytesPerSecond) {
        TokenBucket bucket = new TokenBucket(bytesPerSecond, 0);
        long moved = 0;
        long now = 0;
        while (now < 10 * SECOND) {
            long allowed = bucket.available(now);
            bucket.take(allowed);
            moved += allowed;
            now += Math.max(bucket.waitNanos(), 1);
        }
        long burst = Math.max(bytesPerSecond / 10, 4096);
        assertThat(moved).isBetween(bytesPerSecond * 9, bytesPerSecond * 10 + burst);
    }

    @Test
    void whatWasNotUsedIsNotSavedUp() {
        TokenBucket bucket = new TokenBucket(1_000_000, 0);
        assertThat(bucket.available(3600 * SECOND)).isEqualTo(100_000);
    }

    @Test
    void moreThanWasAllowedIsMadeUpFor() {
        TokenBucket bucket = new TokenBucket(1_000_000, 0);
        bucket.take(1_100_000);
        assertThat(bucket.available(0)).isZero();
        assertThat(bucket.waitNanos()).isGreaterThan(SECOND);
        assertThat(bucket.available(SECOND)).isLessThanOrEqualTo(0);
        assertThat(bucket.available(SECOND + SECOND / 10)).isPositive();
    }
}
