// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Descriptor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.AsynchronousCloseException;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The thread between a pipe of ours and the caller's code: copies until the stream ends, the code throws, or nobody
 * wants more. It alone uses the inner end of the pipe, and closes it when it knows why, so that whoever sees the end at
 * the outer side finds the reason here.
 */
final class CodeThread {
    /** Capacity of the pipe and of the buffer: how far the code may be ahead or behind, and bytes per call of it. */
    static final int BYTES = 256 << 10;

    /** Copies all there is between the inner end and the code. */
    interface Work {
        void copy(MemorySegment buffer) throws IOException;
    }

    private final Descriptor inner;
    private final Work work;
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);

    // Written by the thread before it closes the inner end.
    private volatile @Nullable Throwable thrown;
    private volatile boolean complete;

    private volatile boolean abandoned;
    private volatile boolean told;

    CodeThread(End inner, Work work) {
        this.inner = inner.descriptor();
        this.work = work;
        this.thread = Thread.ofVirtual().name("sluice-code").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    private void run() {
        try (Arena arena = Arena.ofConfined()) {
            work.copy(arena.allocate(BYTES));
            complete = !abandoned;
        } catch (Throwable t) {
            // What an abandoned stream throws, such as the answer to our interrupt, is nobody's failure.
            thrown = abandoned ? null : t;
        } finally {
            inner.close();
            ended.countDown();
        }
    }

    /**
     * Closes both ends and lets the code go: it is interrupted, and what it still does is nobody's concern. The outer
     * end goes first, for whoever uses it is to learn that it was closed, not that the stream came to its end.
     */
    void abandon(Descriptor outer) {
        abandoned = true;
        outer.close();
        inner.close();
        thread.interrupt();
        ended.countDown();
    }

    boolean isAbandoned() {
        return abandoned;
    }

    /** Whether somebody knows what the code has thrown. */
    boolean wasTold() {
        return told;
    }

    /**
     * Waits until the code has seen the end of the stream.
     *
     * @throws CodeException when the code has thrown
     * @throws AsynchronousCloseException when it was abandoned before
     * @throws TransferInterruptedException when the waiting thread is interrupted
     */
    void awaitEnd(String what) throws IOException {
        if (Thread.currentThread().equals(thread)) {
            throw new IllegalStateException("code cannot wait for its own end: " + what);
        }
        try {
            if (ended.getCount() > 0) {
                ended.await();
            }
        } catch (InterruptedException e) {
            throw new TransferInterruptedException(0);
        }
        throwFailure(what);
        if (!complete) {
            throw new AsynchronousCloseException();
        }
    }

    /** What the code has thrown, which counts as told from now on; null when it has not. */
    @Nullable
    Throwable tell() {
        Throwable failure = thrown;
        if (failure != null) {
            told = true;
        }
        return failure;
    }

    /** Throws what the code has thrown. */
    void throwFailure(String what) throws CodeException {
        Throwable failure = tell();
        if (failure != null) {
            throw new CodeException(what, failure, null);
        }
    }

    /** Throws what the code has thrown, unless somebody has been told. */
    void throwUntold(String what) throws CodeException {
        if (!told) {
            throwFailure(what);
        }
    }
}
