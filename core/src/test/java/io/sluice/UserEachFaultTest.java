// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.Stand;

final class UserEachFaultTest extends EachFaultContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }
}
