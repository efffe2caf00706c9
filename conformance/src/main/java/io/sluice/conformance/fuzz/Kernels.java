// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import io.sluice.conformance.LinuxStand;
import io.sluice.conformance.Stage;
import io.sluice.conformance.UserStand;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;

/**
 * The two kernels, and memory mapped on each, used by many programs in turn: to make and to end those costs more than a
 * program. Files lie in memory on both, where holes and large pages behave in one known way.
 */
final class Kernels implements AutoCloseable {
    private static final int MEMORY_BYTES = 4 * 4096;
    private static final int PROGRAMS_PER_KERNEL = 500;

    private final LinuxStand linux = LinuxStand.inMemory();
    private final MemorySegment[] linuxMemory = {map(linux.kernel()), map(linux.kernel())};
    private UserStand user = UserStand.inMemory();
    private MemorySegment[] userMemory = mapOnUser();
    private int programs;

    LinuxStand linux() {
        return linux;
    }

    UserStand user() {
        return user;
    }

    /** A user-space kernel serves a number of programs, so that what one leaves behind shows in another. */
    void beginProgram() {
        if (++programs % PROGRAMS_PER_KERNEL == 0) {
            renew();
        }
    }

    /** Another user-space kernel. */
    void renew() {
        user.close();
        user = UserStand.inMemory();
        userMemory = mapOnUser();
    }

    private MemorySegment[] mapOnUser() {
        MemorySegment[] memory = {map(user.kernel()), map(user.kernel())};
        user.keepWhatIsThere();
        return memory;
    }

    /** Gives M and N to both stages. */
    void lendMemories(Stage onLinux, Stage onUser) {
        onLinux.adoptMemory("M", linuxMemory[0].fill((byte) 0));
        onLinux.adoptMemory("N", linuxMemory[1].fill((byte) 0));
        onUser.adoptMemory("M", userMemory[0].fill((byte) 0));
        onUser.adoptMemory("N", userMemory[1].fill((byte) 0));
    }

    private static MemorySegment map(Kernel kernel) {
        MemorySegment[] out = new MemorySegment[1];
        long result = kernel.mmap(MEMORY_BYTES, false, out);
        if (result < 0) {
            throw new IllegalStateException("mmap answered " + Errno.name((int) result));
        }
        return out[0];
    }

    @Override
    public void close() {
        user.close();
        for (MemorySegment memory : linuxMemory) {
            linux.kernel().munmap(memory);
        }
        linux.close();
    }
}
