// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.testing.NeedsLinux;

@NeedsLinux
final class LinuxInHandTest extends InHandContract {
    @Override
    Kernel newKernel() {
        return new LinuxKernel();
    }
}
