// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;

/** {@link RelayContract} on the user-space kernel. */
class UserRelayTest extends RelayContract {
    @Override
    protected Kernel newKernel() {
        return UserKernel.builder().build();
    }
}
