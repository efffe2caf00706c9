// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Errno;

/**
 * A pipe of our own, non-blocking at both ends, that no user sees: bytes rest here between a source and a sink. Belongs
 * to one thread at a time.
 */
final class PooledPipe implements PipePool.Borrowed {
    final int readFd;
    final int writeFd;
    final int capacityBytes;

    /** Bytes put in and not yet taken out, counted by whoever uses the pipe. */
    long heldBytes;

    /** Whether they were written from user memory, and so have passed through it however they go on. */
    boolean copied;

    /** Since when it has been in its pool, in the pool's keeping. */
    long atRestSinceNanos;

    private final int wantedBytes;

    /**
     * An empty pipe.
     *
     * @param wantedBytes what was asked for, which may be more than was granted
     */
    PooledPipe(int readFd, int writeFd, int capacityBytes, int wantedBytes) {
        this.readFd = readFd;
        this.writeFd = writeFd;
        this.capacityBytes = capacityBytes;
        this.wantedBytes = wantedBytes;
    }

    /**
     * Whether a call that puts bytes into an empty pipe is to be made again. There is room, so a would-block means as
     * little as an interruption (pitfall 68).
     */
    static boolean isForTheMoment(long result) {
        return result == -Errno.EINTR || result == -Errno.EAGAIN;
    }

    /** Whether it is what is asked for, neither much larger nor smaller, or what was granted for as much before. */
    boolean serves(int bytes) {
        return isAbout(bytes, capacityBytes) || (capacityBytes < wantedBytes && isAbout(bytes, wantedBytes));
    }

    private static boolean isAbout(int bytes, int size) {
        return size >= bytes && size < 2L * bytes;
    }
}
