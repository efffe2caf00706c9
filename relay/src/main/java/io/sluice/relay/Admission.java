// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who may be in a route: so many sessions at a time, so many of one source, and a queue of bounded length for those
 * that come when it is full. Safe for any thread: the loops share it. It is asked twice in the life of a session.
 */
final class Admission {
    /** Someone who waits to be let in. */
    interface Waiting {
        /** There is room, and it has been taken for this one. Called by any loop, under no lock. */
        void admitted();
    }

    /** What comes of asking. */
    enum Answer {
        ADMITTED,
        /** {@link Waiting#admitted} will be called, unless it {@linkplain #giveUp gives up}. */
        QUEUED,
        /** The queue is full, or there is none. */
        FULL,
        /** The source has as many as it may. */
        SOURCE_FULL
    }

    private final Limits limits;

    // Guarded by this.
    private final Map<Object, Integer> sessionsBySource = new HashMap<>();
    private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
    private int sessions;

    Admission(Limits limits) {
        this.limits = limits;
    }

    /** Asks for one more. Who is not answered FULL or SOURCE_FULL has to {@link #leave}. */
    synchronized Answer enter(SocketAddress source, Waiting waiting) {
        if (limits.sessionsPerSource() > 0) {
            Object key = key(source);
            int now = sessionsBySource.getOrDefault(key, 0);
            if (now >= limits.sessionsPerSource()) {
                return Answer.SOURCE_FULL;
            }
            if (isFull() && queue.size() >= limits.queue()) {
                return Answer.FULL;
            }
            sessionsBySource.put(key, now + 1);
        }
        if (!isFull()) {
            sessions++;
            return Answer.ADMITTED;
        }
        if (queue.size() >= limits.queue()) {
            return Answer.FULL;
        }
        queue.addLast(waiting);
        return Answer.QUEUED;
    }

    private boolean isFull() {
        return limits.sessions() > 0 && sessions >= limits.sessions();
    }

    /** All connections over a Unix socket are one source. */
    private static Object key(SocketAddress source) {
        return source instanceof InetSocketAddress inet && inet.getAddress() != null ? inet.getAddress() : "unix";
    }

    /** Leaves the queue; false when it has been admitted meanwhile, and then it has to {@link #leave} after all. */
    synchronized boolean giveUp(SocketAddress source, Waiting waiting) {
        if (!queue.remove(waiting)) {
            return false;
        }
        forget(source);
        return true;
    }

    /** Gives its room to the next in the queue. */
    void leave(SocketAddress source) {
        Waiting next;
        synchronized (this) {
            forget(source);
            next = queue.pollFirst();
            if (next == null) {
                sessions--;
            }
        }
        if (next != null) {
            next.admitted();
        }
    }

    private void forget(SocketAddress source) {
        if (limits.sessionsPerSource() > 0) {
            sessionsBySource.computeIfPresent(key(source), (_, now) -> lessOne(now));
        }
    }

    private static @Nullable Integer lessOne(int now) {
        return now == 1 ? null : now - 1;
    }

    synchronized int sessions() {
        return sessions;
    }

    synchronized int queued() {
        return queue.size();
    }
}
