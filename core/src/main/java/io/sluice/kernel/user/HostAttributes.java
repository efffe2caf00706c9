// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.S_IFCHR;
import static io.sluice.kernel.Flags.S_IFDIR;
import static io.sluice.kernel.Flags.S_IFLNK;
import static io.sluice.kernel.Flags.S_IFMT;
import static io.sluice.kernel.Flags.S_IFREG;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.sluice.kernel.Stat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** What stat(2) says about something on the host, as far as java.nio tells. */
record HostAttributes(long dev, long ino, int mode, int links, long rdev, long size, long mtimeNanos) {
    private static final String UNIX = "unix:dev,ino,mode,nlink,rdev,size,lastModifiedTime";
    private static final int MINOR_BITS = 20; // of a device number in the host's packed form

    static HostAttributes of(Path path, boolean followLinks) throws IOException {
        LinkOption[] options = followLinks ? new LinkOption[0] : new LinkOption[] {NOFOLLOW_LINKS};
        if (!path.getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return ofAnyHost(Files.readAttributes(path, BasicFileAttributes.class, options));
        }
        Map<String, Object> unix = Files.readAttributes(path, UNIX, options);
        return new HostAttributes(
                unpacked(number(unix, "dev")),
                number(unix, "ino"),
                (int) number(unix, "mode"),
                (int) number(unix, "nlink"),
                unpacked(number(unix, "rdev")),
                number(unix, "size"),
                nanos((FileTime) Objects.requireNonNull(unix.get("lastModifiedTime"))));
    }

    private static HostAttributes ofAnyHost(BasicFileAttributes basic) {
        int type = basic.isDirectory()
                ? S_IFDIR | 0755
                : basic.isRegularFile() ? S_IFREG | 0644 : basic.isSymbolicLink() ? S_IFLNK | 0777 : S_IFCHR | 0666;
        Object key = basic.fileKey();
        return new HostAttributes(
                0, key == null ? 0 : key.hashCode(), type, 1, 0, basic.size(), nanos(basic.lastModifiedTime()));
    }

    private static long number(Map<String, Object> attributes, String name) {
        return ((Number) Objects.requireNonNull(attributes.get(name))).longValue();
    }

    private static long nanos(FileTime time) {
        return time.to(TimeUnit.NANOSECONDS);
    }

    /** glibc's makedev: the minor number's low byte, the major's low 12 bits, then the rest of each. */
    private static long unpacked(long dev) {
        long major = ((dev >>> 8) & 0xfff) | ((dev >>> 32) & ~0xfffL);
        long minor = (dev & 0xff) | ((dev >>> 12) & ~0xffL & ((1L << MINOR_BITS) - 1));
        return major << Integer.SIZE | minor;
    }

    int type() {
        return mode & S_IFMT;
    }

    void store(Stat stat) {
        stat.set(dev, ino, mode, links, rdev, size, Page.SIZE, mtimeNanos);
    }
}
