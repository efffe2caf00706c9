// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.TransferPath;
import java.util.Map;

/**
 * What a {@link Sluice} has done since it was opened. Each number is right for itself; they are not taken at one
 * moment.
 *
 * @param transfers transfers that have ended, however; a fan-out is one, and a join is two
 * @param bytesByPath bytes that reached sinks, mirrors included, by the path they took; those of transfers under way
 *     too
 * @param fallbacks paths that a kernel refused and that were given up for the next
 * @param poolMisses pipes that were wanted and not to be had: bytes were copied, or a branch's queue stayed shorter
 * @param branchesDetached mirrors and sinks of a fan-out given up because they were full
 */
public record Counters(
        long transfers, Map<TransferPath, Long> bytesByPath, long fallbacks, long poolMisses, long branchesDetached) {
    /** Keeps a copy of the map. */
    public Counters {
        bytesByPath = Map.copyOf(bytesByPath);
    }

    /** Bytes that reached sinks, by whatever path. */
    public long bytes() {
        return bytesByPath.values().stream().mapToLong(Long::longValue).sum();
    }
}
