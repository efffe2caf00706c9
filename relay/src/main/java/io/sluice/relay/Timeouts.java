// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.time.Duration;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How long a session may take over what.
 *
 * @param hello until the PROXY header and the ClientHello are there, where they are waited for
 * @param queue in the queue of a route that is full
 * @param connect to reach one backend
 * @param idle without a byte in either direction
 * @param halfClosed without a byte after one direction has ended
 * @param life from beginning to end; null for no limit
 */
public record Timeouts(
        Duration hello,
        Duration queue,
        Duration connect,
        Duration idle,
        Duration halfClosed,
        @Nullable Duration life) {
    /** An hour of idleness, as databases keep connections; short where a machine answers. */
    public static final Timeouts DEFAULT = new Timeouts(
            Duration.ofSeconds(5),
            Duration.ofSeconds(10),
            Duration.ofSeconds(5),
            Duration.ofHours(1),
            Duration.ofMinutes(1),
            null);

    /** Checks that there is time for everything. */
    public Timeouts {
        Stream.of(hello, queue, connect, idle, halfClosed).forEach(Timeouts::requireTime);
        if (life != null) {
            requireTime(life);
        }
    }

    private static void requireTime(Duration time) {
        if (!time.isPositive()) {
            throw new IllegalArgumentException("a timeout is more than 0; to wait for long, write 1d");
        }
    }
}
