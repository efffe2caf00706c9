// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * What a test has opened and does not close by itself. Safe for any thread: a receiver that runs beside the test keeps
 * its end while the test keeps another, and an end that is forgotten then looks like a leak of what is tested.
 */
public final class Opened {
    private final ConcurrentLinkedDeque<AutoCloseable> ends = new ConcurrentLinkedDeque<>();

    /** Has {@code end} closed by {@link #closeAll}. */
    public <T extends AutoCloseable> T keep(T end) {
        ends.addFirst(end);
        return end;
    }

    /** Closes what was kept, the latest first. */
    public void closeAll() throws Exception {
        for (AutoCloseable end = ends.pollFirst(); end != null; end = ends.pollFirst()) {
            end.close();
        }
    }
}
