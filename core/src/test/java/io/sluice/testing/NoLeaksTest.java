// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Sluice;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A check that finds nothing would look the same as code that leaks nothing, so it is itself tested. */
@NoLeaks
final class NoLeaksTest {
    private final Kernel kernel = new LinuxKernel();
    private final int[] pipe = new int[2];

    @BeforeEach
    void open() {
        assertThat(kernel.pipe2(pipe, O_CLOEXEC)).isZero();
    }

    @AfterEach
    void close() {
        kernel.close(pipe[0]);
        kernel.close(pipe[1]);
        kernel.close();
    }

    @Test
    void letsATestOpenWhatItCloses() throws Exception {
        try (Sluice sluice = Sluice.open()) {
            sluice.pipe().close();
        }
        assertThat(pipe[0]).isPositive();
    }

    @Test
    void seesADescriptorThatWasLeftOpen() {
        LeakCheck.Sight before = LeakCheck.Sight.now();
        int[] left = new int[2];
        kernel.pipe2(left, O_CLOEXEC);
        assertThat(LeakCheck.Sight.now().leaksSince(before)).hasSize(2).allMatch(leak -> leak.contains("→ pipe:"));
        kernel.close(left[0]);
        kernel.close(left[1]);
    }

    @Test
    void seesANumberThatWasClosedAndGivenToAStranger() {
        LeakCheck.Sight before = LeakCheck.Sight.now();
        kernel.close(pipe[0]);
        kernel.close(pipe[1]);
        kernel.pipe2(pipe, O_CLOEXEC);
        assertThat(LeakCheck.Sight.now().leaksSince(before)).hasSize(2);
    }

    @Test
    void seesAThreadThatWasLeftRunning() throws Exception {
        LeakCheck.Sight before = LeakCheck.Sight.now();
        try (Pending<Void> left = Pending.start(() -> {
            LockSupport.park();
            return null;
        })) {
            left.mustWait();
            assertThat(LeakCheck.Sight.now().leaksSince(before))
                    .singleElement()
                    .asString()
                    .contains("pending");
        }
    }
}
