// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import org.junit.jupiter.api.condition.EnabledIf;

/** {@link ReplayContract} on the kernel of Linux. */
@EnabledIf(value = "isGranted", disabledReason = "native access is denied, and with it the system's own kernel")
class LinuxReplayTest extends ReplayContract {
    static boolean isGranted() {
        try {
            new LinuxKernel().close();
            return true;
        } catch (UnsupportedOperationException refused) {
            return false;
        }
    }

    @Override
    protected Kernel newKernel() {
        return new LinuxKernel();
    }
}
