// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EEXIST;
import static io.sluice.kernel.Errno.EISDIR;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.S_IFDIR;

import io.sluice.kernel.Stat;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A directory: names and what they stand for. Each name holds its inode. */
class Directory extends Inode {
    private static final int NLINK = 2; // its own name and "."

    private final Map<String, Inode> entries = new HashMap<>(); // guarded by itself

    Directory(Resources resources) {
        super(resources, S_IFDIR | 0755);
    }

    /** What a name stands for; null if nothing. */
    @Nullable
    Inode lookup(String name) {
        synchronized (entries) {
            return entries.get(name);
        }
    }

    /** Gives a name to an inode, whose hold passes to the name. Returns 0 or -EEXIST, and then the hold stays. */
    long link(String name, Inode inode) {
        synchronized (entries) {
            if (entries.putIfAbsent(name, inode) != null) {
                return -EEXIST;
            }
        }
        inode.linked(1);
        return 0;
    }

    /** Takes a name away. Returns 0 or -errno. */
    long unlink(String name) {
        Inode inode;
        synchronized (entries) {
            inode = entries.remove(name);
        }
        if (inode == null) {
            return -ENOENT;
        }
        inode.linked(-1);
        inode.release();
        return 0;
    }

    /** Takes all names away, in the directories below too. */
    void clear() {
        Map<String, Inode> all;
        synchronized (entries) {
            all = Map.copyOf(entries);
        }
        all.forEach((name, inode) -> {
            if (inode instanceof Directory directory) {
                directory.clear();
            }
            unlink(name);
        });
    }

    @Override
    Opened open(int flags) {
        return acquire() ? new Opened.File(new Open(Tree.statusFlags(flags))) : new Opened.Failed(ENOENT);
    }

    @Override
    void stat(Stat stat) {
        stat.set(Device.DISK_FILES, number, mode, NLINK, 0, Page.SIZE, Page.SIZE, 0);
    }

    @Override
    public String toString() {
        return "directory " + number;
    }

    /** Open directories can be described and closed; nothing here lists them. */
    private final class Open extends OpenFile {
        Open(int statusFlags) {
            super(statusFlags);
        }

        @Override
        Inode inode() {
            return Directory.this;
        }

        @Override
        void closed() {
            Directory.this.release();
        }

        @Override
        void stat(Stat stat) {
            Directory.this.stat(stat);
        }

        @Override
        boolean seekable() {
            return true;
        }

        @Override
        long seek(long offset, int whence) {
            return whence == SEEK_SET || whence == SEEK_CUR ? Math.max(offset, 0) : 0;
        }

        @Override
        long read(Iov to, boolean nonblocking) {
            return -EISDIR;
        }

        @Override
        long pread(Iov to, long offset) {
            return -EISDIR;
        }

        @Override
        long sync() {
            return 0;
        }

        @Override
        public String toString() {
            return "open " + Directory.this;
        }
    }
}
