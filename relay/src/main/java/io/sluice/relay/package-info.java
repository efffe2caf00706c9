// SPDX-License-Identifier: Apache-2.0
/**
 * An L4 relay: sessions of two directions each, on event loops that own all they touch. The command line calls it, and
 * any program that is to relay in its own process; it is handed a {@link io.sluice.kernel.Kernel} and runs on each of
 * them. Always true: no loop waits for anything but its epoll, no byte that was taken from one peer is lost on the way
 * to the other while both live, and an idle session holds neither pipe nor buffer.
 */
@NullMarked
package io.sluice.relay;

import org.jspecify.annotations.NullMarked;
