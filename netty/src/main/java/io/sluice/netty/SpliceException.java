// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.sluice.kernel.Errno;
import java.io.IOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * A splice that failed for a reason of the world's: which system call, which errno, on what, and how far it had come.
 */
public final class SpliceException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final String call;
    private final int errno;
    private final String what;
    private final transient @Nullable SpliceResult result;

    SpliceException(String call, int errno, String what) {
        this(call, errno, what, null, null);
    }

    private SpliceException(
            String call, int errno, String what, @Nullable SpliceResult result, @Nullable SpliceException cause) {
        super(what + ": " + Errno.message(errno) + " (" + call + ": " + Errno.name(errno) + ")", cause);
        this.call = call;
        this.errno = errno;
        this.what = what;
        this.result = result;
    }

    /** The same, as people get it: with all that the splice had done. */
    SpliceException with(SpliceResult newResult) {
        return new SpliceException(call, errno, what, newResult, this);
    }

    /** The system call, by its manual-page name. */
    public String call() {
        return call;
    }

    /** The code, as in {@link Errno}; positive. */
    public int errno() {
        return errno;
    }

    /** What the splice had done when it failed; null when it had not begun. */
    public @Nullable SpliceResult result() {
        return result;
    }
}
