// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;

/** {@link MirrorContract} on the kernel of Linux. */
@NeedsLinux
class LinuxMirrorTest extends MirrorContract {
    @Override
    protected Kernel newKernel() {
        return new LinuxKernel();
    }
}
