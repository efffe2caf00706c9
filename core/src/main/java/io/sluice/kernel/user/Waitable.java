// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINTR;

import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What calls can sleep on and readiness can be asked of: its lock, those who sleep until it can be read or written, and
 * those who watch it. The two sides are watched apart, since both ends of a pipe share one object.
 *
 * <p>Between {@link #lock} and {@link #unlock} a call changes the state and notes with {@link #tell} what watchers
 * should hear. {@code unlock} lets go first and wakes then.
 */
abstract class Waitable {
    static final long NO_DEADLINE = Long.MAX_VALUE;

    /** Tells watchers to look whatever they asked for, as a wake-up without a key does in the kernel. */
    static final int ANY_EVENT = 0;

    private static final int NOTHING = -1;
    private static final int LOCK_SPINS = 200; // some microseconds
    private static final Watch[] NOBODY = {};

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    final WaitQueue readers = new WaitQueue(() -> dead() || readableLocked());
    final WaitQueue writers = new WaitQueue(() -> dead() || writableLocked());
    private Watch[] readWatches = NOBODY;
    private Watch[] writeWatches = NOBODY;
    private int readNews = NOTHING;
    private int writeNews = NOTHING;
    private boolean dead;

    /** What the conditions were when the lock was last let go; for those who would only look. */
    private volatile boolean readable;

    private volatile boolean writable = true;

    private volatile boolean offered;

    /** Whether a reader would not sleep: there is data, or its end. */
    abstract boolean readableLocked();

    /** Whether a writer would not sleep: there is room, or nobody to write to. */
    abstract boolean writableLocked();

    /** Spins for a moment first: what the lock guards takes less time than a sleep, and the JDK's queue allocates. */
    final void lock() {
        for (int spins = 0; spins < LOCK_SPINS; spins++) {
            if (lock.tryLock()) {
                return;
            }
            Thread.onSpinWait();
        }
        lock.lock();
    }

    /**
     * Whether a reader would sleep, as it was a moment ago: a call that does not sleep need not take the lock to fail.
     */
    final boolean looksEmpty() {
        return !readable;
    }

    /** Whether a writer would sleep, as it was a moment ago. */
    final boolean looksFull() {
        return !writable;
    }

    /** Whether a sleeping reader has room that could be filled for it, as it was a moment ago. */
    final boolean looksOffered() {
        return offered;
    }

    final boolean locked() {
        return lock.isHeldByCurrentThread();
    }

    /** Lets go, then wakes the first reader and the first writer that can go on, then tells the watchers. */
    final void unlock() {
        readable = readers.ready();
        writable = writers.ready();
        offered = readers.firstRoom() != null;
        Thread reader = readers.toWake();
        Thread writer = writers.toWake();
        int readEvents = readNews;
        int writeEvents = writeNews;
        Watch[] readSide = readWatches;
        Watch[] writeSide = writeWatches;
        readNews = NOTHING;
        writeNews = NOTHING;
        lock.unlock();
        if (reader != null) {
            LockSupport.unpark(reader);
        }
        if (writer != null) {
            LockSupport.unpark(writer);
        }
        if (readEvents != NOTHING) {
            tell(readSide, readEvents);
        }
        if (writeEvents != NOTHING) {
            tell(writeSide, writeEvents);
        }
    }

    private static void tell(Watch[] side, int events) {
        for (Watch watch : side) {
            watch.changed(events);
        }
    }

    /** Notes events for those who watch the reading side. */
    final void tellReadersLocked(int events) {
        readNews = merge(readNews, events);
    }

    /** Notes events for those who watch the writing side. */
    final void tellWritersLocked(int events) {
        writeNews = merge(writeNews, events);
    }

    private static int merge(int news, int events) {
        return news == NOTHING ? events : news == ANY_EVENT || events == ANY_EVENT ? ANY_EVENT : news | events;
    }

    /**
     * Sleeps until {@link #readableLocked}. Returns 0, -EINTR, -EAGAIN at the deadline, -EBADF when the kernel ends.
     */
    final long awaitReadableLocked(long deadlineNanos) {
        return awaitLocked(readers, deadlineNanos, null);
    }

    /** Sleeps until {@link #writableLocked}. Returns as {@link #awaitReadableLocked}. */
    final long awaitWritableLocked(long deadlineNanos) {
        return awaitLocked(writers, deadlineNanos, null);
    }

    /**
     * Sleeps until the queue's condition holds, or until somebody has put bytes into {@code room}, if there is any, and
     * served the sleeper so. The lock is held on entry and on return, and let go in between.
     */
    final long awaitLocked(WaitQueue queue, long deadlineNanos, @Nullable Iov room) {
        if (queue.ready()) {
            return dead ? -EBADF : 0;
        }
        Waiter me = queue.enter(Thread.currentThread(), room);
        try {
            do {
                if (Thread.interrupted()) {
                    return -EINTR;
                }
                if (deadlineNanos != NO_DEADLINE && deadlineNanos - System.nanoTime() <= 0) {
                    return -EAGAIN;
                }
                me.woken = false;
                unlock();
                me.park(deadlineNanos);
                lock();
            } while (!me.served && !queue.ready());
            return dead && !me.served ? -EBADF : 0;
        } finally {
            queue.leave(me);
        }
    }

    /** Begins to tell {@code watch} about a side or both. */
    final void watch(Watch watch, boolean readSide, boolean writeSide) {
        lock();
        try {
            if (readSide) {
                readWatches = with(readWatches, watch);
            }
            if (writeSide) {
                writeWatches = with(writeWatches, watch);
            }
        } finally {
            unlock();
        }
    }

    /** Stops telling {@code watch}; a call to it may still be under way. */
    final void unwatch(Watch watch) {
        lock();
        try {
            readWatches = without(readWatches, watch);
            writeWatches = without(writeWatches, watch);
        } finally {
            unlock();
        }
    }

    private static Watch[] with(Watch[] side, Watch watch) {
        Watch[] longer = Arrays.copyOf(side, side.length + 1);
        longer[side.length] = watch;
        return longer;
    }

    private static Watch[] without(Watch[] side, Watch watch) {
        return Arrays.stream(side).filter(other -> !other.equals(watch)).toArray(Watch[]::new);
    }

    /** The kernel ends: whoever sleeps here wakes with EBADF. */
    final void die() {
        lock();
        dead = true;
        tellReadersLocked(ANY_EVENT);
        tellWritersLocked(ANY_EVENT);
        unlock();
    }

    private boolean dead() {
        return dead;
    }
}
