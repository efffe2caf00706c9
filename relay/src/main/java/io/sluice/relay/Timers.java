// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Deadlines of one event loop: a binary heap in which each timer knows its place, so that one can be moved or taken
 * out. An hour of idleness is thrown away with each session that ends before, and a loop sleeps exactly until the next
 * deadline. Belongs to the loop's thread.
 */
final class Timers {
    /** Something that is due at a time. */
    static final class Timer {
        private final Runnable due;
        private long deadlineNanos;
        private int index = -1; // in the heap; -1: not set

        /** Not set yet; {@code due} runs on the loop's thread, when the timer is no longer set. */
        Timer(Runnable due) {
            this.due = due;
        }

        boolean isSet() {
            return index >= 0;
        }
    }

    private @Nullable Timer[] heap = new Timer[64];
    private int size;

    /** Sets a timer, or moves one that is set, to a time of {@link System#nanoTime}. */
    void set(Timer timer, long deadlineNanos) {
        boolean wasSet = timer.isSet();
        boolean later = wasSet && deadlineNanos - timer.deadlineNanos > 0;
        timer.deadlineNanos = deadlineNanos;
        if (!wasSet) {
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size * 2);
            }
            put(timer, size++);
        }
        if (later) {
            sink(timer);
        } else {
            rise(timer);
        }
    }

    /** Takes a timer back; one that is not set stays so. */
    void cancel(Timer timer) {
        if (!timer.isSet()) {
            return;
        }
        int hole = timer.index;
        timer.index = -1;
        Timer last = at(--size);
        heap[size] = null;
        if (last != timer) {
            put(last, hole);
            rise(last);
            sink(last);
        }
    }

    /**
     * Runs what is due at {@code nowNanos}, the oldest first; what is set meanwhile may have to wait for another turn.
     */
    void run(long nowNanos) {
        for (int most = size; most > 0 && size > 0 && at(0).deadlineNanos - nowNanos <= 0; most--) {
            Timer first = at(0);
            cancel(first);
            first.due.run();
        }
    }

    /** Milliseconds to sleep at {@code nowNanos}, rounded up; -1 when nothing is set: for epoll_wait(2). */
    int millisToNext(long nowNanos) {
        if (size == 0) {
            return -1;
        }
        long left = Math.max(at(0).deadlineNanos - nowNanos, 0);
        return (int) Math.min((left + 999_999) / 1_000_000, Integer.MAX_VALUE);
    }

    int size() {
        return size;
    }

    private Timer at(int index) {
        Timer timer = heap[index];
        if (timer == null) {
            throw new IllegalStateException("no timer at " + index + " of " + size);
        }
        return timer;
    }

    private void put(Timer timer, int index) {
        heap[index] = timer;
        timer.index = index;
    }

    private void rise(Timer timer) {
        while (timer.index > 0) {
            Timer parent = at((timer.index - 1) / 2);
            if (parent.deadlineNanos - timer.deadlineNanos <= 0) {
                return;
            }
            swap(timer, parent);
        }
    }

    private void sink(Timer timer) {
        while (timer.index * 2 + 1 < size) {
            int left = timer.index * 2 + 1;
            Timer child = at(left);
            if (left + 1 < size && at(left + 1).deadlineNanos - child.deadlineNanos < 0) {
                child = at(left + 1);
            }
            if (timer.deadlineNanos - child.deadlineNanos <= 0) {
                return;
            }
            swap(timer, child);
        }
    }

    private void swap(Timer one, Timer other) {
        int index = one.index;
        put(one, other.index);
        put(other, index);
    }
}
