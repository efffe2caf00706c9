// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.MemorySegment;

/** A page that a user gave away with SPLICE_F_GIFT and that a file took over as it is: one page of a mapping. */
final class GiftedPage extends Memory {
    private final Mapping mapping;
    private final long start;

    /** The page at {@code start} of a mapping, with one reference to this object. */
    GiftedPage(Mapping mapping, long start) {
        super(1);
        mapping.retain(start);
        this.mapping = mapping;
        this.start = start;
    }

    @Override
    MemorySegment bytes() {
        return mapping.bytes().asSlice(start, Page.SIZE); // anew each time: munmap moves the mapping [K16]
    }

    @Override
    void free() {
        mapping.release(start);
    }

    @Override
    public String toString() {
        return "gifted page at " + start + " of " + mapping;
    }
}
