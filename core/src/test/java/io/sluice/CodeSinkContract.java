// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fate;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.testing.Pending;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A sink over the caller's code: it sees all or says why not, and leaves nothing behind, whatever the code does. */
abstract class CodeSinkContract extends SluiceFixture {
    private static final int BYTES = 3_000_001;

    private final byte[] data = TransferContract.random(BYTES);

    /** Code that keeps what it sees, and in which it can be waited. */
    private static final class Looking implements ByteTarget {
        final ByteArrayOutputStream seen = new ByteArrayOutputStream();
        final AtomicReference<Thread> thread = new AtomicReference<>();
        final CountDownLatch called = new CountDownLatch(1);
        final CountDownLatch mayGoOn = new CountDownLatch(1);
        final AtomicInteger calls = new AtomicInteger();

        @Override
        public void accept(MemorySegment bytes) throws IOException {
            thread.set(Thread.currentThread());
            calls.incrementAndGet();
            called.countDown();
            try {
                mayGoOn.await();
            } catch (InterruptedException e) {
                throw new IOException("the code was interrupted", e);
            }
            seen.writeBytes(bytes.toArray(JAVA_BYTE));
        }

        /** From now on it waits for nothing. */
        Looking goesOn() {
            mayGoOn.countDown();
            return this;
        }

        /** Its thread, which it must have been called in, has ended, or is about to. */
        void threadEnds() throws InterruptedException {
            assertThat(thread.get().join(Duration.ofSeconds(20))).isTrue();
        }
    }

    private FileEnd source() throws IOException {
        return keep(sluice.open(stand.write(directory.resolve("source"), data)));
    }

    private FileEnd target() throws IOException {
        return keep(sluice.open(directory.resolve("target"), StandardOpenOption.WRITE, StandardOpenOption.CREATE));
    }

    private FileEnd zero() throws IOException {
        return keep(sluice.open(Path.of("/dev/zero")));
    }

    // What the code sees.

    @Test
    void theCodeSeesEveryByteInOrder() throws Exception {
        Looking code = new Looking().goesOn();
        try (CodeSink sink = sluice.sink(code)) {
            TransferResult result = sluice.transfer(source()).to(sink).run();
            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
            assertThat(result.bytesByPath()).isEqualTo(Map.of(TransferPath.SPLICE, (long) BYTES));
            sink.finish();
            assertThat(code.seen.toByteArray()).isEqualTo(data);
        }
        assertThat(code.thread.get().isVirtual()).isTrue();
        code.threadEnds();
    }

    @Test
    void aDigestOnABranchIsThatOfWhatTheSinkGot() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        FileEnd target = target();
        try (CodeSink look = sluice.sink(bytes -> digest.update(bytes.asByteBuffer()))) {
            TransferResult result = sluice.transfer(source())
                    .to(target)
                    .mirrorTo(look, WhenFull.BLOCK)
                    .run();
            look.finish();
            assertThat(result.userSpaceBytes()).isZero();
        }
        byte[] arrived = stand.read(directory.resolve("target"));
        assertThat(digest.digest())
                .isEqualTo(MessageDigest.getInstance("SHA-256").digest(arrived));
        assertThat(arrived).isEqualTo(data);
    }

    @Test
    void closingIsEnoughForTheCodeToSeeAll() throws Exception {
        Looking code = new Looking().goesOn();
        try (Sink sink = sluice.sink(code)) {
            sluice.transfer(source()).to(sink).run();
        }
        assertThat(code.seen.toByteArray()).isEqualTo(data);
    }

    @Test
    void severalTransfersAndWritesFollowEachOtherInOneSink() throws Exception {
        Looking code = new Looking().goesOn();
        try (CodeSink sink = sluice.sink(code)) {
            sink.write(text("head "));
            sluice.transfer(source()).to(sink).limit(5).run();
            sink.write(ByteBuffer.wrap(new byte[] {1, 2}));
        }
        assertThat(code.seen.toByteArray())
                .containsExactly('h', 'e', 'a', 'd', ' ', data[0], data[1], data[2], data[3], data[4], 1, 2);
    }

    @Test
    void aSinkThatNothingWasWrittenToNeverCallsItsCode() throws Exception {
        Looking code = new Looking().goesOn();
        sluice.sink(code).close();
        assertThat(code.calls).hasValue(0);
    }

    @Test
    void theBytesCannotBeChangedNorUsedLater() throws Exception {
        AtomicReference<MemorySegment> kept = new AtomicReference<>();
        AtomicReference<Throwable> refused = new AtomicReference<>();
        try (CodeSink sink = sluice.sink(bytes -> {
            kept.set(bytes);
            try {
                bytes.set(JAVA_BYTE, 0, (byte) 0);
            } catch (IllegalArgumentException e) {
                refused.set(e);
            }
        })) {
            sink.write(text("look"));
        }
        assertThat(refused.get()).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> kept.get().get(JAVA_BYTE, 0)).isInstanceOf(RuntimeException.class);
    }

    // Pace.

    @Test
    void slowCodeHoldsTheTransferBack() throws Exception {
        Looking code = new Looking();
        long bytes = 4 << 20;
        try (CodeSink sink = sluice.sink(code);
                Pending<TransferResult> running = Pending.start(
                        () -> sluice.transfer(zero()).to(sink).limit(bytes).run())) {
            running.mustWait();
            code.goesOn();
            assertThat(running.value().bytes()).isEqualTo(bytes);
            sink.finish();
            assertThat(code.seen.size()).isEqualTo((int) bytes);
        }
    }

    @Test
    void finishingWaitsUntilTheCodeHasSeenAll() throws Exception {
        Looking code = new Looking();
        try (CodeSink sink = sluice.sink(code)) {
            sink.write(text("last"));
            try (Pending<Void> finishing = Pending.start(() -> {
                sink.finish();
                return null;
            })) {
                finishing.mustWait();
                code.goesOn();
                finishing.value();
            }
            assertThat(code.seen).hasToString("last");
            assertThatThrownBy(() -> sink.write(text("more"))).isInstanceOf(ClosedChannelException.class);
        }
    }

    // The code fails.

    private final IOException broken = new IOException("no more");

    static Stream<Throwable> whateverCodeThrows() {
        return Stream.of(
                new IOException("no more"), new IllegalArgumentException("no more"), new AssertionError("no more"));
    }

    private static ByteTarget throwing(Throwable thrown) {
        return _ -> {
            switch (thrown) {
                case IOException e -> throw e;
                case RuntimeException e -> throw e;
                default -> throw (Error) thrown;
            }
        };
    }

    @ParameterizedTest
    @MethodSource("whateverCodeThrows")
    void whatTheCodeThrowsClosesTheSinkForATransferAndIsThrownByFinishing(Throwable thrown) throws Exception {
        try (CodeSink sink = sluice.sink(throwing(thrown))) {
            TransferResult result = sluice.transfer(zero()).to(sink).run();
            assertThat(result.ending()).isEqualTo(Ending.SINK_CLOSED);
            assertThatThrownBy(sink::finish)
                    .isInstanceOfSatisfying(
                            CodeException.class, e -> assertThat(e.result()).isNull())
                    .hasMessageContaining("no more")
                    .hasCause(thrown);
            assertThatThrownBy(sink::finish).as("as often as asked").isInstanceOf(CodeException.class);
        }
    }

    @Test
    void whatTheCodeThrowsIsThrownByClosingWhenNobodyWasTold() throws Exception {
        CodeSink sink = sluice.sink(throwing(broken));
        sink.write(text("x"));
        assertThatThrownBy(sink::close).isInstanceOf(CodeException.class).hasCause(broken);
        sink.close();
        assertThat(sink.isOpen()).isFalse();
    }

    @Test
    void writingToCodeThatHasThrownFailsWithWhatItThrew() throws Exception {
        try (CodeSink sink = sluice.sink(throwing(broken))) {
            assertThatThrownBy(() -> {
                        while (true) {
                            sink.write(ByteBuffer.allocate(100_000));
                        }
                    })
                    .isInstanceOf(CodeException.class)
                    .hasCause(broken);
        }
    }

    @Test
    void codeThatFailsOnABranchLeavesTheMainPathUnharmed() throws Exception {
        CodeSink look = sluice.sink(throwing(broken));
        TransferResult result = sluice.transfer(source())
                .to(target())
                .mirrorTo(look, WhenFull.BLOCK)
                .run();
        assertThat(result.bytes()).isEqualTo(BYTES);
        assertThat(result.mirrors().getFirst().fate()).isEqualTo(Fate.FAILED);
        assertThat(result.mirrors().getFirst().errno()).isEqualTo(Errno.EPIPE);
        assertThat(stand.read(directory.resolve("target"))).isEqualTo(data);
        assertThatThrownBy(look::close).isInstanceOf(CodeException.class).hasCause(broken);
    }

    // The code blocks.

    @Test
    void abortingInterruptsCodeThatBlocksAndWaitsForNothing() throws Exception {
        Looking code = new Looking();
        CodeSink sink = sluice.sink(code);
        sink.write(text("x"));
        code.called.await();
        sink.abort();
        code.threadEnds();
        assertThatThrownBy(sink::finish).as("the code has not seen all").isInstanceOf(AsynchronousCloseException.class);
        sink.close();
        assertThat(code.calls).hasValue(1);
    }

    @Test
    void abortingAfterTheEndTakesNothingBack() throws Exception {
        Looking code = new Looking().goesOn();
        CodeSink sink = sluice.sink(code);
        sink.write(text("all"));
        sink.finish();
        sink.abort();
        sink.finish();
        sink.close();
        assertThat(code.seen).hasToString("all");
    }

    @Test
    void abortingWakesWhoeverFinishesOrCloses() throws Exception {
        for (boolean closing : new boolean[] {false, true}) {
            Looking code = new Looking();
            CodeSink sink = sluice.sink(code);
            sink.write(text("x"));
            code.called.await();
            try (Pending<Void> waiting = Pending.start(Pending.Kind.VIRTUAL, () -> {
                if (closing) {
                    sink.close();
                } else {
                    sink.finish();
                }
                return null;
            })) {
                waiting.mustWait();
                sink.abort();
                if (closing) {
                    waiting.value();
                } else {
                    assertThat(waiting.failure()).isInstanceOf(AsynchronousCloseException.class);
                }
            }
            code.threadEnds();
        }
    }

    @Test
    void codeThatHeedsNoInterruptHoldsNobodyUpAndIsNotCalledAgain() throws Exception {
        AtomicBoolean stubborn = new AtomicBoolean(true);
        AtomicInteger calls = new AtomicInteger();
        AtomicReference<Thread> thread = new AtomicReference<>();
        CountDownLatch called = new CountDownLatch(1);
        CodeSink sink = sluice.sink(_ -> {
            thread.set(Thread.currentThread());
            calls.incrementAndGet();
            called.countDown();
            while (stubborn.get()) {
                Thread.interrupted();
                LockSupport.parkNanos(100_000);
            }
        });
        sink.write(text("x"));
        called.await();
        sink.write(text("y"));
        sink.abort();
        sink.close();
        assertThat(thread.get().isAlive()).isTrue();
        stubborn.set(false);
        assertThat(thread.get().join(Duration.ofSeconds(20))).isTrue();
        assertThat(calls).hasValue(1);
    }

    @Test
    void anInterruptedFinishCanBeTakenUpAgain() throws Exception {
        Looking code = new Looking();
        try (CodeSink sink = sluice.sink(code)) {
            sink.write(text("x"));
            try (Pending<Void> finishing = Pending.start(() -> {
                sink.finish();
                return null;
            })) {
                finishing.mustWait().interrupt();
                assertThat(finishing.failure()).isInstanceOf(TransferInterruptedException.class);
            }
            code.goesOn();
            sink.finish();
            assertThat(code.seen).hasToString("x");
        }
    }

    @Test
    void anInterruptedCloseAborts() throws Exception {
        Looking code = new Looking();
        CodeSink sink = sluice.sink(code);
        sink.write(text("x"));
        code.called.await();
        try (Pending<Void> closing = Pending.start(() -> {
            sink.close();
            return null;
        })) {
            closing.mustWait().interrupt();
            assertThat(closing.failure()).isInstanceOf(TransferInterruptedException.class);
        }
        code.threadEnds();
    }

    /** A stream that was given up must not look like one that came to its end. */
    @Test
    void aDetachedSinkIsNeverFinished() throws Exception {
        Looking code = new Looking();
        long bytes = 4 << 20;
        CodeSink look = sluice.sink(code);
        look.write(text("x"));
        code.called.await();
        TransferResult result = sluice.transfer(zero())
                .to(target())
                .mirrorTo(look, WhenFull.DETACH)
                .queue(1)
                .limit(bytes)
                .run();
        assertThat(result.bytes()).isEqualTo(bytes);
        assertThat(result.mirrors().getFirst().fate()).isEqualTo(Fate.DETACHED);
        assertThatThrownBy(look::finish).isInstanceOf(AsynchronousCloseException.class);
        look.close();
        code.threadEnds();
    }

    // Any order.

    @Test
    void closingTheSluiceFirstEndsTheCodesWaitAndFinishingSaysSo() throws Exception {
        Looking code = new Looking().goesOn();
        CodeSink sink = sluice.sink(code);
        sink.write(text("x"));
        code.called.await();
        while (!Pending.isAsleep(code.thread.get())) {
            Thread.onSpinWait();
        }
        sluice.close();
        assertThatThrownBy(sink::finish)
                .isInstanceOf(CodeException.class)
                .hasCauseInstanceOf(AsynchronousCloseException.class);
        sink.close();
    }

    @Test
    void theCodeCannotWaitForItself() throws Exception {
        AtomicReference<CodeSink> itself = new AtomicReference<>();
        CountDownLatch ready = new CountDownLatch(1);
        CodeSink sink = sluice.sink(_ -> {
            try {
                ready.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            itself.get().finish();
        });
        itself.set(sink);
        sink.write(text("x"));
        ready.countDown();
        assertThatThrownBy(sink::finish)
                .isInstanceOf(CodeException.class)
                .hasCauseInstanceOf(IllegalStateException.class);
        sink.close();
    }
}
