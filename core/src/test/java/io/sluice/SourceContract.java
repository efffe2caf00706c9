// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.kernel.wrap.TracingKernel.Call;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What a transfer makes of sources that surprise it, of odd positions and large numbers; and which calls it makes. */
abstract class SourceContract extends SluiceFixture {
    private static final int BYTES = 200_001;

    private final byte[] data = TransferContract.random(BYTES);
    private volatile Before before = (name, nth) -> null;

    /** What happens just before a call, and what the call then answers; null lets it through. */
    private interface Before {
        @Nullable
        Long call(String name, int nth) throws IOException;
    }

    @Override
    final Kernel around(Kernel plain) {
        return new ForwardingKernel(plain) {
            private final AtomicInteger calls = new AtomicInteger();
            private @Nullable String counted;

            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                if (!name.equals(counted)) {
                    counted = name;
                    calls.set(0);
                }
                try {
                    Long answer = before.call(name, calls.incrementAndGet());
                    return answer == null ? call.getAsLong() : answer;
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }

    private Path sourcePath() {
        return directory.resolve("source");
    }

    private Path targetPath() {
        return directory.resolve("target");
    }

    private FileEnd source() throws IOException {
        return keep(sluice.open(stand.write(sourcePath(), data)));
    }

    private FileEnd target() throws IOException {
        return keep(sluice.open(targetPath(), StandardOpenOption.WRITE, StandardOpenOption.CREATE));
    }

    private FileEnd nowhere() throws IOException {
        return keep(sluice.open(Path.of("/dev/null"), StandardOpenOption.WRITE));
    }

    private Pipe fed(byte[] bytes) throws IOException {
        Pipe pipe = keep(sluice.pipe(1 << 20));
        pipe.writer().write(TransferContract.copyOf(bytes));
        pipe.writer().close();
        return pipe;
    }

    /** The calls of that name in which that descriptor stands at that place. */
    private List<Call> calls(String name, int index, End end) {
        return callsNamed(name).stream()
                .filter(call -> call.integer(index) == end.endpoint.fd())
                .toList();
    }

    private static long length(Call call, int index) {
        return (long) Objects.requireNonNull(call.arguments().get(index));
    }

    // Surprises.

    @Test
    void urgentDataEndsNeitherTheStreamNorTheProcessorsRest() throws Exception {
        // pitfall 5: splice stops before an urgent byte for ever, and epoll reports what lies behind it
        SocketEnd[] pair = tcp();
        pair[0].write(text("before "));
        long urgent = kernel.send(pair[0].endpoint.fd(), text("!"), Flags.MSG_OOB);
        assumeTrue(urgent != -Errno.EOPNOTSUPP, "sockets of this kernel take no urgent data, and say so");
        assertThat(urgent).isEqualTo(1);
        pair[0].write(text("behind"));
        Transfer transfer = sluice.transfer(pair[1]).to(target());
        try (Pending<TransferResult> running = Pending.start(transfer::run)) {
            while (transfer.movedBytes() < "before behind".length()) {
                Thread.onSpinWait();
            }
            running.mustWait();
            int before = callsNamed("splice").size();
            running.mustWait();
            assertThat(callsNamed("splice")).hasSize(before);
            pair[0].close();
            assertThat(running.value().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }
        assertThat(stand.read(targetPath())).asString(UTF_8).isEqualTo("before behind");
    }

    @Test
    void aFifoWhoseWriterCameAndWentBetweenTwoLooksIsReadToItsEnd() throws Exception {
        // [Q01] Before the first writer a FIFO answers 0. By the time it is asked for a hang-up, one may have left
        // bytes.
        for (TransferPath path : List.of(TransferPath.SPLICE, TransferPath.COPY)) {
            FileEnd target = target();
            target.truncate(0);
            Pipe pipe = fed(data);
            String first = path == TransferPath.SPLICE ? "splice" : "read";
            AtomicInteger lies = new AtomicInteger();
            before = (name, nth) -> name.equals(first) && lies.getAndIncrement() == 0 ? 0L : null;
            TransferResult result =
                    sluice.transfer(pipe.reader()).to(target).path(path).run();
            before = (name, nth) -> null;
            assertThat(result.bytes()).as("%s", path).isEqualTo(BYTES);
            assertThat(lies).hasValueGreaterThan(1);
        }
    }

    @TestFactory
    Stream<DynamicTest> aFileThatGrowsOrShrinksMeanwhileGivesWhatIsThere() {
        Map<TransferPath, String> calls = Map.of(
                TransferPath.COPY_FILE_RANGE, "copy_file_range",
                TransferPath.SPLICE, "splice",
                TransferPath.COPY, "read");
        return calls.entrySet().stream()
                .flatMap(entry -> Stream.of(true, false)
                        .map(grows -> DynamicTest.dynamicTest(entry.getKey() + (grows ? " grows" : " shrinks"), () -> {
                            FileEnd from = source();
                            FileEnd to = target();
                            to.truncate(0);
                            AtomicInteger seen = new AtomicInteger();
                            before = (name, nth) -> {
                                if (name.equals(entry.getValue()) && seen.getAndIncrement() == 0) {
                                    stand.resize(sourcePath(), grows ? BYTES + 5 : 1000);
                                }
                                return null;
                            };
                            TransferResult result = sluice.transfer(from)
                                    .to(to)
                                    .path(entry.getKey())
                                    .run();
                            before = (name, nth) -> null;
                            byte[] now = stand.read(sourcePath());
                            assertThat(result.bytes()).isEqualTo(now.length);
                            assertThat(stand.read(targetPath())).isEqualTo(now);
                        })));
    }

    @Test
    void anInapplicableReflinkIsAFailureAndNotAnEmptySuccess() throws Exception {
        FileEnd source = source();
        source.position(1);
        assertThatThrownBy(() -> sluice.transfer(source)
                        .to(target())
                        .path(TransferPath.REFLINK)
                        .run())
                .isInstanceOfSatisfying(ErrnoException.class, e -> {
                    assertThat(e.call()).isEqualTo("ficlone");
                    assertThat(e.errno()).isEqualTo(Errno.EINVAL);
                });
    }

    @Test
    void bytesLeftInAPipeByAFailureReachNobodyElse() throws Exception {
        // pitfall 21
        Pipe gone = keep(sluice.pipe());
        gone.reader().close();
        assertThat(sluice.transfer(source()).to(gone.writer()).run().strandedBytes())
                .isPositive();
        assertThat(sluice.pool().idlePipes()).isZero();
        sluice.transfer(fed(new byte[] {1, 2, 3}).reader()).to(target()).run();
        assertThat(stand.read(targetPath())).containsExactly(1, 2, 3);
    }

    // Positions and large numbers.

    @TestFactory
    Stream<DynamicTest> oddPositionsAreHeldOnEveryPath() {
        return Stream.of(TransferPath.COPY_FILE_RANGE, TransferPath.SPLICE, TransferPath.COPY)
                .map(path -> DynamicTest.dynamicTest(path.label(), () -> {
                    FileEnd from = source();
                    FileEnd to = target();
                    from.position(4095);
                    to.position(7);
                    sluice.transfer(from).to(to).path(path).limit(70_001).run();
                    assertThat(from.position()).isEqualTo(4095 + 70_001);
                    assertThat(to.position()).isEqualTo(7 + 70_001);
                    byte[] expected = new byte[7 + 70_001];
                    System.arraycopy(data, 4095, expected, 7, 70_001);
                    assertThat(stand.read(targetPath())).isEqualTo(expected);
                }));
    }

    @Test
    void sendfileBeginsAtThePositionAndStopsAtTheLimit() throws Exception {
        FileEnd from = source();
        from.position(4095);
        SocketEnd[] pair = unix();
        TransferResult result = sluice.transfer(from).to(pair[0]).limit(5001).run();
        assertThat(result.bytesByPath()).containsOnly(Map.entry(TransferPath.SENDFILE, 5001L));
        pair[0].close();
        assertThat(TransferContract.drain(pair[1])).isEqualTo(Arrays.copyOfRange(data, 4095, 4095 + 5001));
    }

    @Test
    void countsGoBeyondTwoGigabytes() throws Exception {
        // pitfall 42
        for (long bytes : new long[] {(1L << 31) - 1, (1L << 31) + 1}) {
            try (FileEnd zero = sluice.open(Path.of("/dev/zero"))) {
                TransferResult result =
                        sluice.transfer(zero).to(nowhere()).limit(bytes).run();
                assertThat(result.bytes()).isEqualTo(bytes);
                assertThat(result.ending()).isEqualTo(Ending.LIMIT_REACHED);
            }
            calls.clear();
        }
    }

    @Test
    void positionsGoBeyondTwoGigabytes() throws Exception {
        // pitfall 42
        long edge = 1L << 31;
        stand.writeAt(sourcePath(), edge - 3, new byte[] {1, 2, 3, 4, 5, 6});
        for (TransferPath path : List.of(TransferPath.COPY_FILE_RANGE, TransferPath.SPLICE, TransferPath.COPY)) {
            FileEnd from = keep(sluice.open(sourcePath()));
            FileEnd to = target();
            from.position(edge - 3);
            to.position(edge - 1);
            assertThat(sluice.transfer(from).to(to).path(path).run().bytes()).isEqualTo(6);
            assertThat(to.position()).isEqualTo(edge + 5);
        }
        assertThat(stand.readAt(targetPath(), edge - 1, 6)).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void durationsBeyondCountingAreNone() throws Exception {
        // The sum of such an interval and the clock wrapped round: the deadline had passed, the listener never rested.
        for (Duration endless : List.of(
                Duration.ofNanos(Long.MAX_VALUE - 1),
                Duration.ofNanos(Long.MAX_VALUE),
                Duration.ofSeconds(Long.MAX_VALUE))) {
            AtomicInteger told = new AtomicInteger();
            TransferResult result = sluice.transfer(source())
                    .to(target())
                    .deadline(endless)
                    .idle(endless)
                    .onProgress(endless, _ -> told.incrementAndGet())
                    .run();
            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
            assertThat(told).hasValue(1);
        }
        TransferResult late = sluice.transfer(source())
                .to(target())
                .deadline(Duration.ofSeconds(Long.MIN_VALUE))
                .run();
        assertThat(late.ending()).isEqualTo(Ending.DEADLINE_PASSED);
    }

    @Test
    void aPipeOfOnePageIsEnough() throws Exception {
        // pitfalls 2 and 52
        for (int bytes : new int[] {1, 4096}) {
            FileEnd target = target();
            sluice.transfer(fed(data).reader()).to(target).pipeSize(bytes).run();
        }
        assertThat(stand.read(targetPath())).isEqualTo(data);
    }

    // The calls themselves.

    @Test
    void aTransferThatWaitsMakesNoCalls() throws Exception {
        // pitfalls 3, 4 and 14: with the sink full, the source is not asked again, nor the sink before it has room
        Pipe full = keep(sluice.pipe());
        try (Pending<TransferResult> running =
                Pending.start(sluice.transfer(source()).to(full.writer())::run)) {
            running.mustWait();
            int before = callsNamed("splice").size();
            running.mustWait();
            assertThat(callsNamed("splice")).hasSize(before);
            assertThat(countOf(full, BYTES)).isEqualTo(BYTES);
            assertThat(running.value().bytes()).isEqualTo(BYTES);
        }
    }

    private static long countOf(Pipe pipe, long bytes) throws IOException {
        long total = 0;
        while (total < bytes) {
            total += pipe.reader().read(room(1 << 16));
        }
        return total;
    }

    @Test
    void everySpliceAndTeeIsNonBlockingAndEveryPipeToo() throws Exception {
        // pitfall 10
        SocketEnd[] mirror = unix();
        sluice.transfer(fed(data).reader())
                .to(target())
                .mirrorTo(mirror[0], WhenFull.DETACH)
                .run();
        assertThat(callsNamed("splice"))
                .isNotEmpty()
                .allSatisfy(
                        call -> assertThat(call.integer(5)).matches(flags -> (flags & Flags.SPLICE_F_NONBLOCK) != 0));
        assertThat(callsNamed("tee"))
                .isNotEmpty()
                .allSatisfy(call -> assertThat(call.integer(3)).isEqualTo(Flags.SPLICE_F_NONBLOCK));
        assertThat(callsNamed("pipe2"))
                .allSatisfy(call -> assertThat(call.integer(1)).isEqualTo(Flags.O_CLOEXEC | Flags.O_NONBLOCK));
    }

    @Test
    void everyDrainIsTeedOnceAndWhole() throws Exception {
        // pitfall 33
        PipeReader source = fed(data).reader();
        sluice.fanOut(source).to(nowhere()).to(target()).pipeSize(16 << 10).run();
        List<Long> drained = calls("splice", 0, source).stream()
                .map(Call::result)
                .filter(result -> result > 0)
                .toList();
        assertThat(drained).hasSizeGreaterThan(1);
        assertThat(callsNamed("tee").stream().map(Call::result)).isEqualTo(drained);
    }

    @Test
    void moreIsPromisedOnlyWhenMoreFollows() throws Exception {
        // pitfall 58
        for (long limit : new long[] {BYTES, 150_000, Long.MAX_VALUE}) {
            calls.clear();
            SocketEnd[] pair = tcp();
            try (Pending<byte[]> received = Pending.start(() -> TransferContract.drain(pair[1]))) {
                sluice.transfer(source())
                        .to(pair[0])
                        .path(TransferPath.SPLICE)
                        .pipeSize(64 << 10)
                        .limit(limit)
                        .run();
                pair[0].shutdownOutput();
                assertThat(received.value()).hasSize((int) Math.min(BYTES, limit));
            }
            List<Boolean> more = calls("splice", 2, pair[0]).stream()
                    .map(call -> (call.integer(5) & Flags.SPLICE_F_MORE) != 0)
                    .toList();
            assertThat(more).contains(true);
            assertThat(more.getLast()).isFalse();
        }
    }

    @Test
    void noCallIsAskedForMoreThanItsBound() throws Exception {
        // pitfalls 13 and 41
        FileEnd from = source();
        sluice.transfer(from).to(target()).path(TransferPath.COPY_FILE_RANGE).run();
        assertThat(callsNamed("copy_file_range"))
                .isNotEmpty()
                .allSatisfy(call -> assertThat(length(call, 4)).isLessThanOrEqualTo(8 << 20));
    }

    @Test
    void noCallIsAskedForMoreThanTheRateAllows() throws Exception {
        // pitfall 65
        sluice.transfer(source())
                .to(target())
                .path(TransferPath.COPY_FILE_RANGE)
                .rate(2_000_000)
                .run();
        assertThat(callsNamed("copy_file_range"))
                .hasSizeGreaterThan(1)
                .allSatisfy(call -> assertThat(length(call, 4)).isBetween(1L, 200_000L));
    }
}
