// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Lending;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Memory to fill and send, again and again, without copying it and without a reader ever seeing it change: take a
 * buffer with {@link #lease}, fill it, send it. Safe for any thread; each buffer belongs to one.
 *
 * <pre>{@code
 * try (SendBuffers buffers = sluice.sendBuffers(64 << 10, 8)) {
 *     while (more()) {
 *         SendBuffer buffer = buffers.lease();
 *         buffer.sendTo(pipe.writer(), fill(buffer.segment()));
 *     }
 * }
 * }</pre>
 *
 * <p>What is sent goes by reference: until the last reader has consumed it, the memory must not change (pitfall 30). So
 * a buffer's memory is leased again only when one of these proves that nobody refers to it any more:
 *
 * <ul>
 *   <li>it went into a {@link Sluice#pipe() pipe of this Sluice}, and every byte of it has been copied out: by
 *       {@link PipeReader#read}, by {@link PipeReader#vmsplice}, or by a transfer into a regular file;
 *   <li>it was sent to a regular file, and has arrived there;
 *   <li>all of it had to be copied, because the sink or the kernel allows nothing else;
 *   <li>the kernel has told that it is free, as the one in user space does.
 * </ul>
 *
 * <p>In every other case (a socket, a child process, another pipe, a mirror, a failure on the way) the memory is given
 * up: it is unmapped, the pages live on where they are referred to, and the next lease maps fresh ones. That costs two
 * system calls and a fault per page; {@link #counts} tells how often it happens. The proof counts what this library
 * does: whoever opens {@code /proc/self/fd} behind its back and reads from the same pipe is not seen.
 */
public final class SendBuffers implements AutoCloseable {
    private final Sluice sluice;
    private final long bytes;
    private final int kept;
    private final boolean hugePages;

    // Guarded by this object's monitor; memory is mapped and unmapped outside.
    private final ArrayDeque<PageMemory> free = new ArrayDeque<>();
    private final ArrayDeque<SendBuffer> sent = new ArrayDeque<>(); // oldest first
    private long reused;
    private long mapped;
    private long givenUp;
    private boolean closed;

    /**
     * How the leases were served so far.
     *
     * @param reused leases of memory that had come back
     * @param mapped leases of fresh memory
     * @param givenUp buffers that were unmapped because nothing had proven them free
     */
    public record Counts(long reused, long mapped, long givenUp) {}

    SendBuffers(Sluice sluice, long bytes, int kept, boolean hugePages) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a buffer needs at least 1 byte, not " + bytes);
        }
        if (kept < 1) {
            throw new IllegalArgumentException("at least 1 buffer is kept, not " + kept);
        }
        this.sluice = sluice;
        this.bytes = bytes;
        this.kept = kept;
        this.hugePages = hugePages;
    }

    /**
     * A buffer that nobody else can see, to be filled and sent, or closed. Never waits: when all memory that is kept is
     * on its way, the oldest is given up for fresh pages. What is in the buffer at first is zero or left from an
     * earlier lease.
     *
     * @throws ErrnoException when the kernel has no memory
     * @throws IllegalStateException when these buffers are closed
     */
    public SendBuffer lease() throws IOException {
        PageMemory goes = null;
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the buffers are closed");
            }
            PageMemory memory = takeBackLocked();
            if (memory != null) {
                reused++;
                return new SendBuffer(this, memory);
            }
            if (sent.size() >= kept) {
                goes = giveUpLocked(sent.removeFirst());
            }
        }
        if (goes != null) {
            goes.close();
        }
        SendBuffer fresh = new SendBuffer(this, sluice.pages(bytes, hugePages));
        synchronized (this) {
            mapped++;
        }
        return fresh;
    }

    private @Nullable PageMemory takeBackLocked() {
        PageMemory memory = free.pollLast(); // the one that is still in the caches
        if (memory != null) {
            return memory;
        }
        for (Iterator<SendBuffer> all = sent.iterator(); all.hasNext(); ) {
            SendBuffer buffer = all.next();
            if (buffer.lendingLocked().isBack()) {
                all.remove();
                return buffer.memory;
            }
        }
        return null;
    }

    /** Forgets a buffer that was sent; answers its memory when that is to be unmapped now, and not by its notice. */
    private @Nullable PageMemory giveUpLocked(SendBuffer buffer) {
        if (!buffer.lendingLocked().isBack()) {
            givenUp++;
        }
        buffer.givenUp = true;
        return buffer.lendingLocked().isNoticed() && !buffer.noticed ? null : buffer.memory;
    }

    /** Takes charge of a buffer that was sent, as far as it was. */
    void sent(SendBuffer buffer, Lending lending) {
        PageMemory goes = null;
        synchronized (this) {
            buffer.lending = lending;
            boolean room = !closed && free.size() + sent.size() < kept;
            if (room && lending.isBack()) {
                free.addLast(buffer.memory);
            } else if (room && lending.mayComeBack()) {
                sent.addLast(buffer);
            } else {
                goes = giveUpLocked(buffer);
            }
        }
        lending.lentAll(); // only now, for its notice may come at once
        if (goes != null) {
            goes.close();
        }
    }

    /** Takes memory back that was not sent. */
    void unsent(PageMemory memory) {
        synchronized (this) {
            if (!closed && free.size() + sent.size() < kept) {
                free.addLast(memory);
                return;
            }
        }
        memory.close();
    }

    /** A kernel's notice: what was given up, and had to stay mapped until now, goes. */
    void noticed(SendBuffer buffer) {
        synchronized (this) {
            buffer.noticed = true;
            if (!buffer.givenUp) {
                return;
            }
        }
        buffer.memory.close();
    }

    Sluice sluice() {
        return sluice;
    }

    /** Bytes that a buffer has room for: what was asked for, in whole pages. */
    public long bufferBytes() {
        long page = sluice.kernel().capabilities().pageSizeBytes();
        return (bytes + page - 1) / page * page;
    }

    /** How the leases were served so far. */
    public synchronized Counts counts() {
        return new Counts(reused, mapped, givenUp);
    }

    /**
     * Unmaps what is kept. What is on its way arrives all the same; a buffer that is leased stays its owner's to send
     * or close. Closing again does nothing.
     */
    @Override
    public void close() {
        List<PageMemory> leaving = new ArrayList<>();
        synchronized (this) {
            closed = true;
            leaving.addAll(free);
            free.clear();
            for (SendBuffer buffer : sent) {
                PageMemory goes = giveUpLocked(buffer);
                if (goes != null) {
                    leaving.add(goes);
                }
            }
            sent.clear();
        }
        leaving.forEach(PageMemory::close);
    }
}
