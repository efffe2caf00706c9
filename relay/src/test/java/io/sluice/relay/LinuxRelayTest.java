// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;

/** {@link RelayContract} on the kernel of Linux. */
@NeedsLinux
class LinuxRelayTest extends RelayContract {
    @Override
    protected Kernel newKernel() {
        return new LinuxKernel();
    }
}
