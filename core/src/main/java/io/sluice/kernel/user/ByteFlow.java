// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.MSG_TRUNC;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A direction of a stream. A splice moves references in and out; a send makes pages of its own. On Unix each send keeps
 * its own pieces [H11], on TCP small ones share a page.
 */
final class ByteFlow extends Flow {
    /** A full segment on the loopback interface: what MSG_MORE does not hold back. */
    private static final int SEGMENT_BYTES = 65_483;

    private static final long HOLD_NANOS = 200_000_000; // as Linux does: then held bytes go out by themselves

    private long holds; // how often bytes began to be held

    /** How many bytes a reader asleep wants to see at once; guarded by the lock. */
    long wantedBytes = 1;

    ByteFlow(Resources resources, Protocol protocol) {
        super(resources, protocol);
    }

    @Override
    boolean hasDataLocked() {
        return visibleLocked() > 0;
    }

    @Override
    boolean readableLocked() {
        return super.readableLocked() && (readEnded || backlog != null || visibleLocked() >= wantedBytes);
    }

    @Override
    long takeLocked(Iov to, int flags) {
        boolean discards = (flags & MSG_TRUNC) != 0 && !protocol.isUnix();
        if ((flags & MSG_PEEK) != 0) {
            return peekLocked(to);
        }
        long done = 0;
        boolean bufferGone = false;
        long most = Math.min(to.left(), visibleLocked());
        while (done < most) {
            Piece piece = firstLocked();
            int count = (int) Math.min(piece.length, most - done);
            Memory memory = piece.memory();
            long start = piece.start;
            if (!discards && !to.copyFrom(memory, start, count)) {
                tellRoomLocked(bufferGone);
                return done > 0 ? done : -EFAULT;
            }
            if (consumeLocked(piece, count)) {
                memory.release(start);
                bufferGone = true;
            }
            done += count;
        }
        tellRoomLocked(bufferGone);
        return done;
    }

    private long peekLocked(Iov to) {
        long done = 0;
        long left = visibleLocked();
        for (Piece piece = pieces.first(); piece != null && left > 0 && to.left() > 0; piece = piece.next) {
            int count = (int) Math.min(Math.min(piece.length, to.left()), left);
            if (!to.copyFrom(piece.memory(), piece.start, count)) {
                return done > 0 ? done : -EFAULT;
            }
            done += count;
            left -= count;
        }
        return done;
    }

    @Override
    long putLocked(Iov from, boolean more) {
        long done = 0;
        long problem = -EAGAIN;
        while (from.left() > 0 && !fullLocked()) {
            int length = (int) Math.min(from.left(), protocol.largestBuffer(sendLimitBytes));
            long stored = protocol.isUnix() ? putBufferLocked(from, length) : putPageLocked(from, length);
            if (stored < 0) {
                problem = stored;
                break;
            }
            done += stored;
        }
        if (done > 0) {
            boolean lackedRoom = from.left() > 0 && problem != -EFAULT;
            arrivedLocked(done, more && !lackedRoom);
        }
        return done > 0 || from.left() == 0 ? done : problem;
    }

    /** One buffer of a Unix socket; a fault or want of memory leaves the pages before it. */
    private long putBufferLocked(Iov from, int length) {
        int count = protocol.head(length);
        for (int done = 0; done < length; done += count, count = length - done) {
            count = Math.min(count == 0 ? length - done : count, Page.SIZE);
            Page page = resources.pages.take();
            if (page == null || !from.copyTo(page, 0, count)) {
                if (page != null) {
                    page.release(0);
                }
                if (done > 0) {
                    endBufferLocked(protocol.charge(done));
                }
                return done > 0 ? done : page == null ? -ENOMEM : -EFAULT;
            }
            pieces.add(page, 0, count);
        }
        endBufferLocked(protocol.charge(length));
        return length;
    }

    /** Up to a page, behind the newest bytes if their page has room. */
    private long putPageLocked(Iov from, int length) {
        Piece newest = pieces.last();
        int end = newest == null || !newest.growable ? Page.SIZE : (int) newest.start + newest.length;
        if (newest != null && end < Page.SIZE) {
            int count = Math.min(length, Page.SIZE - end);
            if (!from.copyTo(newest.memory(), end, count)) {
                return -EFAULT;
            }
            pieces.grow(newest, count);
            pieces.charge(newest, protocol.charge(count));
            return count;
        }
        int count = Math.min(length, Page.SIZE);
        Page page = resources.pages.take();
        if (page == null) {
            return -ENOMEM;
        }
        if (!from.copyTo(page, 0, count)) {
            page.release(0);
            return -EFAULT;
        }
        pieces.add(page, 0, count).growable = true;
        endBufferLocked(protocol.charge(count));
        return count;
    }

    @Override
    long fillLocked(Pipe pipe, long len) {
        long moved = 0;
        boolean bufferGone = false;
        long most = Math.min(Math.min(len, (long) pipe.ring.free() * Page.SIZE), visibleLocked());
        while (moved < most && !pipe.ring.isFull()) {
            Piece piece = firstLocked();
            int count = (int) Math.min(piece.length, most - moved);
            Memory memory = piece.memory();
            long start = piece.start;
            boolean whole = count == piece.length;
            if (!whole) {
                memory.retain(start);
            }
            pipe.ring.add(memory, start, count, 0); // nothing ever merges with it [H18]
            bufferGone |= consumeLocked(piece, count);
            moved += count;
        }
        tellRoomLocked(bufferGone);
        return moved;
    }

    @Override
    long drainLocked(Pipe pipe, long len, boolean more) {
        Ring ring = pipe.ring;
        long moved = 0;
        while (moved < len && !ring.isEmpty() && !fullLocked()) {
            int most = (int) Math.min(len - moved, protocol.largestBuffer(sendLimitBytes));
            int length = 0;
            int slots = 0;
            while (length < most && slots < Protocol.SLOTS_PER_BUFFER && !ring.isEmpty()) {
                int count = Math.min(ring.length(0), most - length);
                Memory memory = ring.memory(0);
                long start = ring.start(0);
                Piece newest = length == 0 ? null : pieces.last();
                if (newest != null && continues(newest, memory, start)) {
                    pieces.grow(newest, count);
                } else {
                    memory.retain(start);
                    pieces.add(memory, start, count);
                }
                ring.consume(count);
                length += count;
                slots++;
            }
            endBufferLocked(protocol.chargeForPages(length, slots));
            moved += length;
        }
        if (moved > 0) {
            boolean lackedRoom = moved < len && !ring.isEmpty();
            arrivedLocked(moved, more && !lackedRoom);
        }
        return moved > 0 ? moved : -EAGAIN;
    }

    /** Whether a part of a page goes on where the newest piece ends: in one buffer Linux joins the two. */
    private static boolean continues(Piece newest, Memory memory, long start) {
        boolean samePage = (memory.bytes().address() + start) % Page.SIZE != 0;
        return samePage && memory.equals(newest.memory) && newest.start + newest.length == start;
    }

    @Override
    long unreadLocked() {
        return visibleLocked();
    }

    private long visibleLocked() {
        return pieces.bytes() - heldBytes;
    }

    private Piece firstLocked() {
        @Nullable Piece first = pieces.first();
        if (first == null) {
            throw new IllegalStateException("nothing is queued, yet " + pieces.bytes() + " bytes are counted");
        }
        return first;
    }

    /** Takes bytes off the first piece; answers whether it is gone, and its reference the caller's. */
    private boolean consumeLocked(Piece piece, int count) {
        if (count < piece.length) {
            pieces.shorten(piece, count);
            return false;
        }
        pieces.remove();
        return true;
    }

    private void endBufferLocked(int charge) {
        Piece newest = pieces.last();
        if (newest != null) {
            newest.endsBuffer = true;
            pieces.charge(newest, charge);
        }
    }

    /** What is not a whole segment waits for more, if more is to come [H24] and there is room for it. */
    private void arrivedLocked(long count, boolean more) {
        if (!more || protocol.isUnix()) {
            heldBytes = 0;
            tellArrivedLocked();
            return;
        }
        long before = heldBytes;
        heldBytes = (before + count) % SEGMENT_BYTES;
        if (before + count >= SEGMENT_BYTES) {
            tellArrivedLocked();
        }
        if (before == 0 && heldBytes > 0) {
            long hold = ++holds;
            Thread.ofVirtual().start(() -> showLater(hold));
        }
    }

    /** Held bytes are not held for good: nobody may ever send more. */
    private void showLater(long hold) {
        long end = System.nanoTime() + HOLD_NANOS;
        for (long left = HOLD_NANOS; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
        lock();
        if (hold == holds) {
            showHeldLocked();
        }
        unlock();
    }

    /** Lets the reader see what was held. */
    void showHeldLocked() {
        if (heldBytes > 0) {
            heldBytes = 0;
            tellArrivedLocked();
        }
    }
}
