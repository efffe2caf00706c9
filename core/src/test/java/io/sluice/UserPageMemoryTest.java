// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.Stand;

final class UserPageMemoryTest extends PageMemoryContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }
}
