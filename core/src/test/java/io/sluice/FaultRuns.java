// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TransferResult.SinkResult;
import io.sluice.kernel.Errno;
import io.sluice.testing.Pending;
import io.sluice.testing.Stand;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * The runs that {@link EachFaultContract} makes: each opens its ends, and then moves bytes between them while the far
 * sides feed and drain by calls that meet no fault.
 */
final class FaultRuns {
    private static final int BYTES = 100_001;
    private static final int PIPE_BYTES = 16 << 10;

    private final Stand stand;
    private final Path directory;
    private final byte[] data = TransferContract.random(BYTES);

    FaultRuns(Stand stand) {
        this.stand = stand;
        this.directory = stand.directory();
    }

    /** What one run came to: whether it says that all went well, and each stream as it arrived and as it was told. */
    record Outcome(boolean well, @Nullable IOException failure, List<Flow> flows) {}

    /** One stream: what was sent, what has arrived, and how many bytes are told to have. */
    static final class Flow {
        final byte[] sent;
        final byte[] arrived;
        final long told;

        /** Whether its connection may have been reset, and what was on its way dropped. */
        final boolean mayBeCut;

        Flow(byte[] sent, byte[] arrived, long told, boolean mayBeCut) {
            this.sent = sent;
            this.arrived = arrived;
            this.told = told;
            this.mayBeCut = mayBeCut;
        }
    }

    /** A run with ends of its own: opened before the count begins, closed after it. */
    interface Run {
        Running open(Sluice faulty, Sluice plain) throws IOException;
    }

    /** A run whose ends are open. */
    interface Running extends AutoCloseable {
        Outcome go() throws Exception;

        @Override
        void close() throws IOException;
    }

    /** Ends to close, and far sides that feed and drain. */
    private final class Ends {
        final List<End> opened = new ArrayList<>();
        private final Sluice faulty;
        private final Sluice plain;

        Ends(Sluice faulty, Sluice plain) {
            this.faulty = faulty;
            this.plain = plain;
        }

        <E extends End> E keep(E end) {
            opened.add(end);
            return end;
        }

        void close() throws IOException {
            for (End end : opened) {
                end.close();
            }
        }

        /** [0] is used by the run, [1] is the far side. */
        SocketEnd[] sockets() throws IOException {
            try (Listener listener = plain.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
                return new SocketEnd[] {keep(faulty.connect(listener.localAddress())), keep(listener.accept())};
            }
        }

        FileEnd source() throws IOException {
            return keep(faulty.open(stand.write(directory.resolve("from"), data)));
        }

        FileEnd sink() throws IOException {
            return keep(faulty.open(directory.resolve("to"), WRITE, CREATE, TRUNCATE_EXISTING));
        }
    }

    private interface Work {
        Outcome go(Ends ends) throws Exception;
    }

    private static Running running(Ends ends, Work work) {
        return new Running() {
            @Override
            public Outcome go() throws Exception {
                try (Pending<Outcome> going = Pending.start(Pending.Kind.VIRTUAL, () -> work.go(ends))) {
                    return going.value();
                }
            }

            @Override
            public void close() throws IOException {
                ends.close();
            }
        };
    }

    private void feed(Sink far) {
        Thread.ofVirtual().start(() -> {
            try {
                far.write(TransferContract.copyOf(data));
                if (far instanceof SocketEnd socket) {
                    socket.shutdownOutput();
                } else {
                    far.close();
                }
            } catch (IOException theRunHasEnded) {
                // It says why.
            }
        });
    }

    private static FutureTask<byte[]> drain(Source far) {
        return TransferContract.start(() -> {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            MemorySegment room = SluiceFixture.room(64 << 10);
            try {
                for (long count = ((End) far).readSome(room); count >= 0; count = ((End) far).readSome(room)) {
                    all.writeBytes(room.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE));
                }
            } catch (ErrnoException e) {
                assertThat(e.errno()).isIn(Errno.ECONNRESET, Errno.EPIPE); // the latter when its end had come
            }
            return all.toByteArray();
        });
    }

    private interface Moving {
        TransferResult run() throws IOException;
    }

    /** The bytes that are told to have reached the sink, and a failure if there was one. */
    private record Told(long bytes, @Nullable IOException failure) {
        static Told by(Moving transfer) {
            try {
                return new Told(transfer.run().bytes(), null);
            } catch (ErrnoException e) {
                TransferResult result = e.result();
                return new Told(result == null ? 0 : result.bytes(), e);
            } catch (IOException e) {
                return new Told(0, e);
            }
        }

        Outcome outcome(byte[] sent, byte[] arrived) {
            return new Outcome(failure == null, failure, List.of(new Flow(sent, arrived, bytes, false)));
        }
    }

    Running fileToFile(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        FileEnd source = at.source();
        FileEnd sink = at.sink();
        return running(at, ends -> {
            Told told = Told.by(
                    () -> faulty.transfer(source).to(sink).pipeSize(PIPE_BYTES).run());
            return told.outcome(data, stand.read(directory.resolve("to")));
        });
    }

    Running fileToSocket(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        FileEnd source = at.source();
        SocketEnd[] sink = at.sockets();
        return running(at, ends -> through(faulty.transfer(source), sink));
    }

    Running fifoToSocket(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        Path fifo = directory.resolve("fifo");
        assertThat(stand.kernel().mkfifo(fifo.toString(), 0600)).isZero();
        FileEnd source = at.keep(faulty.open(fifo));
        FileEnd writer = at.keep(plain.open(fifo, WRITE));
        stand.kernel().unlink(fifo.toString());
        SocketEnd[] sink = at.sockets();
        return running(at, ends -> {
            feed(writer);
            return through(faulty.transfer(source), sink);
        });
    }

    Running socketToSocket(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        SocketEnd[] source = at.sockets();
        SocketEnd[] sink = at.sockets();
        return running(at, ends -> {
            feed(source[1]);
            return through(faulty.transfer(source[0]), sink);
        });
    }

    private Outcome through(Transfer transfer, SocketEnd[] sink) throws Exception {
        FutureTask<byte[]> arriving = drain(sink[1]);
        Told told = Told.by(transfer.to(sink[0]).pipeSize(PIPE_BYTES)::run);
        sink[0].close();
        return told.outcome(data, arriving.get());
    }

    Running memoryToSocket(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        SocketEnd[] sink = at.sockets();
        return running(at, ends -> sent(faulty, sink[0], sink[1]));
    }

    Running memoryToPipe(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        int[] fds = new int[2];
        assertThat(stand.kernel().pipe2(fds, O_CLOEXEC | O_NONBLOCK)).isZero();
        Sink sink = (Sink) at.keep((End) faulty.sink(fds[1]));
        Source far = (Source) at.keep((End) plain.source(fds[0]));
        stand.kernel().close(fds[0]);
        stand.kernel().close(fds[1]);
        return running(at, ends -> sent(faulty, sink, far));
    }

    /** Whoever sends memory is not told how far a send came that failed. */
    private Outcome sent(Sluice faulty, Sink sink, Source far) throws Exception {
        FutureTask<byte[]> arriving = drain(far);
        IOException failure = null;
        try (SendBuffers buffers = faulty.sendBuffers(BYTES, 2)) {
            SendBuffer buffer = buffers.lease();
            MemorySegment.copy(data, 0, buffer.segment(), ValueLayout.JAVA_BYTE, 0, BYTES);
            buffer.sendTo(sink, BYTES);
        } catch (IOException e) {
            failure = e;
        }
        sink.close();
        return new Outcome(failure == null, failure, List.of(new Flow(data, arriving.get(), BYTES, true)));
    }

    Running fanOut(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        SocketEnd[] source = at.sockets();
        SocketEnd[] first = at.sockets();
        SocketEnd[] second = at.sockets();
        return running(at, ends -> {
            feed(source[1]);
            List<FutureTask<byte[]>> arriving = List.of(drain(first[1]), drain(second[1]));
            List<Long> told;
            IOException failure = null;
            try {
                FanOut.Result result = faulty.fanOut(source[0])
                        .to(first[0])
                        .to(second[0])
                        .pipeSize(PIPE_BYTES)
                        .run();
                told = result.sinks().stream().map(SinkResult::bytes).toList();
            } catch (ErrnoException e) {
                failure = e;
                TransferResult result = e.result();
                told = result == null
                        ? List.of(0L, 0L)
                        : List.of(result.bytes(), result.mirrors().getFirst().bytes());
            }
            first[0].close();
            second[0].close();
            return new Outcome(
                    failure == null,
                    failure,
                    List.of(
                            new Flow(data, arriving.get(0).get(), told.get(0), false),
                            new Flow(data, arriving.get(1).get(), told.get(1), false)));
        });
    }

    Running join(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        SocketEnd[] a = at.sockets();
        SocketEnd[] b = at.sockets();
        return running(at, ends -> {
            feed(a[1]);
            feed(b[1]);
            FutureTask<byte[]> atA = drain(a[1]);
            FutureTask<byte[]> atB = drain(b[1]);
            Join join = faulty.join(a[0], b[0]).pipeSize(PIPE_BYTES);
            boolean well = false;
            IOException failure = null;
            try {
                Join.Result result = join.run();
                well = result.complete();
                failure = result.forth().failure() != null
                        ? result.forth().failure()
                        : result.back().failure();
            } catch (IOException e) {
                failure = e;
            }
            a[0].close();
            b[0].close();
            return new Outcome(
                    well,
                    failure,
                    List.of(
                            new Flow(data, atA.get(), join.backBytes(), true),
                            new Flow(data, atB.get(), join.forthBytes(), true)));
        });
    }
}
