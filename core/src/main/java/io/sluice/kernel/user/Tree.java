// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EADDRINUSE;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.EEXIST;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EISDIR;
import static io.sluice.kernel.Errno.ELOOP;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENOSYS;
import static io.sluice.kernel.Errno.ENOTDIR;
import static io.sluice.kernel.Flags.MFD_ALLOW_SEALING;
import static io.sluice.kernel.Flags.MFD_CLOEXEC;
import static io.sluice.kernel.Flags.MFD_HUGETLB;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_DIRECTORY;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_LARGEFILE;
import static io.sluice.kernel.Flags.O_NOCTTY;
import static io.sluice.kernel.Flags.O_NOFOLLOW;
import static io.sluice.kernel.Flags.O_PATH;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_TMPFILE;
import static io.sluice.kernel.Flags.O_TRUNC;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The tree of paths: /tmp for files, FIFOs and socket names, /dev/shm for files as on tmpfs, /dev with its devices,
 * /proc/self/fd, and what of the host is mounted. Nothing sleeps while a directory is locked, so an open that waits
 * delays no other.
 */
final class Tree {
    private static final int UMASK = 022;
    private static final int PERMISSIONS = 07777;

    private static final int MFD_NOEXEC_SEAL = 0x8;
    private static final int MFD_EXEC = 0x10;
    private static final int MFD_ALL = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC;
    private static final int MFD_MOST_NAME_BYTES = 249;

    private final Resources resources;
    private final HostThreads threads;
    private final String workingDirectory;
    private final Directory root;

    Tree(Resources resources, DescriptorTable table, HostThreads threads, String workingDirectory) {
        this.resources = resources;
        this.threads = threads;
        this.workingDirectory = workingDirectory;
        root = new Directory(resources);
        Directory devices = root.ownBelow("dev");
        devices.link("null", new CharacterDevice(resources, CharacterDevice.Kind.NULL));
        devices.link("zero", new CharacterDevice(resources, CharacterDevice.Kind.ZERO));
        devices.link("full", new CharacterDevice(resources, CharacterDevice.Kind.FULL));
        devices.link("urandom", new CharacterDevice(resources, CharacterDevice.Kind.URANDOM));
        devices.link("random", new CharacterDevice(resources, CharacterDevice.Kind.URANDOM));
        devices.link("fd", new Link(resources, "/proc/self/fd"));
        devices.link("stdin", new Link(resources, "/proc/self/fd/0"));
        devices.link("stdout", new Link(resources, "/proc/self/fd/1"));
        devices.link("stderr", new Link(resources, "/proc/self/fd/2"));
        root.ownBelow("proc").ownBelow("self").link("fd", DescriptorLink.directory(resources, table));
        root.ownBelow("tmp");
        devices.link("shm", new Directory(resources, MemoryFile.Store.MEMORY)); // tmpfs, as on Linux
    }

    /** Shows a directory of the host at a path, which is made if needed; our own devices stay in front of it. */
    void mount(String path, Path directory) {
        Directory at = root;
        for (String name : path.split("/", -1)) {
            if (!name.isEmpty()) {
                at = at.ownBelow(name);
            }
        }
        if (at.equals(root)) {
            root.unlink("tmp");
        }
        at.mount(new HostDirectory(resources, threads, directory));
    }

    /** What F_GETFL shows of the flags of an open. */
    static int statusFlags(int flags) {
        return (flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)) | O_LARGEFILE; // [Q06]
    }

    /** open(2). */
    Opened open(String path, int flags, int mode) {
        if ((flags & O_PATH) != 0) {
            return openPath(path, flags);
        }
        boolean unnamed = (flags & O_TMPFILE) == O_TMPFILE;
        boolean creates = (flags & O_CREAT) != 0;
        if ((creates && (flags & O_DIRECTORY) != 0) || (unnamed && (flags & O_ACCMODE) == O_RDONLY)) {
            return new Opened.Failed(EINVAL);
        }
        boolean exclusive = creates && (flags & O_EXCL) != 0;
        Walk walk = new Walk(root, workingDirectory, path, !exclusive && (flags & O_NOFOLLOW) == 0);
        if (creates && walk.directory != null && walk.slash && (walk.errno == 0 || walk.errno == ENOTDIR)) {
            return new Opened.Failed(EISDIR);
        }
        if (walk.errno != 0) {
            return new Opened.Failed(walk.errno);
        }
        Inode found = walk.found;
        if (unnamed) {
            return found instanceof Directory in ? createUnnamed(in, flags, mode) : notThere(found);
        }
        if (found == null && creates && walk.directory != null) {
            Opened created = walk.directory.create(walk.name, flags, permissions(mode));
            boolean overtaken = created instanceof Opened.Failed failed && failed.errno() == EEXIST && !exclusive;
            return overtaken ? open(path, flags, mode) : created;
        }
        if (found == null) {
            return new Opened.Failed(ENOENT);
        }
        return exclusive ? new Opened.Failed(EEXIST) : openFound(found, flags);
    }

    private static Opened notThere(@Nullable Inode found) {
        return new Opened.Failed(found == null ? ENOENT : ENOTDIR);
    }

    private Opened openPath(String path, int flags) {
        Walk walk = new Walk(root, workingDirectory, path, (flags & O_NOFOLLOW) == 0);
        Inode found = walk.found;
        if (walk.errno != 0 || found == null) {
            return new Opened.Failed(walk.errno != 0 ? walk.errno : ENOENT);
        }
        if (found instanceof DescriptorLink link && (flags & O_NOFOLLOW) == 0) {
            found = link.target() == null ? found : link.target();
        }
        if ((flags & O_DIRECTORY) != 0 && !(found instanceof Directory)) {
            return new Opened.Failed(ENOTDIR);
        }
        return found != null && found.acquire()
                ? new Opened.File(new OpenPath(found, flags))
                : new Opened.Failed(ENOENT);
    }

    private Opened openFound(Inode found, int flags) {
        Inode target = found;
        if (found instanceof DescriptorLink link) {
            if ((flags & O_NOFOLLOW) != 0) {
                return new Opened.Failed(ELOOP);
            }
            Inode behind = link.target();
            target = behind == null ? found : behind;
        }
        boolean directory = target instanceof Directory;
        if (directory && ((flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_ACCMODE) != O_RDONLY)) {
            return new Opened.Failed(EISDIR);
        }
        if (!directory && (flags & O_DIRECTORY) != 0) {
            return new Opened.Failed(ENOTDIR);
        }
        return target.open(flags & ~O_CREAT); // it is there
    }

    private Opened createUnnamed(Directory directory, int flags, int mode) {
        MemoryFile file = new MemoryFile(resources, directory.store, permissions(mode), false);
        return new Opened.File(new OpenMemoryFile(file, statusFlags(flags)));
    }

    private static int permissions(int mode) {
        return mode & PERMISSIONS & ~UMASK;
    }

    /** memfd_create(2). */
    Opened memfd(String name, int flags) {
        if ((flags & ~MFD_ALL) != 0 || (flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL)) {
            return new Opened.Failed(EINVAL);
        }
        if (name.getBytes(UTF_8).length > MFD_MOST_NAME_BYTES) {
            return new Opened.Failed(EINVAL);
        }
        if ((flags & MFD_HUGETLB) != 0) {
            return new Opened.Failed(ENOSYS); // as a kernel without hugetlbfs
        }
        boolean executable = (flags & MFD_NOEXEC_SEAL) == 0;
        boolean sealable = (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)) != 0;
        MemoryFile file = new MemoryFile(resources, MemoryFile.Store.MEMORY, executable ? 0777 : 0666, sealable);
        return new Opened.File(new OpenMemoryFile(file, O_RDWR | O_LARGEFILE));
    }

    /** mkfifo(3). */
    long mkfifo(String path, int mode) {
        return make(path, new Fifo(resources, permissions(mode)));
    }

    /** Gives a new inode its name; if that fails, nothing else holds it and it is gone. */
    private long make(String path, Inode inode) {
        Walk walk = new Walk(root, workingDirectory, path, false);
        long result;
        if (walk.errno != 0) {
            result = walk.errno == ENOTDIR && walk.found != null && walk.slash ? -EEXIST : -walk.errno;
        } else if (walk.found != null || walk.directory == null) {
            result = -EEXIST;
        } else {
            result = walk.slash ? -ENOENT : walk.directory.link(walk.name, inode);
        }
        if (result < 0) {
            inode.release();
        }
        return result;
    }

    /** unlink(2). */
    long unlink(String path) {
        Walk walk = new Walk(root, workingDirectory, path, false);
        if (walk.errno != 0) {
            return -walk.errno;
        }
        Directory directory = walk.directory;
        if (directory == null || walk.found instanceof Directory) {
            return -EISDIR;
        }
        return walk.found == null ? -ENOENT : directory.unlink(walk.name);
    }

    // Names of Unix sockets.

    /** Gives a bound socket its name. Returns 0, -EADDRINUSE or what the walk ended with. */
    long bindSocket(String path, Object socket) {
        long result = make(path, new SocketName(resources, socket));
        return result == -EEXIST ? -EADDRINUSE : result;
    }

    /** Stores the socket that was bound to a path into {@code out[0]}. Returns 0 or -errno. */
    long socketAt(String path, Object[] out) {
        Walk walk = new Walk(root, workingDirectory, path, true);
        if (walk.errno != 0) {
            return -walk.errno;
        }
        if (!(walk.found instanceof SocketName name)) {
            return walk.found == null ? -ENOENT : -ECONNREFUSED;
        }
        out[0] = name.socket;
        return 0;
    }

    /**
     * Takes all names away, and waits for what is still on its way to the host; answers as {@link HostThreads#close}.
     */
    boolean close() {
        root.clear();
        return threads.close();
    }
}
