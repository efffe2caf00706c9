// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.TransferPath;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What one instance of the library tells of itself: counters for code to read, and events for Flight Recorder, which
 * cost next to nothing while nobody records them. Bytes are counted call by call, so no counter stands still and then
 * jumps (pitfall 61). Safe for any thread.
 */
public final class Journal {
    private final LongAdder transfers = new LongAdder();
    private final Map<TransferPath, LongAdder> bytes = new EnumMap<>(TransferPath.class);
    private final LongAdder fallbacks = new LongAdder();
    private final LongAdder poolMisses = new LongAdder();
    private final LongAdder branchesDetached = new LongAdder();

    /** An empty one. */
    public Journal() {
        for (TransferPath path : TransferPath.values()) {
            bytes.put(path, new LongAdder());
        }
    }

    // What happens.

    void moved(TransferPath path, long count) {
        counter(path).add(count);
    }

    private LongAdder counter(TransferPath path) {
        return Objects.requireNonNull(bytes.get(path));
    }

    void fellBack(Fallback fallback) {
        fallbacks.increment();
        if (Flight.isOn()) {
            Flight.fellBack(fallback);
        }
    }

    void poolMissed(long wantedBytes, String reason) {
        poolMisses.increment();
        if (Flight.isOn()) {
            Flight.poolMissed(wantedBytes, reason);
        }
    }

    void branchDetached(Endpoint sink, long deliveredBytes) {
        branchesDetached.increment();
        if (Flight.isOn()) {
            Flight.branchDetached(sink, deliveredBytes);
        }
    }

    /** A transfer begins; what is answered is for {@link #transferEnded}. */
    public @Nullable Object transferBegins() {
        return Flight.isOn() ? Flight.transferBegins() : null;
    }

    /**
     * A transfer has ended.
     *
     * @param begun what {@link #transferBegins} answered
     * @param source the end that bytes came from; described only when somebody records
     * @param sink the end that they went to
     * @param delivered what reached it
     * @param ending how it ended
     */
    public void transferEnded(@Nullable Object begun, Object source, Object sink, Tally delivered, Object ending) {
        transfers.increment();
        if (begun != null) {
            Flight.transferEnded(begun, source, sink, delivered, ending);
        }
    }

    // What has happened.

    /** Transfers that have ended, however. */
    public long transfers() {
        return transfers.sum();
    }

    /** Bytes that reached sinks, those of branches included, by the paths that were used. */
    public Map<TransferPath, Long> bytesByPath() {
        Map<TransferPath, Long> sums = new EnumMap<>(TransferPath.class);
        bytes.forEach((path, count) -> {
            if (count.sum() > 0) {
                sums.put(path, count.sum());
            }
        });
        return sums;
    }

    /** Paths given up for the next. */
    public long fallbacks() {
        return fallbacks.sum();
    }

    /** Pipes that were wanted and not to be had. */
    public long poolMisses() {
        return poolMisses.sum();
    }

    /** Branches given up because they were full. */
    public long branchesDetached() {
        return branchesDetached.sum();
    }
}
