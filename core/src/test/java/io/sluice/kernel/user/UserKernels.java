// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import io.sluice.kernel.Kernel;
import java.nio.file.Path;

/**
 * User-space kernels for the contracts that run on every kernel by the same code. Those that inherit descriptors, start
 * processes, or make FIFOs and sockets in a directory of the host cannot run there: a mount makes none (EPERM).
 */
public final class UserKernels {
    private UserKernels() {}

    /**
     * In checking mode, for thousands of descriptors, with the files of this machine, among which tests keep theirs,
     * and a network in memory.
     */
    public static Kernel onThisHost() {
        return UserKernel.builder()
                .checking(true)
                .descriptors(8192)
                .mount("/", Path.of("/"))
                .build();
    }
}
