// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a transfer did.
 *
 * @param bytes bytes that reached the sink
 * @param elapsed from the call of {@code run} to its return
 * @param ending why it ended
 * @param bytesByPath bytes that reached the sink by each path that moved any
 * @param fallbacks paths that were refused and given up, oldest first; of a source or sink that refuses again and
 *     again, the first 32 refusals
 * @param strandedBytes bytes that were taken from the source and did not reach the sink: 0 unless the sink failed or
 *     the transfer was cut short
 * @param mirrors what reached each mirror, in the order in which they were added
 */
public record TransferResult(
        long bytes,
        Duration elapsed,
        Ending ending,
        Map<TransferPath, Long> bytesByPath,
        List<Fallback> fallbacks,
        long strandedBytes,
        List<SinkResult> mirrors) {

    /** Why a transfer ended. */
    public enum Ending {
        /** The source came to its end, and all of it has arrived. */
        SOURCE_ENDED,
        /** As many bytes as asked for have arrived. */
        LIMIT_REACHED,
        /** The sink's reader is gone (EPIPE, ECONNRESET). */
        SINK_CLOSED,
        /** The deadline passed. */
        DEADLINE_PASSED,
        /** No byte moved for longer than allowed. */
        IDLE,
        /** The other direction of the join has failed, and this one was ended with it. */
        CUT_SHORT,
        /** The thread was interrupted; only in the result that {@link TransferInterruptedException} carries. */
        INTERRUPTED,
        /** A call failed; only in the result that {@link ErrnoException} carries. */
        FAILED
    }

    /**
     * A path that was tried and refused.
     *
     * @param from the path
     * @param call the system call that refused it
     * @param errno why; a positive number
     */
    public record Fallback(TransferPath from, String call, int errno) {
        @Override
        public String toString() {
            return from.label() + " refused: " + call + " answered " + Errno.name(errno);
        }
    }

    /**
     * What one of several sinks received.
     *
     * @param sink its name
     * @param bytes bytes that reached it
     * @param bytesByPath the same by path
     * @param fate how it ended
     * @param errno why it failed; 0 when it did not
     * @param droppedBytes bytes that were taken from the source and did not reach it
     */
    public record SinkResult(
            String sink, long bytes, Map<TransferPath, Long> bytesByPath, Fate fate, int errno, long droppedBytes) {}

    /** How one of several sinks ended. */
    public enum Fate {
        /** All bytes have arrived. */
        COMPLETE,
        /** It was taken off before the end, and all bytes up to there have arrived. */
        LEFT,
        /** It could not keep up and was given up; its stream is cut. */
        DETACHED,
        /** It failed. */
        FAILED,
        /** The whole was cut short: by a limit of time, an interrupt, or another sink's failure. */
        CUT_SHORT
    }

    /** Copies what it is given. */
    public TransferResult {
        bytesByPath = Map.copyOf(bytesByPath);
        fallbacks = List.copyOf(fallbacks);
        mirrors = List.copyOf(mirrors);
    }

    /** Bytes that passed through user space on their way to the sink. */
    public long userSpaceBytes() {
        return bytesByPath.entrySet().stream()
                .filter(entry -> entry.getKey().inUserSpace())
                .mapToLong(Map.Entry::getValue)
                .sum();
    }
}
