// SPDX-License-Identifier: Apache-2.0

/**
 * A Kernel around a Kernel: tracing, counting, injecting faults. Anyone with a kernel may wrap it. A wrapper passes on
 * every call it does not change, and every feature.
 */
@NullMarked
package io.sluice.kernel.wrap;

import org.jspecify.annotations.NullMarked;
