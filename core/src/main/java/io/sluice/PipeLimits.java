// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.PipePool;
import java.time.Duration;

/**
 * What a {@link Sluice} may take of the system for the pipes that its transfers borrow. Pipes of the caller's own do
 * not count. Over a limit nothing fails and nothing waits: bytes are copied instead, and {@link Counters#poolMisses}
 * grows.
 *
 * @param pipes the most pipes at once, each of two descriptors; by default 256
 * @param bytes the most capacity that they have together; 0, the default, for three quarters of what the kernel grants
 *     a user ({@code /proc/sys/fs/pipe-user-pages-soft}), beyond which it would make all new pipes small [C10]
 * @param idle how long a pipe rests before it is closed, zero for not at all; by default 30 seconds
 */
public record PipeLimits(int pipes, long bytes, Duration idle) {
    /** 256 pipes, three quarters of what the kernel grants, 30 seconds. */
    public static final PipeLimits DEFAULTS = new PipeLimits(PipePool.DEFAULT_PIPES, 0, PipePool.DEFAULT_IDLE);

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException when one of them is negative
     */
    public PipeLimits {
        if (pipes < 0 || bytes < 0 || idle.isNegative()) {
            throw new IllegalArgumentException(pipes + " pipes of " + bytes + " bytes for " + idle);
        }
    }

    /** These, but with so many pipes; with none, everything is copied that cannot go without a pipe. */
    public PipeLimits withPipes(int newPipes) {
        return new PipeLimits(newPipes, bytes, idle);
    }

    /** These, but with so much capacity. */
    public PipeLimits withBytes(long newBytes) {
        return new PipeLimits(pipes, newBytes, idle);
    }

    /** These, but with another time to rest. */
    public PipeLimits withIdle(Duration newIdle) {
        return new PipeLimits(pipes, bytes, newIdle);
    }
}
