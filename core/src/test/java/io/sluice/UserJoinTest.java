// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.Stand;

final class UserJoinTest extends JoinContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }
}
