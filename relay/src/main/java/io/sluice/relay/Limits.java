// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/**
 * How much of a route there may be at a time; 0 is no limit of its own.
 *
 * @param sessions at a time
 * @param sessionsPerSource at a time from one address
 * @param queue connections that wait for one of {@code sessions} to end; one more is refused
 * @param sessionBytesPerSecond of one session in each direction
 * @param routeBytesPerSecond of all of them in each direction
 */
public record Limits(
        int sessions, int sessionsPerSource, int queue, long sessionBytesPerSecond, long routeBytesPerSecond) {
    /** None, but for what the whole relay may have. */
    public static final Limits NONE = new Limits(0, 0, 0, 0, 0);

    /** Refuses what is below zero. */
    public Limits {
        if (sessions < 0
                || sessionsPerSource < 0
                || queue < 0
                || sessionBytesPerSecond < 0
                || routeBytesPerSecond < 0) {
            throw new IllegalArgumentException("a limit is at least 0, which is none");
        }
    }
}
