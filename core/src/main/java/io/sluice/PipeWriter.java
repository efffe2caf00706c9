// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Lending;
import io.sluice.flow.Passage;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;

/** The write end of a pipe; pipe(7). */
public final class PipeWriter extends End implements Sink {
    PipeWriter(Sluice sluice, int fd, String name) {
        super(sluice, fd, name);
    }

    PipeWriter(Sluice sluice, int fd, String name, Passage passage) {
        super(sluice, fd, name, passage);
    }

    /** Writes all of {@code buffer} by copying it; waits for room. */
    @Override
    public void write(MemorySegment buffer) throws IOException {
        writeAll(buffer);
    }

    @Override
    public int write(ByteBuffer buffer) throws IOException {
        return writeAll(buffer);
    }

    /**
     * Puts references to memory into the pipe, without copying; vmsplice(2). Waits for room until all of it is in.
     *
     * <p>A reference, not a snapshot: until the reader has consumed the bytes, whatever is written to the memory is
     * what the reader gets [K01]; {@link SendBuffers} know when it is safe to write to it again. Where the kernel
     * refuses vmsplice, as in some containers, the bytes are copied.
     *
     * @return how many bytes were put in by reference; fewer than the slice has when they had to be copied
     * @throws ErrnoException when the call fails: EPIPE when the reader is gone; part may be in the pipe
     * @throws TransferInterruptedException when the thread is interrupted while it waits; part may be in the pipe
     * @throws IllegalStateException when the memory was closed or given away
     * @throws IllegalArgumentException when the memory belongs to another kernel
     */
    public long vmsplice(PageMemory.Slice slice) throws IOException {
        slice.memory().requireKernelOf(this);
        Lending lending = new Lending(kernel());
        lend(slice.segment(), 0, lending);
        return lending.bytes();
    }

    /**
     * Makes this end a child process's standard output, with a blocking description of its own; close this end after
     * the child has been started, or the reader never sees its end.
     *
     * @throws UnsupportedOperationException when the pipe is of a kernel in user space, which no other process sees
     */
    public Redirect redirect() throws ClosedChannelException {
        return Redirect.to(openedAnew());
    }

    @Override
    public void close() {
        descriptor().close();
    }
}
