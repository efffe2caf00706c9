// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.TransferPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What happened to the bytes of one sink: how many arrived by which path, and what was refused. One thread writes, any
 * reads.
 */
public final class Tally {
    /**
     * A socket that refuses now and then, as one with kernel TLS does, would fill memory; what is new is said by then.
     */
    private static final int FALLBACKS_KEPT = 32;

    private static final TransferPath[] PATHS = TransferPath.values();

    private final AtomicLong[] bytes = new AtomicLong[PATHS.length]; // by path
    private final List<Fallback> fallbacks = new ArrayList<>();
    private final @Nullable Journal journal;

    /** For bytes that count nowhere else. */
    Tally() {
        this(null);
    }

    /** For bytes that the journal counts as well. */
    Tally(@Nullable Journal journal) {
        this.journal = journal;
        Arrays.setAll(bytes, _ -> new AtomicLong());
    }

    void moved(TransferPath path, long count) {
        AtomicLong sum = counter(path);
        sum.setRelease(sum.getPlain() + count);
        if (journal != null) {
            journal.moved(path, count);
        }
    }

    @SuppressWarnings("EnumOrdinal") // an index that never leaves this object, of which a session has two
    private AtomicLong counter(TransferPath path) {
        return bytes[path.ordinal()];
    }

    void fellBack(Fallback fallback) {
        synchronized (this) {
            if (fallbacks.size() < FALLBACKS_KEPT) {
                fallbacks.add(fallback);
            }
        }
        if (journal != null) {
            journal.fellBack(fallback);
        }
    }

    /** Bytes that reached the sink by {@code path}. */
    public long bytes(TransferPath path) {
        return counter(path).get();
    }

    /** Bytes that reached the sink. */
    public long bytes() {
        long sum = 0;
        for (AtomicLong each : bytes) {
            sum += each.get();
        }
        return sum;
    }

    /** The same by each path that brought any. */
    public Map<TransferPath, Long> bytesByPath() {
        Map<TransferPath, Long> byPath = new EnumMap<>(TransferPath.class);
        for (TransferPath path : PATHS) {
            long sum = bytes(path);
            if (sum > 0) {
                byPath.put(path, sum);
            }
        }
        return byPath;
    }

    /** The refusals so far, oldest first; only the first 32 are kept. */
    public synchronized List<Fallback> fallbacks() {
        return List.copyOf(fallbacks);
    }
}
