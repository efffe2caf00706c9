// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

/** Counts bytes that have been taken on in one direction of a route. Safe for any thread. */
final class Traffic {
    private final Map<Manner, LongAdder> bytes = new EnumMap<>(Manner.class);

    Traffic() {
        for (Manner manner : Manner.values()) {
            bytes.put(manner, new LongAdder());
        }
    }

    void add(Manner manner, long count) {
        Objects.requireNonNull(bytes.get(manner)).add(count);
    }

    /** In each manner that there was. */
    Map<Manner, Long> byManner() {
        Map<Manner, Long> found = new EnumMap<>(Manner.class);
        bytes.forEach((manner, count) -> {
            if (count.sum() > 0) {
                found.put(manner, count.sum());
            }
        });
        return found;
    }
}
