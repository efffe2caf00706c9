// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Flags.SPLICE_F_GIFT;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * vmsplice(2) after its checks, in both directions (section T, 7). Only SPLICE_F_NONBLOCK keeps it from sleeping;
 * O_NONBLOCK is ignored [K06], [L03].
 */
final class Vmsplice {
    /** Runs once, when the call is over and the last of its segments has been released. */
    private static final class CallNotice implements Runnable {
        private final AtomicInteger waitsFor = new AtomicInteger(1); // the call itself
        private final Runnable released;

        CallNotice(Runnable released) {
            this.released = released;
        }

        CallNotice oneMore() {
            waitsFor.incrementAndGet();
            return this;
        }

        @Override
        public void run() {
            if (waitsFor.decrementAndGet() == 0) {
                released.run();
            }
        }
    }

    /** A thread that owns no arena: what it cannot read, the reader of a pipe could not either. */
    private static final Thread STRANGER = Thread.ofVirtual().unstarted(() -> {});

    private Vmsplice() {}

    /**
     * Puts references to the segments' pages into the pipe: one slot for each page that each segment touches [K02],
     * [K03]. Sleeps only while there is no free slot at all, then takes what fits [K05].
     *
     * @param released runs when the last reference to the memory of this call is gone; null: nobody asks
     */
    static long toPipe(Pipe pipe, UserMemory memory, List<MemorySegment> iov, int flags, @Nullable Runnable released) {
        if ((flags & SPLICE_F_NONBLOCK) != 0 && pipe.looksFull()) {
            return -EAGAIN;
        }
        CallNotice notice = released == null ? null : new CallNotice(released);
        long added = addAll(pipe, memory, iov, flags, notice);
        if (notice != null && added > 0) {
            notice.run(); // from now on the slots' references alone count
        }
        return added;
    }

    private static long addAll(
            Pipe pipe, UserMemory memory, List<MemorySegment> iov, int flags, @Nullable CallNotice notice) {
        pipe.lock();
        try {
            long room = pipe.awaitRoomLocked((flags & SPLICE_F_NONBLOCK) != 0);
            if (room < 0) {
                return room;
            }
            long added = 0;
            for (int i = 0; i < iov.size() && !pipe.ring.isFull(); i++) {
                MemorySegment segment = iov.get(i);
                if (segment.byteSize() == 0) {
                    continue; // whatever its address [K09]
                }
                if (Iov.unreachable(segment) || !segment.isAccessibleBy(STRANGER)) {
                    return added > 0 ? added : -EFAULT;
                }
                int marks = (flags & SPLICE_F_GIFT) == 0 ? 0 : Ring.GIFT;
                long took = addLocked(pipe.ring, memory, segment, marks, notice);
                added += took;
                pipe.tellAddedLocked();
            }
            return added;
        } finally {
            pipe.unlock();
        }
    }

    private static long addLocked(
            Ring ring, UserMemory memory, MemorySegment segment, int marks, @Nullable CallNotice notice) {
        Memory owner = notice == null ? memory.find(segment) : null;
        boolean lent = owner == null;
        long start = 0;
        if (owner == null) {
            owner = new Lent(segment, notice == null ? null : notice.oneMore());
        } else {
            start = segment.address() - owner.bytes().address();
        }
        int place = owner.offsetInPage(start);
        int slots = (int) Math.min(ring.free(), (place + segment.byteSize() - 1) / Page.SIZE + 1);
        long added = Math.min(segment.byteSize(), (long) slots * Page.SIZE - place);
        owner.retain(start, slots);
        ring.addPages(owner, start, added, marks);
        if (lent) {
            owner.release(0); // the slots' references remain
        }
        return added;
    }

    /** Copies the pipe's bytes into the segments, slot by slot, until they are full or the pipe is empty [L01]. */
    static long fromPipe(Pipe pipe, Iov to, int flags) {
        pipe.lock();
        try {
            long data = pipe.awaitDataLocked((flags & SPLICE_F_NONBLOCK) != 0);
            if (data <= 0) {
                return data;
            }
            Ring ring = pipe.ring;
            long done = 0;
            while (!ring.isEmpty() && to.left() > 0) {
                int count = (int) Math.min(to.left(), ring.length(0));
                if (!to.copyFrom(ring.memory(0), ring.start(0), count)) {
                    return done > 0 ? done : -EFAULT; // the slot stays [L04]
                }
                done += count;
                if (ring.consume(count)) {
                    pipe.tellReleasedLocked();
                }
            }
            return done;
        } finally {
            pipe.unlock();
        }
    }
}
