// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The user's memory of one read or write: one or more segments taken as their concatenation, and how far the call has
 * come in it. Copies are all or nothing: a piece that touches memory that cannot be reached is not copied and the place
 * stays [B19], [B20]. Made once per open file and used again, so that a call allocates nothing.
 */
final class Iov {
    private static final int SLOTS = 16; // what one hold of a pipe's lock moves at most: 64 KiB

    private List<MemorySegment> segments = List.of();
    private MemorySegment current = MemorySegment.NULL;
    private int next; // the segment after the current one
    private long place; // in the current segment
    private long left; // in all segments
    private @Nullable Ring slots;

    /** Takes one segment. */
    Iov of(MemorySegment segment) {
        segments = List.of();
        next = 0;
        current = segment;
        place = 0;
        left = segment.byteSize();
        return this;
    }

    /** Takes several segments as one. */
    Iov of(List<MemorySegment> many) {
        segments = many;
        next = 0;
        current = MemorySegment.NULL;
        place = 0;
        left = 0;
        for (MemorySegment segment : many) {
            left += segment.byteSize();
        }
        return this;
    }

    /** Lets go of the user's memory. */
    void clear() {
        segments = List.of();
        current = MemorySegment.NULL;
        left = 0;
    }

    /** An empty ring for slots on their way between the user and a pipe; to be left empty. */
    Ring slots() {
        Ring ring = slots;
        if (ring == null) {
            ring = new Ring(SLOTS);
            slots = ring;
        }
        return ring;
    }

    /** Bytes that are still to come. */
    long left() {
        return left;
    }

    /** Takes the next {@code count} bytes of the user's to {@code start} of {@code to}. Answers whether it could. */
    boolean copyTo(Memory to, long start, int count) {
        return copy(to, start, count, true);
    }

    /** Gives the user {@code count} bytes from {@code start} of {@code from}. Answers whether it could. */
    boolean copyFrom(Memory from, long start, int count) {
        return copy(from, start, count, false);
    }

    private boolean copy(Memory memory, long start, int count, boolean toMemory) {
        MemorySegment segmentBefore = current;
        int nextBefore = next;
        long placeBefore = place;
        long leftBefore = left;
        if (copyWhatCanBe(memory, start, count, toMemory) < count) {
            current = segmentBefore;
            next = nextBefore;
            place = placeBefore;
            left = leftBefore;
            return false;
        }
        return true;
    }

    /** As the two above, but what lies before memory that cannot be reached is copied, as files do. Answers bytes. */
    int copyWhatCanBe(Memory memory, long start, int count, boolean toMemory) {
        int done = 0;
        while (done < count) {
            if (place == current.byteSize()) {
                current = segments.get(next++);
                place = 0;
            }
            int piece = (int) Math.min(count - done, current.byteSize() - place);
            if (piece > 0 && !copyPiece(memory, start + done, piece, toMemory)) {
                break;
            }
            place += piece;
            left -= piece;
            done += piece;
        }
        return done;
    }

    /**
     * Copies all that is left here straight to the memory of another call, which may be another thread's alone. Answers
     * whether it could: only from one segment to one.
     */
    boolean moveAllTo(Iov to) {
        long count = left;
        if (current.byteSize() - place < count
                || to.current.byteSize() - to.place < count
                || unreachable(current)
                || unreachable(to.current)
                || to.current.isReadOnly()
                || !to.current.isAccessibleBy(Thread.currentThread())) {
            return false;
        }
        try {
            MemorySegment.copy(current, place, to.current, to.place, count);
        } catch (IllegalStateException closedMeanwhile) {
            return false;
        }
        place += count;
        left = 0;
        to.place += count;
        to.left -= count;
        return true;
    }

    private boolean copyPiece(Memory memory, long start, int count, boolean toMemory) {
        if (unreachable(current) || (!toMemory && current.isReadOnly())) {
            return false;
        }
        for (; ; ) {
            MemorySegment bytes = memory.bytes();
            try {
                if (toMemory) {
                    MemorySegment.copy(current, place, bytes, start, count);
                } else {
                    MemorySegment.copy(bytes, start, current, place, count);
                }
                return true;
            } catch (IllegalStateException e) {
                // An arena was closed: the user's here or, for lent memory, there. Memory that munmap has just moved
                // [K16] is looked up again.
                if (memory.bytes().equals(bytes) || !current.scope().isAlive()) {
                    return false;
                }
            }
        }
    }

    /** How many of the bytes that are still to come can be given before memory that cannot be written to. */
    long reachableLeft() {
        MemorySegment segment = current;
        long here = current.byteSize() - place;
        long reachable = 0;
        for (int i = next; here == 0 || (!unreachable(segment) && !segment.isReadOnly()); i++) {
            reachable += here;
            if (i == segments.size()) {
                break;
            }
            segment = segments.get(i);
            here = segment.byteSize();
        }
        return Math.min(reachable, left);
    }

    /** Whether the bytes of a slot are still there: not so when a user has closed their arena. */
    static boolean reachable(Memory memory) {
        return memory.bytes().scope().isAlive();
    }

    /** Whether any access to the segment faults: address 0, or a closed arena. */
    static boolean unreachable(MemorySegment segment) {
        return (segment.isNative() && segment.address() == 0)
                || !segment.scope().isAlive();
    }
}
