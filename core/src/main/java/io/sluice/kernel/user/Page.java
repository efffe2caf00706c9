// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.MemorySegment;

/** A page of the kernel's own: 4096 bytes off the heap that belong to a {@link PagePool}. */
final class Page extends Memory {
    /** Bytes in a page, and so in a slot. */
    static final int SIZE = 4096;

    private final PagePool pool;
    private final MemorySegment bytes;
    private final int number;

    /** For the pool: the number, plus one, of the page below this one while it is at rest; 0: none. */
    volatile int below;

    Page(PagePool pool, MemorySegment bytes, int number) {
        super(0);
        this.pool = pool;
        this.bytes = bytes;
        this.number = number;
    }

    int number() {
        return number;
    }

    @Override
    MemorySegment bytes() {
        return bytes;
    }

    @Override
    void free() {
        pool.takeBack(this);
    }

    @Override
    public String toString() {
        return "page " + number;
    }
}
