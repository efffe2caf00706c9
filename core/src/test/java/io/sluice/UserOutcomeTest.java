// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.Stand;

final class UserOutcomeTest extends OutcomeContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }
}
