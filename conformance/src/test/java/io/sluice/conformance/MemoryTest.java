// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static io.sluice.conformance.Rig.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** vmsplice with what only Java memory can be: read-only, sliced, closed. */
class MemoryTest {
    @OnEachKernel
    @Holds("K18")
    void readOnlyMemoryIsAValidSource(Rig rig) {
        PipeEnds pipe = rig.pipe();
        MemorySegment memory = rig.memory("abc").asReadOnly();

        assertThat(rig.kernel().vmsplice(pipe.w(), List.of(memory), 0)).isEqualTo(3);

        assertThat(rig.read(pipe.r())).isEqualTo("abc");
    }

    @OnEachKernel
    @Holds({"K10", "L04"})
    void aClosedArenaIsUnmappedMemoryInBothDirections(Rig rig) {
        PipeEnds pipe = rig.pipe();
        MemorySegment closed;
        try (Arena arena = Arena.ofShared()) {
            closed = arena.allocate(10);
        }
        MemorySegment page = room(4096);

        assertErrno(rig.kernel().vmsplice(pipe.w(), List.of(closed, page), 0), Errno.EFAULT);
        assertThat(rig.kernel().fionread(pipe.r())).isZero();
        assertThat(rig.kernel().vmsplice(pipe.w(), List.of(page, closed), 0)).isEqualTo(4096);
        assertErrno(rig.kernel().vmsplice(pipe.r(), List.of(closed), 0), Errno.EFAULT);
        assertThat(rig.kernel().fionread(pipe.r())).isEqualTo(4096);
    }

    @OnEachKernel
    @Holds("L01")
    void slicesOfOneSegmentAreFilledInTheOrderOfTheArray(Rig rig) {
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abcdef");
        MemorySegment memory = bytes("........");

        List<MemorySegment> backwards = List.of(memory.asSlice(5, 2), memory.asSlice(3, 0), memory.asSlice(1, 3));
        assertThat(rig.kernel().vmsplice(pipe.r(), backwards, 0)).isEqualTo(5);

        assertThat(text(memory, 8)).isEqualTo(".cde.ab.");
        assertThat(rig.read(pipe.r())).isEqualTo("f");
    }
}
