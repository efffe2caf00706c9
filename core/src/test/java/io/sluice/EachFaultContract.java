// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TransferResult.SinkResult;
import io.sluice.kernel.Errno;
import io.sluice.kernel.wrap.FaultyKernel;
import io.sluice.testing.NoLeaks;
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
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A run is counted, and then made again once for each of its calls and each fault that is legal for it (R4): no byte is
 * lost, doubled or out of order, what is told is what has arrived, and nothing is left behind (pitfalls 6, 22, 34, 35
 * and 70).
 */
@NoLeaks
abstract class EachFaultContract {
    private static final int BYTES = 100_001;
    private static final int PIPE_BYTES = 16 << 10;

    private static final List<Integer> FAULTS =
            List.of(Errno.EINTR, Errno.EAGAIN, Errno.ENOSYS, Errno.EPERM, Errno.ENOMEM, Errno.EMFILE);

    final Stand stand = newStand();
    private final Path directory = stand.directory();
    private final byte[] data = TransferContract.random(BYTES);

    abstract Stand newStand();

    @AfterEach
    void close() throws IOException {
        stand.close();
    }

    /** What one run came to: whether it says that all went well, and each stream as it arrived and as it was told. */
    private record Outcome(boolean well, @Nullable IOException failure, List<Flow> flows) {}

    private static final class Flow {
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
    private interface Run {
        Running open(Sluice faulty, Sluice plain) throws IOException;
    }

    private interface Running extends AutoCloseable {
        Outcome go() throws Exception;

        @Override
        void close() throws IOException;
    }

    @TestFactory
    Stream<DynamicTest> everyCallMayMeetEveryFault() {
        record Named(String name, Run run) {}
        return Stream.of(
                        new Named("file to file", this::fileToFile),
                        new Named("file to socket", this::fileToSocket),
                        new Named("FIFO to socket", this::fifoToSocket),
                        new Named("socket to socket", this::socketToSocket),
                        new Named("fan-out", this::fanOut),
                        new Named("join", this::join))
                .flatMap(named -> FAULTS.stream()
                        .map(errno -> DynamicTest.dynamicTest(
                                named.name + ", " + Errno.name(errno), () -> withEach(named.run, errno))));
    }

    private void withEach(Run run, int errno) throws Exception {
        long opening = callsToOpen(run);
        long number = 1;
        while (sound(run, opening, number, errno)) {
            number++;
        }
        assertThat(number).as("calls in which something could go wrong").isGreaterThan(1);
    }

    /** Makes the run with one fault. Answers whether there was a call to meet it. */
    private boolean sound(Run run, long opening, long number, int errno) throws Exception {
        FaultyKernel faults = FaultyKernel.builder(stand.kernel())
                .failing(opening + number, errno)
                .build();
        try (Sluice plain = Sluice.on(stand.kernel());
                Sluice faulty = Sluice.on(faults);
                Running running = run.open(faulty, plain)) {
            Outcome outcome = running.go();
            boolean met = faults.calls() >= opening + number;
            String where = "call " + number + " of the run answered " + Errno.name(errno);
            outcome.flows.forEach(flow -> assertSound(flow, outcome.well, where));
            assertThat(outcome.well || outcome.failure != null).as(where).isTrue();
            assertThat(outcome.well || met).as("without a fault").isTrue();
            if (errno == Errno.EINTR || errno == Errno.EAGAIN) {
                assertThat(outcome.failure)
                        .as("what is for the moment is asked again; " + where)
                        .isNull();
            }
            if (outcome.failure instanceof ErrnoException failure) {
                assertThat(Errno.name(failure.errno())).as(where).isEqualTo(Errno.name(errno));
            }
            return met;
        }
    }

    private static void assertSound(Flow flow, boolean well, String where) {
        byte[] beginning = Arrays.copyOf(flow.sent, Math.min(flow.sent.length, flow.arrived.length));
        assertThat(flow.arrived).as(where).isEqualTo(beginning);
        if (flow.mayBeCut) {
            assertThat(flow.told).as(where).isGreaterThanOrEqualTo(flow.arrived.length);
        } else {
            assertThat(flow.told).as(where).isEqualTo(flow.arrived.length);
        }
        if (well) {
            assertThat(flow.arrived.length).as(where).isEqualTo(flow.sent.length);
        }
    }

    private long callsToOpen(Run run) throws IOException {
        FaultyKernel counting = FaultyKernel.builder(stand.kernel()).build();
        try (Sluice plain = Sluice.on(stand.kernel());
                Sluice faulty = Sluice.on(counting);
                Running _ = run.open(faulty, plain)) {
            return counting.calls();
        }
    }

    // The runs.

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

    private Running fileToFile(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        FileEnd source = at.source();
        FileEnd sink = at.sink();
        return running(at, ends -> {
            Told told = Told.by(
                    () -> faulty.transfer(source).to(sink).pipeSize(PIPE_BYTES).run());
            return told.outcome(data, stand.read(directory.resolve("to")));
        });
    }

    private Running fileToSocket(Sluice faulty, Sluice plain) throws IOException {
        Ends at = new Ends(faulty, plain);
        FileEnd source = at.source();
        SocketEnd[] sink = at.sockets();
        return running(at, ends -> through(faulty.transfer(source), sink));
    }

    private Running fifoToSocket(Sluice faulty, Sluice plain) throws IOException {
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

    private Running socketToSocket(Sluice faulty, Sluice plain) throws IOException {
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

    private Running fanOut(Sluice faulty, Sluice plain) throws IOException {
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

    private Running join(Sluice faulty, Sluice plain) throws IOException {
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
