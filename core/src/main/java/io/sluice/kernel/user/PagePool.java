// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The pages of one kernel. Memory is taken from the system in chunks, up to the budget, and given back when the kernel
 * closes; in between, pages that nobody refers to wait here. What a page held before is not wiped: callers overwrite it
 * or ask for {@link #takeZeroed}. In checking mode a page that comes back is scribbled over, so that a use after
 * release shows.
 *
 * <p>Pages at rest are a stack without a lock, linked by their numbers. Its head is one word:
 *
 * <pre>
 *   bits 63–32  a counter of changes, so that a head that was taken and came back in between is not mistaken for itself
 *   bits 31–0   the number of the topmost page, plus one; 0: the stack is empty
 * </pre>
 */
final class PagePool implements AutoCloseable {
    private static final int CHUNK_PAGES = 256; // 1 MiB: few allocations, little waste for a kernel of one pipe
    private static final byte SCRIBBLE = (byte) 0xDB;
    private static final long NUMBER = 0xffff_ffffL;
    private static final long PAUSE_NANOS = 100_000;

    private final Arena arena = Arena.ofShared();
    private final long budgetPages;
    private final boolean checking;
    private final AtomicLong head = new AtomicLong();
    private final ReentrantLock growth = new ReentrantLock();

    /** Every page that was ever made, by number. Replaced when it grows; guarded by {@code growth}. */
    private volatile Page[] pages = {};

    private long reserved; // pages' worth of budget that mappings hold; guarded by growth

    PagePool(long budgetPages, boolean checking) {
        this.budgetPages = Math.min(budgetPages, Integer.MAX_VALUE - CHUNK_PAGES);
        this.checking = checking;
    }

    /** A page with one reference and anything in it, or null when the budget is used up. */
    @Nullable
    Page take() {
        Page page = pop();
        while (page == null) {
            if (!grow()) {
                return null;
            }
            page = pop();
        }
        page.revive();
        return page;
    }

    /** A page of zeros with one reference, or null when the budget is used up. */
    @Nullable
    Page takeZeroed() {
        Page page = take();
        if (page != null) {
            page.bytes().fill((byte) 0);
        }
        return page;
    }

    void takeBack(Page page) {
        if (checking) {
            page.bytes().fill(SCRIBBLE);
        }
        push(page);
    }

    private @Nullable Page pop() {
        while (true) {
            long now = head.get();
            int number = (int) (now & NUMBER) - 1;
            if (number < 0) {
                return null;
            }
            Page page = pages[number];
            if (head.compareAndSet(now, nextChange(now) | page.below)) {
                return page;
            }
        }
    }

    private void push(Page page) {
        while (true) {
            long now = head.get();
            page.below = (int) (now & NUMBER);
            if (head.compareAndSet(now, nextChange(now) | (page.number() + 1))) {
                return;
            }
        }
    }

    private static long nextChange(long word) {
        return (word & ~NUMBER) + NUMBER + 1;
    }

    /** Makes another chunk of pages; answers false when the budget is used up and nothing came back meanwhile. */
    private boolean grow() {
        growth.lock();
        try {
            if ((head.get() & NUMBER) != 0) {
                return true;
            }
            Page[] before = pages;
            int count = (int) Math.min(CHUNK_PAGES, budgetPages - reserved - before.length);
            if (count <= 0) {
                return false;
            }
            MemorySegment chunk = arena.allocate((long) count * Page.SIZE, Page.SIZE);
            Page[] after = new Page[before.length + count];
            System.arraycopy(before, 0, after, 0, before.length);
            for (int i = 0; i < count; i++) {
                int number = before.length + i;
                after[number] = new Page(this, chunk.asSlice((long) i * Page.SIZE, Page.SIZE), number);
            }
            pages = after;
            for (int number = after.length - 1; number >= before.length; number--) {
                push(after[number]); // so that they are handed out in the order of their addresses
            }
            return true;
        } finally {
            growth.unlock();
        }
    }

    /** Sets aside part of the budget for memory outside the pool, if pages ever made leave so much; answers whether. */
    boolean reserve(long count) {
        growth.lock();
        try {
            if (count > budgetPages - reserved - pages.length) {
                return false;
            }
            reserved += count;
            return true;
        } finally {
            growth.unlock();
        }
    }

    void unreserve(long count) {
        growth.lock();
        try {
            reserved -= count;
        } finally {
            growth.unlock();
        }
    }

    /** Pages that somebody refers to, mappings included; exact while nothing runs. */
    long inUse() {
        growth.lock();
        try {
            return pages.length - atRest() + reserved;
        } finally {
            growth.unlock();
        }
    }

    private int atRest() {
        int count = 0;
        for (int next = (int) (head.get() & NUMBER); next != 0; next = pages[next - 1].below) {
            count++;
        }
        return count;
    }

    /**
     * Gives the memory back to the system; every later use of a page throws. A call of the host's that is in it at this
     * moment is waited for. Closing again does nothing.
     */
    @Override
    public void close() {
        while (arena.scope().isAlive()) {
            try {
                arena.close();
            } catch (IllegalStateException inUse) {
                LockSupport.parkNanos(PAUSE_NANOS); // nobody tells when it is over
            }
        }
    }
}
