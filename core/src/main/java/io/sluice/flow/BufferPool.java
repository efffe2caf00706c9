// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/**
 * Buffers to borrow while bytes are in them: a direction that waits for its source holds none, so what lies idle costs
 * no memory, and one buffer that goes round stays in the processor's cache. Safe for any thread.
 */
final class BufferPool {
    /** What GNU cat and cp use; more gains nothing measurable. */
    static final int BUFFER_BYTES = 128 << 10;

    private static final long PAGE_BYTES = 4096;

    /** Idle buffers beyond these, 2 MiB, are left to the garbage collector. */
    private static final int MAX_IDLE = 16;

    private final ArrayDeque<MemorySegment> idle = new ArrayDeque<>(); // guarded by itself

    /** A page-aligned buffer of {@link #BUFFER_BYTES}, with whatever its last user left in it. */
    MemorySegment borrow() {
        synchronized (idle) {
            MemorySegment buffer = idle.pollLast();
            if (buffer != null) {
                return buffer;
            }
        }
        return Arena.ofAuto().allocate(BUFFER_BYTES, PAGE_BYTES);
    }

    /** Takes back what {@link #borrow} gave. */
    void giveBack(MemorySegment buffer) {
        synchronized (idle) {
            if (idle.size() < MAX_IDLE) {
                idle.addLast(buffer);
            }
        }
    }
}
