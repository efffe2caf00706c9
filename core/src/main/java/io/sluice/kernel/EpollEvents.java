// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

/**
 * Room for the answer of one {@link Kernel#epollWait}: what is ready, and the datum given with it to
 * {@link Kernel#epollCtl}. Belongs to the one thread that waits; made once and used again.
 */
public final class EpollEvents {
    private final int[] events;
    private final long[] data;

    /** Room for {@code capacity} events per wait, at least one. */
    public EpollEvents(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("an epoll wait needs room for at least 1 event, not " + capacity);
        }
        events = new int[capacity];
        data = new long[capacity];
    }

    /** How many events one wait can answer. */
    public int capacity() {
        return events.length;
    }

    /** The events (EPOLLIN and so on) of answer {@code index}, below the wait's result. */
    public int events(int index) {
        return events[index];
    }

    /** The datum of answer {@code index}, below the wait's result. */
    public long data(int index) {
        return data[index];
    }

    /** For kernels: stores answer {@code index}. */
    public void set(int index, int events, long data) {
        this.events[index] = events;
        this.data[index] = data;
    }
}
