// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EEXIST;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EISDIR;
import static io.sluice.kernel.Errno.ELOOP;
import static io.sluice.kernel.Errno.ENAMETOOLONG;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENOTDIR;
import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Errno.EXDEV;
import static io.sluice.kernel.Flags.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files against the kernel of this machine, and against what java.nio says of the same files. */
final class LinuxFilesTest extends OnLinux {
    @TempDir
    private Path directory;

    private int open(String name, int flags) {
        return opened(kernel.open(path(name), flags | O_CLOEXEC, 0644));
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    @Test
    void openCreatesTruncatesAndAppends() throws IOException {
        int file = open("file", O_RDWR | O_CREAT | O_EXCL);
        assertThat(kernel.fcntl(file, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        ok(kernel.write(file, text("first")));
        assertThat(kernel.open(path("file"), O_RDWR | O_CREAT | O_EXCL, 0644)).isEqualTo(-EEXIST);
        ok(kernel.write(open("file", O_WRONLY | O_APPEND), text(" second")));
        assertThat(Files.readString(directory.resolve("file"))).isEqualTo("first second");
        open("file", O_WRONLY | O_TRUNC);
        assertThat(Files.size(directory.resolve("file"))).isZero();
    }

    @Test
    void openFlagsReachTheKernelUnderTheirOwnMeaning() throws IOException {
        Files.createSymbolicLink(directory.resolve("link"), directory);
        assertThat(kernel.open(path("link"), O_RDONLY | O_NOFOLLOW, 0)).isEqualTo(-ELOOP);
        open("link", O_RDONLY | O_DIRECTORY);
        open("plain", O_CREAT | O_WRONLY);
        assertThat(kernel.open(path("plain"), O_RDONLY | O_DIRECTORY, 0)).isEqualTo(-ENOTDIR);
        assertThat(kernel.open(path("."), O_WRONLY, 0)).isEqualTo(-EISDIR);
        int appending = open("plain", O_WRONLY | O_APPEND | O_NONBLOCK | O_SYNC);
        long flags = kernel.fcntl(appending, F_GETFL, 0) & ~O_LARGEFILE; // the kernel adds that one itself
        assertThat(flags).isEqualTo(O_WRONLY | O_APPEND | O_NONBLOCK | O_SYNC);
    }

    @Test
    void fstatSaysWhatJavaSays() throws IOException {
        Path file = directory.resolve("file");
        Files.write(file, new byte[12_345]);
        Files.createLink(directory.resolve("second-name"), file);
        Files.setLastModifiedTime(file, FileTime.from(1_700_000_000_123_456_789L, TimeUnit.NANOSECONDS));
        Stat stat = new Stat();
        assertThat(kernel.fstat(open("file", O_RDONLY), stat)).isZero();
        assertThat(stat.ino()).isEqualTo(Files.getAttribute(file, "unix:ino"));
        assertThat(stat.mode()).isEqualTo(Files.getAttribute(file, "unix:mode"));
        assertThat(stat.nlink())
                .isEqualTo(Files.getAttribute(file, "unix:nlink"))
                .isEqualTo(2);
        assertThat(stat.size()).isEqualTo(12_345);
        assertThat(stat.type()).isEqualTo(S_IFREG);
        assertThat(stat.mtimeNanos()).isEqualTo(1_700_000_000_123_456_789L);
        assertThat(stat.blksize()).isPositive();
        assertThat(makedev(stat.dev())).isEqualTo(Files.getAttribute(file, "unix:dev"));
        assertThat(stat.rdev()).isZero();
    }

    @Test
    void fstatOfADeviceNamesTheDevice() throws IOException {
        Stat stat = new Stat();
        assertThat(kernel.fstat(opened(kernel.open("/dev/null", O_RDWR | O_CLOEXEC, 0)), stat))
                .isZero();
        assertThat(stat.type()).isEqualTo(S_IFCHR);
        assertThat(stat.rdev()).isEqualTo(1L << 32 | 3); // major 1, minor 3
        assertThat(makedev(stat.rdev())).isEqualTo(Files.getAttribute(Path.of("/dev/null"), "unix:rdev"));
    }

    /** The packing of the C library, which Java shows; ours is simpler. */
    private static long makedev(long device) {
        long major = device >>> 32;
        long minor = device & 0xffffffffL;
        return ((major & 0xfffff000L) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffffff00L) << 12) | (minor & 0xff);
    }

    @Test
    void fstatOfWhatIsNotOpenIsRefused() {
        Stat stat = new Stat();
        assertThat(kernel.fstat(-1, stat)).isEqualTo(-EBADF);
        // A number that means the working directory to statx, by which fstat is made.
        assertThat(kernel.fstat(-100, stat)).isEqualTo(-EBADF);
        assertThat(stat.ino()).isZero();
    }

    @Test
    void readsAndWritesAtOffsetsLeaveThePositionAlone() {
        int file = opened(kernel.memfdCreate("positions", MFD_CLOEXEC));
        assertThat(kernel.pwrite(file, text("abc"), 5)).isEqualTo(3);
        assertThat(kernel.pwritev(file, List.of(text("X"), text("YZ")), 1L << 33))
                .isEqualTo(3);
        assertThat(kernel.lseek(file, 0, SEEK_CUR)).isZero();
        assertThat(kernel.lseek(file, 0, SEEK_END)).isEqualTo((1L << 33) + 3);
        MemorySegment room = arena.allocate(3);
        assertThat(kernel.pread(file, room, (1L << 33) + 1)).isEqualTo(2);
        assertThat(string(room)).startsWith("YZ");
        assertThat(kernel.pread(file, room, 5)).isEqualTo(3);
        assertThat(string(room)).isEqualTo("abc");
        assertThat(kernel.lseek(file, 0, SEEK_DATA)).isLessThanOrEqualTo(5);
        assertThat(kernel.lseek(file, -1, SEEK_SET)).isEqualTo(-EINVAL);
        assertThat(kernel.pread(file, room, -1)).isEqualTo(-EINVAL);
    }

    @Test
    void fionreadOfALongFileIsNoError() {
        int file = opened(kernel.memfdCreate("long", MFD_CLOEXEC));
        ok(kernel.ftruncate(file, (1L << 32) - 11)); // as a signed int: -EAGAIN
        assertThat(kernel.fionread(file)).isEqualTo((1L << 32) - 11);
    }

    @Test
    void lengthsAreCutAllocatedAndPunched() {
        int file = open("file", O_RDWR | O_CREAT);
        Stat stat = new Stat();
        assertThat(kernel.fallocate(file, 0, 0, 16_384)).isZero();
        assertThat(kernel.fallocate(file, FALLOC_FL_KEEP_SIZE, 16_384, 16_384)).isZero();
        ok(kernel.fstat(file, stat));
        assertThat(stat.size()).isEqualTo(16_384);
        ok(kernel.pwrite(file, text("data"), 4096));
        assertThat(kernel.fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096))
                .isZero();
        MemorySegment room = arena.allocate(4);
        assertThat(kernel.pread(file, room, 4096)).isEqualTo(4);
        assertThat(room.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
        assertThat(kernel.fallocate(file, 0, 0, 0)).isEqualTo(-EINVAL);
        assertThat(kernel.ftruncate(file, 100)).isZero();
        ok(kernel.fstat(file, stat));
        assertThat(stat.size()).isEqualTo(100);
        assertThat(kernel.ftruncate(file, -1)).isEqualTo(-EINVAL);
        assertThat(kernel.fsync(file)).isZero();
        assertThat(kernel.fsync(-1)).isEqualTo(-EBADF);
    }

    @Test
    void copyFileRangeAdvancesTheOffsetsItIsGiven() throws IOException {
        Files.writeString(directory.resolve("from"), "0123456789");
        int from = open("from", O_RDONLY);
        int to = open("to", O_RDWR | O_CREAT);
        Offset in = new Offset(3);
        Offset out = new Offset(1);
        assertThat(kernel.copyFileRange(from, in, to, out, 4, 0)).isEqualTo(4);
        assertThat(in.value()).isEqualTo(7);
        assertThat(out.value()).isEqualTo(5);
        assertThat(Files.readString(directory.resolve("to"))).isEqualTo("\0" + "3456");
        assertThat(kernel.copyFileRange(from, null, to, null, 100, 0)).isEqualTo(10);
        assertThat(kernel.lseek(from, 0, SEEK_CUR)).isEqualTo(10);
        assertThat(kernel.copyFileRange(from, null, to, null, 100, 0)).isZero();
        assertThat(kernel.copyFileRange(from, null, to, null, 1, 1)).isEqualTo(-EINVAL);
    }

    @Test
    void sendfileAdvancesTheOffsetItIsGiven() throws IOException {
        Files.writeString(directory.resolve("from"), "0123456789");
        int from = open("from", O_RDONLY);
        int[] pipe = pipe(O_NONBLOCK);
        Offset offset = new Offset(2);
        assertThat(kernel.sendfile(pipe[1], from, offset, 3)).isEqualTo(3);
        assertThat(offset.value()).isEqualTo(5);
        assertThat(kernel.lseek(from, 0, SEEK_CUR)).isZero();
        assertThat(kernel.sendfile(pipe[1], from, null, 2)).isEqualTo(2);
        assertThat(kernel.lseek(from, 0, SEEK_CUR)).isEqualTo(2);
        assertThat(readText(pipe[0])).isEqualTo("23401");
    }

    /** Shares blocks where the file system can (btrfs, xfs); ext4 and tmpfs answer that they cannot. */
    @Test
    void ficloneSharesOrIsRefusedByTheFileSystem() throws IOException {
        Files.writeString(directory.resolve("from"), "shared");
        long result = kernel.ficlone(open("to", O_WRONLY | O_CREAT), open("from", O_RDONLY));
        if (result == 0) {
            assertThat(Files.readString(directory.resolve("to"))).isEqualTo("shared");
        } else {
            assertThat(result).isIn((long) -EOPNOTSUPP, (long) -EXDEV, (long) -EINVAL);
        }
        assertThat(kernel.ficlone(-1, -1)).isEqualTo(-EBADF);
    }

    @Test
    void memoryFilesCanBeSealed() {
        int file = opened(kernel.memfdCreate("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        ok(kernel.write(file, text("for ever")));
        assertThat(kernel.fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK))
                .isZero();
        assertThat(kernel.fcntl(file, F_GET_SEALS, 0)).isEqualTo(F_SEAL_WRITE | F_SEAL_SHRINK);
        assertThat(kernel.pwrite(file, text("x"), 0)).isEqualTo(-EPERM);
        assertThat(kernel.memfdCreate("x".repeat(250), 0)).isEqualTo(-EINVAL); // longer than the kernel's 249
        assertThat(kernel.memfdCreate("flags", 0x100)).isEqualTo(-EINVAL);
    }

    @Test
    void aFifoConnectsTwoOpens() throws IOException {
        assertThat(kernel.mkfifo(path("fifo"), 0600)).isZero();
        assertThat((int) Files.getAttribute(directory.resolve("fifo"), "unix:mode"))
                .isEqualTo(S_IFIFO | 0600);
        assertThat(kernel.mkfifo(path("fifo"), 0600)).isEqualTo(-EEXIST);
        assertThat(kernel.open(path("fifo"), O_WRONLY | O_NONBLOCK, 0)).isEqualTo(-ENXIO);
        int reader = open("fifo", O_RDONLY | O_NONBLOCK);
        ok(kernel.write(open("fifo", O_WRONLY), text("through")));
        assertThat(readText(reader)).isEqualTo("through");
        assertThat(kernel.unlink(path("fifo"))).isZero();
        assertThat(kernel.unlink(path("fifo"))).isEqualTo(-ENOENT);
        assertThat(kernel.unlink(directory.toString())).isEqualTo(-EISDIR);
    }

    @Test
    void namesThatNoFileCanHaveAreRefused() {
        String longest = "/" + "x".repeat(4094);
        assertThat(kernel.open(longest, O_RDONLY, 0)).isEqualTo(-ENAMETOOLONG); // by the kernel: one component
        assertThat(kernel.open("/.".repeat(2047) + "/", O_RDONLY | O_CLOEXEC, 0))
                .isGreaterThan(2); // 4095 bytes: not
        assertThat(kernel.open("/.".repeat(2048), O_RDONLY, 0)).isEqualTo(-ENAMETOOLONG);
        assertThat(kernel.open("x".repeat(1 << 20), O_RDONLY, 0)).isEqualTo(-ENAMETOOLONG);
        assertThat(kernel.open("/etc\0/passwd", O_RDONLY, 0)).isEqualTo(-EINVAL);
        assertThat(kernel.unlink("")).isEqualTo(-ENOENT);
        assertThatThrownBy(() -> kernel.open(nothing(), O_RDONLY, 0)).isInstanceOf(NullPointerException.class);
    }

    @SuppressWarnings("NullAway") // misuse, on purpose
    private static String nothing() {
        return null;
    }

    @Test
    void namesAreUtf8() throws IOException {
        open("brücke-橋", O_CREAT | O_WRONLY);
        try (var files = Files.list(directory)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactly("brücke-橋");
        }
    }

    @Test
    void dupAnswersTheLowestFreeNumber() {
        int file = opened(kernel.memfdCreate("twice", MFD_CLOEXEC));
        int second = opened(kernel.dup(file));
        assertThat(kernel.fcntl(second, F_GETFD, 0)).isZero();
        int far = opened(kernel.fcntl(file, F_DUPFD_CLOEXEC, second + 50));
        assertThat(far).isGreaterThanOrEqualTo(second + 50);
        assertThat(kernel.fcntl(far, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        ok(kernel.write(far, text("same")));
        assertThat(kernel.lseek(file, 0, SEEK_CUR)).isEqualTo(4);
        assertThat(kernel.dup(-1)).isEqualTo(-EBADF);
        assertThat(kernel.fcntl(file, 9999, 0)).isEqualTo(-EINVAL);
    }
}
