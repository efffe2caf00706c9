// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.WhenFull;

/**
 * A second service that gets what one side of each session says, as it is said; what it answers is dropped.
 *
 * @param target where it is, and whether it is told by a PROXY header who the client is; its weight and whether it is a
 *     backup have no meaning here
 * @param of whose bytes it gets
 * @param sample of which sessions
 * @param bufferBytes how far it may fall behind in one session, beside what its socket holds
 * @param whenFull whether it is given up then, for the rest of the session, or the session waits for it
 */
public record Mirror(Backend target, Of of, Sample sample, long bufferBytes, WhenFull whenFull) {
    /** Whose bytes. */
    public enum Of {
        /** What the client says. */
        REQUESTS,
        /** What the backend answers. */
        RESPONSES
    }

    /** A quarter of a second of a gigabit is 32 MB; this is for the hiccups of a service that keeps up. */
    public static final long DEFAULT_BUFFER_BYTES = 1 << 20;

    /** Why a session's mirror was given up. */
    public enum Loss {
        /** It has fallen behind by more than its buffer, or there were no pipes to buffer in. */
        FULL,
        /** There was no connection to it. */
        UNREACHABLE,
        /** It has ended the connection. */
        RESET,
        /** It had not taken all in time after the session's end. */
        LATE,
        /** The relay was ended. */
        CUT
    }

    /** Refuses a buffer of nothing. */
    public Mirror {
        if (bufferBytes < 1) {
            throw new IllegalArgumentException("mirror " + target.name() + " needs a buffer of at least one byte");
        }
    }

    /** A mirror of what clients say in every session, given up in one where it falls behind. */
    public static Mirror to(Address address) {
        return new Mirror(Backend.at(address), Of.REQUESTS, Sample.ALL, DEFAULT_BUFFER_BYTES, WhenFull.DETACH);
    }

    /** What it is called. */
    public String name() {
        return target.name();
    }
}
