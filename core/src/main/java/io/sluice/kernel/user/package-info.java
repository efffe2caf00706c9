// SPDX-License-Identifier: Apache-2.0
/**
 * The system of the manual pages in pure Java: descriptors, open file descriptions, pipes, pages, memory files, sockets
 * and epoll, behind {@link io.sluice.kernel.user.UserKernel}. Called by whoever holds a {@code Kernel}; it needs no
 * native access and knows nothing of Linux but the numbers. Always true: one lock per object, none of them held while
 * its owner sleeps or does input and output; two pipes are locked in order of their sequence numbers, and under a
 * pipe's lock at most one lock of a file or a socket; every page is counted, and a wrong count throws at once.
 */
@NullMarked
package io.sluice.kernel.user;

import org.jspecify.annotations.NullMarked;
