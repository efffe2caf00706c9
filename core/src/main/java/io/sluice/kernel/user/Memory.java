// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counted memory that slots and files refer to: a {@link Page} of the kernel, or memory of a user. Whoever stores a
 * reference holds one count; at zero the memory goes back to where it came from. A count that would fall below zero,
 * and a reference taken to memory that is already gone, are mistakes of this kernel and throw at once.
 */
abstract class Memory {
    private static final VarHandle REFERENCES;

    static {
        try {
            REFERENCES = MethodHandles.lookup().findVarHandle(Memory.class, "references", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @SuppressWarnings("UnusedVariable") // by its handle alone
    private volatile int references;

    Memory(int references) {
        this.references = references;
    }

    /** The bytes. Reading them throws IllegalStateException when a user has closed their arena. */
    abstract MemorySegment bytes();

    /** How far the byte at {@code start} lies behind the beginning of its page. */
    int offsetInPage(long start) {
        return (int) (start % Page.SIZE);
    }

    /** The last reference is gone. */
    abstract void free();

    final int references() {
        return references;
    }

    /** One reference more to the page at {@code start}. */
    void retain(long start) {
        retain(start, 1);
    }

    /** {@code pages} references more, one to each page from the one at {@code start} on. */
    void retain(long start, int pages) {
        int before = (int) REFERENCES.getAndAdd(this, pages);
        if (before <= 0) {
            REFERENCES.getAndAdd(this, -pages);
            throw new IllegalStateException(this + " is used after its release (count " + before + ")");
        }
    }

    /** One reference less to the page at {@code start}. */
    void release(long start) {
        release(start, 1);
    }

    /** {@code pages} references less, one to each page from the one at {@code start} on. */
    void release(long start, int pages) {
        int left = (int) REFERENCES.getAndAdd(this, -pages) - pages;
        if (left < 0) {
            REFERENCES.getAndAdd(this, pages);
            throw new IllegalStateException(this + " is released too often (count " + left + ")");
        }
        if (left == 0) {
            free();
        }
    }

    /** Copies bytes; answers false when a user has closed the arena of one of them: EFAULT. */
    static boolean copy(Memory from, long start, Memory to, long toStart, long count) {
        for (; ; ) {
            MemorySegment source = from.bytes();
            MemorySegment target = to.bytes();
            try {
                MemorySegment.copy(source, start, target, toStart, count);
                return true;
            } catch (IllegalStateException e) {
                if (from.bytes().equals(source) && to.bytes().equals(target)) {
                    return false;
                } // else munmap has just moved the bytes [K16]
            }
        }
    }

    /** For pools: memory at rest comes into use again, with one reference. */
    final void revive() {
        if (!REFERENCES.compareAndSet(this, 0, 1)) {
            throw new IllegalStateException(this + " comes from its pool while it is used (count " + references + ")");
        }
    }
}
