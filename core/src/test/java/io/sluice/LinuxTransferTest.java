// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.testing.Stand;

final class LinuxTransferTest extends TransferContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }
}
