// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;

final class LinuxTransferTest extends TransferContract {
    @Override
    Kernel kernel() {
        return new LinuxKernel();
    }
}
