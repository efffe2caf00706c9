// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.io.Serial;

/** The kernel gives the poller no epoll instance, or no room in it; or the poller is closed (EBADF). */
public final class PollerException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final String call;
    private final int errno;

    PollerException(String call, int errno) {
        super("waiting for readiness: " + Errno.message(errno) + " (" + call + ": " + Errno.name(errno) + ")");
        this.call = call;
        this.errno = errno;
    }

    /** The system call that failed. */
    public String call() {
        return call;
    }

    /** Guards the descriptor that {@code call} has answered, when it has. */
    static Descriptor opened(Kernel kernel, String call, long result) throws PollerException {
        if (result < 0) {
            throw new PollerException(call, (int) -result);
        }
        return new Descriptor(kernel, (int) result);
    }

    /** The code; positive. */
    public int errno() {
        return errno;
    }
}
