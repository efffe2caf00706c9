// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.InterruptedIOException;
import java.io.Serial;

/**
 * The thread was interrupted while it moved bytes. The ends stay open and what was moved has arrived; the interrupt
 * flag is cleared, as with {@link InterruptedException}.
 */
public final class TransferInterruptedException extends InterruptedIOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final long bytesMoved;

    TransferInterruptedException(long bytesMoved) {
        super("interrupted after " + bytesMoved + " bytes");
        this.bytesMoved = bytesMoved;
        // The inherited field is too narrow for large transfers.
        this.bytesTransferred = (int) Math.min(bytesMoved, Integer.MAX_VALUE);
    }

    /** Bytes that had reached the sink. */
    public long bytesMoved() {
        return bytesMoved;
    }
}
