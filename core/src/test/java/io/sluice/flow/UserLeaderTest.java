// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernels;

final class UserLeaderTest extends LeaderContract {
    @Override
    Kernel newKernel() {
        return UserKernels.inMemory();
    }
}
