// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import io.sluice.relay.capture.Notice.Kind;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Counts what is met while a capture is read; one entry for each kind, however often it comes. */
final class Notices {
    private final Map<Kind, Notice> met = new EnumMap<>(Kind.class);

    void add(Kind kind, Path file, long offset, String detail) {
        add(kind, 1, file, offset, detail);
    }

    void add(Kind kind, long count, Path file, long offset, String detail) {
        Notice before = met.get(kind);
        if (before == null) {
            String where = file.getFileName() + " at byte " + offset;
            met.put(kind, new Notice(kind, count, detail.isEmpty() ? where : where + ": " + detail));
        } else {
            long sum = before.count() + count;
            met.put(kind, new Notice(kind, sum < 0 ? Long.MAX_VALUE : sum, before.first()));
        }
    }

    List<Notice> list() {
        return List.copyOf(met.values());
    }
}
