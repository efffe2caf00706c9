// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;

final class LinuxLeaderTest extends LeaderContract {
    @Override
    Kernel newKernel() {
        return new LinuxKernel();
    }
}
