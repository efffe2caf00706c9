// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Stand;

@NeedsLinux
final class LinuxCallAllocationTest extends CallAllocationContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    /**
     * The pieces of memory that java.lang.foreign makes for a call that captures errno, until C2 sees that they are not
     * needed.
     */
    @Override
    int bytesPerCall() {
        return 40;
    }
}
