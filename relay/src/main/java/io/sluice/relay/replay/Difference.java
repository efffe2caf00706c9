// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

/**
 * The first place where a server's answers are not the recorded ones.
 *
 * @param kind in what way
 * @param offset the position in the stream of the answers
 * @param recorded what the capture has around it
 * @param received what came instead
 */
public record Difference(Kind kind, long offset, Excerpt recorded, Excerpt received) {
    /** In what way answers differ. */
    public enum Kind {
        /** A byte is another. */
        CHANGED,

        /** More came than was recorded. */
        LONGER,

        /** Less came. */
        SHORTER,

        /** All came, and then the connection ended where it had been reset, or the other way round. */
        ENDING
    }
}
