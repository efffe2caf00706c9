// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Memory from this kernel's mmap. The user holds one reference until munmap; each slot that points into it holds one
 * more. Where the profile moves gifted pages, references are counted page by page as well, since a page may become a
 * file's only when nothing else refers to it.
 *
 * <p>The user's segment dies with munmap although slots may still need the bytes [K16]: those are then copied aside
 * first.
 */
final class Mapping extends Memory {
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(int[].class);

    private final PagePool pool;
    private final long pages;
    private final int @Nullable [] pageReferences;
    private final AtomicBoolean unmapped = new AtomicBoolean();
    private volatile Arena arena;
    private volatile MemorySegment bytes;

    Mapping(PagePool pool, long pages, long alignment, boolean countsPages) {
        super(1);
        this.pool = pool;
        this.pages = pages;
        this.pageReferences = countsPages ? new int[Math.toIntExact(pages)] : null;
        this.arena = Arena.ofShared();
        this.bytes = arena.allocate(pages * Page.SIZE, alignment);
    }

    @Override
    MemorySegment bytes() {
        return bytes;
    }

    @Override
    void retain(long start, int count) {
        super.retain(start, count);
        countPages(start, count, 1);
    }

    @Override
    void release(long start, int count) {
        countPages(start, count, -1);
        super.release(start, count);
    }

    private void countPages(long start, int count, int change) {
        if (pageReferences != null) {
            int first = (int) (start / Page.SIZE);
            for (int page = first; page < first + count; page++) {
                COUNT.getAndAdd(pageReferences, page, change);
            }
        }
    }

    /** Whether one slot and nothing else but the user refers to the page at {@code start}; false if not counted. */
    boolean onlyOneRefersTo(long start) {
        return pageReferences != null && (int) COUNT.getVolatile(pageReferences, (int) (start / Page.SIZE)) == 1;
    }

    /**
     * munmap: the user's segment dies and the user's reference is given up. Answers false, and changes nothing, while a
     * call of the JDK holds the segment, or when it was unmapped before.
     */
    boolean unmap() {
        if (!unmapped.compareAndSet(false, true)) {
            return false;
        }
        Arena users = arena;
        MemorySegment usersBytes = bytes;
        if (references() > 1) {
            Arena ours = Arena.ofShared();
            MemorySegment copy = ours.allocate(pages * Page.SIZE, Page.SIZE);
            copy.copyFrom(usersBytes);
            arena = ours;
            bytes = copy;
        }
        try {
            users.close();
        } catch (IllegalStateException e) {
            arena = users;
            bytes = usersBytes;
            unmapped.set(false);
            return false;
        }
        super.release(0, 1); // the user's reference was to no page of its own
        return true;
    }

    @Override
    void free() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
        pool.unreserve(pages);
    }

    @Override
    public String toString() {
        return "mapping of " + pages + " pages";
    }
}
