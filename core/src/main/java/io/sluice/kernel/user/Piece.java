// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import org.jspecify.annotations.Nullable;

/** A part of a page that waits in a socket: a link of {@link Pieces}, used again when it is read. */
final class Piece {
    /** Null in a message of no bytes. */
    @Nullable
    Memory memory;

    long start;
    int length;

    /** What its sender is charged until it is gone. */
    int charge;

    /** The last one of a buffer of the kernel: of one send, or of a part of it. */
    boolean endsBuffer;

    /** The page is the flow's own: more bytes may be stored behind these. */
    boolean growable;

    @Nullable
    Piece next;

    Memory memory() {
        if (memory == null) {
            throw new IllegalStateException("an empty message has no memory");
        }
        return memory;
    }
}
