// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * The kernel's own threads for work on the host, which may take long or for ever: a FIFO that never answers holds one
 * of them and nothing else. They are never interrupted, since an interrupt would close the channel that they use.
 */
final class HostThreads {
    private final ExecutorService threads = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("sluice-host-", 0).factory());
    private final Set<CountDownLatch> writing = ConcurrentHashMap.newKeySet();

    /** Runs work and waits for it as for a disk: an interrupt is kept for later. */
    <T> T call(Supplier<T> work) {
        Future<T> answer = threads.submit(work::get);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return answer.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new IllegalStateException("work on the host failed", e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Starts work that nobody waits for. */
    void start(Runnable work) {
        threads.execute(work);
    }

    /** Starts work that writes out what calls have left behind; the kernel does not end before it is done. */
    void startWriting(Runnable work) {
        CountDownLatch done = new CountDownLatch(1);
        writing.add(done);
        threads.execute(() -> {
            try {
                work.run();
            } finally {
                writing.remove(done);
                done.countDown();
            }
        });
    }

    /**
     * Waits for the writers, unless interrupted. Threads that wait for the host in vain end with the process; answers
     * whether none of them may still be in the kernel's memory.
     */
    boolean close() {
        try {
            for (CountDownLatch done : writing) {
                done.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        threads.shutdown();
        return writing.isEmpty();
    }
}
