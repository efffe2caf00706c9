// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Endpoint;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;

/**
 * Moves bytes between an end and a ByteBuffer. A kernel reaches native memory only, so the bytes of a heap buffer pass
 * through a native piece, which a call holds no longer than it runs: a thousand threads that wait hold none. Safe for
 * any thread.
 */
final class Staging {
    private static final int PIECE_BYTES = 64 << 10;

    /** More than the processors that most machines have for this; what is beyond is left to the garbage collector. */
    private static final int MAX_RESTING = 8;

    private final ArrayBlockingQueue<MemorySegment> resting = new ArrayBlockingQueue<>(MAX_RESTING);

    /** As {@link Endpoint#read}; what was read is in the buffer, and its position behind it. */
    long read(Endpoint from, ByteBuffer into) {
        MemorySegment room = MemorySegment.ofBuffer(into);
        if (room.isNative()) {
            return advanced(into, from.read(room));
        }
        MemorySegment piece = take();
        try {
            long count = from.read(piece.asSlice(0, Math.min(PIECE_BYTES, room.byteSize())));
            if (count > 0) {
                MemorySegment.copy(piece, 0, room, 0, count);
            }
            return advanced(into, count);
        } finally {
            giveBack(piece);
        }
    }

    /** As {@link Endpoint#write}; the buffer's position is behind what was written. */
    long write(Endpoint to, ByteBuffer from) {
        MemorySegment bytes = MemorySegment.ofBuffer(from);
        if (bytes.isNative()) {
            return advanced(from, to.write(bytes));
        }
        MemorySegment piece = take();
        try {
            long most = Math.min(PIECE_BYTES, bytes.byteSize());
            MemorySegment.copy(bytes, 0, piece, 0, most);
            return advanced(from, to.write(piece.asSlice(0, most)));
        } finally {
            giveBack(piece);
        }
    }

    private static long advanced(ByteBuffer buffer, long count) {
        if (count > 0) {
            buffer.position(buffer.position() + (int) count);
        }
        return count;
    }

    private MemorySegment take() {
        MemorySegment piece = resting.poll();
        return piece == null ? Arena.ofAuto().allocate(PIECE_BYTES) : piece;
    }

    private void giveBack(MemorySegment piece) {
        resting.offer(piece); // where enough rest already it is dropped, and the collector frees it
    }
}
