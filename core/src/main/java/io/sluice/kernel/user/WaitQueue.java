// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Threads asleep until one condition of a {@link Waitable} holds, in the order in which they came. Guarded by the
 * object's lock.
 *
 * <p>The law: whenever the lock is free and the condition holds, the first in the queue has been woken. It takes what
 * it came for and lets go of the lock, which wakes the next; so one byte lets one of several readers return [O05], and
 * the last writer's close all of them. One that was overtaken keeps its place; one that got something and wants more
 * queues up again [O14].
 */
final class WaitQueue {
    private final BooleanSupplier condition;
    private @Nullable Waiter first;
    private @Nullable Waiter last;
    private @Nullable Waiter spare; // links that nobody sleeps on

    WaitQueue(BooleanSupplier condition) {
        this.condition = condition;
    }

    /** Whether what the sleepers wait for is there. */
    boolean ready() {
        return condition.getAsBoolean();
    }

    boolean isEmpty() {
        return first == null;
    }

    /** Puts a thread at the end, with room that may be filled for it while it sleeps. */
    Waiter enter(Thread thread, @Nullable Iov room) {
        Waiter waiter = spare;
        if (waiter == null) {
            waiter = new Waiter();
        } else {
            spare = waiter.next;
            waiter.next = null;
        }
        waiter.thread = thread;
        waiter.woken = false;
        waiter.room = room;
        waiter.served = false;
        waiter.previous = last;
        if (last == null) {
            first = waiter;
        } else {
            last.next = waiter;
        }
        last = waiter;
        return waiter;
    }

    /** Takes a thread out, wherever it stands. */
    void leave(Waiter waiter) {
        if (waiter.previous == null) {
            first = waiter.next;
        } else {
            waiter.previous.next = waiter.next;
        }
        if (waiter.next == null) {
            last = waiter.previous;
        } else {
            waiter.next.previous = waiter.previous;
        }
        waiter.thread = null;
        waiter.room = null;
        waiter.previous = null;
        waiter.next = spare;
        spare = waiter;
    }

    /** The room that the first in the queue has, unless it is served or on its way already; null: none. */
    @Nullable
    Iov firstRoom() {
        return first == null || first.woken || first.served ? null : first.room;
    }

    /** The first in the queue has got what it came for: it is woken whether the condition holds or not. */
    void serveFirst() {
        Objects.requireNonNull(first, "nobody sleeps here").served = true;
    }

    /**
     * The thread to wake when the lock is let go: if it is served or the condition holds, and its turn has not been
     * called yet.
     */
    @Nullable
    Thread toWake() {
        Waiter waiter = first;
        if (waiter == null || waiter.woken || !(waiter.served || ready())) {
            return null;
        }
        waiter.woken = true;
        return waiter.thread;
    }
}
