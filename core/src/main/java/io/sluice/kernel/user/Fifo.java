// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import io.sluice.kernel.Stat;

/** A named pipe in the tree of paths. */
final class Fifo {
    void close(Pipe pipe, boolean reads, boolean writes) {
        throw new UnsupportedOperationException();
    }

    void stat(Stat stat) {
        throw new UnsupportedOperationException();
    }
}
