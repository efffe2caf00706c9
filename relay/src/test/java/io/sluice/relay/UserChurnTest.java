// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import java.util.List;

/** {@link ChurnContract} on the user-space kernel. */
class UserChurnTest extends ChurnContract {
    @Override
    protected Kernel newKernel() {
        return UserKernel.builder().build();
    }

    @Override
    List<String> descriptors() {
        return kernel.feature(Snapshot.class).orElseThrow().descriptors().stream()
                .map(String::valueOf)
                .toList();
    }
}
