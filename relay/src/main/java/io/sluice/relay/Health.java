// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.time.Duration;
import java.util.HexFormat;

/**
 * How backends are watched: by a connection of their own now and then, over which something may be said.
 *
 * @param interval between two checks of one backend
 * @param timeout for one check
 * @param rise successes in a row that bring a backend up again
 * @param fall failures in a row that take it down
 * @param slowStart over which a backend that has come up gets its whole share again; zero for at once
 * @param send what is sent once connected; empty for nothing
 * @param expect what the answer must contain; empty when a connection is enough
 */
public record Health(
        Duration interval, Duration timeout, int rise, int fall, Duration slowStart, byte[] send, byte[] expect) {
    /** A connection every two seconds, as HAProxy has it. */
    public static final Health CONNECT =
            new Health(Duration.ofSeconds(2), Duration.ofSeconds(2), 2, 3, Duration.ZERO, new byte[0], new byte[0]);

    /** Copies the bytes. */
    public Health {
        if (rise < 1 || fall < 1) {
            throw new IllegalArgumentException("rise and fall are at least 1, not " + rise + " and " + fall);
        }
        send = send.clone();
        expect = expect.clone();
    }

    @Override
    public byte[] send() {
        return send.clone();
    }

    @Override
    public byte[] expect() {
        return expect.clone();
    }

    @Override
    public String toString() {
        return "every " + interval
                + (send.length == 0 ? "" : ", sends " + HexFormat.of().formatHex(send))
                + (expect.length == 0 ? "" : ", expects " + HexFormat.of().formatHex(expect));
    }
}
