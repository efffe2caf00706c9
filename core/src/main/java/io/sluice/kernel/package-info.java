// SPDX-License-Identifier: Apache-2.0

/**
 * The system-call vocabulary: the Kernel interface and the words around it. Everything above speaks only this; kernels
 * and wrappers implement it. Answers are a value or a negated errno, never an exception for the outcome of a call.
 */
@NullMarked
package io.sluice.kernel;

import org.jspecify.annotations.NullMarked;
