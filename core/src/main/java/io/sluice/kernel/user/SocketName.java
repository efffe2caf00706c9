// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Flags.S_IFSOCK;

import io.sluice.kernel.Stat;

/** The name of a bound Unix socket. The name stays when the socket closes, until somebody unlinks it. */
final class SocketName extends Inode {
    /** Whatever the network bound there. */
    final Object socket;

    SocketName(Resources resources, Object socket) {
        super(resources, S_IFSOCK | 0755);
        this.socket = socket;
    }

    @Override
    Opened open(int flags) {
        return new Opened.Failed(ENXIO);
    }

    @Override
    void stat(Stat stat) {
        stat.set(Device.DISK_FILES, number, mode, links(), 0, 0, Page.SIZE, 0);
    }

    @Override
    public String toString() {
        return "name of a socket " + number;
    }
}
