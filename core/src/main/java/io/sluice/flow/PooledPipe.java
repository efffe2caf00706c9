// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

/**
 * A pipe of our own, non-blocking at both ends, that no user sees: bytes rest here between a source and a sink. Belongs
 * to one thread at a time.
 */
final class PooledPipe {
    final int readFd;
    final int writeFd;
    final int capacityBytes;

    /** Bytes put in and not yet taken out, counted by whoever uses the pipe. */
    long heldBytes;

    /** Whether they were written from user memory, and so have passed through it however they go on. */
    boolean copied;

    PooledPipe(int readFd, int writeFd, int capacityBytes) {
        this.readFd = readFd;
        this.writeFd = writeFd;
        this.capacityBytes = capacityBytes;
    }
}
