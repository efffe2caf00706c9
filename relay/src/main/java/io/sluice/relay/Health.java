// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.time.Duration;

/**
 * How backends are watched: by a connection of their own now and then, over which something may be said.
 *
 * @param interval between two checks of one backend
 * @param timeout for one check
 * @param rise successes in a row that bring a backend up again
 * @param fall failures in a row that take it down
 * @param slowStart over which a backend that has come up gets its whole share again; zero for at once
 * @param send what is sent once connected, a character for a byte (ISO 8859-1); empty for nothing
 * @param expect what the answer must contain, in the same way; empty when a connection is enough
 */
public record Health(
        Duration interval, Duration timeout, int rise, int fall, Duration slowStart, String send, String expect) {
    /** A connection every two seconds, as HAProxy has it. */
    public static final Health CONNECT =
            new Health(Duration.ofSeconds(2), Duration.ofSeconds(2), 2, 3, Duration.ZERO, "", "");

    /** Checks the counts and the characters. */
    public Health {
        if (rise < 1 || fall < 1) {
            throw new IllegalArgumentException("rise and fall are at least 1, not " + rise + " and " + fall);
        }
        if (!interval.isPositive() || !timeout.isPositive() || slowStart.isNegative()) {
            throw new IllegalArgumentException("the interval and the timeout of a check are more than 0");
        }
        if ((send + expect).chars().anyMatch(each -> each > 0xFF)) {
            throw new IllegalArgumentException("what a check sends and expects are bytes: characters up to \\u00ff");
        }
    }
}
