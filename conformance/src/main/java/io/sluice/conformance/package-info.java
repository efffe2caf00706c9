// SPDX-License-Identifier: Apache-2.0

/**
 * What a kernel must do, written once for all of them. Test suites call it. A difference between kernels lives in a
 * record of capabilities, never in a branch of a test.
 */
@NullMarked
package io.sluice.conformance;

import org.jspecify.annotations.NullMarked;
