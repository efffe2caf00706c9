// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Runs release notices, each on a virtual thread of its own, so that a slow one delays nobody. */
final class Notices implements AutoCloseable {
    private final ExecutorService runner = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("sluice-release-", 0).factory());

    /** What {@link Lent} calls: under whatever lock the last reference goes, so it only hands the notice over. */
    Runnable noticeFor(Runnable released) {
        return () -> runner.execute(released);
    }

    /** Waits until every notice has run. */
    @Override
    public void close() {
        runner.close();
    }
}
