// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.relay.replay.Outcome.Fate;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/** Adds up outcomes. For several threads. */
final class Tally {
    private final Map<Fate, Long> connections = new EnumMap<>(Fate.class);
    private final long beganNanos = System.nanoTime();
    private long sentBytes;
    private long receivedBytes;
    private long lateNanos;

    synchronized void add(Outcome outcome) {
        connections.merge(outcome.fate(), 1L, Long::sum);
        sentBytes += outcome.sentBytes();
        receivedBytes += outcome.receivedBytes();
    }

    synchronized void late(long nanos) {
        lateNanos = Math.max(lateNanos, nanos);
    }

    synchronized Summary summary() {
        return new Summary(
                new EnumMap<>(connections),
                sentBytes,
                receivedBytes,
                Duration.ofNanos(System.nanoTime() - beganNanos),
                Duration.ofNanos(lateNanos));
    }
}
