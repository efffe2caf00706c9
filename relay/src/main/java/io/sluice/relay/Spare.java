// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EFD_CLOEXEC;

import io.sluice.kernel.Kernel;

/**
 * A descriptor that a loop keeps back, so that whoever was let in can still be brought to a backend when the process
 * has no other left. Without it a connection that got the last one would be reset, and the next, as fast as they come,
 * where they could wait in the kernel. While it is lent nobody is let in. Belongs to its loop.
 */
final class Spare {
    private final Kernel kernel;
    private long fd = -1;

    Spare(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Has it again, if it was lent: 0, or -errno as long as there is none. */
    long hold() {
        if (fd < 0) {
            fd = kernel.eventfd(0, EFD_CLOEXEC);
        }
        return Math.min(fd, 0);
    }

    /** Makes room for one descriptor; false when it is lent already. */
    boolean lend() {
        if (fd < 0) {
            return false;
        }
        kernel.close((int) fd);
        fd = -1;
        return true;
    }
}
