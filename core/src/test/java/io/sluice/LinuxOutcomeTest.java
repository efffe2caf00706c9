// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;

final class LinuxOutcomeTest extends OutcomeContract {
    @Override
    Kernel newKernel() {
        return new LinuxKernel();
    }
}
