// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLLRDNORM;
import static io.sluice.kernel.Flags.EPOLLWRNORM;
import static io.sluice.kernel.Flags.O_DIRECT;

import org.jspecify.annotations.Nullable;

/**
 * A pipe: a {@link Ring} of slots, and how many descriptions of it are open for reading and for writing. Capacity,
 * readiness and blocking count slots, never bytes. Only {@link #write} merges, only into the newest slot, and only if
 * that slot was itself made by a write and never shared (section T of the catalogue, 1, 2 and 8).
 */
final class Pipe extends Waitable {
    static final int DEFAULT_SLOTS = 16; // [A14]
    private static final int SLOTS_OVER_SOFT_LIMIT = 2; // [C10]

    private final Resources resources;
    private final long sequence;

    /** The slots; guarded by the lock. */
    final Ring ring;

    // Guarded by the lock: open descriptions by side, and how many were ever opened, for FIFOs [Q01].
    private int readEnds;
    private int writeEnds;
    private long readEndsEver;
    private long writeEndsEver;
    private int brokenBy; // what readers get in place of the end: the errno with which the host's stream broke off
    private boolean claimed; // a call writes the oldest bytes to the host: others wait to take any

    private final Handover handover = new Handover(this);

    Pipe(Resources resources) {
        this.resources = resources;
        this.sequence = resources.nextSequence();
        int slots = DEFAULT_SLOTS;
        if (!resources.chargePipeSlots(slots)) {
            resources.chargePipeSlots(SLOTS_OVER_SOFT_LIMIT - slots);
            slots = SLOTS_OVER_SOFT_LIMIT;
        }
        ring = new Ring(slots);
        resources.remember(this);
    }

    /** A pipe with an end of each kind, both counted. */
    static Pipe withBothEnds(Resources resources) {
        Pipe pipe = new Pipe(resources);
        pipe.lock();
        pipe.openEndLocked(true, true);
        pipe.unlock();
        return pipe;
    }

    /** Its inode number, and its place in the order in which two pipes are locked. */
    long sequence() {
        return sequence;
    }

    Resources resources() {
        return resources;
    }

    // What can be done now. All of these need the lock.

    @Override
    boolean readableLocked() {
        return !claimed && (!ring.isEmpty() || writeEnds == 0);
    }

    @Override
    boolean writableLocked() {
        return !ring.isFull() || readEnds == 0;
    }

    int readEndsLocked() {
        return readEnds;
    }

    int writeEndsLocked() {
        return writeEnds;
    }

    boolean hasReaderLocked() {
        return readEnds > 0;
    }

    boolean hasWriterLocked() {
        return writeEnds > 0;
    }

    /** Nobody can read: counts the SIGPIPE that a real kernel sends with it and answers -EPIPE. */
    long brokenPipe() {
        resources.sigpipes.increment();
        return -EPIPE;
    }

    /**
     * Waits until at least one slot is free; a missing reader comes before everything [E08].
     *
     * @return 0, -EPIPE (with its signal), -EAGAIN, -EINTR
     */
    long awaitRoomLocked(boolean nonblocking) {
        while (true) {
            if (readEnds == 0) {
                return brokenPipe();
            }
            if (!ring.isFull()) {
                return 0;
            }
            if (nonblocking) {
                return -EAGAIN;
            }
            long slept = awaitWritableLocked(NO_DEADLINE);
            if (slept < 0) {
                return slept;
            }
        }
    }

    /**
     * Waits until at least one slot is occupied.
     *
     * @return 1, or 0 when there is none and nobody can write, -EAGAIN, -EINTR, or what the stream broke off with
     */
    long awaitDataLocked(boolean nonblocking) {
        return awaitDataLocked(nonblocking, null);
    }

    /** The same for a call with room that a writer may fill: the answer is 1 then, too. */
    private long awaitDataLocked(boolean nonblocking, @Nullable Iov room) {
        long wanted = room == null ? 0 : room.left();
        while (claimed || ring.isEmpty()) {
            if (!claimed && writeEnds == 0) {
                return endLocked();
            }
            if (!claimed && nonblocking) {
                return -EAGAIN; // but the end of a claim is waited for, as for the lock that Linux would hold
            }
            long slept = awaitLocked(readers, NO_DEADLINE, room);
            if (slept < 0) {
                return slept;
            }
            if (room != null && room.left() < wanted) {
                return 1;
            }
        }
        return 1;
    }

    boolean claimedLocked() {
        return claimed;
    }

    /** Takes hold of up to {@code most} of the oldest bytes; the pipe is not empty and not claimed. */
    Claim claimLocked(long most) {
        if (claimed) {
            throw new IllegalStateException("pipe " + sequence + " is claimed twice");
        }
        claimed = true;
        return new Claim(ring, most);
    }

    /** Lets go, and consumes what was written. */
    void endClaim(Claim claim, long written) {
        lock();
        try {
            claimed = false;
            long left = written;
            while (left > 0) {
                int count = (int) Math.min(left, ring.length(0));
                if (ring.consume(count)) {
                    tellReleasedLocked();
                }
                left -= count;
            }
        } finally {
            unlock();
        }
        claim.release();
    }

    /** Slots were added: watchers hear of it even if there were some before [N07]. */
    void tellAddedLocked() {
        tellReadersLocked(EPOLLIN | EPOLLRDNORM);
    }

    /** Whole slots were released. */
    void tellReleasedLocked() {
        tellWritersLocked(EPOLLOUT | EPOLLWRNORM);
    }

    // Reading and writing. Bytes are copied without the lock, so that the two sides of a stream copy at the same time:
    // a writer fills pages first and adds them then, a reader takes slots out first and empties them then.

    /**
     * write(2) through {@code end}, whose O_NONBLOCK and O_DIRECT are looked at anew for each page: model 1 of section
     * T.
     */
    long write(Iov from, OpenFile end) {
        long count = from.left();
        if (count == 0) {
            return 0;
        }
        if (!end.nonblocking()) {
            handover.await(count);
        }
        lock();
        try {
            if (readEnds == 0) {
                return brokenPipe();
            }
            if (!end.has(O_DIRECT) && handover.tryLocked(from)) {
                return count;
            }
            long merged = mergeLocked(from);
            return merged < 0 || from.left() == 0 ? merged : writePagesLocked(from, merged, end);
        } finally {
            unlock();
        }
    }

    /** Appends the first {@code left % 4096} bytes to the newest slot, all or nothing [B08]–[B11]. */
    private long mergeLocked(Iov from) {
        int rest = (int) (from.left() % Page.SIZE);
        int newest = ring.size() - 1;
        if (rest == 0 || newest < 0 || !ring.marked(newest, Ring.MERGEABLE)) {
            return 0;
        }
        long end = ring.start(newest) + ring.length(newest);
        if (end + rest > Page.SIZE) {
            return 0;
        }
        if (!from.copyTo(ring.memory(newest), end, rest)) {
            return -EFAULT;
        }
        ring.extendNewest(rest);
        tellAddedLocked();
        return rest;
    }

    /**
     * Adds whole slots until all is stored, sleeping for room when there is none [B13]–[B17]. Who sleeps has its next
     * page filled: when its turn comes it adds it at once, and nobody gets in between [O14].
     */
    private long writePagesLocked(Iov from, long merged, OpenFile end) {
        Ring filled = from.slots();
        long done = merged;
        long failure = 0;
        while (failure == 0 && (from.left() > 0 || !filled.isEmpty())) {
            long unfilled = 0;
            if (filled.isEmpty() && from.left() <= Page.SIZE && !ring.isFull()) {
                unfilled = fill(from, filled, 1); // with the lock: what is atomic is so together with its try to merge
            } else if (filled.isEmpty() && !(end.nonblocking() && ring.isFull())) {
                int most = Math.max(1, Math.min(ring.free(), filled.capacity()));
                unlock();
                try {
                    unfilled = fill(from, filled, most);
                } finally {
                    lock();
                }
            }
            failure = awaitRoomLocked(end.nonblocking());
            if (failure == -EINTR && end.nonblocking()) {
                failure = -EAGAIN; // the flag is seen first when a sleep is over
            }
            if (failure == 0 && filled.isEmpty()) {
                failure = unfilled;
            } else if (failure == 0) {
                done += addLocked(filled, end.has(O_DIRECT) ? Ring.PACKET : Ring.MERGEABLE);
            }
        }
        filled.clear();
        return done > 0 ? done : failure;
    }

    /** Copies the user's bytes to new pages. Returns 0, or what stopped it: -EFAULT, -ENOMEM. */
    private long fill(Iov from, Ring filled, int most) {
        for (int i = 0; i < most && from.left() > 0; i++) {
            Page page = resources.pages.take();
            if (page == null) {
                return -ENOMEM;
            }
            int length = (int) Math.min(from.left(), Page.SIZE);
            if (!from.copyTo(page, 0, length)) {
                page.release(0);
                return -EFAULT;
            }
            filled.add(page, 0, length, 0);
        }
        return 0;
    }

    /** Adds filled slots, at least one: as many as there is room for. */
    private long addLocked(Ring filled, int marks) {
        long added = 0;
        while (!filled.isEmpty() && !ring.isFull()) {
            added += filled.length(0);
            filled.moveOldestTo(ring, marks);
        }
        tellAddedLocked();
        return added;
    }

    /** read(2): model 2 of section T. */
    long read(Iov to, boolean nonblocking) {
        if (to.left() == 0) {
            return 0;
        }
        Ring taken = to.slots();
        long done = 0;
        boolean more = true;
        while (more) {
            long room = to.left();
            lock();
            try {
                long ready = done > 0 ? 1 : awaitDataLocked(nonblocking, to);
                if (ready <= 0) {
                    return ready;
                }
                if (to.left() < room) {
                    return room - to.left(); // a write has put them here while this slept
                }
                more = takeLocked(taken, to) && !ring.isEmpty();
            } finally {
                unlock();
            }
            long given = give(taken, to);
            done += given;
            more &= given > 0;
        }
        return done > 0 ? done : -EFAULT;
    }

    /**
     * Takes slots out into another ring, as many as the user has room for. One whose bytes, or whose place in the
     * user's memory, cannot be reached stays [B20]. Answers whether the read goes on after them: not when it found the
     * pipe empty, or took a packet.
     */
    private boolean takeLocked(Ring taken, Iov to) {
        long left = to.left();
        long reachable = to.reachableLeft();
        while (left > 0 && !ring.isEmpty() && !taken.isFull()) {
            int length = ring.length(0);
            int count = (int) Math.min(length, left);
            if (count > reachable || !Iov.reachable(ring.memory(0))) {
                break;
            }
            boolean packet = ring.marked(0, Ring.PACKET);
            if ((packet || count == length) && ring.isFull()) {
                tellReleasedLocked(); // the first free slot is an event, further ones are none [N08]
            }
            if (count == length) {
                ring.moveOldestTo(taken, 0);
            } else {
                ring.shareTo(0, count, taken);
                ring.consume(packet ? length : count); // what a packet has beyond the reader's room is lost [C11]
            }
            if (packet) {
                return false;
            }
            left -= count;
            reachable -= count;
        }
        return left > 0 && taken.isFull();
    }

    /** Copies slots that have been taken out to the user and releases them. Answers the bytes. */
    private static long give(Ring taken, Iov to) {
        long given = 0;
        for (int slot = 0; slot < taken.size(); slot++) {
            int length = taken.length(slot);
            if (!to.copyFrom(taken.memory(slot), taken.start(slot), length)) {
                break; // an arena was closed at this very moment
            }
            given += length;
        }
        taken.clear();
        return given;
    }

    /** FIONREAD [C08]. */
    long fionread() {
        lock();
        try {
            return Math.min(ring.bytes(), Integer.MAX_VALUE);
        } finally {
            unlock();
        }
    }

    // Capacity.

    long sizeBytes() {
        lock();
        try {
            return (long) ring.capacity() * Page.SIZE;
        } finally {
            unlock();
        }
    }

    /** F_SETPIPE_SZ [C01]–[C05]: rounds up to a power of two of pages and answers the real capacity in bytes. */
    long resize(int argument) {
        long bytes = Math.max(Integer.toUnsignedLong(argument), Page.SIZE);
        if (bytes > 1L << 31) {
            return -EINVAL;
        }
        bytes = Long.highestOneBit(bytes - 1) << 1;
        int slots = (int) (bytes / Page.SIZE);
        lock();
        try {
            int before = ring.capacity();
            if (slots > before && bytes > resources.pipeMaxSizeBytes) {
                return -EPERM;
            }
            if (!resources.chargePipeSlots(slots - before) && slots > before) {
                resources.chargePipeSlots(before - slots);
                return -EPERM;
            }
            if (slots < ring.size()) {
                resources.chargePipeSlots(before - slots);
                return -EBUSY;
            }
            ring.resize(slots);
            tellWritersLocked(ANY_EVENT);
            return bytes;
        } finally {
            unlock();
        }
    }

    // Ends.

    /** One more description of this pipe is open. */
    void openEndLocked(boolean reads, boolean writes) {
        if (reads) {
            readEnds++;
            readEndsEver++;
        }
        if (writes) {
            writeEnds++;
            writeEndsEver++;
        }
    }

    /** What is written here has broken off: a stream that is cut must not look like one that has ended. */
    void breaksOffLocked(int errno) {
        brokenBy = errno;
    }

    /** What a reader of an empty pipe without a writer gets: 0, or -errno. */
    long endLocked() {
        return -brokenBy;
    }

    long readEndsEverLocked() {
        return readEndsEver;
    }

    long writeEndsEverLocked() {
        return writeEndsEver;
    }

    /**
     * A description is closed. The last one of all releases what nobody read [A17]. Answers whether it was the last.
     */
    boolean closeEnd(boolean reads, boolean writes) {
        lock();
        try {
            readEnds -= reads ? 1 : 0;
            writeEnds -= writes ? 1 : 0;
            if (readEnds < 0 || writeEnds < 0) {
                throw new IllegalStateException("a pipe has " + readEnds + " read ends, " + writeEnds + " write ends");
            }
            boolean last = readEnds == 0 && writeEnds == 0;
            if (last) {
                ring.clear();
                resources.chargePipeSlots(-ring.capacity());
                resources.forget(this);
            } else if (readEnds == 0 || writeEnds == 0) {
                tellReadersLocked(ANY_EVENT);
                tellWritersLocked(ANY_EVENT);
            }
            return last;
        } finally {
            unlock();
        }
    }
}
