// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Stand;

@NeedsLinux
final class LinuxJoinTest extends JoinContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }
}
