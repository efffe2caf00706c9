// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.SPLICE_F_GIFT;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.flow.Poller;
import io.sluice.kernel.Errno;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedChannelException;
import java.util.List;

/** The write end of a pipe; pipe(7). */
public final class PipeWriter extends End implements Sink {
    PipeWriter(Sluice sluice, int fd, String name) {
        super(sluice, fd, name);
    }

    /** Writes all of {@code buffer} by copying it; waits for room. */
    public void write(MemorySegment buffer) throws IOException {
        writeAll(buffer);
    }

    /**
     * Puts references to memory into the pipe, without copying; vmsplice(2). Waits for room until all of it is in.
     *
     * <p>A reference, not a snapshot: until the reader has consumed the bytes, whatever is written to the memory is
     * what the reader gets [K01]. Where the kernel refuses vmsplice, as in some containers, the bytes are copied.
     *
     * @return how many bytes were put in by reference; fewer than the slice has when they had to be copied
     */
    public long vmsplice(PageMemory.Slice slice) throws IOException {
        return vmsplice(slice.segment(), 0);
    }

    /** The same with SPLICE_F_GIFT, for {@link PageMemory#giftTo}. */
    long gift(MemorySegment pages) throws IOException {
        return vmsplice(pages, SPLICE_F_GIFT);
    }

    private long vmsplice(MemorySegment memory, int flags) throws IOException {
        long moved = 0;
        enter();
        try {
            while (moved < memory.byteSize()) {
                // O_NONBLOCK does not count here, the flag alone does [K06].
                long result =
                        kernel().vmsplice(endpoint.fd(), List.of(memory.asSlice(moved)), flags | SPLICE_F_NONBLOCK);
                if (result >= 0) {
                    moved += result;
                } else if (result == -Errno.EAGAIN) {
                    awaitReady(EPOLLOUT, Poller.FOREVER, moved);
                } else if (isRefused(result)) {
                    writeAll(memory.asSlice(moved));
                    return moved;
                } else if (result != -Errno.EINTR) {
                    throw new ErrnoException("vmsplice", result, toString());
                }
            }
            return moved;
        } finally {
            descriptor().leave();
        }
    }

    /**
     * Whether vmsplice cannot be used here at all (pitfalls 66, 67). EINVAL is what kernels to come may answer on a
     * non-blocking pipe.
     */
    private static boolean isRefused(long result) {
        return switch ((int) -result) {
            case Errno.EPERM, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.EINVAL -> true;
            default -> false;
        };
    }

    /**
     * Makes this end a child process's standard output, with a blocking description of its own; close this end after
     * the child has been started, or the reader never sees its end.
     */
    public Redirect redirect() throws ClosedChannelException {
        requireOpen();
        return Redirect.to(new File("/proc/self/fd/" + endpoint.fd()));
    }
}
