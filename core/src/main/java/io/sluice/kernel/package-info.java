// SPDX-License-Identifier: Apache-2.0
/**
 * The vocabulary of system calls: {@link io.sluice.kernel.Kernel}, its flags, errors and small carriers of values.
 * Every other room may use it; it uses none. Always true: a call answers a value or a negated errno, in Linux numbers,
 * on every platform.
 */
@NullMarked
package io.sluice.kernel;

import org.jspecify.annotations.NullMarked;
