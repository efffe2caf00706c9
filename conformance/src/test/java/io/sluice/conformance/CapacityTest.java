// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;

/** The limit on a pipe's size. */
class CapacityTest {
    @OnEachKernel
    @Holds("C03")
    void aPipeGrowsToTheLimitAndBeyondItOnlyWithPrivilege(Rig rig) {
        int limit = rig.kernel().capabilities().pipeMaxSizeBytes();
        PipeEnds pipe = rig.pipe();
        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_SETPIPE_SZ, limit)).isEqualTo(limit);

        long beyond = rig.kernel().fcntl(pipe.w(), Flags.F_SETPIPE_SZ, limit + 1);

        long now = rig.kernel().fcntl(pipe.w(), Flags.F_GETPIPE_SZ, 0);
        // With CAP_SYS_RESOURCE there is no limit.
        assertThat(beyond).isIn((long) -Errno.EPERM, 2L * limit);
        assertThat(now).isEqualTo(beyond < 0 ? limit : beyond);
    }
}
