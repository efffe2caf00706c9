// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Parks threads, platform and virtual alike, until a descriptor is ready: one of them, or a daemon thread for all,
 * sleeps in epoll_wait ({@link Watch} says who) on what the others wait for ({@link InterestList}). An idle poller
 * never wakes.
 *
 * <p>Nothing is opened or started before the first wait; a poller that is closed answers CLOSED to every wait. Safe for
 * any thread. Lock order: a descriptor's monitor, then nothing.
 */
public final class Poller implements AutoCloseable {
    /** No deadline. */
    public static final long FOREVER = Long.MAX_VALUE;

    /** How a wait ended. */
    public enum Outcome {
        READY,
        TIMED_OUT,
        INTERRUPTED,
        CLOSED
    }

    private record Parts(InterestList interests, Watch watch) {}

    private final Kernel kernel;
    private final Set<Waiter> waiting = ConcurrentHashMap.newKeySet();
    private final Object starting = new Object();
    private boolean released; // guarded by starting
    private volatile @Nullable Parts parts; // set once, under starting
    private volatile boolean closed;

    /** A poller on {@code kernel}; starts nothing yet. */
    public Poller(Kernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Parks the calling thread until the descriptor has one of {@code events} (or hangs up, or fails),
     * {@link System#nanoTime} reaches {@code deadlineNanos}, the thread is interrupted, or the descriptor is closed.
     * The caller has entered the descriptor. A descriptor that epoll refuses, such as a regular file, is always ready.
     *
     * @param events EPOLLIN or EPOLLOUT
     * @return how it ended; the interrupt flag is cleared exactly when it is INTERRUPTED
     * @throws PollerException when the kernel gives no epoll instance or no room in it
     */
    public Outcome await(Descriptor descriptor, int events, long deadlineNanos) throws PollerException {
        return await(descriptor, new Waiter(Thread.currentThread(), events, null), deadlineNanos);
    }

    /**
     * Parks as above, or until {@code condition} holds. Whoever makes the condition true unparks the thread. Without a
     * condition a platform thread wakes sooner, as it may sleep in epoll_wait itself.
     */
    public Outcome await(Descriptor descriptor, int events, long deadlineNanos, BooleanSupplier condition)
            throws PollerException {
        return await(descriptor, new Waiter(Thread.currentThread(), events, condition), deadlineNanos);
    }

    private Outcome await(Descriptor descriptor, Waiter waiter, long deadlineNanos) throws PollerException {
        Parts running = started();
        if (running == null) {
            return Outcome.CLOSED;
        }
        synchronized (descriptor) {
            if (descriptor.isClosed()) {
                return Outcome.CLOSED;
            }
            descriptor.waiters.add(waiter);
            int error = running.interests.armLocked(descriptor);
            if (error != 0) {
                descriptor.waiters.remove(waiter);
                if (error == Errno.EPERM) {
                    return Outcome.READY;
                }
                if (closed) {
                    return Outcome.CLOSED;
                }
                throw new PollerException("epoll_ctl", error);
            }
        }
        try {
            return known(waiter, () -> running.watch.await(waiter, deadlineNanos));
        } finally {
            if (!waiter.hasOutcome()) {
                synchronized (descriptor) {
                    // The kernel may still fire once for it; that wakes nobody.
                    descriptor.waiters.remove(waiter);
                }
            }
        }
    }

    /**
     * Parks the calling thread until {@code condition} holds, as {@link #await} does until a descriptor is ready.
     * Whoever makes the condition true unparks the thread.
     *
     * @param descriptors whose closing ends the wait too
     */
    public Outcome awaitUntil(BooleanSupplier condition, long deadlineNanos, Descriptor... descriptors) {
        Waiter waiter = new Waiter(Thread.currentThread(), 0, condition);
        for (Descriptor descriptor : descriptors) {
            synchronized (descriptor) {
                if (descriptor.isClosed()) {
                    waiter.closed();
                } else {
                    descriptor.waiters.add(waiter);
                }
            }
        }
        Outcome outcome = known(waiter, () -> waiter.await(deadlineNanos, waiter::park));
        for (Descriptor descriptor : descriptors) {
            synchronized (descriptor) {
                descriptor.waiters.remove(waiter);
            }
        }
        return outcome;
    }

    private interface Wait<E extends Exception> {
        Outcome begin() throws E;
    }

    /** Waits so that {@link #close} ends it. */
    private <E extends Exception> Outcome known(Waiter waiter, Wait<E> wait) throws E {
        waiting.add(waiter);
        try {
            // Either close finds the waiter, or the waiter finds it closed.
            return closed ? Outcome.CLOSED : wait.begin();
        } finally {
            waiting.remove(waiter);
        }
    }

    /** What there is to wait in, made when there is none yet; null when the poller is closed. */
    private @Nullable Parts started() throws PollerException {
        Parts running = parts;
        if (running != null) {
            return running;
        }
        synchronized (starting) {
            if (parts == null && !closed) {
                parts = make();
            }
            return parts;
        }
    }

    private Parts make() throws PollerException {
        InterestList interests = new InterestList(kernel);
        try {
            return new Parts(interests, new Watch(kernel, interests, this::end));
        } catch (PollerException e) {
            interests.close();
            throw e;
        }
    }

    /** Whoever waits is answered CLOSED. */
    private void end() {
        closed = true;
        waiting.forEach(Waiter::closed);
    }

    /** Ends all waits, and waits for the end of whoever sleeps in epoll_wait. */
    @Override
    public void close() {
        Parts running;
        synchronized (starting) {
            if (released) {
                return;
            }
            released = true;
            closed = true;
            running = parts;
        }
        end();
        if (running != null) {
            running.watch.stop();
            running.interests.close();
        }
    }
}
