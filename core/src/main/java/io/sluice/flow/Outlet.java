// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.SPLICE_F_MORE;
import static io.sluice.kernel.Flags.SPLICE_F_MOVE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The way out to one sink: by splice from a pipe, or, where the sink refuses that, by a buffer. Bytes in the buffer
 * have left their source and not yet reached the sink; they go out before anything else. Belongs to one thread at a
 * time.
 */
final class Outlet {
    private final Kernel kernel;
    private final BufferPool buffers;
    private Tally tally;
    private Endpoint sink;
    private boolean splicing;
    private int refusal;

    private @Nullable MemorySegment buffer; // held from the moment it is to be filled until it is empty
    private long bufferedFrom;
    private long bufferedTo;

    Outlet(Kernel kernel, BufferPool buffers, Endpoint sink, Tally tally) {
        this.kernel = kernel;
        this.buffers = buffers;
        this.sink = sink;
        this.tally = tally;
        this.splicing = mayBeSpliced(sink);
    }

    /**
     * Whether splice to this sink is worth a try: O_APPEND is refused [D09], a terminal or blocking socket might sleep.
     */
    static boolean mayBeSpliced(Endpoint sink) {
        return !sink.append() && sink.kind() != EndKind.TERMINAL && sink.splicesWithoutBlocking();
    }

    boolean splices() {
        return splicing;
    }

    /** The errno of the last splice that the sink refused. */
    int refusal() {
        return refusal;
    }

    void trySplicingAgain() {
        splicing = mayBeSpliced(sink);
    }

    /** From now on to another sink, what is in hand included; the tally so far stays the first sink's. */
    void redirect(Endpoint newSink) {
        tally = new Tally();
        sink = newSink;
        splicing = mayBeSpliced(newSink);
    }

    Endpoint sink() {
        return sink;
    }

    /** Bytes read and not yet written. */
    long bufferedBytes() {
        return bufferedTo - bufferedFrom;
    }

    /** The empty buffer, to be filled from its start with at most {@code bytes}; tell {@link #filled} how many came. */
    MemorySegment emptyBuffer(long bytes) {
        if (bufferedBytes() != 0) {
            throw new IllegalStateException("the buffer still holds " + bufferedBytes() + " bytes");
        }
        MemorySegment memory = buffer;
        if (memory == null) {
            memory = buffers.borrow();
            buffer = memory;
        }
        return memory.asSlice(0, Math.min(bytes, buffers.bufferBytes()));
    }

    /** So many bytes, or none, have come into the buffer that {@link #emptyBuffer} gave. */
    void filled(long bytes) {
        bufferedFrom = 0;
        bufferedTo = bytes;
        giveBackWhenEmpty();
    }

    private void giveBackWhenEmpty() {
        MemorySegment empty = buffer;
        if (empty != null && bufferedBytes() == 0) {
            buffer = null;
            buffers.giveBack(empty);
        }
    }

    /** The system call that {@link #push} would end with. */
    String nextCall() {
        return splicing && bufferedBytes() == 0 ? "splice" : sink.writingCall();
    }

    /**
     * Moves bytes on with one call: those in the buffer, else those in the pipe.
     *
     * @param more whether further bytes or the end surely follow at once
     * @return bytes that reached the sink; 0 when only something inside changed; -EAGAIN when the sink has no room; or
     *     the sink's -errno
     */
    long push(@Nullable PooledPipe pipe, boolean more) {
        if (bufferedBytes() > 0) {
            return write(more);
        }
        if (pipe == null || pipe.heldBytes == 0) {
            throw new IllegalStateException("nothing to push");
        }
        return splicing ? splice(pipe, more) : copy(pipe);
    }

    private long splice(PooledPipe pipe, boolean more) {
        int flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
        long moved = kernel.splice(pipe.readFd, null, sink.fd(), null, pipe.heldBytes, flags);
        if (moved > 0) {
            pipe.heldBytes -= moved;
            tally.moved(pipe.copied ? TransferPath.COPY : TransferPath.SPLICE, moved);
        } else if (moved == 0) {
            return -Errno.EIO; // a sink that takes nothing and is not full would be tried for ever
        } else if (Fallback.allowed(TransferPath.SPLICE, (int) -moved)) {
            refusal = (int) -moved;
            tally.fellBack(new Fallback(TransferPath.SPLICE, "splice", refusal));
            splicing = false;
            return 0;
        }
        return moved;
    }

    private long copy(PooledPipe pipe) {
        filled(read(pipe, emptyBuffer(pipe.heldBytes)));
        return write(false);
    }

    private long read(PooledPipe pipe, MemorySegment into) {
        long taken;
        do {
            taken = kernel.read(pipe.readFd, into);
        } while (taken == -Errno.EINTR);
        if (taken <= 0) {
            throw new IllegalStateException("a pipe that holds " + pipe.heldBytes + " bytes answered "
                    + (taken == 0 ? "its end" : Errno.name((int) taken)));
        }
        pipe.heldBytes -= taken;
        return taken;
    }

    /** Takes bytes back: those in the buffer, which are older, then those in the pipe; answers how many. */
    long reclaim(@Nullable PooledPipe pipe, MemorySegment into) {
        long taken = Math.min(bufferedBytes(), into.byteSize());
        MemorySegment memory = buffer;
        if (memory != null && taken > 0) {
            into.copyFrom(memory.asSlice(bufferedFrom, taken));
            bufferedFrom += taken;
            giveBackWhenEmpty();
        }
        while (pipe != null && pipe.heldBytes > 0 && taken < into.byteSize()) {
            taken += read(pipe, into.asSlice(taken));
        }
        return taken;
    }

    /** Gives the buffer back; what is in it is lost. */
    void close() {
        filled(0);
    }

    private long write(boolean more) {
        MemorySegment memory = buffer;
        if (memory == null) {
            throw new IllegalStateException("bytes are buffered without a buffer");
        }
        long written = sink.write(memory.asSlice(bufferedFrom, bufferedBytes()), more);
        if (written > 0) {
            bufferedFrom += written;
            giveBackWhenEmpty();
            tally.moved(TransferPath.COPY, written);
        }
        return written == 0 ? -Errno.EIO : written;
    }
}
