// SPDX-License-Identifier: Apache-2.0
/**
 * Random programs in the scenario language, run step by step on the Linux kernel and on the user-space kernel, and
 * compared in everything that can be seen. Called by {@code ./fuzz} and by tests. Always true: a program depends on its
 * seed alone, a difference is printed as the shortest scenario that still shows it, and what is left out of the
 * programs has its reason beside it in {@link io.sluice.conformance.fuzz.Generator}.
 */
@NullMarked
package io.sluice.conformance.fuzz;

import org.jspecify.annotations.NullMarked;
