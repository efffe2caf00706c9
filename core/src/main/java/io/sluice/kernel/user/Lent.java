// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.MemorySegment;

/**
 * A user's segment that a vmsplice(2) put into a pipe. It stays the user's: what the user stores is what readers get,
 * and when the user closes its arena, readers get EFAULT.
 */
final class Lent extends Memory {
    private final MemorySegment bytes;
    private final Runnable released;

    /**
     * Begins with one reference, which the call that lends gives up when it ends.
     *
     * @param released runs once, when the last reference is gone, under whatever lock it goes: must only take note
     */
    Lent(MemorySegment bytes, Runnable released) {
        super(1);
        this.bytes = bytes;
        this.released = released;
    }

    @Override
    MemorySegment bytes() {
        return bytes;
    }

    @Override
    void free() {
        released.run();
    }

    @Override
    public String toString() {
        return "lent memory of " + bytes.byteSize() + " bytes";
    }
}
