// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.ELOOP;
import static io.sluice.kernel.Flags.S_IFLNK;

import io.sluice.kernel.Stat;

/** A symbolic link. Walks follow it; only O_PATH opens the link itself. */
final class Link extends Inode {
    final String target;

    Link(Resources resources, String target) {
        super(resources, S_IFLNK | 0777);
        this.target = target;
    }

    @Override
    Opened open(int flags) {
        return new Opened.Failed(ELOOP);
    }

    @Override
    void stat(Stat stat) {
        stat.set(Device.DISK_FILES, number, mode, 1, 0, target.length(), Page.SIZE, 0);
    }

    @Override
    public String toString() {
        return "link to " + target;
    }
}
