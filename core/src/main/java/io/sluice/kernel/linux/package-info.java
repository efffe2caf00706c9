// SPDX-License-Identifier: Apache-2.0
/**
 * The real kernel: {@link io.sluice.kernel.linux.LinuxKernel} binds each call of {@link io.sluice.kernel.Kernel} to the
 * C library, by hand and without policy. Only {@code io.sluice.Sluice}, tools and tests construct it. Always true:
 * nothing outside this package touches a {@link java.lang.foreign.Linker}, and nothing in it loops, retries or decides.
 */
@NullMarked
package io.sluice.kernel.linux;

import org.jspecify.annotations.NullMarked;
