// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fate;
import io.sluice.kernel.TransferPath;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A source over the caller's code: all that it made arrives, and what it throws is never taken for its end. */
abstract class CodeSourceContract extends SluiceFixture {
    private static final int BYTES = 3_000_001;

    private final byte[] data = TransferContract.random(BYTES);

    /** Code that gives out the data in pieces of odd length, and then what it is told to throw. */
    private final class Making implements ByteOrigin {
        private final @Nullable IOException last;
        private int given;

        Making(@Nullable IOException last) {
            this.last = last;
        }

        @Override
        public long fill(MemorySegment room) throws IOException {
            if (given < BYTES) {
                int count = (int) Math.min(Math.min(room.byteSize(), 65_537), BYTES - given);
                MemorySegment.copy(data, given, room, JAVA_BYTE, 0, count);
                given += count;
                return count;
            }
            if (last != null) {
                throw last;
            }
            return -1;
        }
    }

    private FileEnd target() throws IOException {
        return keep(sluice.open(directory.resolve("target"), StandardOpenOption.WRITE, StandardOpenOption.CREATE));
    }

    private byte[] arrived() {
        return stand.read(directory.resolve("target"));
    }

    @Test
    void everyByteArrivesInOrder() throws Exception {
        try (CodeSource source = sluice.source(new Making(null))) {
            TransferResult result = sluice.transfer(source).to(target()).run();
            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
            assertThat(result.bytesByPath()).as("from our pipe on").isEqualTo(Map.of(TransferPath.SPLICE, (long)
                    BYTES));
        }
        assertThat(arrived()).isEqualTo(data);
    }

    @Test
    void itCanBeReadAsWell() throws Exception {
        try (CodeSource source = sluice.source(new Making(null))) {
            ByteBuffer all = ByteBuffer.allocate(BYTES + 1);
            MemorySegment first = room(10);
            all.put(first.asSlice(0, source.read(first)).toArray(JAVA_BYTE));
            while (source.read(all) >= 0) {
                assertThat(all.hasRemaining()).isTrue();
            }
            assertThat(source.read(first)).isEqualTo(-1);
            assertThat(all.flip()).isEqualTo(ByteBuffer.wrap(data));
        }
    }

    @Test
    void aSourceThatEndsAtOnceIsEmpty() throws Exception {
        try (CodeSource source = sluice.source((ByteOrigin) _ -> -1)) {
            assertThat(sluice.transfer(source).to(target()).run().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }
        assertThat(arrived()).isEmpty();
    }

    @Test
    void aTransferWaitsForTheCode() throws Exception {
        CountDownLatch mayGoOn = new CountDownLatch(1);
        Making making = new Making(null);
        try (CodeSource source = sluice.source(room -> {
                    await(mayGoOn);
                    return making.fill(room);
                });
                Pending<TransferResult> running =
                        Pending.start(sluice.transfer(source).to(target())::run)) {
            running.mustWait();
            mayGoOn.countDown();
            assertThat(running.value().bytes()).isEqualTo(BYTES);
        }
    }

    @Test
    void theCodeRunsAheadNoFurtherThanThePipeHasRoom() throws Exception {
        AtomicLong made = new AtomicLong();
        AtomicReference<Thread> thread = new AtomicReference<>();
        try (CodeSource source = sluice.source(room -> {
            thread.set(Thread.currentThread());
            made.addAndGet(room.byteSize());
            return room.byteSize();
        })) {
            while (thread.get() == null || !Pending.isAsleep(thread.get())) {
                Thread.onSpinWait();
            }
            assertThat(made.get()).isLessThanOrEqualTo(2L * CodeThread.BYTES);
            assertThat(sluice.transfer(source).to(target()).limit(10).run().ending())
                    .isEqualTo(Ending.LIMIT_REACHED);
        }
        assertThat(thread.get().join(Duration.ofSeconds(20))).isTrue();
    }

    // The code fails.

    @Test
    void whatTheCodeThrowsFailsTheTransferAfterAllThatItMadeBefore() throws Exception {
        IOException broken = new IOException("line cut");
        try (CodeSource source = sluice.source(new Making(broken))) {
            assertThatThrownBy(sluice.transfer(source).to(target())::run)
                    .isInstanceOfSatisfying(CodeException.class, e -> {
                        assertThat(e.result().bytes()).isEqualTo(BYTES);
                        assertThat(e.result().ending()).isEqualTo(Ending.FAILED);
                    })
                    .hasMessageContaining("line cut")
                    .hasMessageContaining(BYTES + " bytes")
                    .hasCause(broken);
            assertThatThrownBy(sluice.transfer(source).to(target())::run)
                    .as("as often as asked")
                    .isInstanceOf(CodeException.class);
        }
        assertThat(arrived()).isEqualTo(data);
    }

    @Test
    void whatTheCodeThrowsFailsReadersToo() throws Exception {
        IOException broken = new IOException("line cut");
        try (CodeSource source = sluice.source((ByteOrigin) _ -> {
            throw broken;
        })) {
            assertThatThrownBy(() -> source.read(room(1)))
                    .isInstanceOf(CodeException.class)
                    .hasCause(broken);
            assertThatThrownBy(() -> source.read(ByteBuffer.allocate(1))).isInstanceOf(CodeException.class);
            assertThatThrownBy(() -> source.asInputStream().read()).isInstanceOf(CodeException.class);
        }
    }

    @Test
    void aFailureEndsAFanOutWithAllItsSinks() throws Exception {
        IOException broken = new IOException("line cut");
        SocketEnd[] second = unix();
        try (CodeSource source = sluice.source(new Making(broken));
                Pending<byte[]> received = Pending.start(() -> TransferContract.drain(second[1]))) {
            assertThatThrownBy(sluice.fanOut(source).to(target()).to(second[0])::run)
                    .isInstanceOfSatisfying(
                            CodeException.class,
                            e -> assertThat(e.result().mirrors()).allMatch(mirror -> mirror.fate() != Fate.FAILED))
                    .hasCause(broken);
            second[0].close();
            assertThat(received.value().length).isPositive();
        }
        assertThat(arrived()).isEqualTo(data);
    }

    @Test
    void uncheckedFailuresAndErrorsAreToldAsWell() throws Exception {
        for (Throwable thrown : new Throwable[] {new IllegalStateException("mistake"), new AssertionError("mistake")}) {
            try (CodeSource source = sluice.source((ByteOrigin) _ -> {
                if (thrown instanceof RuntimeException e) {
                    throw e;
                }
                throw (Error) thrown;
            })) {
                assertThatThrownBy(sluice.transfer(source).to(target())::run)
                        .isInstanceOf(CodeException.class)
                        .hasCause(thrown);
            }
        }
    }

    @Test
    void anAnswerThatMakesNoSenseIsAFailure() throws Exception {
        for (long answer : new long[] {0, Long.MAX_VALUE}) {
            try (CodeSource source = sluice.source((ByteOrigin) _ -> answer)) {
                assertThatThrownBy(sluice.transfer(source).to(target())::run)
                        .isInstanceOf(CodeException.class)
                        .hasCauseInstanceOf(RuntimeException.class);
            }
        }
    }

    @Test
    void aFailureThatNobodyWasToldIsThrownByClosing() throws Exception {
        IOException broken = new IOException("line cut");
        AtomicReference<Thread> thread = new AtomicReference<>();
        CodeSource source = sluice.source((ByteOrigin) _ -> {
            thread.set(Thread.currentThread());
            throw broken;
        });
        while (thread.get() == null) {
            Thread.onSpinWait();
        }
        assertThat(thread.get().join(Duration.ofSeconds(20))).isTrue();
        assertThatThrownBy(source::close).isInstanceOf(CodeException.class).hasCause(broken);
        source.close();
    }

    // Closing.

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException("the code was interrupted", e);
        }
    }

    @Test
    void closingInterruptsCodeThatBlocks() throws Exception {
        AtomicReference<Thread> thread = new AtomicReference<>();
        CountDownLatch called = new CountDownLatch(1);
        CodeSource source = sluice.source((ByteOrigin) _ -> {
            thread.set(Thread.currentThread());
            called.countDown();
            await(new CountDownLatch(1));
            return -1;
        });
        called.await();
        source.close();
        assertThat(thread.get().join(Duration.ofSeconds(20))).isTrue();
        source.close();
        assertThatThrownBy(() -> source.read(room(1))).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void closingEndsTheTransferThatWaitsForTheCode() throws Exception {
        CodeSource source = sluice.source((ByteOrigin) _ -> {
            await(new CountDownLatch(1));
            return -1;
        });
        try (Pending<TransferResult> running =
                Pending.start(sluice.transfer(source).to(target())::run)) {
            running.mustWait();
            source.close();
            assertThat(running.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
    }

    @Test
    void closingTheSluiceFirstLeavesNothingBehind() throws Exception {
        AtomicReference<Thread> thread = new AtomicReference<>();
        CodeSource source = sluice.source(room -> {
            thread.set(Thread.currentThread());
            return room.byteSize();
        });
        while (thread.get() == null || !Pending.isAsleep(thread.get())) {
            Thread.onSpinWait();
        }
        sluice.close();
        assertThat(thread.get().join(Duration.ofSeconds(20))).isTrue();
        assertThatThrownBy(source::close)
                .isInstanceOf(CodeException.class)
                .hasCauseInstanceOf(AsynchronousCloseException.class);
    }
}
