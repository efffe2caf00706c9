// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernels;

final class UserInHandTest extends InHandContract {
    @Override
    Kernel newKernel() {
        return UserKernels.inMemory();
    }
}
