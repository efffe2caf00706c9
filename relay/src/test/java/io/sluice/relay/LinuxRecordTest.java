// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.nio.file.Path;

/** {@link RecordContract} on the kernel of Linux. */
@NeedsLinux
class LinuxRecordTest extends RecordContract {
    @Override
    Kernel kernelOn(Path hostDirectory) {
        return new LinuxKernel();
    }
}
