// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernels;

final class UserMirrorTest extends MirrorContract {
    @Override
    Kernel newKernel() {
        return UserKernels.onThisHost();
    }
}
