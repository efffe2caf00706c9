// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import static java.util.Objects.requireNonNull;

import io.sluice.Pipe;
import io.sluice.SendBuffer;
import io.sluice.SendBuffers;
import io.sluice.Sluice;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
 * What does it cost to send memory by reference when nothing proves that it is free again, and fresh pages are mapped
 * for it, and what when it is proven? The peer is a write, which copies. One thread fills a piece, sends it into a pipe
 * and reads it out again; the way back is the same for all.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class SendBufferBenchmark {
    private static final int PIPE_BYTES = 1 << 20;

    /** Bytes of one piece. */
    @Param({"4096", "65536", "1048576"})
    public int bytes = 4096;

    /** Whether the memory is proven free, mapped anew, or its bytes copied. */
    @Param({"proven", "mapped", "copied"})
    public String way = "proven";

    private final Arena arena = Arena.ofShared();
    private final Sluice sluice = Sluice.open();
    private @Nullable SendBuffers buffers;
    private @Nullable Pipe pipe;
    private MemorySegment own = MemorySegment.NULL;
    private MemorySegment room = MemorySegment.NULL;

    /** Makes what is sent through and read into, and, where nothing is to be proven, hands the read end out. */
    @Setup
    public void open() throws IOException {
        buffers = sluice.sendBuffers(bytes, 1);
        pipe = sluice.pipe(PIPE_BYTES);
        own = arena.allocate(bytes, 4096);
        room = arena.allocate(bytes, 4096);
        if (way.equals("mapped")) {
            pipe.reader().redirect();
        }
    }

    /** Closes everything. */
    @TearDown
    public void close() {
        requireNonNull(buffers).close();
        requireNonNull(pipe).close();
        sluice.close();
        arena.close();
    }

    /** One piece filled, sent and read. */
    @Benchmark
    public long piece() throws IOException {
        Pipe through = requireNonNull(pipe);
        if (way.equals("copied")) {
            own.fill((byte) 1);
            through.writer().write(own);
        } else {
            SendBuffer buffer = requireNonNull(buffers).lease();
            buffer.segment().fill((byte) 1);
            buffer.sendTo(through.writer(), bytes);
        }
        long read = 0;
        while (read < bytes) {
            read += through.reader().read(room.asSlice(read));
        }
        return read;
    }
}
