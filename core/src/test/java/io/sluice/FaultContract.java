// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fallback;
import io.sluice.TransferResult.Fate;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.FaultyKernel;
import io.sluice.testing.Stand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a transfer when the kernel refuses, interrupts or shortens its calls. */
abstract class FaultContract {
    private static final int BYTES = 700_001;

    /** A small part of that: the stream takes many calls, however much the sockets hold. */
    private static final int PIPE_BYTES = 64 << 10;

    final Stand stand = newStand();
    private final Path directory = stand.directory();
    private final FaultyKernel faults = FaultyKernel.builder(stand.kernel()).build();
    Sluice sluice = Sluice.on(faults);

    abstract Stand newStand();

    @AfterEach
    void close() throws IOException {
        faults.followNone();
        sluice.close();
        stand.close();
    }

    private record Ends(Source source, Sink sink, FutureTask<byte[]> received) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            source.close();
            sink.close();
        }
    }

    private final byte[] data = TransferContract.random(BYTES);

    private Ends fileToFile() throws Exception {
        Path from = stand.write(directory.resolve("from"), data);
        Path to = directory.resolve("to");
        FileEnd sink = sluice.open(
                to, StandardOpenOption.WRITE, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING);
        return new Ends(sluice.open(from), sink, new FutureTask<>(() -> stand.read(to)));
    }

    private Ends fileToSocket() throws Exception {
        Path from = stand.write(directory.resolve("from"), data);
        SocketEnd[] pair = tcp();
        return new Ends(sluice.open(from), pair[0], TransferContract.start(() -> drain(pair[1])));
    }

    private Ends socketToSocket() throws Exception {
        SocketEnd[] in = tcp();
        SocketEnd[] out = tcp();
        Thread.ofVirtual().start(() -> {
            try (SocketEnd writer = in[0]) {
                writer.write(TransferContract.copyOf(data));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return new Ends(in[1], out[0], TransferContract.start(() -> drain(out[1])));
    }

    private Ends pipeToSocket() throws Exception {
        Pipe in = sluice.pipe();
        SocketEnd[] out = tcp();
        Thread.ofVirtual().start(() -> {
            try (PipeWriter writer = in.writer()) {
                writer.write(TransferContract.copyOf(data));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return new Ends(in.reader(), out[0], TransferContract.start(() -> drain(out[1])));
    }

    private static byte[] drain(SocketEnd end) throws IOException {
        try (end) {
            return TransferContract.drain(end);
        }
    }

    private SocketEnd[] tcp() throws IOException {
        SocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (Listener listener = sluice.listen(any)) {
            return new SocketEnd[] {sluice.connect(listener.localAddress()), listener.accept()};
        }
    }

    private interface MakeEnds {
        Ends make() throws Exception;
    }

    private TransferResult run(MakeEnds make, FaultyKernel.Plan rule) throws Exception {
        try (Ends ends = make.make()) {
            faults.follow(rule);
            TransferResult result = sluice.transfer(ends.source)
                    .to(ends.sink)
                    .pipeSize(PIPE_BYTES)
                    .run();
            faults.followNone();
            ends.sink.close();
            if (!ends.received.isDone()) {
                ends.received.run();
            }
            assertThat(ends.received.get()).isEqualTo(data);
            assertThat(result.bytes()).isEqualTo(BYTES);
            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
            assertThat(result.strandedBytes()).isZero();
            return result;
        }
    }

    private static FaultyKernel.Plan refuse(int errno, String... names) {
        Set<String> refused = Set.of(names);
        return (name, nth) -> refused.contains(name) ? (Long) (long) -errno : null;
    }

    // Refusals.

    @TestFactory
    Stream<DynamicTest> aRefusedPathIsGivenUpForTheNextAndSaysSo() {
        record Row(MakeEnds ends, List<String> refused, int errno, TransferPath taken) {}
        return Stream.of(
                        new Row(
                                this::fileToFile,
                                List.of("ficlone", "copy_file_range"),
                                Errno.EXDEV,
                                TransferPath.SPLICE),
                        new Row(
                                this::fileToFile,
                                List.of("ficlone", "copy_file_range", "splice"),
                                Errno.ENOSYS,
                                TransferPath.COPY),
                        new Row(this::fileToSocket, List.of("sendfile"), Errno.EINVAL, TransferPath.SPLICE),
                        new Row(this::fileToSocket, List.of("sendfile", "splice"), Errno.EPERM, TransferPath.COPY),
                        new Row(this::socketToSocket, List.of("splice"), Errno.EINVAL, TransferPath.COPY))
                .map(row -> DynamicTest.dynamicTest(row.refused + " " + Errno.name(row.errno), () -> {
                    FaultyKernel.Plan rule = refuse(row.errno, row.refused.toArray(String[]::new));
                    TransferResult result = run(row.ends, rule);
                    assertThat(result.bytesByPath()).containsOnly(Map.entry(row.taken, (long) BYTES));
                    assertThat(result.fallbacks().stream().map(Fallback::call)).containsExactlyElementsOf(row.refused);
                }));
    }

    @Test
    void withoutAPipeTheBytesAreCopied() throws Exception {
        // pitfall 55: no descriptors left
        TransferResult result = run(this::socketToSocket, refuse(Errno.EMFILE, "pipe2"));
        assertThat(result.bytesByPath()).containsOnly(Map.entry(TransferPath.COPY, (long) BYTES));
        assertThat(result.fallbacks()).containsExactly(new Fallback(TransferPath.SPLICE, "pipe2", Errno.EMFILE));
    }

    @Test
    void aBranchThatGetsNoFurtherPipeGoesOnWithTheOneItHas() throws Exception {
        // pitfall 55. A stage and a source's pipe; the branch once failed while its only one was on its way out.
        try (Ends ends = fileToSocket()) {
            SocketEnd[] second = tcp();
            FutureTask<byte[]> received = TransferContract.start(() -> drain(second[1]));
            faults.follow((name, nth) -> name.equals("pipe2") && nth > 2 ? (Long) (long) -Errno.EMFILE : null);
            FanOut.Result result = sluice.fanOut(ends.source)
                    .to(ends.sink)
                    .to(second[0])
                    .pipeSize(16 << 10)
                    .run();
            second[0].close();
            assertThat(result.sinks().get(1).fate()).isEqualTo(TransferResult.Fate.COMPLETE);
            assertThat(received.get()).isEqualTo(data);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM})
    void aBranchThatGetsNoPipeAtAllFailsAsTheKernelSays(int errno) throws Exception {
        // Every reason was once reported as EMFILE.
        try (Ends ends = fileToSocket();
                FileEnd second =
                        sluice.open(directory.resolve("second"), StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
            faults.follow((name, nth) -> name.equals("pipe2") ? (Long) (long) -errno : null);
            FanOut fanOut = sluice.fanOut(ends.source).to(ends.sink).to(second);
            ErrnoException failure = catchThrowableOfType(ErrnoException.class, fanOut::run);
            faults.followNone();
            assertThat(failure.call()).isEqualTo("pipe2");
            assertThat(failure.errnoName()).isEqualTo(Errno.name(errno));
        }
    }

    @Test
    void whatIsNoRefusalFailsUnderItsOwnName() throws Exception {
        // pitfall 35: a full disk is not a reason to try another way
        for (int errno : new int[] {Errno.ENOSPC, Errno.EIO, Errno.EFBIG, Errno.EDQUOT}) {
            try (Ends ends = fileToSocket()) {
                faults.follow(refuse(errno, "sendfile"));
                assertThatThrownBy(
                                () -> sluice.transfer(ends.source).to(ends.sink).run())
                        .isInstanceOfSatisfying(ErrnoException.class, e -> {
                            assertThat(e.errno()).isEqualTo(errno);
                            assertThat(e.call()).isEqualTo("sendfile");
                            assertThat(e).hasMessageContaining("from").hasMessageContaining("tcp://");
                        });
                faults.followNone();
            }
        }
    }

    @Test
    void spliceRefusedInMidStreamGoesOnWithTheRestAndThenComesBack() throws Exception {
        // pitfalls 34 and 49: a record of kernel TLS that is no data
        TransferResult result = run(
                this::socketToSocket,
                (name, nth) -> name.equals("splice") && nth == 5 ? (Long) (long) -Errno.EINVAL : null);
        assertThat(result.bytesByPath()).containsKeys(TransferPath.SPLICE, TransferPath.COPY);
        assertThat(result.fallbacks()).hasSize(1);
    }

    @Test
    void spliceRefusedTwiceInARowStaysRefused() throws Exception {
        TransferResult result = run(
                this::socketToSocket,
                (name, nth) -> name.equals("splice") && nth >= 5 ? (Long) (long) -Errno.EINVAL : null);
        assertThat(result.fallbacks()).hasSize(2);
    }

    @Test
    void bytesInThePipeAreBroughtOutWhenTheSinkRefusesSplice() throws Exception {
        TransferResult result = run(
                this::socketToSocket,
                (name, nth) -> name.equals("splice") && nth % 2 == 0 ? (Long) (long) -Errno.EINVAL : null);
        assertThat(result.bytesByPath()).containsKey(TransferPath.COPY);
    }

    @Test
    void refusalsWithoutEndAreListedUpToABoundAndLoseNothing() throws Exception {
        // A socket with kernel TLS may refuse now and then for as long as it lives.
        try (Ends ends = socketToSocket()) {
            faults.follow((name, nth) -> name.equals("splice") && nth % 5 == 0 ? (Long) (long) -Errno.EINVAL : null);
            TransferResult result =
                    sluice.transfer(ends.source).to(ends.sink).pipeSize(4096).run();
            faults.followNone();
            ends.sink.close();
            assertThat(ends.received.get()).isEqualTo(data);
            assertThat(result.bytesByPath()).containsOnlyKeys(TransferPath.SPLICE, TransferPath.COPY);
            assertThat(result.fallbacks())
                    .hasSize(32)
                    .containsOnly(new Fallback(TransferPath.SPLICE, "splice", Errno.EINVAL));
        }
    }

    /** What accept(2) answers for a connection once ended the loop of whoever accepts. */
    @ParameterizedTest
    @ValueSource(ints = {Errno.ECONNABORTED, Errno.EPROTO, Errno.ENETDOWN, Errno.EHOSTUNREACH})
    void aConnectionThatIsGoneBeforeItIsAcceptedIsNobodysFailure(int errno) throws Exception {
        faults.follow((name, nth) -> name.equals("accept4") && nth == 1 ? (Long) (long) -errno : null);
        SocketEnd[] pair = tcp();
        faults.followNone();
        try (SocketEnd client = pair[0];
                SocketEnd server = pair[1]) {
            client.write(Arena.ofAuto().allocate(4));
            assertThat(server.read(Arena.ofAuto().allocate(8))).isEqualTo(4);
        }
    }

    // What a fan-out's failure is called.

    @Test
    void aDuplicateThatFailsIsNamedAfterTheCallThatFailed() throws Exception {
        assertThat(failingCall(Errno.EIO, "tee")).isEqualTo("tee");
    }

    @Test
    void aSecondSinkWithoutRoomIsNamedAfterTheCallThatFailed() throws Exception {
        // A file opened with O_APPEND is written to; every other call of this fan-out is a splice.
        assertThat(failingCall(Errno.ENOSPC, "write")).isEqualTo("write");
    }

    private String failingCall(int errno, String refused) throws Exception {
        try (Ends ends = fileToSocket();
                FileEnd second = sluice.open(
                        directory.resolve("second"), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            faults.follow(refuse(errno, refused));
            FanOut fanOut = sluice.fanOut(ends.source).to(ends.sink).to(second);
            ErrnoException failure = catchThrowableOfType(ErrnoException.class, fanOut::run);
            faults.followNone();
            assertThat(failure.errno()).isEqualTo(errno);
            return failure.call();
        }
    }

    /** A duplicate that failed was taken for the first sink's failure, and the others went on without its bytes. */
    @Test
    void aDuplicateThatFailsLeavesTheOtherSinksWhole() throws Exception {
        Path whole = directory.resolve("whole");
        Path cut = directory.resolve("cut");
        try (Ends ends = fileToSocket();
                FileEnd second = sluice.open(whole, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
                FileEnd third = sluice.open(cut, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
            faults.follow((name, nth) -> name.equals("tee") && nth == 4 ? (Long) (long) -Errno.EIO : null);
            FanOut.Result result = sluice.fanOut(ends.source)
                    .to(ends.sink)
                    .to(second)
                    .to(third)
                    .pipeSize(16 << 10)
                    .keepGoing()
                    .run();
            faults.followNone();
            ends.sink.close();
            assertThat(result.sinks().stream().map(TransferResult.SinkResult::fate))
                    .containsExactly(Fate.COMPLETE, Fate.COMPLETE, Fate.FAILED);
            assertThat(result.sinks().getLast().errno()).isEqualTo(Errno.EIO);
            assertThat(ends.received.get()).isEqualTo(data);
            assertThat(stand.read(whole)).isEqualTo(data);
            byte[] beginning = stand.read(cut);
            assertThat(beginning).isEqualTo(Arrays.copyOf(data, beginning.length));
        }
    }

    @Test
    void aMirrorWhoseDuplicateFailsFailsAlone() throws Exception {
        try (Ends ends = fileToSocket();
                FileEnd second =
                        sluice.open(directory.resolve("second"), StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
            faults.follow(refuse(Errno.EIO, "tee"));
            TransferResult result = sluice.transfer(ends.source)
                    .to(ends.sink)
                    .mirrorTo(second, WhenFull.BLOCK)
                    .run();
            faults.followNone();
            ends.sink.close();
            assertThat(result.ending()).isEqualTo(TransferResult.Ending.SOURCE_ENDED);
            assertThat(result.mirrors().getFirst().fate()).isEqualTo(Fate.FAILED);
            assertThat(ends.received.get()).isEqualTo(data);
        }
    }

    // Interruptions and would-block at every single call.

    @TestFactory
    Stream<DynamicTest> anyCallMayBeInterruptedOrNotReady() throws Exception {
        record Run(String title, MakeEnds ends, List<String> calls) {}
        List<Run> runs = List.of(
                new Run("file to file", this::fileToFile, List.of("copy_file_range")),
                new Run("file to socket", this::fileToSocket, List.of("sendfile")),
                new Run("socket to socket", this::socketToSocket, List.of("splice")));
        return runs.stream()
                .flatMap(run -> run.calls.stream()
                        .flatMap(call -> IntStream.rangeClosed(1, 12)
                                .boxed()
                                .flatMap(nth -> Stream.of(Errno.EINTR, Errno.EAGAIN)
                                        .filter(errno -> errno == Errno.EINTR || !run.title.equals("file to file"))
                                        .map(errno -> DynamicTest.dynamicTest(
                                                run.title + ": " + call + " " + nth + " " + Errno.name(errno),
                                                () -> run(
                                                        run.ends,
                                                        (name, n) -> name.equals(call) && n == nth
                                                                ? (Long) (long) -errno
                                                                : null))))));
    }

    @Test
    void everyThirdCallNotReadyLosesNothing() throws Exception {
        run(
                this::socketToSocket,
                (name, nth) -> name.equals("splice") && nth % 3 == 0 ? (Long) (long) -Errno.EAGAIN : null);
    }

    // Ends that lie about their end.

    @Test
    void aZeroFromASocketIsConfirmedBeforeItIsBelieved() throws Exception {
        // pitfall 25
        run(this::socketToSocket, (name, nth) -> name.equals("splice") && nth == 1 ? (Long) 0L : null);
    }

    /** What came of an interrupted look was a failed transfer, and of a pipe, had a writer been there, its end. */
    @Test
    void aLookThatIsInterruptedIsRepeated() throws Exception {
        FaultyKernel.Plan zeroThenInterrupted = (name, nth) -> switch (name) {
            case "splice" -> nth == 1 ? (Long) 0L : null;
            case "recv", "poll" -> nth == 1 ? (Long) (long) -Errno.EINTR : null;
            default -> null;
        };
        run(this::socketToSocket, zeroThenInterrupted);
        run(this::pipeToSocket, zeroThenInterrupted);
    }

    @Test
    void aMirroredTransferWithoutTeeCopiesAndLosesNothing() throws Exception {
        sluice.close();
        sluice = Sluice.on(
                FaultyKernel.builder(faults).lacking("tee", Errno.EPERM).build());
        Ends ends = socketToSocket();
        SocketEnd[] mirror = tcp();
        FutureTask<byte[]> mirrored = TransferContract.start(() -> drain(mirror[1]));
        try (ends) {
            TransferResult result = sluice.transfer(ends.source)
                    .to(ends.sink)
                    .mirrorTo(mirror[0], WhenFull.BLOCK)
                    .run();
            assertThat(result.bytesByPath()).containsOnlyKeys(TransferPath.COPY);
            assertThat(result.mirrors().getFirst().bytesByPath())
                    .as("spliced from its queue, but through user memory before")
                    .containsOnly(Map.entry(TransferPath.COPY, (long) BYTES));
            ends.sink.close();
            mirror[0].close();
            assertThat(ends.received.get()).isEqualTo(data);
            assertThat(mirrored.get()).isEqualTo(data);
        }
    }

    @Test
    void whatAFailingSinkDidNotTakeIsCounted() throws Exception {
        try (Ends ends = fileToSocket()) {
            faults.follow((name, nth) -> name.equals("send") && nth >= 3 ? (Long) (long) -Errno.EIO : null);
            Transfer transfer = sluice.transfer(ends.source).to(ends.sink).path(TransferPath.COPY);
            assertThatThrownBy(transfer::run).isInstanceOfSatisfying(ErrnoException.class, e -> {
                TransferResult result = Objects.requireNonNull(e.result());
                assertThat(result.bytes()).isPositive();
                assertThat(result.strandedBytes()).isPositive();
                assertThat(e).hasMessageContaining("after " + result.bytes() + " bytes");
            });
        }
    }
}
