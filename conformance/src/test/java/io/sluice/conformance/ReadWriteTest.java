// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static io.sluice.conformance.Rig.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** read and write on pipes, with memory that cannot be reached, with vectors, and from several threads. */
class ReadWriteTest {
    private static final int PAGE = 4096;

    /** Before Linux 6.15 or so an empty slot stayed behind, so that only its emptiness can be asked for everywhere. */
    @OnEachKernel
    @Holds("B19")
    void aWriteFromBadMemoryStoresNothing(Rig rig) {
        PipeEnds pipe = rig.pipe();

        assertErrno(rig.kernel().write(pipe.w(), rig.stand().unmapped(100)), Errno.EFAULT);
        assertErrno(rig.kernel().write(pipe.w(), rig.stand().unmapped(PAGE)), Errno.EFAULT);

        assertThat(rig.kernel().fionread(pipe.r())).isZero();
        rig.write(pipe.w(), "abc");
        assertThat(rig.read(pipe.r())).isEqualTo("abc");
    }

    @OnEachKernel
    @Holds("B19")
    void aWriteWhoseFirstPageIsGoodStoresThatPage(Rig rig) {
        PipeEnds pipe = rig.pipe();

        long written =
                rig.kernel().writev(pipe.w(), List.of(room(PAGE), rig.stand().unmapped(100)));

        assertThat(written).isEqualTo(PAGE);
        assertThat(rig.kernel().fionread(pipe.r())).isEqualTo(PAGE);
    }

    @OnEachKernel
    @Holds("B19")
    void aFaultWhileMergingLeavesTheTailAsItWas(Rig rig) {
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abc");

        assertErrno(rig.kernel().write(pipe.w(), rig.stand().unmapped(100)), Errno.EFAULT);
        rig.write(pipe.w(), "def");

        assertThat(rig.read(pipe.r())).isEqualTo("abcdef");
    }

    @OnEachKernel
    @Holds("B20")
    void aReadIntoBadMemoryConsumesNothing(Rig rig) {
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abc");

        assertErrno(rig.kernel().read(pipe.r(), rig.stand().unmapped(3)), Errno.EFAULT);

        assertThat(rig.read(pipe.r())).isEqualTo("abc");
    }

    @OnEachKernel
    @Holds("B20")
    void aReadWhoseFirstSlotIsCopiedReturnsThat(Rig rig) {
        PipeEnds pipe = rig.pipe();
        assertThat(rig.kernel().write(pipe.w(), room(2 * PAGE))).isEqualTo(2 * PAGE);

        long read = rig.kernel().readv(pipe.r(), List.of(room(PAGE), rig.stand().unmapped(PAGE)));

        assertThat(read).isEqualTo(PAGE);
        assertThat(rig.kernel().fionread(pipe.r())).isEqualTo(PAGE);
    }

    @OnEachKernel
    @Holds("B21")
    void aVectorIsOneWriteAndOneRead(Rig rig) {
        PipeEnds pipe = rig.pipe();
        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_SETPIPE_SZ, 2 * PAGE)).isEqualTo(2 * PAGE);

        assertThat(rig.kernel().writev(pipe.w(), List.of(bytes("ab"), bytes("cde"), bytes("fg"))))
                .isEqualTo(7);

        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_SETPIPE_SZ, PAGE))
                .as("three segments share one slot")
                .isEqualTo(PAGE);
        MemorySegment first = room(3);
        MemorySegment second = room(9);
        assertThat(rig.kernel().readv(pipe.r(), List.of(first, second))).isEqualTo(7);
        assertThat(text(first, 3) + text(second, 4)).isEqualTo("abcdefg");
    }

    @OnEachKernel
    @Holds("B21")
    void aVectorHasAtMost1024Segments(Rig rig) {
        PipeEnds pipe = rig.pipe();
        MemorySegment one = bytes("x");

        assertErrno(rig.kernel().writev(pipe.w(), Collections.nCopies(1025, one)), Errno.EINVAL);
        assertThat(rig.kernel().writev(pipe.w(), Collections.nCopies(1024, one)))
                .isEqualTo(1024);
        assertErrno(rig.kernel().readv(pipe.r(), Collections.nCopies(1025, one)), Errno.EINVAL);
        assertThat(rig.kernel().fionread(pipe.r())).isEqualTo(1024);
    }

    @OnEachKernel
    @Holds("B25")
    void concurrentWritesOfAtMostAPageAreNeverInterleaved(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        int writers = 4;
        int writes = 200;
        int length = 1000; // four fit in a page, so that writers share slots
        List<Stand.Caller> callers = new ArrayList<>();
        for (int i = 0; i < writers; i++) {
            MemorySegment letters = room(length).fill((byte) ('a' + i));
            callers.add(rig.stand().start("writer " + i, () -> {
                for (int k = 0; k < writes; k++) {
                    assertThat(kernel.write(pipe.w(), letters)).isEqualTo(length);
                }
            }));
        }

        MemorySegment all = room((long) writers * writes * length);
        for (long at = 0; at < all.byteSize(); ) {
            assertThat(kernel.poll(pipe.r(), Flags.POLLIN, 3000))
                    .as("a writer goes on")
                    .isEqualTo(Flags.POLLIN);
            long read = kernel.read(pipe.r(), all.asSlice(at));
            assertThat(read).isPositive();
            at += read;
        }

        assertThat(callers).allMatch(caller -> caller.join(3000));
        for (long at = 0; at < all.byteSize(); at += length) {
            MemorySegment piece = all.asSlice(at, length);
            MemorySegment first = room(length).fill(piece.get(ValueLayout.JAVA_BYTE, 0));
            assertThat(piece.mismatch(first)).as("write at %d", at).isEqualTo(-1);
        }
    }
}
