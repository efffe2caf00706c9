// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SEEK_SET;

import io.sluice.flow.Descriptor;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;

/** A file to splice into: its name, the flags to open it with beside O_WRONLY, and where the first byte goes. */
record TargetFile(String name, int flags, long position) {
    /** As the shell's redirections: read and write for all, less the umask. */
    private static final int NEW_FILE_MODE = 0666;

    TargetFile {
        if (position < 0) {
            throw new IllegalArgumentException("a position of " + position);
        }
    }

    /** Opens it; may wait for a disk, and so is nothing for an event loop. */
    Descriptor open(Kernel kernel) throws SpliceException {
        long fd = kernel.open(name, O_WRONLY | O_CLOEXEC | flags, NEW_FILE_MODE);
        if (fd < 0) {
            throw new SpliceException("open", (int) -fd, name);
        }
        Descriptor file = new Descriptor(kernel, (int) fd);
        long moved = kernel.lseek((int) fd, position, SEEK_SET);
        // What has no positions, such as a FIFO, is written from where it is.
        if (moved < 0 && (moved != -Errno.ESPIPE || position != 0)) {
            file.close();
            throw new SpliceException("lseek", (int) -moved, name);
        }
        return file;
    }
}
