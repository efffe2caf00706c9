// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Flags.IOV_MAX;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Which memory the kernel is given, how long it is held, and what {@code mmap} hands out. */
final class LinuxMemoryTest extends OnLinux {
    private final int[] pipe = pipe(O_NONBLOCK);

    @Test
    void aHeapSegmentIsRefused() {
        MemorySegment heap = MemorySegment.ofArray(new byte[8]);
        assertRefused(() -> kernel.write(pipe[1], heap));
        assertRefused(() -> kernel.read(pipe[0], heap));
        assertRefused(() -> kernel.vmsplice(pipe[1], List.of(text("x"), heap), 0));
        assertThat(kernel.fionread(pipe[0])).isZero();
    }

    @Test
    void aReadOnlySegmentCanBeWrittenFromButNotReadInto() {
        MemorySegment sealed = text("sealed").asReadOnly();
        assertThat(kernel.write(pipe[1], sealed)).isEqualTo(6);
        assertThat(kernel.writev(pipe[1], List.of(sealed))).isEqualTo(6);
        assertThat(kernel.vmsplice(pipe[1], List.of(sealed), 0)).isEqualTo(6); // [K18]
        assertRefused(() -> kernel.read(pipe[0], sealed));
        assertRefused(() -> kernel.readv(pipe[0], List.of(arena.allocate(1), sealed)));
        assertRefused(() -> kernel.pread(pipe[0], sealed, 0));
        assertRefused(() -> kernel.recv(pipe[0], sealed, 0));
        assertRefused(() -> kernel.vmsplice(pipe[0], List.of(sealed), 0));
        assertThat(kernel.vmsplice(-1, List.of(sealed), 0)).isEqualTo(-EBADF);
        assertThat(kernel.fionread(pipe[0])).isEqualTo(18);
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aClosedSegmentIsABadAddressFoundInTheKernelsOwnOrder() {
        Arena short_ = Arena.ofConfined();
        MemorySegment closed = short_.allocate(8);
        short_.close();
        assertThat(kernel.write(pipe[1], closed)).isEqualTo(-EFAULT);
        assertThat(kernel.write(-1, closed)).isEqualTo(-EBADF);
        assertThat(kernel.writev(pipe[1], List.of(closed, closed))).isEqualTo(-EFAULT);
        assertThat(kernel.vmsplice(pipe[1], List.of(closed), 0)).isEqualTo(-EFAULT);
        ok(kernel.write(pipe[1], text("x")));
        assertThat(kernel.read(pipe[0], closed)).isEqualTo(-EFAULT);
        assertThat(kernel.readv(pipe[0], List.of(closed))).isEqualTo(-EFAULT);
    }

    @Test
    @SuppressWarnings("restricted") // a null pointer with a length
    void aNullSegmentIsABadAddressUnlessItIsEmpty() {
        MemorySegment eight = MemorySegment.NULL.reinterpret(8);
        assertThat(kernel.write(pipe[1], eight)).isEqualTo(-EFAULT);
        assertThat(kernel.vmsplice(pipe[1], List.of(eight), 0)).isEqualTo(-EFAULT);
        assertThat(kernel.write(pipe[1], MemorySegment.NULL)).isZero();
        assertThat(kernel.vmsplice(pipe[1], List.of(MemorySegment.NULL), 0)).isZero(); // [K09]
    }

    @Test
    void memoryOfAnotherThreadIsMisuse() throws Exception {
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment mine = confined.allocate(8);
            var single = CompletableFuture.supplyAsync(() -> caught(() -> kernel.write(pipe[1], mine)));
            var listed = CompletableFuture.supplyAsync(() -> caught(() -> kernel.writev(pipe[1], List.of(mine))));
            assertThat(single.get()).isInstanceOf(WrongThreadException.class);
            assertThat(listed.get()).isInstanceOf(WrongThreadException.class);
        }
    }

    private static Throwable caught(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            return e;
        }
        throw new AssertionError("nothing was thrown");
    }

    @Test
    void asManySegmentsAsTheKernelTakesAndNoMore() {
        MemorySegment bytes = arena.allocate(IOV_MAX + 1).fill((byte) 'x');
        var segments = new ArrayList<MemorySegment>();
        for (int i = 0; i < IOV_MAX; i++) {
            bytes.set(JAVA_BYTE, i, (byte) i);
            segments.add(bytes.asSlice(i, 1));
        }
        assertThat(kernel.writev(pipe[1], segments)).isEqualTo(IOV_MAX);
        MemorySegment back = arena.allocate(IOV_MAX);
        assertThat(kernel.read(pipe[0], back)).isEqualTo(IOV_MAX);
        assertThat(back.mismatch(bytes.asSlice(0, IOV_MAX))).isEqualTo(-1);
        assertThat(kernel.vmsplice(pipe[1], segments, 0)).isEqualTo(16); // a slot for each [K03]

        segments.add(bytes.asSlice(IOV_MAX));
        assertThat(kernel.writev(pipe[1], segments)).isEqualTo(-EINVAL);
        assertThat(kernel.vmsplice(pipe[1], segments, 0)).isEqualTo(-EINVAL); // [K08]
        assertThat(kernel.vmsplice(pipe[1], Collections.nCopies(Integer.MAX_VALUE, bytes), 0))
                .isEqualTo(-EINVAL);
    }

    @Test
    void theSegmentsOfOneCallMayComeFromSixtyFourArenas() {
        var arenas = new ArrayList<Arena>();
        var segments = new ArrayList<MemorySegment>();
        for (int i = 0; i < 64; i++) {
            arenas.add(Arena.ofShared());
            segments.add(arenas.getLast().allocate(2).fill((byte) ('0' + i)));
            segments.add(segments.getLast().asSlice(1)); // a second one of each arena
            int bytes = 3 * (i + 1);
            assertThat(kernel.writev(pipe[1], segments)).isEqualTo(bytes);
            MemorySegment back = arena.allocate(bytes);
            assertThat(kernel.read(pipe[0], back)).isEqualTo(bytes);
            assertThat(back.get(JAVA_BYTE, bytes - 1)).isEqualTo((byte) ('0' + i));
        }
        segments.add(text("one more arena"));
        assertThatThrownBy(() -> kernel.writev(pipe[1], segments))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("64");
        // Nothing stays held when the call has ended, also not when it ended so.
        arenas.forEach(Arena::close);
        assertThat(kernel.writev(pipe[1], segments)).isEqualTo(-EFAULT);
    }

    @Test
    void anArenaCannotBeClosedWhileACallUsesIt() throws Exception {
        assertHeld(buffer -> () -> kernel.read(blocking[0], buffer), Numbers.READ);
        assertHeld(buffer -> () -> kernel.readv(blocking[0], List.of(buffer)), Numbers.READV);
        assertHeld(buffer -> () -> kernel.vmsplice(blocking[0], List.of(buffer), 0), Numbers.VMSPLICE);
        assertHeld(buffer -> () -> kernel.readv(blocking[0], fromManyArenas(buffer)), Numbers.READV);
    }

    private final int[] blocking = pipe(0);

    private List<MemorySegment> fromManyArenas(MemorySegment last) {
        var segments = new ArrayList<MemorySegment>();
        for (int i = 0; i < 20; i++) {
            segments.add(Arena.ofAuto().allocate(1).asSlice(0, 0));
        }
        segments.add(last);
        return segments;
    }

    private interface Call {
        long make();
    }

    private void assertHeld(Function<MemorySegment, Call> reading, long number) throws Exception {
        Arena shared = Arena.ofShared();
        Call call = reading.apply(shared.allocate(8));
        var thread = new CompletableFuture<Integer>();
        var result = new CompletableFuture<Long>();
        Thread.ofPlatform().start(() -> {
            thread.complete(Signals.currentThread());
            result.complete(call.make());
        });
        awaitCall(thread.get(), number);
        assertThatThrownBy(shared::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("acquired");
        ok(kernel.write(blocking[1], text("12345678")));
        assertThat(result.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)).isEqualTo(8);
        shared.close();
    }

    @Test
    void mappedMemoryIsZeroedAlignedAndForAnyThread() throws Exception {
        long page = kernel.capabilities().pageSizeBytes();
        MemorySegment[] out = new MemorySegment[1];
        assertThat(kernel.mmap(page + 1, false, out)).isZero();
        MemorySegment memory = out[0];
        assertThat(memory.byteSize()).isEqualTo(2 * page);
        assertThat(memory.address() % page).isZero();
        assertThat(memory.asSlice(page + 7, 100).toArray(JAVA_BYTE)).containsOnly(0);
        CompletableFuture.runAsync(() -> memory.set(JAVA_BYTE, 2 * page - 1, (byte) 5))
                .get();
        assertThat(memory.get(JAVA_BYTE, 2 * page - 1)).isEqualTo((byte) 5);
        assertThat(kernel.munmap(memory)).isZero();
    }

    @Test
    void hugePagesAreAlignedToTheirSize() {
        MemorySegment[] out = new MemorySegment[1];
        for (int i = 0; i < 3; i++) {
            assertThat(kernel.mmap(3 << 20, true, out)).isZero();
            assertThat(out[0].address() % (2 << 20)).isZero();
            assertThat(out[0].byteSize()).isEqualTo(3 << 20);
            out[0].fill((byte) 1);
            assertThat(kernel.munmap(out[0])).isZero();
        }
    }

    @Test
    void impossibleLengthsAreRefused() {
        MemorySegment[] out = new MemorySegment[1];
        assertThat(kernel.mmap(0, false, out)).isEqualTo(-EINVAL);
        assertThat(kernel.mmap(-1, true, out)).isEqualTo(-EINVAL);
        assertThat(kernel.mmap(Long.MAX_VALUE, false, out)).isEqualTo(-ENOMEM);
        assertThat(kernel.mmap(1L << 60, true, out)).isEqualTo(-ENOMEM);
        assertThat(out[0]).isNull();
    }

    @Test
    void unmappedMemoryIsDead() {
        MemorySegment memory = mapped(8192);
        MemorySegment slice = memory.asSlice(10, 10);
        assertThat(kernel.munmap(memory)).isZero();
        assertThatThrownBy(() -> slice.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        assertThat(kernel.munmap(memory)).isEqualTo(-EINVAL);
        assertThat(kernel.write(pipe[1], slice)).isEqualTo(-EFAULT);
    }

    @Test
    void onlyAWholeMappingCanBeUnmapped() {
        MemorySegment memory = mapped(8192);
        assertThat(kernel.munmap(memory.asSlice(0, 4096))).isEqualTo(-EINVAL);
        assertThat(kernel.munmap(memory.asSlice(4096))).isEqualTo(-EINVAL);
        assertThat(kernel.munmap(text("from elsewhere"))).isEqualTo(-EINVAL);
        assertThat(kernel.munmap(MemorySegment.ofArray(new byte[8]))).isEqualTo(-EINVAL);
        memory.set(JAVA_BYTE, 0, (byte) 1);
        assertThat(kernel.munmap(memory)).isZero();
    }

    @Test
    void memoryInUseByACallCannotBeUnmapped() throws Exception {
        MemorySegment memory = mapped(4096);
        var thread = new CompletableFuture<Integer>();
        var result = new CompletableFuture<Long>();
        Thread.ofPlatform().start(() -> {
            thread.complete(Signals.currentThread());
            result.complete(kernel.read(blocking[0], memory));
        });
        awaitCall(thread.get(), Numbers.READ);
        assertThat(kernel.munmap(memory)).isEqualTo(-EBUSY);
        ok(kernel.write(blocking[1], text("end")));
        assertThat(result.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)).isEqualTo(3);
        assertThat(kernel.munmap(memory)).isZero();
    }

    private MemorySegment mapped(long bytes) {
        MemorySegment[] out = new MemorySegment[1];
        ok(kernel.mmap(bytes, false, out));
        return out[0];
    }
}
