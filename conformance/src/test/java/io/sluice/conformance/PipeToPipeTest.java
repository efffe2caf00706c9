// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.room;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import java.util.List;

/** splice between two pipes from two threads at once. */
class PipeToPipeTest {
    private static final int ROUNDS = 2000;

    @OnEachKernel
    @Holds("G14")
    void oppositeSplicesBetweenTwoPipesNeitherBlockEachOtherNorLoseBytes(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds a = rig.pipe();
        PipeEnds b = rig.pipe();
        assertThat(kernel.write(a.w(), room(20_000))).isEqualTo(20_000);
        assertThat(kernel.write(b.w(), room(10_000))).isEqualTo(10_000);

        Stand.Caller there = rig.stand().start("a to b", () -> move(kernel, a, b));
        Stand.Caller back = rig.stand().start("b to a", () -> move(kernel, b, a));

        assertThat(List.of(there, back)).allMatch(caller -> caller.join(10_000));
        assertThat(kernel.fionread(a.r()) + kernel.fionread(b.r())).isEqualTo(30_000);
    }

    /** Odd lengths split buffers; with NONBLOCK an empty or full pipe ends a call and not the test. */
    private static void move(Kernel kernel, PipeEnds from, PipeEnds to) {
        for (int i = 0; i < ROUNDS; i++) {
            kernel.splice(from.r(), null, to.w(), null, 1 + i % 5000, Flags.SPLICE_F_NONBLOCK);
        }
    }
}
