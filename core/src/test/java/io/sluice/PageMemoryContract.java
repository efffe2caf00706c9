// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.kernel.wrap.TracingKernel;
import io.sluice.testing.Pending;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory that may be given to a pipe by reference, and the giving. */
abstract class PageMemoryContract extends SluiceFixture {
    private static final long HUGE = 2 << 20;

    private long page() {
        return kernel.capabilities().pageSizeBytes();
    }

    // The memory.

    /** Pitfall 74: the page size is the machine's. */
    @Test
    void isOfWholePagesAndBeginsOnOne() throws Exception {
        for (long asked : new long[] {1, page() - 1, page(), page() + 1, 1_000_003}) {
            PageMemory memory = keep(sluice.pages(asked, false));
            assertThat(memory.segment().address() % page()).isZero();
            assertThat(memory.sizeBytes()).isGreaterThanOrEqualTo(asked).isLessThan(asked + page());
            assertThat(memory.sizeBytes() % page()).isZero();
        }
    }

    @Test
    void inHugePagesBeginsOnTwoMebibytes() throws Exception {
        PageMemory memory = keep(sluice.pages(3 * HUGE, true));
        assertThat(memory.segment().address() % HUGE).isZero();
        assertThat(memory.sizeBytes()).isEqualTo(3 * HUGE);
    }

    @Test
    void isZeroAndCanBeWrittenByAnyThread() throws Exception {
        PageMemory memory = keep(sluice.pages(page(), false));
        assertThat(memory.segment().mismatch(room(page()))).isEqualTo(-1);
        Thread other = Thread.startVirtualThread(() -> memory.segment().set(JAVA_BYTE, 9, (byte) 9));
        other.join();
        assertThat(memory.segment().get(JAVA_BYTE, 9)).isEqualTo((byte) 9);
    }

    @Test
    void useAfterCloseThrows() throws Exception {
        PageMemory memory = sluice.pages(page(), false);
        MemorySegment kept = memory.segment();
        PageMemory.Slice slice = memory.slice(0, 10);
        memory.close();
        Pipe pipe = keep(sluice.pipe());
        assertThatThrownBy(memory::segment).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(slice::segment).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> kept.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pipe.writer().vmsplice(slice)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> memory.giftTo(pipe.writer())).isInstanceOf(IllegalStateException.class);
        memory.close();
        assertThat(pipe.reader().availableBytes()).isZero();
    }

    @Test
    void noMemoryAtAllIsRefused() {
        assertThatThrownBy(() -> sluice.pages(0, false)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> sluice.pages(Long.MAX_VALUE, false))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOMEM));
    }

    @Test
    void aSliceThatReachesOutsideIsRefused() throws Exception {
        PageMemory memory = keep(sluice.pages(page(), false));
        assertThatThrownBy(() -> memory.slice(-1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.slice(1, memory.sizeBytes())).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(memory.slice(memory.sizeBytes(), 0).segment().byteSize()).isZero();
    }

    // By reference.

    /** [K01], pitfall 30. */
    @Test
    void vmspliceIsAReferenceAndNotASnapshot() throws Exception {
        PageMemory memory = keep(sluice.pages(page(), false));
        memory.segment().fill((byte) 'a');
        Pipe pipe = keep(sluice.pipe());
        assertThat(pipe.writer().vmsplice(memory.slice(0, 3)))
                .as("by reference")
                .isEqualTo(3);
        memory.segment().set(JAVA_BYTE, 1, (byte) 'b');
        assertThat(read(pipe.reader(), 10)).isEqualTo("aba");
    }

    @Test
    void whatAPipeRefersToOutlivesTheMapping() throws Exception {
        PageMemory memory = sluice.pages(page(), false);
        memory.segment().fill((byte) 'k');
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().vmsplice(memory.slice(0, 4));
        memory.close();
        assertThat(read(pipe.reader(), 10)).isEqualTo("kkkk");
    }

    @Test
    void anEmptySliceGivesNothing() throws Exception {
        PageMemory memory = keep(sluice.pages(page(), false));
        Pipe pipe = keep(sluice.pipe());
        assertThat(pipe.writer().vmsplice(memory.slice(5, 0))).isZero();
    }

    // Gifts.

    /** Pitfall 32. */
    @Test
    void aGiftConsumesTheObject() throws Exception {
        PageMemory memory = sluice.pages(2 * page(), false);
        memory.segment().fill((byte) 'g');
        MemorySegment kept = memory.segment();
        Pipe pipe = keep(sluice.pipe());
        memory.giftTo(pipe.writer());
        assertThatThrownBy(() -> kept.set(JAVA_BYTE, 0, (byte) 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(memory::segment).isInstanceOf(IllegalStateException.class);
        assertThat(pipe.reader().availableBytes()).isEqualTo(2 * page());
        assertThat(read(pipe.reader(), 3)).isEqualTo("ggg");
        assertThat(callsNamed("vmsplice")).allMatch(call -> (call.integer(2) & Flags.SPLICE_F_GIFT) != 0);
    }

    /** The call once went to the memory's kernel with a number of the writer's: to whatever had it there. */
    @Test
    void memoryOfAnotherKernelIsRefusedAndKept() throws Exception {
        try (UserKernel elsewhere = UserKernel.builder().build();
                Sluice other = Sluice.on(elsewhere);
                Pipe foreign = other.pipe()) {
            PageMemory memory = keep(sluice.pages(page(), false));
            for (ThrowingCallable misuse : List.<ThrowingCallable>of(
                    () -> memory.giftTo(foreign.writer()),
                    () -> foreign.writer().vmsplice(memory.slice(0, 1)))) {
                assertThatThrownBy(misuse)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("another kernel");
            }
            assertThat(foreign.reader().availableBytes()).isZero();
            assertThat(memory.segment().get(JAVA_BYTE, 0)).isZero();
        }
        assertThat(callsNamed("vmsplice")).isEmpty();
    }

    @Test
    void aGiftThatFailsLeavesTheMemoryOpen() throws Exception {
        PageMemory memory = keep(sluice.pages(page(), false));
        Pipe pipe = keep(sluice.pipe());
        pipe.reader().close();
        assertThatThrownBy(() -> memory.giftTo(pipe.writer()))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
        assertThat(memory.segment().get(JAVA_BYTE, 0)).isZero();
    }

    /** Pitfall 32: part of it is in the pipe, so it must not be written again. */
    @Test
    void aGiftThatFailsHalfwayIsClosedAndWhatWasGivenArrives() throws Exception {
        PageMemory memory = keep(sluice.pages(1 << 20, false));
        memory.segment().fill((byte) 'h');
        Pipe pipe = keep(sluice.pipe());
        try (Pending<Void> giving = Pending.start(() -> {
            memory.giftTo(pipe.writer());
            return null;
        })) {
            giving.mustWait().interrupt();
            assertThat(giving.failure()).isInstanceOf(TransferInterruptedException.class);
        }
        assertThatThrownBy(memory::segment).isInstanceOf(IllegalStateException.class);
        assertThat(read(pipe.reader(), 3)).isEqualTo("hhh");
    }

    // Out of a pipe into memory.

    @Test
    void vmspliceOutFillsThePartsInTheirOrderAndSkipsEmptyOnes() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(text("abcdefg"));
        MemorySegment[] parts = {room(2), room(0), room(3), room(9)};
        assertThat(pipe.reader().vmsplice(List.of(parts))).isEqualTo(7);
        assertThat(parts[0].toArray(JAVA_BYTE)).isEqualTo("ab".getBytes(UTF_8));
        assertThat(parts[2].toArray(JAVA_BYTE)).isEqualTo("cde".getBytes(UTF_8));
        assertThat(parts[3].asSlice(0, 2).toArray(JAVA_BYTE)).isEqualTo("fg".getBytes(UTF_8));
    }

    /** [L01]: in this direction it copies, so what was read is the reader's own. */
    @Test
    void vmspliceOutCopies() throws Exception {
        PageMemory memory = keep(sluice.pages(page(), false));
        memory.segment().fill((byte) 'a');
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().vmsplice(memory.slice(0, 3));
        MemorySegment out = room(3);
        assertThat(pipe.reader().vmsplice(List.of(out))).isEqualTo(3);
        memory.segment().fill((byte) 'b');
        assertThat(out.toArray(JAVA_BYTE)).isEqualTo("aaa".getBytes(UTF_8));
    }

    @Test
    void vmspliceOutWaitsForTheFirstByteAndTellsTheEnd() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        MemorySegment out = room(8);
        try (Pending<Long> reading =
                Pending.start(Pending.Kind.VIRTUAL, () -> pipe.reader().vmsplice(List.of(out)))) {
            reading.mustWait();
            pipe.writer().write(text("now"));
            assertThat(reading.value()).isEqualTo(3);
        }
        pipe.writer().close();
        assertThat(pipe.reader().vmsplice(List.of(out))).isEqualTo(-1);
        assertThat(pipe.reader().vmsplice(List.of(room(0)))).isZero();
    }

    /** [K08]: a longer list is refused as a whole. */
    @Test
    void ofVeryManyPartsTheFirstAreFilled() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(room(2_000));
        assertThat(pipe.reader().vmsplice(Collections.nCopies(1_500, room(1)))).isEqualTo(1_024);
        assertThat(pipe.reader().availableBytes()).isEqualTo(976);
    }

    // Where vmsplice does not work.

    private Sluice answering(int errno, int times) {
        AtomicInteger left = new AtomicInteger(times);
        return keep(Sluice.on(new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                boolean answers = name.equals("vmsplice") && left.getAndDecrement() > 0;
                return answers ? -errno : call.getAsLong();
            }
        }));
    }

    /** Pitfalls 66 and 67: containers remove the call, some kernels refuse it on a FIFO. */
    @ParameterizedTest
    @ValueSource(ints = {Errno.EPERM, Errno.ENOSYS, Errno.EOPNOTSUPP})
    void whereVmspliceIsRefusedTheBytesAreCopied(int errno) throws Exception {
        Sluice restricted = answering(errno, Integer.MAX_VALUE);
        PageMemory memory = keep(restricted.pages(page(), false));
        memory.segment().fill((byte) 'c');
        Pipe pipe = keep(restricted.pipe());
        assertThat(pipe.writer().vmsplice(memory.slice(0, 3)))
                .as("by reference")
                .isZero();
        memory.segment().fill((byte) 'x');
        assertThat(read(pipe.reader(), 10)).isEqualTo("ccc");
        memory.giftTo(pipe.writer());
        assertThat(pipe.reader().availableBytes()).isEqualTo(page());
    }

    /** Pitfalls 68 and 70: what passes is tried again. */
    @ParameterizedTest
    @ValueSource(ints = {Errno.EAGAIN, Errno.EINTR})
    void whatIsRefusedForTheMomentIsTriedAgain(int errno) throws Exception {
        Sluice restricted = answering(errno, 3);
        PageMemory memory = keep(restricted.pages(page(), false));
        Pipe pipe = keep(restricted.pipe());
        assertThat(pipe.writer().vmsplice(memory.slice(0, 3))).isEqualTo(3);
    }

    /** [K06]: O_NONBLOCK does not count, and a virtual thread must not sleep in the call. */
    @Test
    void vmspliceIsNeverCalledWithoutNonblock() throws Exception {
        PageMemory memory = keep(sluice.pages(page(), false));
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().vmsplice(memory.slice(0, 3));
        List<TracingKernel.Call> made = callsNamed("vmsplice");
        assertThat(made).hasSize(1).allMatch(call -> (call.integer(2) & Flags.SPLICE_F_NONBLOCK) != 0);
    }
}
