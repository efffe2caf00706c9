// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.InterruptedIOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * The thread was interrupted while it moved bytes. The ends stay open and what was moved has arrived; the interrupt
 * flag is cleared, as with {@link InterruptedException}.
 */
public final class TransferInterruptedException extends InterruptedIOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final long bytesMoved;

    private final transient @Nullable TransferResult result;

    TransferInterruptedException(long bytesMoved) {
        this(bytesMoved, null);
    }

    TransferInterruptedException(long bytesMoved, @Nullable TransferResult result) {
        super("interrupted after " + bytesMoved + " bytes");
        this.bytesMoved = bytesMoved;
        this.result = result;
        // The inherited field is too narrow for large transfers.
        this.bytesTransferred = (int) Math.min(bytesMoved, Integer.MAX_VALUE);
    }

    /** Bytes that had reached the sink. */
    public long bytesMoved() {
        return bytesMoved;
    }

    /** What a transfer had done when it was interrupted; null when the wait was not a transfer's. */
    public @Nullable TransferResult result() {
        return result;
    }
}
