// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import java.util.List;
import java.util.Optional;

/** A feature of kernels that can be looked into: pipes, slots, pages and counts as plain data. */
public interface Snapshot {
    /** Every descriptor in use, by number. */
    List<Integer> descriptors();

    /** Pages that something refers to: slots, files, sockets, mappings. */
    long pagesInUse();

    /** The pipe behind a descriptor. */
    Optional<PipeState> pipe(int fd);

    /** All pipes that are open anywhere, in the order in which they were made. */
    List<PipeState> pipes();

    /**
     * One pipe.
     *
     * @param id its inode number
     * @param capacitySlots its slots, occupied or free
     * @param readEnds open file descriptions that can read
     * @param writeEnds open file descriptions that can write
     * @param slots the occupied slots, oldest first
     */
    record PipeState(long id, int capacitySlots, int readEnds, int writeEnds, List<SlotState> slots) {
        /** Bytes that wait to be read. */
        public long bytes() {
            return slots.stream().mapToLong(SlotState::length).sum();
        }

        /** The pipe drawn as text: a line for the ring and one for each occupied slot. */
        public String drawing() {
            return PipeDrawing.draw(this);
        }
    }

    /**
     * One occupied slot.
     *
     * @param memory what it refers to, such as "page 7"
     * @param references how many hold that memory
     * @param start first byte within the memory
     * @param length bytes
     * @param mergeable whether a small write may be appended to it
     * @param packet whether it is a packet
     * @param gift whether the user gave the page away
     */
    record SlotState(
            String memory, int references, long start, int length, boolean mergeable, boolean packet, boolean gift) {}
}
