// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLL_CLOEXEC;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Offset;
import io.sluice.kernel.linux.LinuxKernel;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does a system call cost from Java above the same call from C, and does it allocate? (P1.) The peers are in
 * bench/c/p1.c; bench/p1.sh runs both. On virtual threads with {@code -jvmArgsAppend -Djmh.executor=VIRTUAL}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class SystemCallBenchmark {
    private final LinuxKernel kernel = new LinuxKernel();
    private final int[] pipe = new int[2];
    private final Offset offset = new Offset(0);
    private final EpollEvents events = new EpollEvents(64);
    private final MemorySegment[] mapped = new MemorySegment[1];
    private int epoll;
    private MemorySegment piece = MemorySegment.NULL;
    private List<MemorySegment> pieces = List.of();

    /** An empty pipe with an epoll instance that watches it, and 64 bytes of memory. */
    @Setup
    public void open() {
        check(kernel.pipe2(pipe, O_CLOEXEC | O_NONBLOCK));
        epoll = (int) check(kernel.epollCreate1(EPOLL_CLOEXEC));
        check(kernel.epollCtl(epoll, EPOLL_CTL_ADD, pipe[0], EPOLLIN, 7));
        check(kernel.mmap(4096, false, mapped));
        piece = mapped[0].asSlice(0, 64).fill((byte) 1);
        pieces = List.of(piece);
    }

    /** Gives all of it back. */
    @TearDown
    public void close() {
        check(kernel.close(pipe[0]));
        check(kernel.close(pipe[1]));
        check(kernel.close(epoll));
        check(kernel.munmap(mapped[0]));
        kernel.close();
    }

    private static long check(long result) {
        if (result < 0) {
            throw new IllegalStateException("a call answered " + result);
        }
        return result;
    }

    /** P1: a splice that fails at once. */
    @Benchmark
    public long spliceEbadf() {
        return kernel.splice(-1, null, -1, null, 1, SPLICE_F_NONBLOCK);
    }

    /** The same with an offset to pass in and out. */
    @Benchmark
    public long spliceOffsetEbadf() {
        return kernel.splice(-1, offset, -1, null, 1, SPLICE_F_NONBLOCK);
    }

    /** A tee that fails at once. */
    @Benchmark
    public long teeEbadf() {
        return kernel.tee(-1, -1, 1, SPLICE_F_NONBLOCK);
    }

    /** A vmsplice of one segment that fails at once: the cost of the list. */
    @Benchmark
    public long vmspliceEbadf() {
        return kernel.vmsplice(-1, pieces, SPLICE_F_NONBLOCK);
    }

    /** A write that fails at once: the cost of holding memory open. */
    @Benchmark
    public long writeEbadf() {
        return kernel.write(-1, piece);
    }

    /** 64 bytes copied into a pipe and out again. */
    @Benchmark
    public long writeRead() {
        return kernel.write(pipe[1], piece) + kernel.read(pipe[0], piece);
    }

    /** A reference to 64 bytes put into a pipe, and the bytes copied out. */
    @Benchmark
    public long vmspliceRead() {
        return kernel.vmsplice(pipe[1], pieces, SPLICE_F_NONBLOCK) + kernel.read(pipe[0], piece);
    }

    /** A look at an empty pipe. */
    @Benchmark
    public long poll() {
        return kernel.poll(pipe[0], POLLIN, 0);
    }

    /** A look at an epoll instance with nothing ready. */
    @Benchmark
    public long epollWait() {
        return kernel.epollWait(epoll, events, 0);
    }

    /** How much an empty pipe holds. */
    @Benchmark
    public long fionread() {
        return kernel.fionread(pipe[0]);
    }
}
