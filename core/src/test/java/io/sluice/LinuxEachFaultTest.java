// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Stand;

@NeedsLinux
final class LinuxEachFaultTest extends EachFaultContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }
}
