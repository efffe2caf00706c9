// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.Stand;

final class UserOpeningTest extends OpeningContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }
}
