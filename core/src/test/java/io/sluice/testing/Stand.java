// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_PATH;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Where a contract runs: a kernel, and a directory on it that is the test's alone. A kernel in user space has files,
 * FIFOs and sockets of its own, which the host does not see; so what a test makes or looks at beside the library goes
 * through here, by calls of that kernel, and no wrapper that the test puts around the kernel notices.
 */
public abstract class Stand implements AutoCloseable {
    private final Kernel kernel;
    private final Path directory;

    Stand(Kernel kernel, Path directory) {
        this.kernel = kernel;
        this.directory = directory;
    }

    /** On the system itself, in a new directory for temporary files. */
    public static Stand onLinux() {
        return LinuxStand.open();
    }

    /** On a machine in memory, made for this test. Needs no native access. */
    public static Stand inUserSpace() {
        return UserStand.open();
    }

    /** The kernel, without any wrapper. */
    public final Kernel kernel() {
        return kernel;
    }

    /** Where the test keeps its files. */
    public final Path directory() {
        return directory;
    }

    /** Makes the file, or replaces what it holds. */
    public final Path write(Path path, byte[] data) {
        writeAt(path, O_TRUNC, 0, data);
        return path;
    }

    /** Writes into the file, which is made if needed. */
    public final void writeAt(Path path, long offset, byte[] data) {
        writeAt(path, 0, offset, data);
    }

    private void writeAt(Path path, int flags, long offset, byte[] data) {
        int fd = open(path, O_WRONLY | O_CREAT | flags);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment rest = arena.allocateFrom(JAVA_BYTE, data);
            for (long at = offset; rest.byteSize() > 0; ) {
                long count = answered(kernel.pwrite(fd, rest, at));
                at += count;
                rest = rest.asSlice(count);
            }
        } finally {
            kernel.close(fd);
        }
    }

    /** All that the file holds. */
    public final byte[] read(Path path) {
        int fd = open(path, O_RDONLY);
        try {
            Stat stat = new Stat();
            answered(kernel.fstat(fd, stat));
            return read(fd, 0, (int) stat.size());
        } finally {
            kernel.close(fd);
        }
    }

    /** That many bytes from there. */
    public final byte[] readAt(Path path, long offset, int count) {
        int fd = open(path, O_RDONLY);
        try {
            return read(fd, offset, count);
        } finally {
            kernel.close(fd);
        }
    }

    private byte[] read(int fd, long offset, int count) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(Math.max(count, 1));
            for (long done = 0; done < count; ) {
                long got = answered(kernel.pread(fd, room.asSlice(done, count - done), offset + done));
                assertThat(got).as("bytes at %s of %s", offset + done, count).isPositive();
                done += got;
            }
            return room.asSlice(0, count).toArray(JAVA_BYTE);
        }
    }

    /** Sets the length of a file that is there. */
    public final void resize(Path path, long bytes) {
        int fd = open(path, O_WRONLY);
        answered(kernel.ftruncate(fd, bytes));
        kernel.close(fd);
    }

    /** Whether the path names anything. */
    public final boolean exists(Path path) {
        long fd = kernel.open(path.toString(), O_PATH | O_CLOEXEC, 0);
        return fd >= 0 && kernel.close((int) fd) == 0;
    }

    private int open(Path path, int flags) {
        return (int) answered(kernel.open(path.toString(), flags | O_CLOEXEC, 0600));
    }

    private static long answered(long result) {
        assertThat(result).as("answered %s", Errno.name((int) -result)).isNotNegative();
        return result;
    }

    /** Ends the kernel and takes the directory away; what the test has left open in it is a failure. */
    @Override
    public abstract void close() throws IOException;
}
