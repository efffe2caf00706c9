// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.Allocation;
import io.sluice.testing.Stand;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What the calls that move bytes allocate: a count that neither the load of the machine nor the compiler changes. What
 * the last compiler takes out of it, JMH counts in the benchmarks.
 */
abstract class CallAllocationContract {
    private static final int ROUNDS = 2000;
    /** In the first of them classes are initialized and calls linked. */
    private static final int WINDOWS = 10;

    private static final int PIECE_BYTES = 3 * 4096;

    private final Arena arena = Arena.ofShared();
    private final int[] from = new int[2];
    private final int[] to = new int[2];
    private Stand stand;
    private Kernel kernel;
    private MemorySegment memory;
    private int nowhere;

    /** Where this contract is to hold. */
    abstract Stand newStand();

    /** What one call may allocate. */
    abstract int bytesPerCall();

    @BeforeEach
    void open() {
        stand = newStand();
        kernel = stand.kernel();
        memory = arena.allocate(PIECE_BYTES);
        kernel.pipe2(from, O_CLOEXEC | O_NONBLOCK);
        kernel.pipe2(to, O_CLOEXEC | O_NONBLOCK);
        nowhere = (int) kernel.open("/dev/null", O_RDWR | O_CLOEXEC, 0);
        assertThat(nowhere).isPositive();
    }

    @AfterEach
    void close() throws IOException {
        for (int fd : new int[] {from[0], from[1], to[0], to[1], nowhere}) {
            kernel.close(fd);
        }
        arena.close();
        stand.close();
    }

    /** What a round of so many calls allocates, in the window with the least. */
    private void allocates(int calls, Runnable round) {
        long least = Long.MAX_VALUE;
        for (int window = 0; window < WINDOWS; window++) {
            long before = Allocation.ofCurrentThread();
            for (int i = 0; i < ROUNDS; i++) {
                round.run();
            }
            least = Math.min(least, Allocation.ofCurrentThread() - before);
        }
        assertThat(least / ROUNDS)
                .as("bytes for each round of %d calls", calls)
                .isLessThanOrEqualTo((long) calls * bytesPerCall());
    }

    private static void moved(long result) {
        if (result != PIECE_BYTES) {
            throw new AssertionError("answered " + result);
        }
    }

    @Test
    void aCallThatFails() {
        allocates(1, () -> {
            if (kernel.splice(-1, null, -1, null, 1, 0) != -Errno.EBADF) {
                throw new AssertionError("no EBADF");
            }
        });
    }

    @Test
    void writeAndRead() {
        allocates(2, () -> {
            moved(kernel.write(from[1], memory));
            moved(kernel.read(from[0], memory));
        });
    }

    @Test
    void teeAndSplice() {
        allocates(5, () -> {
            moved(kernel.write(from[1], memory));
            moved(kernel.tee(from[0], to[1], PIECE_BYTES, SPLICE_F_NONBLOCK));
            moved(kernel.splice(from[0], null, nowhere, null, PIECE_BYTES, SPLICE_F_NONBLOCK));
            moved(kernel.splice(to[0], null, from[1], null, PIECE_BYTES, SPLICE_F_NONBLOCK));
            moved(kernel.read(from[0], memory));
        });
    }
}
