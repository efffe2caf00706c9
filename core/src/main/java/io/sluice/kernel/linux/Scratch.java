// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Offset;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Native memory for the arguments and the errno of one call at a time. Taken from a pool at the start of a call and
 * given back at its end, so no two threads share one and nothing is allocated per call; a thread-local would leave one
 * behind for every virtual thread.
 *
 * <pre>
 *    0  errno            4 bytes, written by the downcall
 *    8  input offset     8 bytes
 *   16  output offset    8 bytes
 *   64  block            paths, addresses, struct statx, pollfd, small arrays
 * </pre>
 *
 * <p>Read and written as byte buffers: the first use of a segment's accessors in a process takes 8 ms, which each start
 * of a tool would pay, since the JVM makes them of var handles.
 */
final class Scratch {
    /** Room in the block: the longest path with its end mark (PATH_MAX). */
    static final int BLOCK_BYTES = 4096;

    private static final int ERRNO = 0;
    private static final int OFFSET_IN = 8;
    private static final int OFFSET_OUT = 16;
    private static final int BLOCK = 64;

    /** What is passed to the linker to hold nothing. */
    private static final MemorySegment NOTHING = MemorySegment.NULL;

    final MemorySegment errno;
    final ByteBuffer block;
    final long blockAddress;

    private final ByteBuffer cells;
    private final long address;
    private final int home;
    private MemorySegment[] holds = new MemorySegment[SystemCall.FEW_HOLDS];
    private int heldArenas;
    private @Nullable ByteBuffer bulk;
    private long bulkAddress;

    private Scratch(int home) {
        MemorySegment memory = Arena.ofAuto().allocate(BLOCK + BLOCK_BYTES, 64);
        this.home = home;
        this.cells = bytes(memory);
        this.address = memory.address();
        this.errno = memory.asSlice(ERRNO, Linker.Option.captureStateLayout());
        this.block = bytes(memory.asSlice(BLOCK));
        this.blockAddress = address + BLOCK;
        Arrays.fill(holds, NOTHING);
    }

    private static ByteBuffer bytes(MemorySegment memory) {
        return memory.asByteBuffer().order(ByteOrder.nativeOrder());
    }

    /** What the raw system call would have answered. */
    long result(long returned) {
        return returned == -1 ? -cells.getInt(ERRNO) : returned;
    }

    long in(@Nullable Offset offset) {
        return store(offset, OFFSET_IN);
    }

    long out(@Nullable Offset offset) {
        return store(offset, OFFSET_OUT);
    }

    void updateIn(@Nullable Offset offset) {
        load(offset, OFFSET_IN);
    }

    void updateOut(@Nullable Offset offset) {
        load(offset, OFFSET_OUT);
    }

    private long store(@Nullable Offset offset, int cell) {
        if (offset == null) {
            return 0;
        }
        cells.putLong(cell, offset.value());
        return address + cell;
    }

    private void load(@Nullable Offset offset, int cell) {
        if (offset != null) {
            offset.set(cells.getLong(cell));
        }
    }

    /** Stores a name in the block with its end mark; answers its address, or -errno when no file could have it. */
    long string(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= BLOCK_BYTES) {
            return -Errno.ENAMETOOLONG;
        }
        if (name.indexOf('\0') >= 0) {
            return -Errno.EINVAL; // C would read a shorter name than was meant
        }
        block.put(0, bytes).put(bytes.length, (byte) 0);
        return blockAddress;
    }

    /** At least {@code bytes} of memory for what the block cannot hold; grows and stays. */
    ByteBuffer bulk(int bytes) {
        ByteBuffer buffer = bulk;
        if (buffer == null || buffer.capacity() < bytes) {
            MemorySegment memory = Arena.ofAuto().allocate(bytes, 64);
            buffer = bytes(memory);
            bulk = buffer;
            bulkAddress = memory.address();
        }
        return buffer;
    }

    /** Where the memory lies that {@link #bulk} answered last. */
    long bulkAddress() {
        return bulkAddress;
    }

    /** Has the arena of {@code segment} held open during the next vectored call. */
    void hold(MemorySegment segment) {
        if (segment.scope().equals(NOTHING.scope())) {
            return; // never closes
        }
        for (int i = 0; i < heldArenas; i++) {
            if (holds[i].scope().equals(segment.scope())) {
                return;
            }
        }
        if (heldArenas == SystemCall.MANY_HOLDS) {
            throw new IllegalArgumentException("the segments of one call may come from at most " + heldArenas
                    + " arenas: each of them is held open during the call");
        }
        if (heldArenas == holds.length) {
            holds = Arrays.copyOf(holds, SystemCall.MANY_HOLDS);
            Arrays.fill(holds, heldArenas, holds.length, NOTHING);
        }
        holds[heldArenas++] = segment;
    }

    /** What the call is to hold, one segment of each arena, and after those {@link #NOTHING} to fill its shape. */
    MemorySegment[] holds() {
        return holds;
    }

    int heldArenas() {
        return heldArenas;
    }

    /** Forgets the caller's segments, so that the pool keeps none of them alive. */
    void letGo() {
        while (heldArenas > 0) {
            holds[--heldArenas] = NOTHING;
        }
        if (holds.length > SystemCall.FEW_HOLDS) {
            holds = Arrays.copyOf(holds, SystemCall.FEW_HOLDS);
        }
    }

    /**
     * Scratches at rest. A platform thread keeps one for life. Virtual threads share places: each looks first where its
     * number points, so they seldom meet; a call that finds nothing makes a new one, and one whose place is taken on
     * its return is left to the collector.
     */
    static final class Pool {
        /** More places than virtual threads can be in a call at once on common machines. */
        private static final int PLACES = 64;

        /** References this far apart lie on cache lines of their own. */
        private static final int STRIDE = 16;

        private static final int NO_PLACE = -1;

        private final ThreadLocal<Scratch> own = ThreadLocal.withInitial(() -> new Scratch(NO_PLACE));
        private final AtomicReferenceArray<@Nullable Scratch> places = new AtomicReferenceArray<>(PLACES * STRIDE);

        Scratch take() {
            Thread thread = Thread.currentThread();
            return thread.isVirtual() ? shared(thread) : own.get();
        }

        private Scratch shared(Thread thread) {
            int place = ((int) thread.threadId() & (PLACES - 1)) * STRIDE;
            Scratch scratch = places.get(place) == null ? null : places.getAndSet(place, null);
            return scratch != null ? scratch : new Scratch(place);
        }

        void giveBack(Scratch scratch) {
            if (scratch.home != NO_PLACE) {
                places.setRelease(scratch.home, scratch);
            }
        }
    }
}
