// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;

final class LinuxEndTest extends EndContract {
    @Override
    Kernel newKernel() {
        return new LinuxKernel();
    }
}
