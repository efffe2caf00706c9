// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLIN;

import io.sluice.flow.Lending;
import io.sluice.flow.Passage;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.List;

/** The read end of a pipe; pipe(7). */
public final class PipeReader extends End implements Source {
    /** UIO_MAXIOV: a longer list is refused as a whole [K08]. */
    private static final int MOST_PARTS = 1024;

    PipeReader(Sluice sluice, int fd, String name) {
        super(sluice, fd, name);
    }

    PipeReader(Sluice sluice, int fd, String name, Passage passage) {
        super(sluice, fd, name, passage);
    }

    /**
     * Reads what is there, at least a byte; waits for it.
     *
     * @return bytes read, or -1 when the pipe is empty and no write end is open
     */
    @Override
    public long read(MemorySegment buffer) throws IOException {
        return readSome(buffer);
    }

    @Override
    public int read(ByteBuffer buffer) throws IOException {
        return readSome(buffer);
    }

    /**
     * Reads what is there into several parts of memory, in their order, filling each before the next; waits for the
     * first byte. It is vmsplice(2) on a read end, which copies: the memory is the caller's own and the pipe keeps no
     * hold on it [L01]. Where that call is refused it is readv(2).
     *
     * @param parts native memory, as the kernel asks for; those after the first 1024 that are not empty stay as they
     *     are
     * @return bytes read, or -1 when the pipe is empty and no write end is open
     */
    public long vmsplice(List<MemorySegment> parts) throws IOException {
        List<MemorySegment> filled = parts.stream()
                .filter(part -> part.byteSize() > 0)
                .limit(MOST_PARTS)
                .toList();
        if (filled.isEmpty()) {
            requireOpen();
            return 0;
        }
        long count = useWhenReady("vmsplice", EPOLLIN, _ -> {
            long result = endpoint.vmsplice(filled);
            return Lending.isRefusal(result) ? endpoint.readv(filled) : result;
        });
        return count == 0 ? -1 : count;
    }

    /** Bytes that wait in the pipe [C08]. */
    public long availableBytes() throws IOException {
        return use("ioctl FIONREAD", kernel()::fionread);
    }

    /**
     * Makes this end a child process's standard input, with a blocking description of its own; close this end after the
     * child has been started. From now on nobody can tell who has read what, so memory that is sent through this pipe
     * is never lent again ({@link SendBuffers}).
     *
     * @throws UnsupportedOperationException when the pipe is of a kernel in user space, which no other process sees
     */
    public Redirect redirect() throws ClosedChannelException {
        File path = openedAnew();
        Passage passage = endpoint.passage();
        if (passage != null) {
            passage.handOut();
        }
        return Redirect.from(path);
    }

    @Override
    public void close() {
        descriptor().close();
    }
}
