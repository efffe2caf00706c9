// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.util.ArrayDeque;
import java.util.Deque;

/** The connections of a listener; guarded by the lock of the listener's flow. */
final class Backlog {
    /** Made and not accepted yet. */
    final Deque<ConnectionSocket> pending = new ArrayDeque<>();

    /** TCP clients that wait until there is room for their connection. */
    final Deque<ConnectionSocket> waiting = new ArrayDeque<>();

    /** As listen(2) was told; one more than that is let in, as the kernel does. */
    int limit;

    Backlog(int limit) {
        this.limit = limit;
    }

    boolean hasRoom() {
        return pending.size() <= limit;
    }
}
