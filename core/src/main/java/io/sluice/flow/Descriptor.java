// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor that is never closed under a running call, and so never reused under one: whoever uses the number first
 * {@link #enter enters} and afterwards {@link #leave leaves}; {@link #close} forbids new entries, wakes those who wait,
 * and the last to leave closes the number. (The idea of Go's fdMutex; [O08] is what happens without it.)
 *
 * <pre>
 *   state   31        30 … 0
 *           closed    users inside
 * </pre>
 *
 * Safe for any thread.
 */
public final class Descriptor {
    private static final int CLOSED = Integer.MIN_VALUE;
    private static final AtomicLong IDS = new AtomicLong();

    /** Names this descriptor to the poller; numbers are reused, ids are not. */
    final long id = IDS.incrementAndGet();

    private final Kernel kernel;
    private final int fd;
    private final AtomicInteger state = new AtomicInteger();

    // Guarded by this descriptor's monitor: what the poller knows of it.
    final List<Waiter> waiters = new ArrayList<>(1);
    int armedEvents;
    private InterestList.@Nullable Membership membership;

    private volatile @Nullable Runnable afterRelease;

    /** Takes charge of an open descriptor. */
    public Descriptor(Kernel kernel, int fd) {
        if (fd < 0) {
            throw new IllegalArgumentException("not a descriptor: " + fd);
        }
        this.kernel = kernel;
        this.fd = fd;
    }

    /**
     * What is to be done when the number has been closed and no use is left, such as giving a channel back the mode
     * that running calls relied on. Set before others know this descriptor.
     */
    public void afterRelease(Runnable undo) {
        afterRelease = undo;
    }

    /** The number, valid between {@link #enter} and {@link #leave}. */
    public int fd() {
        return fd;
    }

    /** Begins a use; false when the descriptor is closed. */
    public boolean enter() {
        while (true) {
            int now = state.get();
            if (now < 0) {
                return false;
            }
            if (state.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** Ends a use that {@link #enter} began. */
    public void leave() {
        int now = state.decrementAndGet();
        if ((now & ~CLOSED) == Integer.MAX_VALUE) {
            throw new IllegalStateException("descriptor " + fd + " was left more often than it was entered");
        }
        if (now == CLOSED) {
            kernel.close(fd);
            Runnable undo = afterRelease;
            if (undo != null) {
                undo.run();
            }
        }
    }

    /** Whether {@link #close} was called; users inside may still be finishing. */
    public boolean isClosed() {
        return state.get() < 0;
    }

    /**
     * Forbids new uses, wakes every waiter, and closes the number as soon as no use is left. Closing again does
     * nothing.
     *
     * @return whether this was the call that closed it
     */
    public boolean close() {
        // The closer is a user too: else the last one to leave would free the number before epoll has forgotten it, and
        // what is meant for this descriptor would be done to the next that gets the number.
        int before = state.getAndUpdate(now -> now < 0 ? now : (now + 1) | CLOSED);
        if (before < 0) {
            return false;
        }
        List<Waiter> woken;
        synchronized (this) {
            if (membership != null) {
                membership.endLocked(this);
                membership = null;
            }
            woken = List.copyOf(waiters);
            waiters.clear();
        }
        woken.forEach(Waiter::closed);
        leave();
        return true;
    }

    InterestList.@Nullable Membership membershipLocked() {
        return membership;
    }

    void joinedLocked(InterestList.Membership newMembership) {
        membership = newMembership;
    }
}
