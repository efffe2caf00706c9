// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFLNK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Stat;
import org.jspecify.annotations.Nullable;

/**
 * /proc/self/fd/N: leads to what the descriptor stands for, name or no name, and opens it anew, with a description of
 * its own [A15], [P03].
 */
final class DescriptorLink extends Inode {
    private final DescriptorTable table;
    private final int fd;

    private DescriptorLink(Resources resources, DescriptorTable table, int fd) {
        super(resources, S_IFLNK | 0700);
        this.table = table;
        this.fd = fd;
    }

    /** The directory of all of them. Nothing can be made or removed there. */
    static Directory directory(Resources resources, DescriptorTable table) {
        return new Directory(resources) {
            @Override
            @Nullable
            Inode lookup(String name) {
                int fd;
                try {
                    fd = Integer.parseInt(name);
                } catch (NumberFormatException noNumber) {
                    return null;
                }
                OpenFile file = name.equals(Integer.toString(fd)) ? table.acquireAny(fd) : null;
                if (file == null) {
                    return null;
                }
                file.release();
                return new DescriptorLink(resources, table, fd);
            }

            @Override
            long link(String name, Inode inode) {
                return -ENOENT;
            }

            @Override
            Opened create(String name, int flags, int permissions) {
                return new Opened.Failed(ENOENT);
            }

            @Override
            long unlink(String name) {
                return -Errno.EPERM;
            }
        };
    }

    /** The inode behind the descriptor, to walk on from; null for what has none. */
    @Nullable
    Inode target() {
        OpenFile file = table.acquireAny(fd);
        if (file == null) {
            return null;
        }
        try {
            return file.inode();
        } finally {
            file.release();
        }
    }

    /** A pipe's end without a name, in any direction and without waiting; all else goes by its inode. */
    @Override
    Opened open(int flags) {
        OpenFile file = table.acquireAny(fd);
        if (file == null) {
            return new Opened.Failed(ENOENT);
        }
        try {
            Pipe pipe = file.pipe();
            return pipe == null ? new Opened.Failed(ENXIO) : openPipe(pipe, flags);
        } finally {
            file.release();
        }
    }

    private static Opened openPipe(Pipe pipe, int flags) {
        if ((flags & O_DIRECT) != 0) {
            return new Opened.Failed(EINVAL);
        }
        int access = flags & O_ACCMODE;
        pipe.lock();
        pipe.openEndLocked(access != O_WRONLY, access != O_RDONLY);
        pipe.unlock();
        return new Opened.File(new PipeEnd(pipe, Tree.statusFlags(flags)));
    }

    @Override
    void stat(Stat stat) {
        stat.set(Device.PROCESS_FILES, number, mode, 1, 0, 0, Page.SIZE, 0);
    }

    @Override
    public String toString() {
        return "link to descriptor " + fd;
    }
}
