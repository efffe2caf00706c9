// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_CLOEXEC;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.user.UserKernel;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import okio.Buffer;
import okio.BufferedSink;
import okio.BufferedSource;
import okio.Okio;
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
 * How fast do bytes go from one thread to another, 64 KiB at a time, and is anything allocated for it? (P4.) The
 * benchmark's thread sends, another receives all the while; each pipe holds 1 MiB where its maker lets it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class ByteStreamBenchmark {
    private static final int PIECE = 64 << 10;
    private static final int CAPACITY = 1 << 20;

    /** Who carries the bytes. */
    @Param({"user", "linux", "nio", "piped", "okio"})
    public String by = "user";

    private Carrier carrier = new Carrier.Piped();
    private Thread receiver = Thread.currentThread();

    /** Makes the pipe and starts its reader. */
    @Setup
    public void open() throws IOException {
        carrier = switch (by) {
            case "user" -> new Carrier.OfKernel(UserKernel.builder().build());
            case "linux" -> new Carrier.OfKernel(new LinuxKernel());
            case "nio" -> new Carrier.Nio();
            case "piped" -> new Carrier.Piped();
            case "okio" -> new Carrier.OfOkio();
            default -> throw new IllegalArgumentException(by);
        };
        receiver = Thread.ofPlatform().start(() -> {
            try {
                boolean more = true;
                while (more) {
                    more = carrier.receive();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** Ends the stream, and waits for the reader to see it. */
    @TearDown
    public void close() throws IOException, InterruptedException {
        carrier.end();
        receiver.join();
    }

    /** One piece. */
    @Benchmark
    public void piece() throws IOException {
        carrier.send();
    }

    /** A pipe of some maker with a piece to send and room to receive. */
    interface Carrier {
        void send() throws IOException;

        /** Receives up to a piece; false at the end. */
        boolean receive() throws IOException;

        void end() throws IOException;

        /** A pipe of a kernel. */
        final class OfKernel implements Carrier {
            private final Kernel kernel;
            private final int[] ends = new int[2];
            private final MemorySegment piece =
                    Arena.ofAuto().allocate(PIECE, 4096).fill((byte) 1);
            private final MemorySegment room = Arena.ofAuto().allocate(PIECE, 4096);

            OfKernel(Kernel kernel) {
                this.kernel = kernel;
                check(kernel.pipe2(ends, O_CLOEXEC));
                check(kernel.fcntl(ends[0], F_SETPIPE_SZ, CAPACITY));
            }

            @Override
            public void send() {
                check(kernel.write(ends[1], piece));
            }

            @Override
            public boolean receive() {
                return check(kernel.read(ends[0], room)) > 0;
            }

            @Override
            public void end() {
                check(kernel.close(ends[1]));
            }

            private static long check(long result) {
                if (result < 0) {
                    throw new IllegalStateException(Errno.name((int) -result));
                }
                return result;
            }
        }

        /** {@link java.nio.channels.Pipe}. */
        final class Nio implements Carrier {
            private final java.nio.channels.Pipe pipe = java.nio.channels.Pipe.open();
            private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
            private final ByteBuffer room = ByteBuffer.allocateDirect(PIECE);

            Nio() throws IOException {}

            @Override
            public void send() throws IOException {
                piece.clear();
                while (piece.hasRemaining()) {
                    pipe.sink().write(piece);
                }
            }

            @Override
            public boolean receive() throws IOException {
                return pipe.source().read(room.clear()) >= 0;
            }

            @Override
            public void end() throws IOException {
                pipe.sink().close();
            }
        }

        /** {@link PipedInputStream}. */
        final class Piped implements Carrier {
            private final PipedInputStream in = new PipedInputStream(CAPACITY);
            private final PipedOutputStream out = new PipedOutputStream();
            private final byte[] piece = new byte[PIECE];
            private final byte[] room = new byte[PIECE];

            Piped() {
                try {
                    out.connect(in);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }

            @Override
            public void send() throws IOException {
                out.write(piece);
            }

            @Override
            public boolean receive() throws IOException {
                return in.read(room) >= 0;
            }

            @Override
            public void end() throws IOException {
                out.close();
            }
        }

        /** Okio's pipe, with the buffers that its users put around it. */
        final class OfOkio implements Carrier {
            private final okio.Pipe pipe = new okio.Pipe(CAPACITY);
            private final BufferedSink sink = Okio.buffer(pipe.sink());
            private final BufferedSource source = Okio.buffer(pipe.source());
            private final Buffer pieces = new Buffer();
            private final byte[] piece = new byte[PIECE];
            private final byte[] room = new byte[PIECE];

            @Override
            public void send() throws IOException {
                pieces.write(piece);
                pipe.sink().write(pieces, PIECE);
            }

            @Override
            public boolean receive() throws IOException {
                return source.read(room) >= 0;
            }

            @Override
            public void end() throws IOException {
                sink.close();
            }
        }
    }
}
