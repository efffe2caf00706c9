// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Flags.S_IFDIR;
import static io.sluice.kernel.Flags.S_IFLNK;
import static io.sluice.kernel.Flags.S_IFREG;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A directory of the host that shows in the tree. What is there is asked anew each time. */
final class HostDirectory {
    private final Resources resources;
    private final HostThreads threads;
    private final Path path;

    HostDirectory(Resources resources, HostThreads threads, Path path) {
        this.resources = resources;
        this.threads = threads;
        this.path = path;
    }

    HostDirectory below(String name) {
        return new HostDirectory(resources, threads, path.resolve(name));
    }

    /** What has that name there; links are left to the walk, so that none leads out of the tree. */
    @Nullable
    Inode lookup(String name) {
        return threads.call(() -> {
            try {
                Path child = path.resolve(name);
                return inode(child, HostAttributes.of(child, false));
            } catch (IOException | InvalidPathException nothing) {
                return null;
            }
        });
    }

    private Inode inode(Path child, HostAttributes attributes) throws IOException {
        return switch (attributes.type()) {
            case S_IFDIR -> new Directory(resources, new HostDirectory(resources, threads, child), attributes);
            case S_IFLNK -> new Link(resources, Files.readSymbolicLink(child).toString());
            case S_IFREG -> new HostFile(resources, threads, child, attributes);
            default -> new HostSpecial(resources, threads, child, attributes);
        };
    }

    Opened create(String name, int flags, int permissions) {
        try {
            return HostFile.create(resources, threads, path.resolve(name), flags, permissions);
        } catch (InvalidPathException e) {
            return new Opened.Failed(EINVAL);
        }
    }

    long unlink(String name) {
        return threads.call(() -> {
            try {
                Files.delete(path.resolve(name));
                return 0L;
            } catch (IOException e) {
                return (long) -HostErrors.errno(e);
            } catch (InvalidPathException e) {
                return (long) -EINVAL;
            }
        });
    }
}
