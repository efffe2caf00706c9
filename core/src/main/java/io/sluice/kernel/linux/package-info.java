// SPDX-License-Identifier: Apache-2.0

/**
 * The real kernel, one hand-written downcall per system call. Only the door opens it. It is the one place with a
 * Linker: no loop, no policy, no exception lives here.
 */
@NullMarked
package io.sluice.kernel.linux;

import org.jspecify.annotations.NullMarked;
