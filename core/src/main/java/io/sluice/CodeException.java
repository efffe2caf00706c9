// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The caller's code behind a {@link CodeSource} or a {@link CodeSink} has failed: the cause is what it threw. */
public final class CodeException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final transient @Nullable TransferResult result;

    CodeException(String what, Throwable thrown, @Nullable TransferResult result) {
        super(what + ": " + thrown + (result == null ? "" : ", after " + result.bytes() + " bytes"), thrown);
        this.result = result;
    }

    /** What a transfer from the source had done when the code's failure ended it; null when no transfer was ended. */
    public @Nullable TransferResult result() {
        return result;
    }
}
