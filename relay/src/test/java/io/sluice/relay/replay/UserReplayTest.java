// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;

/** {@link ReplayContract} on the user-space kernel. */
class UserReplayTest extends ReplayContract {
    @Override
    protected Kernel newKernel() {
        return UserKernel.builder().build();
    }
}
