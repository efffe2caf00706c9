// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.O_DIRECTORY;
import static io.sluice.kernel.Flags.O_NOFOLLOW;
import static io.sluice.kernel.Flags.O_PATH;

import io.sluice.kernel.Stat;

/** What open(2) makes with O_PATH: a hold of something in the tree, which can be described and nothing else [D03]. */
final class OpenPath extends OpenFile {
    private final Inode inode;

    /** Takes over one hold of the inode. */
    OpenPath(Inode inode, int flags) {
        super(flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
        this.inode = inode;
    }

    @Override
    Inode inode() {
        return inode;
    }

    @Override
    void closed() {
        inode.release();
    }

    @Override
    void stat(Stat stat) {
        inode.stat(stat);
    }

    @Override
    public String toString() {
        return "path of " + inode;
    }
}
