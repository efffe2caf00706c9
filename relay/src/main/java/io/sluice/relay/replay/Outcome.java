// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.relay.capture.Conversation;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What became of one conversation.
 *
 * @param conversation as it was recorded
 * @param loop in which turn, from 1
 * @param fate how it went
 * @param sentBytes what the server was told
 * @param receivedBytes what it answered
 * @param elapsed from connecting to the end
 * @param difference where the answers differ; null when they do not, or were not compared
 * @param reason why it failed, ended early or was skipped; null when there is nothing to say
 */
public record Outcome(
        Conversation conversation,
        int loop,
        Fate fate,
        long sentBytes,
        long receivedBytes,
        Duration elapsed,
        @Nullable Difference difference,
        @Nullable String reason) {
    /** How it went. */
    public enum Fate {
        /** From beginning to end, and, where they were compared, with the same answers. */
        REPLAYED,

        /** Up to where bytes of the client are missing in the capture, with the same answers until then. */
        PARTIAL,

        /** With other answers. */
        DIFFERENT,

        /** Not to its end: the server was not there, went away or did not answer in time. */
        FAILED,

        /** Not at all: what the client said first is not in the capture. */
        SKIPPED,

        /** Not to its end: somebody has interrupted the replay. */
        INTERRUPTED
    }
}
