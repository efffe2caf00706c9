// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.Stand;

final class UserFaultTest extends FaultContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }
}
