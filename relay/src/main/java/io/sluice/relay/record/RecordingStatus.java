// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

/**
 * A recording at one moment. Numbers that grow are since the relay's start.
 *
 * @param directory where the files are
 * @param sessions that were recorded, or are
 * @param files that were begun
 * @param filesDeleted to stay within the limit of all recordings
 * @param fileBytes written, headers included
 * @param bytes of the sessions that are in the files
 * @param bytesMissedBehind that are not, because too much waited for the disk
 * @param bytesMissedDisk that are not, because the disk did not take them
 * @param waitingBytes of memory that wait for the disk now
 * @param bufferBytes the most that may
 * @param blockedNanos for which sessions of a loop have waited for the disk, of all loops together
 * @param trouble why the last write failed; empty when nothing has since
 */
public record RecordingStatus(
        String directory,
        long sessions,
        long files,
        long filesDeleted,
        long fileBytes,
        long bytes,
        long bytesMissedBehind,
        long bytesMissedDisk,
        long waitingBytes,
        long bufferBytes,
        long blockedNanos,
        String trouble) {}
