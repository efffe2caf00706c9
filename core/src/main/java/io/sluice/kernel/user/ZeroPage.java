// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.MemorySegment;

/**
 * The page of zeros that every hole and /dev/zero have in common, as the kernel's own. Nobody may write to it: its
 * slots never merge and files never take it in.
 */
final class ZeroPage extends Memory {
    private final MemorySegment bytes =
            MemorySegment.ofArray(new byte[Page.SIZE]).asReadOnly();

    /** Begins with the one reference of its kernel, which is never given up. */
    ZeroPage() {
        super(1);
    }

    @Override
    MemorySegment bytes() {
        return bytes;
    }

    @Override
    void free() {
        throw new IllegalStateException("the page of zeros was released once too often");
    }

    @Override
    public String toString() {
        return "page of zeros";
    }
}
