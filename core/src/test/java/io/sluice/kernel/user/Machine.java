// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.MFD_ALLOW_SEALING;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_RDWR;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.SignalCounts;
import io.sluice.kernel.Snapshot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** A kernel in checking mode with short words for its calls; at its close nothing may be left. */
final class Machine implements AutoCloseable {
    static final int PAGE = 4096;

    final Kernel kernel;
    private final Snapshot snapshot;

    Machine() {
        this(UserKernel.builder());
    }

    Machine(UserKernel.Builder builder) {
        kernel = builder.checking(true).build();
        snapshot = kernel.feature(Snapshot.class).orElseThrow();
    }

    /** Two ends: [0] is read, [1] is written. */
    int[] pipe() {
        int[] fds = new int[2];
        assertThat(kernel.pipe2(fds, 0)).isZero();
        return fds;
    }

    int memfd() {
        return open(kernel.memfdCreate("test", MFD_ALLOW_SEALING));
    }

    /** A named file without a name any more. */
    int file() {
        int fd = open(kernel.open("/tmp/file", O_CREAT | O_RDWR, 0666));
        assertThat(kernel.unlink("/tmp/file")).isZero();
        return fd;
    }

    int open(String path, int flags) {
        return open(kernel.open(path, flags, 0666));
    }

    private static int open(long fd) {
        assertThat(answer(fd)).matches("\\d+");
        return (int) fd;
    }

    long write(int fd, String text) {
        return kernel.write(fd, bytes(text));
    }

    long pwrite(int fd, String text, long offset) {
        return kernel.pwrite(fd, bytes(text), offset);
    }

    String read(int fd, int count) {
        MemorySegment buffer = Arena.ofAuto().allocate(Math.max(count, 1)).asSlice(0, count);
        return taken(kernel.read(fd, buffer), buffer);
    }

    String pread(int fd, int count, long offset) {
        MemorySegment buffer = Arena.ofAuto().allocate(Math.max(count, 1)).asSlice(0, count);
        return taken(kernel.pread(fd, buffer, offset), buffer);
    }

    private static String taken(long result, MemorySegment buffer) {
        return result < 0
                ? answer(result)
                : new String(buffer.asSlice(0, result).toArray(JAVA_BYTE), UTF_8);
    }

    static MemorySegment bytes(String text) {
        return Arena.ofAuto().allocateFrom(text).asSlice(0, text.length());
    }

    /** A result as people write it: a number, or the name of its errno. */
    static String answer(long result) {
        return result < 0 ? Errno.name((int) -result) : Long.toString(result);
    }

    int slots(int pipeEnd) {
        return snapshot.pipe(pipeEnd).orElseThrow().slots().size();
    }

    long pages() {
        return snapshot.pagesInUse();
    }

    long sigxfszs() {
        return kernel.feature(SignalCounts.class).orElseThrow().sigxfszs();
    }

    /** A call in a thread of its own. */
    static <T> Running<T> start(Callable<T> call) {
        FutureTask<T> task = new FutureTask<>(call);
        return new Running<>(task, Thread.ofPlatform().daemon().start(task));
    }

    /** A call under way. */
    record Running<T>(FutureTask<T> task, Thread thread) {
        /** Waits until it sleeps. */
        Running<T> asleep() {
            while (thread.getState() != Thread.State.WAITING) {
                assertThat(thread.isAlive()).isTrue();
                Thread.onSpinWait();
            }
            return this;
        }

        T answer() throws Exception {
            return task.get(10, TimeUnit.SECONDS);
        }
    }

    /** Closes what is open and looks for pages that nobody has any more. */
    @Override
    public void close() {
        snapshot.descriptors().forEach(kernel::close);
        assertThat(snapshot.pagesInUse()).isZero();
        kernel.close();
    }
}
