// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import io.sluice.kernel.Kernel;

/** User-space kernels for the contracts that run on every kernel by the same code. */
public final class UserKernels {
    private UserKernels() {}

    /** In checking mode, for thousands of descriptors, with files and a network of its own. */
    public static Kernel inMemory() {
        return UserKernel.builder().checking(true).descriptors(8192).build();
    }
}
