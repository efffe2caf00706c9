// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Offset;
import org.jspecify.annotations.Nullable;

/**
 * splice(2) and tee(2) on open files: the checks in the kernel's order (section D of the catalogue), then one of three
 * loops by which side is a pipe (section T, 3 to 6).
 *
 * <p>Two pipes are locked in order of their sequence numbers, and each is waited for with its own lock alone. A file or
 * a socket is waited for with no lock at all [H25].
 */
final class Splice {
    static final int ALL_FLAGS = 0xf;

    private Splice() {}

    /** splice(2) after the checks of length, flags and descriptors. */
    static long splice(
            OpenFile in, @Nullable Offset offIn, OpenFile out, @Nullable Offset offOut, long len, int flags) {
        Pipe from = in.pipe();
        Pipe to = out.pipe();
        if ((from != null && offIn != null) || (to != null && offOut != null)) {
            return -ESPIPE; // [D04]
        }
        if (!in.readable() || !out.writable()) {
            return -EBADF; // [D06]
        }
        boolean nonblock = (flags & SPLICE_F_NONBLOCK) != 0;
        if (from != null && to != null) {
            if (from == to) {
                return -EINVAL; // [D07]
            }
            return pipeToPipe(from, to, len, nonblock || in.nonblocking() || out.nonblocking());
        }
        OpenFile other = from != null ? out : in;
        Offset given = from != null ? offOut : offIn;
        boolean own = given == null && other.hasPosition();
        // A file's own position is taken before any sleep and set when all is done, whatever others did to it
        // meanwhile.
        Offset offset = own ? new Offset(other.position()) : given;
        long moved = -EINVAL; // [D08]
        if (from != null) {
            moved = drain(from, in, out, offset, len, flags);
        } else if (to != null) {
            moved = fill(in, offset, to, len, nonblock || out.nonblocking());
        }
        if (own && offset != null && moved != -EINVAL) {
            other.seek(offset.value(), SEEK_SET);
        }
        return moved;
    }

    /** Anything to pipe: room first, then the source [D14]. */
    private static long fill(OpenFile in, @Nullable Offset offset, Pipe pipe, long len, boolean nonblocking) {
        if (offset != null && !in.seekable()) {
            return -EINVAL; // [D12]
        }
        if (outOfRange(offset, len)) {
            return -EINVAL; // [D10], [D11]
        }
        try {
            return fillWhenReady(in, offset, pipe, len, nonblocking);
        } finally {
            in.endFill();
        }
    }

    private static long fillWhenReady(OpenFile in, @Nullable Offset offset, Pipe pipe, long len, boolean nonblocking) {
        for (; ; ) {
            pipe.lock();
            try {
                long room = pipe.awaitRoomLocked(nonblocking);
                if (room < 0) {
                    return room;
                }
                if (!in.splicesOut()) {
                    return -EINVAL; // [D13]
                }
                long moved = in.fillLocked(pipe, offset, len);
                if (moved > 0) {
                    pipe.tellAddedLocked();
                }
                if (moved != -EAGAIN || !in.waitsAsSource(nonblocking)) {
                    return moved;
                }
            } finally {
                pipe.unlock();
            }
            long ready = in.awaitReadable(offset, len);
            if (ready < 0) {
                return ready;
            }
        }
    }

    /** Pipe to anything: what can be known is refused before an empty pipe is waited for [D17]. */
    private static long drain(Pipe pipe, OpenFile in, OpenFile out, @Nullable Offset offset, long len, int flags) {
        if (offset != null && !out.seekable()) {
            return -EINVAL;
        }
        if (out.appends() || !out.splicesIn()) {
            return -EINVAL; // [D09], [I05]
        }
        if (outOfRange(offset, len)) {
            return -EINVAL;
        }
        boolean nonblocking = (flags & SPLICE_F_NONBLOCK) != 0 || in.nonblocking();
        if (nonblocking && pipe.looksEmpty()) {
            return -EAGAIN;
        }
        if (out.drainsUnlocked()) {
            return drainUnlocked(pipe, out, offset, len, nonblocking);
        }
        long done = 0;
        for (; ; ) {
            pipe.lock();
            try {
                long data = done > 0 ? 1 : pipe.awaitDataLocked(nonblocking);
                if (data <= 0) {
                    return data;
                }
                long stopped = 0;
                while (stopped == 0 && done < len && !pipe.ring.isEmpty()) {
                    int slots = pipe.ring.size();
                    long moved = out.drainLocked(pipe, offset, len - done, flags);
                    if (pipe.ring.size() < slots) {
                        pipe.tellReleasedLocked();
                    }
                    done += Math.max(moved, 0);
                    stopped = Math.min(moved, 0);
                }
                if (stopped != -EAGAIN || out.nonblocking()) {
                    return done > 0 ? done : stopped;
                }
            } finally {
                pipe.unlock();
            }
            long ready = out.awaitWritable();
            if (ready < 0) {
                return done > 0 ? done : ready;
            }
        }
    }

    /** To the host: the bytes are claimed under the lock and written without it. */
    private static long drainUnlocked(Pipe pipe, OpenFile out, @Nullable Offset offset, long len, boolean nonblocking) {
        long done = 0;
        while (done < len) {
            Claim claim;
            pipe.lock();
            try {
                long data = done > 0 && pipe.ring.isEmpty() ? 0 : pipe.awaitDataLocked(nonblocking);
                if (data <= 0) {
                    return done > 0 ? done : data;
                }
                claim = pipe.claimLocked(len - done);
            } finally {
                pipe.unlock();
            }
            long written = 0;
            try {
                written = out.writeClaim(claim, offset);
            } finally {
                pipe.endClaim(claim, Math.max(written, 0));
            }
            if (written <= 0) {
                return done > 0 ? done : written;
            }
            done += written;
        }
        return done;
    }

    /** A stream has no offset, and no other end than that of its lengths. */
    private static boolean outOfRange(@Nullable Offset offset, long len) {
        return len < 0 || (offset != null && (offset.value() < 0 || offset.value() + len < 0));
    }

    /** Pipe to pipe: slots move as they are; the last one is split when it is longer than what is left [G02]. */
    private static long pipeToPipe(Pipe from, Pipe to, long len, boolean nonblocking) {
        for (; ; ) {
            long ready = awaitBoth(from, to, nonblocking);
            if (ready < 0) {
                return ready;
            }
            lockBoth(from, to);
            try {
                if (from.claimedLocked()) {
                    continue;
                }
                if (!to.hasReaderLocked()) {
                    return to.brokenPipe();
                }
                long moved = moveLocked(from, to, len);
                if (moved > 0 || (from.ring.isEmpty() && !from.hasWriterLocked())) {
                    return moved;
                }
            } finally {
                unlockBoth(from, to);
            }
        }
    }

    /** A size_t: what is negative here is more than any pipe holds. */
    private static long size(long len) {
        return len < 0 ? Long.MAX_VALUE : len;
    }

    /** As many slots as fit, the last one split; both pipes are locked. */
    static long moveLocked(Pipe from, Pipe to, long len) {
        long most = size(len);
        long moved = from.ring.moveWholeTo(to.ring, most);
        boolean released = moved > 0;
        if (moved < most && !from.ring.isEmpty() && !to.ring.isFull()) {
            int rest = (int) (most - moved); // less than the slot has
            from.ring.shareTo(0, rest, to.ring);
            from.ring.consume(rest);
            moved = most;
        }
        if (moved > 0) {
            to.tellAddedLocked();
        }
        if (released) {
            from.tellReleasedLocked();
        }
        return moved;
    }

    /**
     * tee(2) after the checks of flags, length and descriptors: as pipe to pipe, but the source keeps its slots, and
     * there is no second try: when others were faster after both waits, the answer is 0, whoever can still write.
     */
    static long tee(OpenFile in, OpenFile out, long len, int flags) {
        if (!in.readable() || !out.writable()) {
            return -EBADF; // [D15]
        }
        Pipe from = in.pipe();
        Pipe to = out.pipe();
        if (from == null || to == null || from == to) {
            return -EINVAL;
        }
        long ready = awaitBoth(from, to, (flags & SPLICE_F_NONBLOCK) != 0 || in.nonblocking() || out.nonblocking());
        if (ready < 0) {
            return ready;
        }
        lockBoth(from, to);
        try {
            return to.hasReaderLocked() ? shareLocked(from, to, len) : to.brokenPipe();
        } finally {
            unlockBoth(from, to);
        }
    }

    private static long shareLocked(Pipe from, Pipe to, long len) {
        long most = size(len);
        long shared = 0;
        for (int slot = 0; slot < from.ring.size() && !to.ring.isFull() && shared < most; slot++) {
            int count = (int) Math.min(from.ring.length(slot), most - shared);
            from.ring.shareTo(slot, count, to.ring);
            shared += count;
        }
        if (shared > 0) {
            to.tellAddedLocked();
        }
        return shared;
    }

    /** The source first, then the destination, and only then is the end of the source looked at [G06], [G07]. */
    private static long awaitBoth(Pipe from, Pipe to, boolean nonblocking) {
        from.lock();
        try {
            long data = from.awaitDataLocked(nonblocking);
            if (data < 0) {
                return data;
            }
        } finally {
            from.unlock();
        }
        to.lock();
        try {
            return to.awaitRoomLocked(nonblocking);
        } finally {
            to.unlock();
        }
    }

    /** In the order in which they were made, whichever is the source: so two calls never wait for each other. */
    static void lockBoth(Pipe a, Pipe b) {
        if (a.sequence() < b.sequence()) {
            a.lock();
            b.lock();
        } else {
            b.lock();
            a.lock();
        }
    }

    private static void unlockBoth(Pipe a, Pipe b) {
        a.unlock();
        b.unlock();
    }
}
