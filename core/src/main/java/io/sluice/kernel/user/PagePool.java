// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The pages of one kernel. Memory is taken from the system in chunks, up to the budget, and given back when the kernel
 * closes; in between, pages that nobody refers to wait here. What a page held before is not wiped: callers overwrite it
 * or ask for {@link #takeZeroed}. In checking mode a page that comes back is scribbled over, so that a use after
 * release shows.
 */
final class PagePool implements AutoCloseable {
    private static final int CHUNK_PAGES = 256; // 1 MiB: few allocations, little waste for a kernel of one pipe
    private static final byte SCRIBBLE = (byte) 0xDB;

    private final Arena arena = Arena.ofShared();
    private final long budgetPages;
    private final boolean checking;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock. Pages at rest are a stack: the last one back is the one in the processor's cache.
    private Page[] free = new Page[CHUNK_PAGES];
    private int freeCount;
    private int pages; // ever made
    private long reserved; // pages' worth of budget that mappings hold

    PagePool(long budgetPages, boolean checking) {
        this.budgetPages = budgetPages;
        this.checking = checking;
    }

    /** A page with one reference and anything in it, or null when the budget is used up. */
    @Nullable
    Page take() {
        lock.lock();
        try {
            if (freeCount == 0 && !growLocked()) {
                return null;
            }
            Page page = free[--freeCount];
            page.revive();
            return page;
        } finally {
            lock.unlock();
        }
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
        lock.lock();
        try {
            free[freeCount++] = page;
        } finally {
            lock.unlock();
        }
    }

    /** Sets part of the budget aside for memory that is no page of the pool. Answers whether there was enough. */
    boolean reserve(long count) {
        lock.lock();
        try {
            if (inUseLocked() + count > budgetPages) {
                return false;
            }
            reserved += count;
            return true;
        } finally {
            lock.unlock();
        }
    }

    void unreserve(long count) {
        lock.lock();
        try {
            reserved -= count;
        } finally {
            lock.unlock();
        }
    }

    /** Pages that somebody refers to, mappings included. */
    long inUse() {
        lock.lock();
        try {
            return inUseLocked();
        } finally {
            lock.unlock();
        }
    }

    /** Gives the memory back to the system; every later use of a page throws. */
    @Override
    public void close() {
        arena.close();
    }

    private long inUseLocked() {
        return pages - freeCount + reserved;
    }

    private boolean growLocked() {
        int count = (int) Math.min(CHUNK_PAGES, budgetPages - reserved - pages);
        if (count <= 0) {
            return false;
        }
        if (free.length < pages + count) {
            free = new Page[Math.max(pages + count, 2 * free.length)];
        }
        MemorySegment chunk = arena.allocate((long) count * Page.SIZE, Page.SIZE);
        // Pushed backwards, so that pages are handed out in the order of their addresses.
        for (int i = count - 1; i >= 0; i--) {
            free[freeCount++] = new Page(this, chunk.asSlice((long) i * Page.SIZE, Page.SIZE), pages + i);
        }
        pages += count;
        return true;
    }
}
