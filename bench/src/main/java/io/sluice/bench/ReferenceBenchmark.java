// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.user.UserKernel;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How fast do references go through a pipe of 1 MiB, in the user-space kernel and in Linux? (P3.) The benchmark's
 * thread takes 1 MiB at a time out to /dev/null, another puts memory of 2-MiB pages in all the while. Linux is called
 * from here as well; bench/p2.sh compares that with C.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class ReferenceBenchmark {
    private static final int CAPACITY = 1 << 20;
    private static final int MEMORY = 2 << 20;

    /** Whose pipe. */
    @Param({"user", "linux"})
    public String kernelName = "user";

    /** Whether calls sleep, or are made again and again with SPLICE_F_NONBLOCK. */
    @Param({"sleeping", "spinning"})
    public String mode = "sleeping";

    /** Bytes of one vmsplice. */
    @Param({"131072", "1048576"})
    public int pieceBytes = CAPACITY;

    private Kernel kernel = UserKernel.builder().build();
    private final int[] ends = new int[2];
    private int flags;
    private int sink;
    private List<MemorySegment> memory = List.of();
    private Thread feeder = Thread.currentThread();
    private volatile boolean stopped;

    /** Makes the pipe and starts to feed it. */
    @Setup
    public void open() {
        kernel = kernelName.equals("user") ? kernel : new LinuxKernel();
        flags = mode.equals("spinning") ? SPLICE_F_NONBLOCK : 0;
        check(kernel.pipe2(ends, O_CLOEXEC));
        check(kernel.fcntl(ends[0], F_SETPIPE_SZ, CAPACITY));
        sink = (int) check(kernel.open("/dev/null", O_WRONLY | O_CLOEXEC, 0));
        MemorySegment[] mapped = new MemorySegment[1];
        check(kernel.mmap(MEMORY, true, mapped));
        memory = List.of(mapped[0].fill((byte) 1).asSlice(0, pieceBytes));
        feeder = Thread.ofPlatform().start(() -> {
            while (!stopped) {
                long put = kernel.vmsplice(ends[1], memory, flags);
                if (put < 0 && put != -Errno.EAGAIN) {
                    throw new IllegalStateException(Errno.name((int) -put));
                }
            }
        });
    }

    /** Stops the feeder, which may sleep for room. */
    @TearDown
    public void close() throws InterruptedException {
        stopped = true;
        while (feeder.isAlive()) {
            kernel.splice(ends[0], null, sink, null, CAPACITY, SPLICE_F_NONBLOCK);
        }
        feeder.join();
        for (int fd : new int[] {ends[0], ends[1], sink}) {
            check(kernel.close(fd));
        }
    }

    /** Moves 1 MiB; the time is that of 1 MiB. */
    @Benchmark
    public long mebibyte() {
        long moved = 0;
        while (moved < CAPACITY) {
            long taken = kernel.splice(ends[0], null, sink, null, CAPACITY - moved, flags);
            moved += taken == -Errno.EAGAIN ? 0 : check(taken);
        }
        return moved;
    }

    private static long check(long result) {
        if (result < 0) {
            throw new IllegalStateException(Errno.name((int) -result));
        }
        return result;
    }
}
