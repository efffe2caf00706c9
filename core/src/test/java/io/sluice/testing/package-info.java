// SPDX-License-Identifier: Apache-2.0

/**
 * What tests of several rooms share: child JVMs and C programs, threads that can be seen to wait, and the check that a
 * test leaves nothing behind ({@link io.sluice.testing.NoLeaks}). A package of its own, because a child that loads
 * Sluice as a module cannot have classes of the module's packages on its class path.
 */
@NullMarked
package io.sluice.testing;

import org.jspecify.annotations.NullMarked;
