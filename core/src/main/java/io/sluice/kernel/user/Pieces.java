// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import org.jspecify.annotations.Nullable;

/**
 * References to parts of pages in the order in which they were sent: what is queued in a socket. Owned by one
 * {@link Flow} and guarded by its lock. Links are used again, so that a send allocates nothing.
 */
final class Pieces {
    private static final int MOST_SPARE = 64; // what a busy pair uses; a burst is not kept for good

    private @Nullable Piece first;
    private @Nullable Piece last;
    private @Nullable Piece spare;
    private int spares;
    private long bytes;
    private long charge;

    boolean isEmpty() {
        return first == null;
    }

    /** Bytes in all pieces. */
    long bytes() {
        return bytes;
    }

    /** What the sender is charged for. */
    long charge() {
        return charge;
    }

    @Nullable
    Piece first() {
        return first;
    }

    @Nullable
    Piece last() {
        return last;
    }

    /** Adds a piece and takes over the caller's reference. */
    Piece add(@Nullable Memory memory, long start, int length) {
        Piece piece = spare;
        if (piece == null) {
            piece = new Piece();
        } else {
            spare = piece.next;
            spares--;
            piece.next = null;
        }
        piece.memory = memory;
        piece.start = start;
        piece.length = length;
        if (last == null) {
            first = piece;
        } else {
            last.next = piece;
        }
        last = piece;
        bytes += length;
        return piece;
    }

    /** Makes a piece longer at its end. */
    void grow(Piece piece, int count) {
        piece.length += count;
        bytes += count;
    }

    /** Charges the sender for a piece. */
    void charge(Piece piece, int amount) {
        piece.charge += amount;
        charge += amount;
    }

    /** Takes bytes from the beginning of the first piece, which has more than that. */
    void shorten(Piece piece, int count) {
        if (count >= piece.length) {
            throw new IllegalStateException(count + " bytes taken from a piece of " + piece.length);
        }
        piece.start += count;
        piece.length -= count;
        bytes -= count;
    }

    /** Takes the first piece out. Its reference passes to the caller. */
    void remove() {
        Piece piece = first;
        if (piece == null) {
            throw new IllegalStateException("nothing is queued");
        }
        first = piece.next;
        if (first == null) {
            last = null;
        }
        bytes -= piece.length;
        charge -= piece.charge;
        piece.memory = null;
        piece.charge = 0;
        piece.endsBuffer = false;
        piece.growable = false;
        if (spares < MOST_SPARE) {
            piece.next = spare;
            spare = piece;
            spares++;
        }
    }

    /** Releases everything. */
    void clear() {
        for (Piece piece = first; piece != null; piece = first) {
            Memory memory = piece.memory;
            long start = piece.start;
            remove();
            if (memory != null) {
                memory.release(start);
            }
        }
    }
}
