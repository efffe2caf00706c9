// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.testing.NeedsLinux;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;

/** A kernel, an arena, and descriptors that are closed when the test ends. */
@NeedsLinux
abstract class OnLinux {
    /** How long a test waits for another thread before it calls it stuck. */
    static final long PATIENCE_MILLIS = 20_000;

    final LinuxKernel kernel = new LinuxKernel();
    final Arena arena = Arena.ofShared();
    private final Deque<Integer> open = new ArrayDeque<>();

    @AfterEach
    void closeAll() {
        open.forEach(kernel::close);
        arena.close();
    }

    /** A descriptor that the call must have answered; closed after the test. */
    int opened(long result) {
        int fd = (int) ok(result);
        open.push(fd);
        return fd;
    }

    static long ok(long result) {
        assertThat(result).as("answered %s", Errno.name((int) result)).isNotNegative();
        return result;
    }

    int[] pipe(int flags) {
        int[] fds = new int[2];
        ok(kernel.pipe2(fds, flags | O_CLOEXEC));
        open.push(fds[0]);
        open.push(fds[1]);
        return fds;
    }

    MemorySegment text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment segment = arena.allocate(bytes.length);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    /** What a read of up to 100 bytes answers, as text. */
    String readText(int fd) {
        MemorySegment room = arena.allocate(100);
        return string(room.asSlice(0, ok(kernel.read(fd, room))));
    }

    static String string(MemorySegment segment) {
        return new String(segment.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    /** Waits until the platform thread known to the system as {@code thread} sleeps in system call {@code number}. */
    static void awaitCall(int thread, long number) throws Exception {
        Path file = Path.of("/proc/self/task/" + thread + "/syscall");
        long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
        while (!Files.readString(file).startsWith(number + " ")) {
            assertThat(System.nanoTime())
                    .as("thread %s is not in call %s", thread, number)
                    .isLessThan(end);
            Thread.onSpinWait();
        }
    }
}
