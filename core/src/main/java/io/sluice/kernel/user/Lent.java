// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A user's segment that a vmsplice(2) put into a pipe. It stays the user's: what the user stores is what readers get,
 * and when the user closes its arena, readers get EFAULT.
 */
final class Lent extends Memory {
    private final MemorySegment bytes;
    private final @Nullable Runnable released;

    /**
     * Begins with one reference, which the call that lends gives up when it ends.
     *
     * @param released runs once, when the last reference is gone, under whatever lock it goes: must only take note;
     *     null: nobody asks
     */
    Lent(MemorySegment bytes, @Nullable Runnable released) {
        super(1);
        this.bytes = bytes;
        this.released = released;
    }

    @Override
    MemorySegment bytes() {
        return bytes;
    }

    /** By the user's addresses; an array has none that count, and its pages begin with it. */
    @Override
    int offsetInPage(long start) {
        return (int) ((bytes.isNative() ? bytes.address() + start : start) % Page.SIZE);
    }

    @Override
    void free() {
        if (released != null) {
            released.run();
        }
    }

    @Override
    public String toString() {
        return "lent memory of " + bytes.byteSize() + " bytes";
    }
}
