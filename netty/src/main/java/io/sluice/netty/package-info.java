// SPDX-License-Identifier: Apache-2.0
/**
 * Moves the bytes of Netty's epoll channels without copying them: {@link io.sluice.netty.Splicer} takes channels out of
 * their event loops for as long as bytes move, and hands them back to their pipelines. Users of Netty call it, from any
 * thread. Always true: a channel is touched on its own event loop only, and a byte that has left its source reaches the
 * sink, or is counted.
 */
@NullMarked
package io.sluice.netty;

import org.jspecify.annotations.NullMarked;
