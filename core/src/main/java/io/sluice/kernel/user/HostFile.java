// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFREG;

import io.sluice.kernel.Stat;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;

/** A regular file of the host, by its path there. */
final class HostFile extends Inode {
    private final Resources resources;
    private final HostThreads threads;
    private final Path path;
    private final HostAttributes attributes;

    HostFile(Resources resources, HostThreads threads, Path path, HostAttributes attributes) {
        super(resources, attributes.mode());
        this.resources = resources;
        this.threads = threads;
        this.path = path;
        this.attributes = attributes;
    }

    /** Makes a new file and opens it; EEXIST if somebody was faster. */
    static Opened create(Resources resources, HostThreads threads, Path path, int flags, int permissions) {
        HostAttributes none = new HostAttributes(0, 0, S_IFREG | permissions, 1, 0, 0, 0);
        return new HostFile(resources, threads, path, none).open(flags | O_CREAT);
    }

    /** With O_CREAT: makes it, and fails if it is there. */
    @Override
    Opened open(int flags) {
        if ((flags & O_DIRECT) != 0) {
            return new Opened.Failed(EINVAL); // java.nio would need blocks of the right size and place
        }
        acquire();
        Opened opened = threads.call(() -> openHere(flags));
        if (opened instanceof Opened.Failed) {
            release();
        }
        return opened;
    }

    private Opened openHere(int flags) {
        boolean creates = (flags & O_CREAT) != 0;
        FileAttribute<?>[] permissions = creates && posix()
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions(attributes.mode()))}
                : new FileAttribute<?>[0];
        try {
            FileChannel channel = FileChannel.open(path, options(flags), permissions);
            HostAttributes now = HostAttributes.of(path, true);
            int statusFlags = Tree.statusFlags(flags);
            return new Opened.File(new OpenHostFile(resources, threads, channel, now, this, 0, statusFlags));
        } catch (IOException e) {
            return new Opened.Failed(HostErrors.errno(e));
        }
    }

    private static Set<OpenOption> options(int flags) {
        Set<OpenOption> options = new HashSet<>();
        int access = flags & O_ACCMODE;
        if (access != O_WRONLY) {
            options.add(StandardOpenOption.READ);
        }
        if (access != O_RDONLY) {
            options.add(StandardOpenOption.WRITE);
        }
        if ((flags & O_CREAT) != 0) {
            options.add(StandardOpenOption.CREATE_NEW);
            options.add(StandardOpenOption.WRITE);
        }
        if ((flags & O_TRUNC) != 0) {
            options.add(StandardOpenOption.TRUNCATE_EXISTING);
            options.add(StandardOpenOption.WRITE);
        } else if ((flags & O_APPEND) != 0 && access == O_WRONLY) {
            options.add(StandardOpenOption.APPEND); // the host finds the end, so that other processes' bytes stay
        }
        return options;
    }

    private static boolean posix() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
        PosixFilePermission[] fromTheTop = PosixFilePermission.values();
        for (int i = 0; i < fromTheTop.length; i++) {
            if ((mode & 0400 >> i) != 0) {
                set.add(fromTheTop[i]);
            }
        }
        return set;
    }

    /** What the path shows now, if it still leads to the file that was opened. */
    HostAttributes attributesNow(HostAttributes atOpen) {
        return threads.call(() -> {
            try {
                HostAttributes now = HostAttributes.of(path, true);
                return now.ino() == atOpen.ino() && now.dev() == atOpen.dev() ? now : atOpen;
            } catch (IOException gone) {
                return atOpen;
            }
        });
    }

    @Override
    void stat(Stat stat) {
        attributes.store(stat);
    }

    @Override
    public String toString() {
        return "file of the host " + path;
    }
}
