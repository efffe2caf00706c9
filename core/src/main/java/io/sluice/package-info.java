// SPDX-License-Identifier: Apache-2.0
/**
 * What people use: {@link io.sluice.Sluice}, the door; ends that own their descriptors; and {@link io.sluice.Transfer},
 * which moves bytes between them. Anyone may call it. Always true: whoever got an end closes it, outcomes are values,
 * and what failed says which call, which errno and what it was doing.
 */
@NullMarked
package io.sluice;

import org.jspecify.annotations.NullMarked;
