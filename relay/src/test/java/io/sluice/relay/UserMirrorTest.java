// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;

/** {@link MirrorContract} on the user-space kernel. */
class UserMirrorTest extends MirrorContract {
    @Override
    protected Kernel newKernel() {
        return UserKernel.builder().build();
    }
}
