// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENOSYS;

/** The tree of paths. */
final class Tree {
    Tree(Resources resources) {}

    Opened open(String path, int flags, int mode) {
        return new Opened.Failed(ENOENT);
    }

    Opened memfd(String name, int flags) {
        return new Opened.Failed(ENOSYS);
    }

    long mkfifo(String path, int mode) {
        return -ENOSYS;
    }

    long unlink(String path) {
        return -ENOENT;
    }

    /** copy_file_range(2) after the checks of the descriptors. */
    long copyFileRange(
            OpenFile in,
            io.sluice.kernel.@org.jspecify.annotations.Nullable Offset offIn,
            OpenFile out,
            io.sluice.kernel.@org.jspecify.annotations.Nullable Offset offOut,
            long len,
            int flags) {
        return -ENOSYS;
    }

    void close() {}
}
