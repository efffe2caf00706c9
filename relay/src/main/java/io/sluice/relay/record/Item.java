// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import io.sluice.flow.PooledPipe;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What an event loop hands to the recorder's thread, which then has it for itself. */
sealed interface Item {
    /** Memory that it takes, whatever is in it. */
    int capacityBytes();

    /**
     * Bytes of one direction, in a pipe.
     *
     * @param way where they go; {@code back}: that of the other direction
     * @param sequence of the first byte, and {@code acknowledged} that which is expected of the other direction
     * @param wallNanos when they passed
     * @param options of the first packet
     * @param acknowledges whether a packet of the other direction follows that acknowledges them
     */
    record Piece(
            PooledPipe pipe,
            Way way,
            Way back,
            long sequence,
            long acknowledged,
            long wallNanos,
            MemorySegment options,
            boolean acknowledges)
            implements Item {
        @Override
        public int capacityBytes() {
            return pipe.capacityBytes();
        }
    }

    /** Whole blocks in memory. */
    final class Batch implements Item, AutoCloseable {
        /** As much as 60 small messages or 3 large ones, and a small part of what a disk likes to get at once. */
        static final int BYTES = 256 << 10;

        private final Arena arena = Arena.ofShared();
        final MemorySegment memory = arena.allocate(BYTES);
        int length;
        int packets;
        long payloadBytes;

        int room() {
            return BYTES - length;
        }

        /** As if new. */
        Batch emptied() {
            length = 0;
            packets = 0;
            payloadBytes = 0;
            return this;
        }

        @Override
        public int capacityBytes() {
            return BYTES;
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
