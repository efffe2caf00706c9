// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.TransferPath;
import io.sluice.testing.Pending;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What {@link Transfer} promises, on whatever kernel the subclass supplies. */
abstract class TransferContract extends SluiceFixture {
    /** Odd, and more than any pipe holds. */
    private static final int BYTES = (3 << 20) + 13;

    static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    /** Runs in a thread of its own; {@code get} gives what it came to. */
    static <T> FutureTask<T> start(Callable<T> work) {
        return start(Thread.ofVirtual(), work);
    }

    private static <T> FutureTask<T> start(Thread.Builder thread, Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        thread.start(task);
        return task;
    }

    /** Serves the far side of a source; a reader that stops early is no failure of it. */
    private void feed(Callable<?> work) {
        feed(Thread.ofVirtual(), work);
    }

    private void feed(Thread.Builder thread, Callable<?> work) {
        FutureTask<?> feeder = start(thread, () -> {
            try {
                return work.call();
            } catch (ErrnoException e) {
                assertThat(e.errno()).isIn(Errno.EPIPE, Errno.ECONNRESET);
                return null;
            }
        });
        keep(feeder::get); // waited for when the source, which is kept later, has been closed: then it ends
    }

    // Sources and sinks of every kind, with the other side served by a thread.

    interface SourceMaker {
        Source holding(byte[] data) throws IOException;
    }

    interface SinkMaker {
        Receiver open() throws IOException;
    }

    /** A sink, and what arrives there once it has been closed. */
    record Receiver(Sink sink, Callable<byte[]> received) {}

    Stream<Map.Entry<String, SourceMaker>> sources() {
        return Stream.of(
                Map.entry("file", this::file),
                Map.entry("pipe", data -> fed(sluice.pipe(), data)),
                Map.entry("inherited pipe", this::inheritedPipe),
                Map.entry("tcp", data -> fed(tcp(), data)),
                Map.entry("unix", data -> fed(unix(), data)));
    }

    Stream<Map.Entry<String, SinkMaker>> sinks() {
        return Stream.of(
                Map.entry("file", () -> receivingFile()),
                Map.entry("appended file", () -> receivingFile(StandardOpenOption.APPEND)),
                Map.entry("pipe", () -> {
                    Pipe pipe = keep(sluice.pipe());
                    return new Receiver(pipe.writer(), start(() -> drain(pipe.reader()))::get);
                }),
                Map.entry("tcp", () -> {
                    SocketEnd[] pair = tcp();
                    return new Receiver(pair[0], start(() -> drain(pair[1]))::get);
                }),
                Map.entry("unix", () -> {
                    SocketEnd[] pair = unix();
                    return new Receiver(pair[0], start(() -> drain(pair[1]))::get);
                }));
    }

    Source file(byte[] data) throws IOException {
        return keep(sluice.open(stand.write(directory.resolve("source" + System.nanoTime()), data)));
    }

    private Receiver receivingFile(StandardOpenOption... more) throws IOException {
        Path path = directory.resolve("sink" + System.nanoTime());
        List<StandardOpenOption> options = new ArrayList<>(List.of(more));
        options.add(StandardOpenOption.WRITE);
        options.add(StandardOpenOption.CREATE);
        FileEnd end = sluice.open(path, options.toArray(StandardOpenOption[]::new));
        return new Receiver(end, () -> stand.read(path));
    }

    private Source fed(Pipe pipe, byte[] data) {
        feed(() -> {
            try (PipeWriter writer = pipe.writer()) {
                writer.write(copyOf(data));
            }
            return null;
        });
        return keep(pipe.reader());
    }

    /** A pipe whose read end is in blocking mode, as standard input is. */
    private Source inheritedPipe(byte[] data) throws IOException {
        int[] fds = new int[2];
        assertThat(kernel.pipe2(fds, 0)).isZero();
        feed(
                Thread.ofPlatform(),
                () -> { // its write blocks, and would hold a carrier that a receiver needs
                    kernel.write(fds[1], copyOf(data));
                    kernel.close(fds[1]);
                    return null;
                });
        keep(() -> kernel.close(fds[0]));
        return keep(sluice.source(fds[0]));
    }

    private Source fed(SocketEnd[] pair, byte[] data) {
        feed(() -> {
            try (SocketEnd writer = pair[0]) {
                writer.write(copyOf(data));
            }
            return null;
        });
        return keep(pair[1]);
    }

    static MemorySegment copyOf(byte[] data) {
        return Arena.ofAuto().allocateFrom(JAVA_BYTE, data);
    }

    static byte[] drain(Source source) throws IOException {
        MemorySegment buffer = Arena.ofAuto().allocate(64 << 10);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            long count = ((End) source).readSome(buffer);
            if (count < 0) {
                return all.toByteArray();
            }
            all.writeBytes(buffer.asSlice(0, count).toArray(JAVA_BYTE));
        }
    }

    // The contract.

    @TestFactory
    Stream<DynamicTest> everyByteArrivesFromAnySourceAtAnySink() {
        return sources()
                .flatMap(source -> sinks().map(sink ->
                        DynamicTest.dynamicTest(source.getKey() + " to " + sink.getKey(), () -> {
                            byte[] data = random(BYTES);
                            Receiver receiver = sink.getValue().open();
                            TransferResult result = sluice.transfer(
                                            source.getValue().holding(data))
                                    .to(receiver.sink)
                                    .run();
                            receiver.sink.close();
                            assertThat(result.bytes()).isEqualTo(BYTES);
                            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
                            assertThat(result.strandedBytes()).isZero();
                            assertThat(receiver.received.call()).isEqualTo(data);
                            boolean append = sink.getKey().startsWith("appended");
                            assertThat(result.userSpaceBytes()).isEqualTo(append ? BYTES : 0);
                        })));
    }

    @TestFactory
    Stream<DynamicTest> everyForcedPathThatWorksGivesTheSameBytes() {
        return sources()
                .flatMap(source -> sinks().flatMap(sink -> Stream.of(TransferPath.SPLICE, TransferPath.COPY)
                        .filter(path ->
                                path == TransferPath.COPY || !sink.getKey().startsWith("appended"))
                        .map(path -> DynamicTest.dynamicTest(
                                source.getKey() + " to " + sink.getKey() + " by " + path.label(), () -> {
                                    byte[] data = random(300_001);
                                    Receiver receiver = sink.getValue().open();
                                    TransferResult result = sluice.transfer(
                                                    source.getValue().holding(data))
                                            .to(receiver.sink)
                                            .path(path)
                                            .run();
                                    receiver.sink.close();
                                    assertThat(receiver.received.call()).isEqualTo(data);
                                    assertThat(result.bytesByPath()).containsOnlyKeys(path);
                                }))));
    }

    @Test
    void aForcedPathThatIsRefusedFailsUnderTheKernelsName() throws Exception {
        Receiver receiver = receivingFile(StandardOpenOption.APPEND);
        assertThatThrownBy(() -> sluice.transfer(file(random(10)))
                        .to(keep(receiver.sink))
                        .path(TransferPath.SPLICE)
                        .run())
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }

    @Test
    void aLimitStopsAtTheByte() throws Exception {
        byte[] data = random(200_000);
        for (int limit : new int[] {0, 1, 4095, 4096, 4097, 70_001, 200_000}) {
            Receiver receiver = receivingFile();
            TransferResult result =
                    sluice.transfer(file(data)).to(receiver.sink).limit(limit).run();
            receiver.sink.close();
            assertThat(result.bytes()).isEqualTo(limit);
            assertThat(result.ending()).isEqualTo(Ending.LIMIT_REACHED);
            assertThat(receiver.received.call()).isEqualTo(Arrays.copyOf(data, limit));
        }
    }

    @Test
    void whatLiesBeyondTheLimitStaysInTheSource() throws Exception {
        byte[] data = random(100_000);
        Source source = fed(sluice.pipe(), data);
        Receiver first = receivingFile();
        sluice.transfer(source).to(keep(first.sink)).limit(33_333).run();
        assertThat(drain(source)).isEqualTo(Arrays.copyOfRange(data, 33_333, data.length));
    }

    @Test
    void anEmptySourceGivesNothingAndEnds() throws Exception {
        for (Source source : List.of(file(new byte[0]), fed(sluice.pipe(), new byte[0]), fed(tcp(), new byte[0]))) {
            Receiver receiver = receivingFile();
            TransferResult result =
                    sluice.transfer(source).to(keep(receiver.sink)).run();
            assertThat(result.bytes()).isZero();
            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
        }
    }

    @Test
    void aReaderThatIsGoneIsAnOutcome() throws Exception {
        Pipe pipe = sluice.pipe();
        pipe.reader().close();
        TransferResult result =
                sluice.transfer(file(random(100))).to(keep(pipe.writer())).run();
        assertThat(result.ending()).isEqualTo(Ending.SINK_CLOSED);
        assertThat(result.bytes()).isZero();
        assertThat(result.strandedBytes()).isEqualTo(100);
    }

    @Test
    void aDeadlineIsAnOutcome() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        Receiver receiver = receivingFile();
        TransferResult result = sluice.transfer(pipe.reader())
                .to(keep(receiver.sink))
                .deadline(Duration.ofMillis(20))
                .run();
        assertThat(result.ending()).isEqualTo(Ending.DEADLINE_PASSED);
    }

    @Test
    void aDeadlineAlsoEndsATransferThatNeverWaits() throws Exception {
        try (FileEnd zero = sluice.open(Path.of("/dev/zero"));
                FileEnd nowhere = sluice.open(Path.of("/dev/null"), StandardOpenOption.WRITE)) {
            TransferResult result = sluice.transfer(zero)
                    .to(nowhere)
                    .deadline(Duration.ofMillis(500))
                    .run();
            assertThat(result.ending()).isEqualTo(Ending.DEADLINE_PASSED);
            assertThat(result.bytesByPath()).containsOnlyKeys(TransferPath.SPLICE);
        }
    }

    @Test
    void aFifoThatItsWriterHasLeftIsReadToItsEndWhenInherited() throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(kernel.mkfifo(fifo.toString(), 0600)).isZero();
        int reader = (int) kernel.open(fifo.toString(), Flags.O_RDONLY | Flags.O_NONBLOCK, 0);
        try (FileEnd writer = sluice.open(fifo, StandardOpenOption.WRITE)) {
            writer.write(copyOf(random(100)));
        }
        kernel.fcntl(reader, Flags.F_SETFL, 0);
        try (Source source = sluice.source(reader)) {
            assertThat(drain(source)).isEqualTo(random(100));
        } finally {
            kernel.close(reader);
        }
    }

    @Test
    void progressIsToldWhileItWaitsAndAtTheEnd() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        Receiver receiver = receivingFile();
        List<Long> seen = new ArrayList<>();
        FutureTask<TransferResult> running = start(() -> sluice.transfer(pipe.reader())
                .to(keep(receiver.sink))
                .onProgress(Duration.ofMillis(1), progress -> {
                    seen.add(progress.bytes());
                    if (seen.size() == 3) {
                        pipe.writer().close();
                    }
                })
                .run());
        assertThat(running.get().bytes()).isZero();
        assertThat(seen).hasSizeGreaterThanOrEqualTo(4).containsOnly(0L);
    }

    @Test
    void anInterruptCarriesWhatWasMovedAndLeavesTheEndsOpen() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(copyOf(random(1000)));
        Receiver receiver = receivingFile();
        Transfer transfer = sluice.transfer(pipe.reader()).to(keep(receiver.sink));
        Thread runner = Thread.currentThread();
        FutureTask<Void> interrupter = start(() -> {
            while (transfer.movedBytes() < 1000 || !Pending.isAsleep(runner)) {
                Thread.onSpinWait();
            }
            runner.interrupt();
            return null;
        });
        assertThatThrownBy(transfer::run)
                .isInstanceOfSatisfying(
                        TransferInterruptedException.class,
                        e -> assertThat(e.bytesMoved()).isEqualTo(1000));
        interrupter.get();
        assertThat(Thread.interrupted()).isFalse();
        assertThat(pipe.reader().isOpen()).isTrue();
        pipe.writer().write(copyOf(random(1)));
        assertThat(pipe.reader().availableBytes()).isEqualTo(1);
    }

    @Test
    void closingEitherEndWakesTheTransfer() throws Exception {
        for (boolean closeSource : new boolean[] {true, false}) {
            Pipe pipe = keep(sluice.pipe());
            Receiver receiver = receivingFile();
            Transfer transfer = sluice.transfer(pipe.reader()).to(keep(receiver.sink));
            FutureTask<TransferResult> running = new FutureTask<>(transfer::run);
            Thread thread = Thread.ofVirtual().start(running);
            while (thread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            if (closeSource) {
                pipe.reader().close();
            } else {
                receiver.sink.close();
                pipe.writer().write(copyOf(random(1)));
            }
            assertThatThrownBy(running::get)
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(AsynchronousCloseException.class);
        }
    }

    @Test
    void aClosedEndIsRefusedAtOnce() throws Exception {
        Source source = file(random(1));
        source.close();
        Receiver receiver = receivingFile();
        assertThatThrownBy(() -> sluice.transfer(source).to(keep(receiver.sink)).run())
                .isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void aTransferRunsOnceAndNeedsASink() throws Exception {
        Transfer transfer = sluice.transfer(file(random(1)));
        assertThatThrownBy(transfer::run)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("to(");
        Receiver receiver = receivingFile();
        transfer.to(keep(receiver.sink)).run();
        assertThatThrownBy(transfer::run)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("once");
    }

    @Test
    void aRateCapsEveryCall() throws Exception {
        byte[] data = random(50_000);
        Receiver receiver = receivingFile();
        long start = System.nanoTime();
        sluice.transfer(file(data)).to(receiver.sink).rate(500_000).run();
        receiver.sink.close();
        // 50,000 bytes at 500,000 a second; an empty bucket at the start.
        assertThat(System.nanoTime() - start).isGreaterThan(90_000_000L);
        assertThat(receiver.received.call()).isEqualTo(data);
    }

    @Test
    void stableTransfersRefuseAPathThatPassesPagesOn() throws Exception {
        for (TransferPath path : List.of(TransferPath.SPLICE, TransferPath.SENDFILE)) {
            Receiver receiver = receivingFile();
            Transfer transfer = sluice.transfer(file(random(10)))
                    .to(keep(receiver.sink))
                    .path(path)
                    .stable();
            assertThatThrownBy(transfer::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("stable")
                    .hasMessageContaining(path.label());
            assertThat(transfer.movedBytes()).isZero();
            TransferResult copied = transfer.path(TransferPath.COPY).run();
            assertThat(copied.bytesByPath()).containsOnly(Map.entry(TransferPath.COPY, 10L));
        }
    }

    @Test
    void stableBytesStayWhatTheyWere() throws Exception {
        Path path = directory.resolve("changing");
        stand.write(path, new byte[] {1, 1, 1, 1});
        Pipe pipe = keep(sluice.pipe());
        sluice.transfer(keep(sluice.open(path))).to(pipe.writer()).stable().run();
        sluice.transfer(keep(sluice.open(path))).to(pipe.writer()).run();
        try (FileEnd rewriter = sluice.open(path, StandardOpenOption.WRITE)) {
            rewriter.write(copyOf(new byte[] {2, 2, 2, 2}));
        }
        pipe.writer().close();
        assertThat(drain(pipe.reader()))
                .as("a snapshot, then a reference (pitfall 29)")
                .containsExactly(1, 1, 1, 1, 2, 2, 2, 2);
    }

    @Test
    void aTransferThatWaitsHoldsNoPipe() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        Receiver receiver = receivingFile();
        pipe.writer().write(copyOf(random(10)));
        Transfer transfer = sluice.transfer(pipe.reader()).to(keep(receiver.sink));
        FutureTask<TransferResult> running = new FutureTask<>(transfer::run);
        Thread thread = Thread.ofVirtual().start(running);
        while (transfer.movedBytes() < 10 || thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        assertThat(sluice.pool().idlePipes()).isEqualTo(1);
        pipe.writer().close();
        assertThat(running.get().bytes()).isEqualTo(10);
    }

    // Mirrors and fan-out.

    @TestFactory
    Stream<DynamicTest> everySinkOfAFanOutGetsEveryByte() {
        return Stream.generate(this::sources)
                .limit(Integer.getInteger("repeat", 1))
                .flatMap(s -> s)
                .map(source -> DynamicTest.dynamicTest(source.getKey(), () -> {
                    byte[] data = random(BYTES);
                    List<Receiver> receivers = new ArrayList<>();
                    FanOut fanOut = sluice.fanOut(source.getValue().holding(data));
                    for (var sink : sinks().toList()) {
                        receivers.add(sink.getValue().open());
                        fanOut.to(receivers.getLast().sink);
                    }
                    FanOut.Result result = fanOut.run();
                    for (Receiver receiver : receivers) {
                        receiver.sink.close();
                        byte[] received = receiver.received.call();
                        assertThat(received).as(receiver.sink + " of " + result).hasSize(data.length);
                        assertThat(Arrays.mismatch(received, data))
                                .as(receiver.sink + " of " + result)
                                .isEqualTo(-1);
                    }
                    assertThat(result.sinks()).hasSize(5).allSatisfy(sink -> {
                        assertThat(sink.bytes()).isEqualTo(BYTES);
                        assertThat(sink.fate()).isEqualTo(TransferResult.Fate.COMPLETE);
                        assertThat(sink.droppedBytes()).isZero();
                    });
                }));
    }

    @Test
    void aMirrorThatStallsIsDetachedAndTheSinkGetsEverything() throws Exception {
        byte[] data = random(BYTES);
        SocketEnd[] stalled = tcp();
        Receiver receiver = receivingFile();
        TransferResult result = sluice.transfer(fed(sluice.pipe(), data))
                .to(receiver.sink)
                .mirrorTo(stalled[0], WhenFull.DETACH)
                .pipeSize(64 << 10)
                .queue(128 << 10)
                .limit(64L << 20)
                .run();
        receiver.sink.close();
        assertThat(receiver.received.call()).isEqualTo(data);
        TransferResult.SinkResult mirror = result.mirrors().getFirst();
        if (mirror.fate() == TransferResult.Fate.DETACHED) {
            assertThat(mirror.bytes() + mirror.droppedBytes()).isLessThanOrEqualTo(BYTES);
            assertThatThrownBy(() -> drain(stalled[1])).hasMessageContaining("ECONNRESET");
        } else {
            // The socket's buffers took all of it.
            assertThat(mirror.bytes()).isEqualTo(BYTES);
        }
    }

    @Test
    void aMirrorThatFailsNeverFailsTheTransfer() throws Exception {
        byte[] data = random(BYTES);
        Pipe gone = sluice.pipe();
        gone.reader().close();
        Receiver receiver = receivingFile();
        TransferResult result = sluice.transfer(file(data))
                .to(receiver.sink)
                .mirrorTo(keep(gone.writer()), WhenFull.BLOCK)
                .run();
        receiver.sink.close();
        assertThat(receiver.received.call()).isEqualTo(data);
        assertThat(result.mirrors().getFirst().fate()).isEqualTo(TransferResult.Fate.FAILED);
        assertThat(result.mirrors().getFirst().errno()).isEqualTo(Errno.EPIPE);
    }

    @TestFactory
    Stream<DynamicTest> aFanOutWhoseSinkFailsEndsUnlessItKeepsGoing() {
        return Stream.of(0, 1)
                .map(failing -> DynamicTest.dynamicTest("sink " + failing, () -> {
                    byte[] data = random(BYTES);
                    Pipe gone = sluice.pipe();
                    gone.reader().close();
                    keep(gone.writer());
                    Receiver healthy = receivingFile();
                    FanOut fanOut = sluice.fanOut(file(data)).keepGoing();
                    fanOut.to(failing == 0 ? gone.writer() : healthy.sink);
                    fanOut.to(failing == 0 ? healthy.sink : gone.writer());
                    FanOut.Result result = fanOut.run();
                    healthy.sink.close();
                    assertThat(healthy.received.call()).isEqualTo(data);
                    assertThat(result.sinks().get(failing).fate()).isEqualTo(TransferResult.Fate.FAILED);
                    assertThat(result.sinks().get(failing).errno()).isEqualTo(Errno.EPIPE);
                    assertThat(result.sinks().get(1 - failing).fate()).isEqualTo(TransferResult.Fate.COMPLETE);

                    Receiver cut = receivingFile();
                    FanOut strict = sluice.fanOut(file(data));
                    strict.to(failing == 0 ? gone.writer() : keep(cut.sink));
                    strict.to(failing == 0 ? keep(cut.sink) : gone.writer());
                    if (failing == 0) {
                        assertThat(strict.run().ending()).isEqualTo(Ending.SINK_CLOSED);
                    } else {
                        assertThatThrownBy(strict::run)
                                .isInstanceOfSatisfying(
                                        ErrnoException.class,
                                        e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
                    }
                }));
    }

    @Test
    void theSlowestBlockingSinkSetsThePaceAndLosesNothing() throws Exception {
        byte[] data = random(BYTES);
        Receiver fast = receivingFile();
        Pipe slow = keep(sluice.pipe());
        FutureTask<byte[]> slowly = start(() -> {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            MemorySegment little = Arena.ofAuto().allocate(997);
            for (long n; (n = slow.reader().read(little)) >= 0; ) {
                all.writeBytes(little.asSlice(0, n).toArray(JAVA_BYTE));
            }
            return all.toByteArray();
        });
        sluice.fanOut(file(data))
                .to(fast.sink)
                .to(slow.writer())
                .pipeSize(16 << 10)
                .queue(32 << 10)
                .run();
        slow.writer().close();
        fast.sink.close();
        assertThat(slowly.get()).isEqualTo(data);
        assertThat(fast.received.call()).isEqualTo(data);
    }
}
