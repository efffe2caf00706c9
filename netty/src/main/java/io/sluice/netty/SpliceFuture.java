// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.netty.util.concurrent.ProgressiveFuture;

/**
 * A running splice. It is done when the channels are back in their pipelines; listeners are called on the event loop of
 * the first channel, before any byte that the splice has not moved reaches a handler. So a listener may change the
 * pipeline for what comes next.
 *
 * <p>It succeeds also when it was stopped, or a channel was closed on this side: {@link SpliceResult} tells. It fails
 * with {@link SpliceException} when a system call failed. Then, if that call was on a channel, both channels are
 * closed, with a reset to the peer that cannot know: a stream that is cut must not look as if it had ended.
 *
 * <p>{@link io.netty.util.concurrent.GenericProgressiveFutureListener} is told of progress: bytes that have arrived, in
 * both directions together, and the limit of a splice in one direction, or -1.
 */
public interface SpliceFuture extends ProgressiveFuture<SpliceResult> {
    /**
     * Has the splice take no more bytes and hand the channels back; returns at once. No byte is lost: what is on its
     * way and finds no room in the sink's socket is put into the sink channel's outbound buffer. A file has room.
     */
    void stop();

    /**
     * As {@link #stop}, but the future ends as cancelled; like every ending, that comes when the channels are back, and
     * not at once.
     *
     * @return whether the splice was still running
     */
    @Override
    boolean cancel(boolean mayInterruptIfRunning);

    /** Bytes that have arrived so far, in both directions together; any thread may ask. */
    long movedBytes();
}
