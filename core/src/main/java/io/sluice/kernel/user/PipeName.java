// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import io.sluice.kernel.Stat;

/** What a pipe is called in the tree: where its ends come from and go to when they close. */
interface PipeName {
    /** What the name stands for. */
    Inode inode();

    void stat(Stat stat);

    /** An end of the pipe is closed. */
    void close(Pipe pipe, boolean reads, boolean writes);
}
