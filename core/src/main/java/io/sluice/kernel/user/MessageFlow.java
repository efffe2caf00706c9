// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EMSGSIZE;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.MSG_TRUNC;
import static io.sluice.kernel.Flags.SOCK_DGRAM;

import java.lang.foreign.MemorySegment;

/** A direction of messages: each is sent whole and taken by one call, which loses what it has no room for [H12]. */
final class MessageFlow extends Flow {
    private static final int RESERVED = 32; // of the send buffer, in the kernel's check of a message's length

    private int messages;

    MessageFlow(Resources resources, Protocol protocol) {
        super(resources, protocol);
    }

    @Override
    boolean hasDataLocked() {
        return !pieces.isEmpty();
    }

    @Override
    boolean crowdedLocked() {
        return messages > mostMessages;
    }

    @Override
    long takeLocked(Iov to, int flags) {
        long done = 0;
        long total = 0;
        for (Piece piece = pieces.first(); piece != null; piece = piece.endsBuffer ? null : piece.next) {
            int count = (int) Math.min(piece.length, to.left());
            total += piece.length;
            if (count > 0 && !to.copyFrom(piece.memory(), piece.start, count)) {
                done = -EFAULT;
                break;
            }
            done += count;
        }
        if ((flags & MSG_PEEK) == 0) {
            dropLocked();
        }
        return done >= 0 && (flags & MSG_TRUNC) != 0 ? total : done;
    }

    @Override
    long putLocked(Iov from, boolean more) {
        long length = from.left();
        if (length > sendLimitBytes - RESERVED) {
            return -EMSGSIZE;
        }
        if (fullLocked()) {
            return -EAGAIN;
        }
        return storeLocked((int) length, (page, count) -> from.copyTo(page, 0, count));
    }

    /** Fills the beginning of a page with the next bytes; answers whether it could. */
    private interface Source {
        boolean copyTo(Page page, int count);
    }

    private long storeLocked(int length, Source source) {
        Page[] pages = new Page[(length + Page.SIZE - 1) / Page.SIZE];
        int taken = 0;
        long problem = 0;
        for (int done = 0; done < length; done += Page.SIZE) {
            Page page = resources.pages.take();
            if (page == null) {
                problem = -ENOMEM;
                break;
            }
            pages[taken++] = page;
            if (!source.copyTo(page, Math.min(length - done, Page.SIZE))) {
                problem = -EFAULT;
                break;
            }
        }
        if (problem < 0) {
            for (int i = 0; i < taken; i++) {
                pages[i].release(0);
            }
            return problem;
        }
        Piece newest = taken == 0 ? pieces.add(null, 0, 0) : null;
        for (int i = 0; i < taken; i++) {
            newest = pieces.add(pages[i], 0, Math.min(length - i * Page.SIZE, Page.SIZE));
        }
        if (newest != null) {
            newest.endsBuffer = true;
            pieces.charge(newest, protocol.charge(length));
        }
        messages++;
        tellArrivedLocked();
        return length;
    }

    /** A message is a copy already, so its pages can go into the pipe; what does not fit is lost. */
    @Override
    long fillLocked(Pipe pipe, long len) {
        long most = Math.min(len, (long) pipe.ring.free() * Page.SIZE);
        long done = 0;
        boolean last = false;
        while (!last) {
            Piece piece = firstLocked();
            last = piece.endsBuffer;
            int count = (int) Math.min(piece.length, most - done);
            Memory memory = piece.memory;
            long start = piece.start;
            pieces.remove();
            if (count > 0 && memory != null) {
                pipe.ring.add(memory, start, count, 0);
                done += count;
            } else if (memory != null) {
                memory.release(start);
            }
        }
        goneLocked();
        return done;
    }

    /** The slots that one call gathers are one message [H12]. */
    @Override
    long drainLocked(Pipe pipe, long len, boolean more) {
        Ring ring = pipe.ring;
        int slots = Math.min(ring.size(), Protocol.SLOTS_PER_BUFFER);
        long length = 0;
        for (int i = 0; i < slots; i++) {
            length += ring.length(i);
        }
        length = Math.min(length, len);
        if (length > sendLimitBytes - RESERVED) {
            return -EMSGSIZE;
        }
        if (fullLocked()) {
            return -EAGAIN;
        }
        SlotReader reader = new SlotReader(ring);
        long stored = storeLocked((int) length, reader::copyTo);
        for (long left = stored; left > 0; ) {
            int count = (int) Math.min(ring.length(0), left);
            ring.consume(count);
            left -= count;
        }
        return stored;
    }

    /** Reads slots one after the other without consuming them. */
    private static final class SlotReader {
        private final Ring ring;
        private int slot;
        private int place;

        SlotReader(Ring ring) {
            this.ring = ring;
        }

        boolean copyTo(Page page, int count) {
            for (int done = 0; done < count; ) {
                int piece = Math.min(count - done, ring.length(slot) - place);
                try {
                    MemorySegment.copy(ring.memory(slot).bytes(), ring.start(slot) + place, page.bytes(), done, piece);
                } catch (IllegalStateException e) {
                    return false; // the user has closed the arena of memory that a vmsplice lent
                }
                done += piece;
                place += piece;
                if (place == ring.length(slot)) {
                    slot++;
                    place = 0;
                }
            }
            return true;
        }
    }

    @Override
    long unreadLocked() {
        if (protocol.type != SOCK_DGRAM) {
            return pieces.bytes();
        }
        long length = 0;
        for (Piece piece = pieces.first(); piece != null; piece = piece.endsBuffer ? null : piece.next) {
            length += piece.length;
        }
        return length;
    }

    private void dropLocked() {
        boolean last = false;
        while (!last) {
            Piece piece = firstLocked();
            last = piece.endsBuffer;
            Memory memory = piece.memory;
            long start = piece.start;
            pieces.remove();
            if (memory != null) {
                memory.release(start);
            }
        }
        goneLocked();
    }

    private Piece firstLocked() {
        Piece first = pieces.first();
        if (first == null) {
            throw new IllegalStateException("a message without an end");
        }
        return first;
    }

    private void goneLocked() {
        messages--;
        tellRoomLocked(true);
    }

    @Override
    void tellReaderGoneLocked() {
        if (protocol.type != SOCK_DGRAM || crowdedLocked()) {
            tellStateLocked();
        }
    }

    @Override
    boolean closeReader() {
        boolean unread = super.closeReader();
        messages = 0;
        return unread;
    }
}
