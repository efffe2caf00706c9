// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

/**
 * Room for the answer of {@link Kernel#fstat}: the fields of stat(2) that this project needs. Not safe for two threads
 * at once.
 */
public final class Stat {
    private long dev;
    private long ino;
    private int mode;
    private int nlink;
    private long rdev;
    private long size;
    private int blksize;
    private long mtimeNanos;

    /** Room that holds nothing yet. */
    public Stat() {}

    /** The device that holds the file: major number in the upper 32 bits, minor number in the lower. */
    public long dev() {
        return dev;
    }

    /** The file's number on its device. */
    public long ino() {
        return ino;
    }

    /** Type and permissions: S_IFMT and 07777. */
    public int mode() {
        return mode;
    }

    /** The file's type alone: S_IFREG, S_IFIFO, S_IFSOCK and so on. */
    public int type() {
        return mode & Flags.S_IFMT;
    }

    /** How many names the file has. */
    public int nlink() {
        return nlink;
    }

    /** For a device file, which device it is; packed like {@link #dev}. */
    public long rdev() {
        return rdev;
    }

    /** Bytes in a regular file; 0 for a pipe, whatever it holds [A09]. */
    public long size() {
        return size;
    }

    /** The preferred size of one transfer, in bytes. */
    public int blksize() {
        return blksize;
    }

    /** Last change of the contents, in nanoseconds since 1970. */
    public long mtimeNanos() {
        return mtimeNanos;
    }

    /** For kernels: stores the answer. */
    public void set(long dev, long ino, int mode, int nlink, long rdev, long size, int blksize, long mtimeNanos) {
        this.dev = dev;
        this.ino = ino;
        this.mode = mode;
        this.nlink = nlink;
        this.rdev = rdev;
        this.size = size;
        this.blksize = blksize;
        this.mtimeNanos = mtimeNanos;
    }
}
