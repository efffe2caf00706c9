// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLOUT;

import io.sluice.flow.Feed;
import io.sluice.flow.Lending;
import io.sluice.flow.Passage;
import io.sluice.flow.Poller;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Memory to be filled and sent once; see {@link SendBuffers}. Belongs to one thread at a time, and to nobody once it
 * was sent or closed.
 */
public final class SendBuffer implements AutoCloseable {
    final PageMemory memory;
    private final SendBuffers owner;
    private boolean spent;

    // Guarded by the owner's monitor.
    @Nullable
    Lending lending;

    boolean noticed;
    boolean givenUp;

    SendBuffer(SendBuffers owner, PageMemory memory) {
        this.owner = owner;
        this.memory = memory;
    }

    /**
     * The memory to fill, native and page-aligned. Do not keep it: after the send it is not yours, though nothing keeps
     * you from writing.
     *
     * @throws IllegalStateException when the buffer was sent or closed
     */
    public MemorySegment segment() {
        if (spent) {
            throw new IllegalStateException("the buffer was sent or closed");
        }
        return memory.segment();
    }

    /**
     * Sends the first {@code bytes} of it by reference and waits until all of them are in the sink: in the pipe, in the
     * socket's queue, in the file. Once that has begun the buffer is gone, whatever happens. Where a reference cannot
     * be taken the bytes are copied: to a terminal, to a file opened for appending, or where the kernel forbids
     * vmsplice.
     *
     * @param bytes zero or more; what lies behind them is not sent
     * @return how many bytes went by reference
     * @throws ErrnoException when the sink fails; part of the bytes may have arrived
     * @throws CodeException when the sink is code that has thrown; part of the bytes may have been seen
     * @throws TransferInterruptedException when the thread is interrupted while it waits; part may have arrived, too
     * @throws java.nio.channels.AsynchronousCloseException when the sink is closed meanwhile
     * @throws java.nio.channels.ClosedChannelException when it was closed before
     * @throws IndexOutOfBoundsException when the buffer has less; it is kept
     * @throws IllegalArgumentException when the sink belongs to another Sluice; the buffer is kept
     * @throws IllegalStateException when it was sent or closed before
     */
    public long sendTo(Sink sink, long bytes) throws IOException {
        End end = (End) sink;
        if (end.sluice != owner.sluice()) {
            throw new IllegalArgumentException(end + " belongs to another Sluice");
        }
        MemorySegment part = segment().asSlice(0, bytes);
        spent = true;
        Passage passage = end.endpoint.passage();
        Lending lent = passage == null
                ? new Lending(end.kernel(), () -> owner.noticed(this))
                : new Lending(end.kernel(), passage);
        try {
            if (passage != null || end instanceof PipeWriter) {
                end.lend(part, 0, lent); // straight into the pipe: what its bytes prove, those of another would not
            } else {
                feed(end, part, lent);
            }
        } finally {
            owner.sent(this, lent);
        }
        return lent.bytes();
    }

    private static void feed(End end, MemorySegment part, Lending lent) throws IOException {
        end.enter();
        try (Feed feed =
                new Feed(end.kernel(), end.sluice.pool(), end.endpoint, part, lent, Transfer.DEFAULT_PIPE_BYTES)) {
            while (true) {
                switch (feed.step()) {
                    case PROGRESS -> {}
                    case WAITS_FOR_SINK ->
                        end.awaitReady(
                                EPOLLOUT, Poller.FOREVER, feed.delivered().bytes());
                    case FAILED -> throw new ErrnoException(feed.failedCall(), -feed.errno(), end.toString());
                    case DONE -> {
                        return;
                    }
                }
            }
        } finally {
            end.descriptor().leave();
        }
    }

    Lending lendingLocked() {
        Lending known = lending;
        if (known == null) {
            throw new IllegalStateException("the buffer was not sent");
        }
        return known;
    }

    /** Returns a buffer that was not sent; one that was is gone already. */
    @Override
    public void close() {
        if (!spent) {
            spent = true;
            owner.unsent(memory);
        }
    }
}
