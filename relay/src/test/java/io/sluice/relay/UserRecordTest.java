// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import java.nio.file.Path;

/** {@link RecordContract} on the user-space kernel, with files of the host. */
class UserRecordTest extends RecordContract {
    @Override
    Kernel kernelOn(Path hostDirectory) {
        return UserKernel.builder()
                .mount(hostDirectory.toString(), hostDirectory)
                .build();
    }
}
