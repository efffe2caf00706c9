// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How a relay records.
 *
 * @param directory where the files are; made, for its owner alone, when it is not there
 * @param rotateBytes a file that would become longer is followed by another
 * @param rotateAge a file is written to no longer than this
 * @param limitBytes what all recordings in the directory may take together: the oldest finished ones are deleted; 0 for
 *     no limit
 * @param whenFull what happens when the disk is slower than the traffic
 * @param bufferBytes memory for what waits for the disk, in the pipes and beside them
 */
public record Recording(
        Path directory, long rotateBytes, Duration rotateAge, long limitBytes, WhenFull whenFull, long bufferBytes) {
    /** What a session does when nothing more can wait for the disk. */
    public enum WhenFull {
        /** It goes on, and the recording has a gap. */
        GAP,
        /** It waits, and the recording is complete. */
        BLOCK
    }

    /** Still opened with ease by a program that reads the whole of it. */
    public static final long DEFAULT_ROTATE_BYTES = 1L << 30;

    public static final Duration DEFAULT_ROTATE_AGE = Duration.ofHours(1);

    /** What a thirtieth of a second brings at 2 GB/s: a disk may pause as long before anything is missing. */
    public static final long DEFAULT_BUFFER_BYTES = 64 << 20;

    /** Below this a file would be little more than its headers and one piece. */
    private static final long LEAST_ROTATE_BYTES = 1 << 20;

    /** For each of a few loops, some pieces in pipes and some in memory. */
    private static final long LEAST_BUFFER_BYTES = 4 << 20;

    /** A file is open for no longer than that, so that times can be counted in nanoseconds. */
    private static final Duration LONGEST_AGE = Duration.ofDays(366);

    /** Checks the numbers. */
    public Recording {
        require(rotateBytes >= LEAST_ROTATE_BYTES, "a recording's files have at least 1 MiB, not " + rotateBytes);
        require(
                rotateAge.isPositive() && rotateAge.compareTo(LONGEST_AGE) <= 0,
                "a recording's file is written to for more than no time and at most a year");
        require(
                limitBytes == 0 || limitBytes >= 4 * LEAST_ROTATE_BYTES,
                "the limit of all recordings is 0, for none, or at least 4 MiB, not " + limitBytes);
        require(
                bufferBytes >= LEAST_BUFFER_BYTES,
                "what waits for the disk needs at least 4 MiB of memory, not " + bufferBytes);
    }

    /** In {@code directory}, all else as usual. */
    public static Recording in(Path directory) {
        return new Recording(
                directory, DEFAULT_ROTATE_BYTES, DEFAULT_ROTATE_AGE, 0, WhenFull.GAP, DEFAULT_BUFFER_BYTES);
    }

    /** The length at which a file of one of so many loops is followed: half of the limit is for what is written now. */
    long rotateBytes(int loops) {
        return limitBytes == 0 ? rotateBytes : Math.min(rotateBytes, Math.max(limitBytes / 2 / loops, 64 << 10));
    }

    private static void require(boolean holds, String complaint) {
        if (!holds) {
            throw new IllegalArgumentException(complaint);
        }
    }
}
