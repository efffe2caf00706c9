// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;

final class LinuxSourceTest extends SourceContract {
    @Override
    Kernel plainKernel() {
        return new LinuxKernel();
    }
}
