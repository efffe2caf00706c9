// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SPLICE_F_MOVE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import io.sluice.kernel.TransferPath;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The way in from one source: what has been taken from it, what it surely still has, and what it means when nothing
 * comes. Belongs to one thread at a time; {@link #taken} may be read by any.
 */
final class Inlet {
    /** What a source from which nothing came turns out to be. */
    enum Finding {
        /** Ready after all: the same call is worth another try. */
        READY,
        /** To be waited for. */
        EMPTY,
        /** It has bytes that splice will not take; only reading leads on. */
        DECLINES,
        /** It claims to be empty, and has not been asked by a call that cannot be wrong. */
        DOUBTFUL,
        ENDED,
        /** {@link #lookErrno} says why. */
        FAILED
    }

    /** Where a look at a socket puts the byte that nobody reads; for all inlets at once. */
    private static final MemorySegment PEEKED = Arena.global().allocate(1);

    private final Kernel kernel;
    private final Endpoint source;
    private final AtomicLong takenBytes = new AtomicLong(); // written by one thread
    private boolean looksEmpty;
    private long takenAtWait = -1;
    private long takenAtSight = -1;
    private long knownBytes = -1;
    private int lookErrno;
    private long onTheirWay; // spliced out of a pipe of ours, and not yet delivered

    Inlet(Kernel kernel, Endpoint source) {
        this.kernel = kernel;
        this.source = source;
    }

    Endpoint source() {
        return source;
    }

    /** Bytes taken from the source, by whatever call. */
    long taken() {
        return takenBytes.get();
    }

    /** Counts what has left the source by a call of another's. */
    void took(long bytes) {
        takenBytes.setRelease(takenBytes.getPlain() + bytes);
    }

    /** Fills an empty pipe; bytes, or the call's 0 or -errno, for which see {@link #finding}. */
    long splice(PooledPipe into, long maxBytes) {
        long asked = Math.min(maxBytes, into.capacityBytes);
        int flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
        looksEmpty = false;
        Passage passage = source.passage();
        long drained = passage == null
                ? kernel.splice(source.fd(), null, into.writeFd, null, asked, flags)
                : passage.splice(kernel, source.fd(), into.writeFd, asked, flags);
        if (drained > 0) {
            if (passage != null) {
                onTheirWay = drained;
            }
            into.heldBytes = drained;
            took(drained);
        }
        return drained;
    }

    /**
     * Tells the pipe that spliced bytes came from what has become of them.
     *
     * @param copied whether they were written to a regular file
     */
    void delivered(long bytes, boolean copied) {
        Passage passage = source.passage();
        long spliced = Math.min(bytes, onTheirWay);
        if (passage == null || spliced == 0) {
            return;
        }
        onTheirWay -= spliced;
        if (copied) {
            passage.arrivedInFile(spliced);
        } else {
            passage.escaped(spliced);
        }
    }

    /** Spliced bytes that were not delivered are lost. */
    void close() {
        delivered(onTheirWay, false);
    }

    /** Fills a buffer, answering as {@link #splice} does. */
    long read(MemorySegment buffer) {
        long drained = source.read(buffer);
        looksEmpty = drained < buffer.byteSize();
        if (drained > 0) {
            took(drained);
        }
        return drained;
    }

    /** Whether the last call was a read that came short. Of a short splice the pipe may be the cause. */
    boolean looksEmpty() {
        return looksEmpty;
    }

    /** What to make of a call on the path {@code by} that has answered 0 or -EAGAIN. */
    Finding finding(TransferPath by, long result) {
        return result == 0 ? afterZero(by) : afterWouldBlock(by);
    }

    /** A 0 is believed only where nothing else can be behind it (pitfalls 25, 53; [Q01]). */
    private Finding afterZero(TransferPath by) {
        return switch (source.kind()) {
            // A FIFO that no writer has opened yet answers 0 as well, but shows no hang-up; and by the time of the look
            // a writer may have been there and left bytes.
            case PIPE -> afterZeroOfPipe(kernel.poll(source.fd(), POLLIN, 0));
            case SOCKET -> by == TransferPath.COPY ? Finding.ENDED : peek();
            // Files of /proc claim to be empty, and say so to every call but read.
            case FILE, DEVICE -> taken() == 0 ? Finding.DOUBTFUL : Finding.ENDED;
            case TERMINAL -> Finding.ENDED;
        };
    }

    private static Finding afterZeroOfPipe(long polled) {
        if (polled == -Errno.EINTR) {
            return Finding.READY;
        }
        return polled >= 0 && (polled & (POLLIN | POLLHUP)) == POLLHUP ? Finding.ENDED : Finding.EMPTY;
    }

    /** A socket in which splice finds nothing even after a wait, whose end epoll has told, is looked into. */
    private Finding afterWouldBlock(TransferPath by) {
        if (by == TransferPath.SPLICE && source.kind() == EndKind.SOCKET && takenAtWait == taken()) {
            return peek();
        }
        takenAtWait = taken();
        return Finding.EMPTY;
    }

    /**
     * Looks into a socket in which splice has found nothing. When it finds nothing again where bytes have been seen, it
     * declines them, as it does before urgent data, and epoll would report them for ever (pitfall 5).
     */
    private Finding peek() {
        if (takenAtSight == taken()) {
            return Finding.DECLINES;
        }
        long peeked = kernel.recv(source.fd(), PEEKED, MSG_PEEK | MSG_DONTWAIT);
        if (peeked > 0) {
            takenAtSight = taken();
            return Finding.READY;
        }
        if (peeked == -Errno.EAGAIN) {
            return Finding.EMPTY;
        }
        if (peeked == -Errno.EINTR) {
            return Finding.READY;
        }
        lookErrno = (int) -peeked;
        return peeked == 0 ? Finding.ENDED : Finding.FAILED;
    }

    /** What the look at a socket (recv) has failed with. */
    int lookErrno() {
        return lookErrno;
    }

    /** Bytes that the source surely still has: known of a file, which is asked once; else 0. */
    long knownRest() {
        if (source.kind() != EndKind.FILE) {
            return 0;
        }
        if (knownBytes < 0) {
            Stat stat = new Stat();
            kernel.fstat(source.fd(), stat);
            knownBytes = Math.max(0, stat.size() - kernel.lseek(source.fd(), 0, SEEK_CUR)) + taken();
        }
        return knownBytes - taken();
    }
}
