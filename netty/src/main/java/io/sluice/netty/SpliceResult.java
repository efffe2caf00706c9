// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.sluice.kernel.TransferPath;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a splice did.
 *
 * @param forward from the source, or the first of two joined channels
 * @param back from the second of two joined channels to the first; null when there was one direction
 * @param elapsed from {@link ChannelSplice#start} to the end of the last direction
 */
public record SpliceResult(Way forward, @Nullable Way back, Duration elapsed) {
    /** Why a direction ended. */
    public enum Ending {
        /** Its source came to its end: all has arrived, and the sink's peer reads to its end too. */
        SOURCE_ENDED,
        /** As many bytes as asked for have arrived. */
        LIMIT_REACHED,
        /**
         * It was stopped: by {@code stop} or {@code cancel}, or because the other direction reached its limit or
         * failed.
         */
        STOPPED,
        /** No byte moved, in either direction, for as long as was allowed. */
        IDLE,
        /** A channel was closed on this side. */
        CLOSED,
        /** A system call failed; only in the result that {@link SpliceException} carries. */
        FAILED
    }

    /**
     * What happened in one direction.
     *
     * @param bytes bytes that reached the sink's socket or file, those included that Netty had read before
     * @param bytesByPath the same by path: {@link TransferPath#COPY} is through user space
     * @param leftoverBytes bytes that had left the source and did not get so far, because the sink had no room when the
     *     splice was cut short: a sink channel that is still open has them in its outbound buffer, ahead of all that
     *     will be written to it; a failed or closed one has lost them
     * @param ending why it ended
     */
    public record Way(long bytes, Map<TransferPath, Long> bytesByPath, long leftoverBytes, Ending ending) {
        /** Copies what it is given. */
        public Way {
            bytesByPath = Map.copyOf(bytesByPath);
        }

        /** Bytes that passed through user space on their way. */
        public long userSpaceBytes() {
            return bytesByPath.entrySet().stream()
                    .filter(entry -> entry.getKey().inUserSpace())
                    .mapToLong(Map.Entry::getValue)
                    .sum();
        }
    }

    /** Bytes that have arrived, in both directions together. */
    public long bytes() {
        return forward.bytes() + (back == null ? 0 : back.bytes());
    }
}
