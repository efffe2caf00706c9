// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.TransferPath;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
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

    private final AtomicLongArray bytes = new AtomicLongArray(PATHS.length); // by path
    private final List<Fallback> fallbacks = new ArrayList<>();
    private final @Nullable Journal journal;

    /** For bytes that count nowhere else. */
    Tally() {
        this(null);
    }

    /** For bytes that the journal counts as well. */
    Tally(@Nullable Journal journal) {
        this.journal = journal;
    }

    void moved(TransferPath path, long count) {
        int index = index(path);
        bytes.setRelease(index, bytes.getPlain(index) + count);
        if (journal != null) {
            journal.moved(path, count);
        }
    }

    @SuppressWarnings("EnumOrdinal") // an index that never leaves this object, of which a session has two
    private static int index(TransferPath path) {
        return path.ordinal();
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
        return bytes.get(index(path));
    }

    /** Bytes that reached the sink. */
    public long bytes() {
        long sum = 0;
        for (int i = 0; i < bytes.length(); i++) {
            sum += bytes.get(i);
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
