// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.SPLICE_F_GIFT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.sluice.flow.Lending;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Page-aligned memory of the kernel's own mapping: the only memory that may be given to a pipe by reference. Mapped,
 * advised and then touched, in that order, so that every page exists before a pipe refers to it [K15].
 *
 * <p>Closing it unmaps it; pipes that still refer to its pages keep them [K16]. Use after close throws. Safe for any
 * thread.
 */
public final class PageMemory implements AutoCloseable {
    /** Pages are of so many bytes or a multiple (pitfall 74). */
    private static final long SMALLEST_PAGE_BYTES = 4096;

    private final Kernel kernel;
    private final MemorySegment segment;

    private PageMemory(Kernel kernel, MemorySegment segment) {
        this.kernel = kernel;
        this.segment = segment;
    }

    static PageMemory map(Kernel kernel, long bytes, boolean hugePages) throws IOException {
        if (bytes <= 0) {
            throw new IllegalArgumentException("memory needs at least 1 byte, not " + bytes);
        }
        MemorySegment[] mapped = new MemorySegment[1];
        long result = kernel.mmap(bytes, hugePages, mapped);
        if (result < 0) {
            throw new ErrnoException("mmap", result, bytes + " bytes of memory");
        }
        touch(mapped[0]);
        return new PageMemory(kernel, mapped[0]);
    }

    /** One store in each page is enough to have it, and half the price of writing every byte. */
    private static void touch(MemorySegment memory) {
        for (long offset = 0; offset < memory.byteSize(); offset += SMALLEST_PAGE_BYTES) {
            memory.set(JAVA_BYTE, offset, (byte) 0);
        }
    }

    /** The memory, in whole pages. Throws on use after this object was closed or given away. */
    public MemorySegment segment() {
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("the memory was closed or given away");
        }
        return segment;
    }

    /** Bytes in it: what was asked for, rounded up to whole pages. */
    public long sizeBytes() {
        return segment.byteSize();
    }

    /** A pipe of another kernel could keep the pages beyond their mapping, or see no such memory at all. */
    void requireKernelOf(End end) {
        if (!end.kernel().equals(kernel)) {
            throw new IllegalArgumentException(end + " belongs to another kernel than this memory");
        }
    }

    /**
     * A part of it, to be given to {@link PipeWriter#vmsplice}.
     *
     * @param offset where it begins, in bytes
     * @throws IndexOutOfBoundsException when it is not within the memory
     */
    public Slice slice(long offset, long bytes) {
        return new Slice(this, offset, bytes);
    }

    /**
     * Part of some page memory.
     *
     * @param memory the whole
     * @param offset where the part begins, in bytes
     * @param bytes its length
     */
    public record Slice(PageMemory memory, long offset, long bytes) {
        /** Checks the bounds. */
        public Slice {
            Objects.checkFromIndexSize(offset, bytes, memory.sizeBytes());
        }

        /** The memory of this part. */
        public MemorySegment segment() {
            return memory.segment().asSlice(offset, bytes);
        }
    }

    /**
     * Gives all pages to a pipe (SPLICE_F_GIFT) and forgets them: this object is closed afterwards, so nobody can write
     * to what the pipe now holds. Waits for room. It is whole pages from a page's beginning, as vmsplice(2) wants a
     * gift to be, and no heap's memory (pitfall 32). When it fails before anything was given, the memory stays open;
     * when it fails later, it is closed all the same. Where the kernel refuses vmsplice the bytes are copied.
     *
     * @throws ErrnoException when the call fails: EPIPE when the reader is gone
     * @throws TransferInterruptedException when the thread is interrupted while it waits
     * @throws IllegalStateException when the memory was closed or given away before
     * @throws IllegalArgumentException when the pipe belongs to another kernel; the memory stays open
     */
    public void giftTo(PipeWriter writer) throws IOException {
        requireKernelOf(writer);
        MemorySegment pages = segment();
        Lending gift = new Lending(kernel);
        boolean given = false;
        try {
            writer.lend(pages, SPLICE_F_GIFT, gift);
            given = true;
        } finally {
            if (given || gift.bytes() > 0) {
                close();
            }
        }
    }

    /** Unmaps the memory. Closing it again does nothing. */
    @Override
    public void close() {
        if (!segment.scope().isAlive()) {
            return;
        }
        long result = kernel.munmap(segment);
        if (result == -Errno.EBUSY) {
            throw new IllegalStateException("the memory is in use by a call of another thread");
        }
    }
}
