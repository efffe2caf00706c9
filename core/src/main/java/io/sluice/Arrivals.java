// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sinks that wait to be attached to a running stream. Safe for any thread. */
final class Arrivals {
    private final ArrayDeque<Attachment> waiting = new ArrayDeque<>();
    private boolean closed;

    /** False when the stream has ended. */
    synchronized boolean add(Attachment attachment) {
        if (!closed) {
            waiting.add(attachment);
        }
        return !closed;
    }

    synchronized @Nullable Attachment next() {
        return waiting.poll();
    }

    /** No more will come. Answers those that came too late. */
    synchronized List<Attachment> close() {
        closed = true;
        List<Attachment> late = List.copyOf(waiting);
        waiting.clear();
        return late;
    }
}
