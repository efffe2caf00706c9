// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.testing.NeedsLinux;

@NeedsLinux
final class LinuxPipePoolTest extends PipePoolContract {
    @Override
    Kernel newKernel() {
        return new LinuxKernel();
    }
}
