// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import io.sluice.testing.Stand;

final class UserCallAllocationTest extends CallAllocationContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }

    @Override
    int bytesPerCall() {
        return 0;
    }
}
