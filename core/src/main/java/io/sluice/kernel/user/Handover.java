// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

/**
 * Gives the bytes of a write straight to the reader that sleeps first, copied once and not twice, and without a page.
 * It is as if they had been in the pipe for a moment, so it is done only where they would have been so whole.
 *
 * <p>A stream whose writer runs ahead never finds its reader asleep, yet two copies cost it more than a wait: so a
 * writer with much to write looks on while the reader empties the pipe. Where that does not end with bytes handed over,
 * it is tried ever more seldom.
 */
final class Handover {
    /** More in one go would hold the lock for long. */
    private static final long MOST = 64 << 10;

    /** For less it is not worth looking on. */
    private static final long LEAST_AWAITED = 16 << 10;

    /** About what a reader takes to empty the slots of its last call, and to call again. */
    private static final long AWAIT_NANOS = 20_000;

    private static final int MOST_SKIPPED = 128; // of 64 KiB each: their copies take fifty times as long as the wait

    private final Pipe pipe;

    // Read and written without the lock, by any writer: what gets lost is a wait more or less.
    private int skip;
    private int skipNext = 1;

    Handover(Pipe pipe) {
        this.pipe = pipe;
    }

    /** Before a write of {@code count} bytes takes the lock: lets the reader come to sleep, if it seems about to. */
    void await(long count) {
        if (count < LEAST_AWAITED
                || count > MOST
                || !Waiter.SPINS
                || Thread.currentThread().isVirtual()
                || skip-- > 0) {
            return;
        }
        skipNext = Math.min(2 * skipNext, MOST_SKIPPED);
        skip = skipNext;
        int slots = pipe.ring.size(); // without the lock: what it was some time ago will do
        long end = System.nanoTime() + AWAIT_NANOS;
        while (!pipe.looksOffered() && System.nanoTime() < end) {
            Thread.onSpinWait();
            int now = pipe.ring.size();
            if (now < slots) {
                slots = now;
                end = System.nanoTime() + AWAIT_NANOS;
            }
        }
    }

    /** Hands over all bytes. Answers whether it could; if not, nothing has changed. */
    boolean tryLocked(Iov from) {
        long count = from.left();
        Iov room = pipe.readers.firstRoom();
        if (room == null
                || !pipe.ring.isEmpty() // a reader sleeps then, too, while the oldest bytes are claimed
                || count > Math.min(MOST, room.left())
                || count > (long) pipe.ring.capacity() * Page.SIZE
                || !from.moveAllTo(room)) {
            return false;
        }
        pipe.readers.serveFirst();
        skip = 0;
        skipNext = 1;
        pipe.tellAddedLocked();
        if (count > (pipe.ring.capacity() - 1L) * Page.SIZE) {
            pipe.tellReleasedLocked(); // it was full for that moment
        }
        return true;
    }
}
