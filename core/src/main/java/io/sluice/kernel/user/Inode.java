// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import io.sluice.kernel.Stat;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a name in the tree stands for, and what stays of it while it is open after its names are gone [E17]. Held by its
 * names and by its open descriptions; when the last of them lets go, it is gone for good.
 */
abstract class Inode {
    private final AtomicInteger holders = new AtomicInteger(1);
    private final AtomicInteger links = new AtomicInteger();

    /** Its number on its device, and its place in the order in which two files are locked. */
    final long number;

    /** S_IFMT and permissions. */
    final int mode;

    /** Begins with one holder: whoever made it. */
    Inode(Resources resources, int mode) {
        this.number = resources.nextSequence();
        this.mode = mode;
    }

    /** Holds it, unless it is gone already; answers whether it could. */
    final boolean acquire() {
        for (; ; ) {
            int now = holders.get();
            if (now == 0) {
                return false;
            }
            if (holders.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    final void release() {
        int left = holders.decrementAndGet();
        if (left < 0) {
            throw new IllegalStateException(this + " is released too often (count " + left + ")");
        }
        if (left == 0) {
            gone();
        }
    }

    /** A name was given to it, or (-1) taken away. */
    final void linked(int change) {
        links.addAndGet(change);
    }

    final int links() {
        return links.get();
    }

    /**
     * Opens it; no lock is held, so this may sleep.
     *
     * @param flags as open(2) got them
     */
    abstract Opened open(int flags);

    abstract void stat(Stat stat);

    /** Nobody holds it any more. */
    void gone() {}
}
