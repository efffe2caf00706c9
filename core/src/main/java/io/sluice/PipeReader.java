// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedChannelException;

/** The read end of a pipe; pipe(7). */
public final class PipeReader extends End implements Source {
    PipeReader(Sluice sluice, int fd, String name) {
        super(sluice, fd, name);
    }

    /**
     * Reads what is there, at least a byte; waits for it.
     *
     * @return bytes read, or -1 when the pipe is empty and no write end is open
     */
    public long read(MemorySegment buffer) throws IOException {
        return readSome(buffer);
    }

    /** Bytes that wait in the pipe [C08]. */
    public long availableBytes() throws IOException {
        return use("ioctl FIONREAD", kernel()::fionread);
    }

    /**
     * Makes this end a child process's standard input, with a blocking description of its own; close this end after the
     * child has been started.
     */
    public Redirect redirect() throws ClosedChannelException {
        requireOpen();
        return Redirect.from(new File("/proc/self/fd/" + endpoint.fd()));
    }
}
