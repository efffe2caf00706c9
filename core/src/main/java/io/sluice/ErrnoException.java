// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.Errno;
import java.io.IOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A system call that failed for a reason of the world's: which call, which errno, on what, and how far it had come. */
public final class ErrnoException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final String call;
    private final int errno;
    private final transient @Nullable TransferResult result;

    /**
     * A failed call.
     *
     * @param call its manual-page name
     * @param errno the code, positive or as a kernel answers it
     * @param what the end that it was made for
     */
    public ErrnoException(String call, long errno, String what) {
        this(call, errno, what, null);
    }

    ErrnoException(String call, long errno, String what, @Nullable TransferResult result) {
        super(message(call, (int) Math.abs(errno), what, result));
        this.call = call;
        this.errno = (int) Math.abs(errno);
        this.result = result;
    }

    private static String message(String call, int errno, String what, @Nullable TransferResult result) {
        String after = result == null ? "" : ", after " + result.bytes() + " bytes";
        return what + ": " + Errno.message(errno) + " (" + call + ": " + Errno.name(errno) + ")" + after;
    }

    /** The system call, by its manual-page name. */
    public String call() {
        return call;
    }

    /** The code, as in {@link Errno}; positive. */
    public int errno() {
        return errno;
    }

    /** The code's name, such as {@code "ENOSPC"}. */
    public String errnoName() {
        return Errno.name(errno);
    }

    /** What a transfer had done when it failed; null when the failure was not a transfer's. */
    public @Nullable TransferResult result() {
        return result;
    }
}
