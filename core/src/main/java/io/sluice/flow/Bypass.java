// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;

/**
 * Past the pipe: the calls by which a file's bytes reach the sink without ever being in hand. Each is one system call
 * that moves the descriptors' own offsets, and answers bytes, 0 or -errno. Branches get nothing this way, so a
 * direction that has any goes by none of them.
 */
final class Bypass {
    /**
     * The most that one call on files moves, so that progress shows and interruption is noticed: some milliseconds'
     * work.
     */
    private static final long CALL_BYTES = 8 << 20;

    private final Kernel kernel;
    private final Endpoint source;
    private final Endpoint sink;
    private long wholeBytes;

    Bypass(Kernel kernel, Endpoint source, Endpoint sink) {
        this.kernel = kernel;
        this.source = source;
        this.sink = sink;
    }

    /**
     * Whether this is what sharing blocks is for: the whole of a file, of at most {@code maxBytes}, for an empty one.
     *
     * @param evenEmpty whether that holds for a file without bytes, too; one of /proc only claims to be
     */
    boolean isWholeFile(long maxBytes, boolean evenEmpty) {
        Stat in = new Stat();
        Stat out = new Stat();
        if (kernel.fstat(source.fd(), in) != 0 || kernel.fstat(sink.fd(), out) != 0) {
            return false;
        }
        wholeBytes = in.size();
        return (wholeBytes > 0 || evenEmpty)
                && wholeBytes <= maxBytes
                && out.size() == 0
                && kernel.lseek(source.fd(), 0, SEEK_CUR) == 0
                && kernel.lseek(sink.fd(), 0, SEEK_CUR) == 0;
    }

    /** Has the sink share the blocks of the source, which {@link #isWholeFile} has looked at. */
    long ficlone() {
        long result = kernel.ficlone(sink.fd(), source.fd());
        if (result < 0) {
            return result;
        }
        kernel.lseek(source.fd(), wholeBytes, SEEK_SET);
        kernel.lseek(sink.fd(), wholeBytes, SEEK_SET);
        return wholeBytes;
    }

    long copyFileRange(long maxBytes) {
        return kernel.copyFileRange(source.fd(), null, sink.fd(), null, Math.min(maxBytes, CALL_BYTES), 0);
    }

    /**
     * Asked for more than there is, older kernels hold the last segment back for the rest (pitfall 58).
     *
     * @param knownRest bytes that the source surely still has; 0 when that is not known
     */
    long sendfile(long maxBytes, long knownRest) {
        long asked = Math.min(maxBytes, CALL_BYTES);
        return kernel.sendfile(sink.fd(), source.fd(), null, knownRest > 0 ? Math.min(asked, knownRest) : asked);
    }
}
