// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EEXIST;
import static io.sluice.kernel.Errno.EISDIR;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.EPERM;
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

    private final Resources resources;
    private final Map<String, Inode> entries = new HashMap<>(); // guarded by itself
    private final @Nullable HostAttributes attributes;

    /** Shows through wherever this directory has no name of its own. */
    private volatile @Nullable HostDirectory host;

    /** How files that are made here treat their holes. */
    final MemoryFile.Store store;

    Directory(Resources resources) {
        this(resources, MemoryFile.Store.DISK);
    }

    Directory(Resources resources, MemoryFile.Store store) {
        super(resources, S_IFDIR | 0755);
        this.resources = resources;
        this.attributes = null;
        this.store = store;
    }

    /** A directory of the host. */
    Directory(Resources resources, HostDirectory host, HostAttributes attributes) {
        super(resources, attributes.mode());
        this.resources = resources;
        this.host = host;
        this.attributes = attributes;
        this.store = MemoryFile.Store.DISK;
    }

    /** What a name stands for; null if nothing. */
    @Nullable
    Inode lookup(String name) {
        Inode own;
        synchronized (entries) {
            own = entries.get(name);
        }
        HostDirectory below = host;
        return own == null && below != null ? below.lookup(name) : own;
    }

    /** Makes a directory of the host show through, and in the directories below it what the host has there. */
    void mount(HostDirectory directory) {
        host = directory;
        Map<String, Inode> all;
        synchronized (entries) {
            all = Map.copyOf(entries);
        }
        all.forEach((name, inode) -> {
            if (inode instanceof Directory below) {
                below.mount(directory.below(name));
            }
        });
    }

    /** A directory of this kernel's own below, made if it is not there; what the host has shows through. */
    Directory ownBelow(String name) {
        synchronized (entries) {
            if (entries.get(name) instanceof Directory there) {
                return there;
            }
            Directory made = new Directory(resources);
            HostDirectory hostHere = host;
            made.host = hostHere == null ? null : hostHere.below(name);
            entries.put(name, made);
            return made;
        }
    }

    /** Makes a regular file and opens it; EEXIST if somebody was faster. */
    Opened create(String name, int flags, int permissions) {
        HostDirectory below = host;
        if (below != null) {
            return below.create(name, flags, permissions);
        }
        MemoryFile file = new MemoryFile(resources, store, permissions, false);
        file.acquire(); // one hold for the name, one for the description
        long linked = link(name, file);
        if (linked < 0) {
            file.release();
            file.release();
            return new Opened.Failed((int) -linked);
        }
        return new Opened.File(new OpenMemoryFile(file, Tree.statusFlags(flags)));
    }

    /** Gives a name to an inode, whose hold passes to the name. Returns 0 or -errno, and then the hold stays. */
    long link(String name, Inode inode) {
        if (host != null) {
            return -EPERM; // the host's directories take regular files alone
        }
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
            HostDirectory below = host;
            return below == null ? -ENOENT : below.unlink(name);
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
        host = null;
    }

    @Override
    Opened open(int flags) {
        return acquire() ? new Opened.File(new Open(Tree.statusFlags(flags))) : new Opened.Failed(ENOENT);
    }

    @Override
    void stat(Stat stat) {
        if (attributes != null) {
            attributes.store(stat);
            return;
        }
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
