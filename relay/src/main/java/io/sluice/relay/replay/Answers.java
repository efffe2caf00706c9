// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.SocketEnd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What the server says on one connection: received by a thread of its own, and waited for by the one that plays the
 * client.
 */
final class Answers {
    /** What a wait came to. */
    enum Waited {
        /** It is there. */
        CAME,

        /** The connection has ended before. */
        ENDED,

        /** Nothing has come for as long as the patience goes. */
        STALLED,

        /** The replay is to stop. */
        STOPPED
    }

    private final SocketEnd socket;
    private final @Nullable Comparison comparison;
    private final LongConsumer progress;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by the lock.
    private long receivedBytes;
    private long lastNanos = System.nanoTime();
    private boolean ended;
    private boolean stopped;
    private @Nullable IOException broken;
    private @Nullable Throwable mistake;

    Answers(SocketEnd socket, @Nullable Comparison comparison, LongConsumer progress) {
        this.socket = socket;
        this.comparison = comparison;
        this.progress = progress;
    }

    /** Receives until there is no more. */
    void receive(ByteBuffer buffer) {
        IOException failure = null;
        Throwable unexpected = null;
        try {
            while (socket.read(buffer.clear()) >= 0) {
                int count = buffer.flip().remaining();
                if (comparison != null) {
                    comparison.accept(buffer);
                }
                progress.accept(count);
                came(count);
            }
        } catch (ClosedChannelException byUs) {
            // The player has had enough.
        } catch (IOException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            unexpected = e;
        }
        lock.lock();
        try {
            ended = true;
            broken = failure;
            mistake = unexpected;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void came(int count) {
        lock.lock();
        try {
            receivedBytes += count;
            lastNanos = System.nanoTime();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until so many bytes have come.
     *
     * @param end whether the end must have come as well
     * @param patienceNanos how long nothing at all may come
     */
    Waited await(long bytes, boolean end, long patienceNanos) {
        long since = System.nanoTime();
        lock.lock();
        try {
            while (true) {
                if (stopped) {
                    return Waited.STOPPED;
                }
                if (ended) {
                    return receivedBytes >= bytes ? Waited.CAME : Waited.ENDED;
                }
                if (receivedBytes >= bytes && !end) {
                    return Waited.CAME;
                }
                long left = Math.max(since, lastNanos) + patienceNanos - System.nanoTime();
                if (left <= 0) {
                    return Waited.STALLED;
                }
                doze(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a moment; false when the replay is to stop. */
    boolean awaitMoment(long nanoTime) {
        lock.lock();
        try {
            for (long left = nanoTime - System.nanoTime(); left > 0 && !stopped; left = nanoTime - System.nanoTime()) {
                doze(left);
            }
            return !stopped;
        } finally {
            lock.unlock();
        }
    }

    /** Nobody interrupts these threads: it would close the capture's files for all of them. */
    @SuppressWarnings("WaitNotInLoop") // its callers are the loops
    private void doze(long nanos) {
        try {
            changed.await(Math.min(nanos, TimeUnit.HOURS.toNanos(1)), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            stopped = true;
        }
    }

    void stop() {
        lock.lock();
        try {
            stopped = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    long receivedBytes() {
        lock.lock();
        try {
            return receivedBytes;
        } finally {
            lock.unlock();
        }
    }

    boolean isStopped() {
        lock.lock();
        try {
            return stopped;
        } finally {
            lock.unlock();
        }
    }

    /** What has broken the connection; null when it has not been broken, or not yet. */
    @Nullable
    IOException broken() {
        lock.lock();
        try {
            if (mistake != null) {
                throw new IllegalStateException("the thread that received has failed", mistake);
            }
            return broken;
        } finally {
            lock.unlock();
        }
    }
}
