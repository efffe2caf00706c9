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
    private static final long PAGE_BYTES = 4096;

    /** Idle buffers beyond these are left to the garbage collector. */
    private static final int MAX_IDLE = 16;

    private final int bufferBytes;
    private final ArrayDeque<MemorySegment> idle = new ArrayDeque<>(); // guarded by itself

    /** Of buffers of that size. */
    BufferPool(int bufferBytes) {
        this.bufferBytes = bufferBytes;
    }

    int bufferBytes() {
        return bufferBytes;
    }

    /** A page-aligned buffer of {@link #bufferBytes}, with whatever its last user left in it. */
    MemorySegment borrow() {
        synchronized (idle) {
            MemorySegment buffer = idle.pollLast();
            if (buffer != null) {
                return buffer;
            }
        }
        return Arena.ofAuto().allocate(bufferBytes, PAGE_BYTES);
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
