// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What has become of the bytes that left one pipe of ours: whether anything may still refer to the pages they lay in.
 * Whoever lent memory to the pipe asks here before writing to it again (pitfall 30).
 *
 * <p>The closed list: bytes are <i>settled</i> when they were copied out, by read or by vmsplice from the read end
 * [L01], or when they went on by reference and were written to a regular file, which is a copy as well [F07]. Bytes
 * that went anywhere else, or were duplicated by tee, have <i>escaped</i>: a socket or another pipe may hold their
 * pages for as long as it likes ([G10], [H08], [J10]). Once the read end was handed out, nothing is known any more.
 *
 * <pre>
 *   the pipe's bytes, oldest first:   | settled | on their way | in the pipe (FIONREAD) |
 *                                     0      settled         taken              end of what was lent
 * </pre>
 *
 * <p>Every call that takes bytes is made and counted under this monitor, so that the count and FIONREAD agree; none of
 * these calls sleeps. Who writes to the pipe does not matter. Two that read from it at once may finish in any order, so
 * bytes count as settled only when none at all are on their way. Safe for any thread.
 */
public final class Passage {
    // Guarded by this monitor.
    private long taken;
    private long onTheirWay;
    private long settled;
    private long escapes;
    private boolean handedOut;

    /** Of a pipe that nothing has left. */
    public Passage() {}

    // The calls that take bytes out; each answers as the kernel does.

    synchronized long read(Kernel kernel, int fd, MemorySegment buffer) {
        return copiedLocked(kernel.read(fd, buffer));
    }

    synchronized long readv(Kernel kernel, int fd, List<MemorySegment> parts) {
        return copiedLocked(kernel.readv(fd, parts));
    }

    synchronized long vmsplice(Kernel kernel, int fd, List<MemorySegment> parts, int flags) {
        return copiedLocked(kernel.vmsplice(fd, parts, flags));
    }

    /** Takes bytes by reference; where they end is to be told by {@link #arrivedInFile} or {@link #escaped}. */
    synchronized long splice(Kernel kernel, int fd, int intoFd, long bytes, int flags) {
        long moved = kernel.splice(fd, null, intoFd, null, bytes, flags);
        if (moved > 0) {
            taken += moved;
            onTheirWay += moved;
        }
        return moved;
    }

    private long copiedLocked(long result) {
        if (result > 0) {
            taken += result;
            settleLocked();
        }
        return result;
    }

    private void settleLocked() {
        if (onTheirWay < 0) {
            throw new IllegalStateException(onTheirWay + " bytes of a pipe are on their way");
        }
        if (onTheirWay == 0) {
            settled = taken;
        }
    }

    // Where bytes that were taken by reference have ended.

    /** They were copied into a regular file. */
    synchronized void arrivedInFile(long bytes) {
        onTheirWay -= bytes;
        settleLocked();
    }

    /** Their pages may be referred to from elsewhere. */
    synchronized void escaped(long bytes) {
        escapes++;
        onTheirWay -= bytes;
        settleLocked();
    }

    /** Another process reads from the pipe, too. */
    public synchronized void handOut() {
        handedOut = true;
    }

    // The proof.

    /** To be asked before memory is lent. */
    synchronized long escapes() {
        return escapes;
    }

    /** Where what the pipe holds now ends; one of its descriptors is {@code fd}, which is entered. */
    synchronized long end(Kernel kernel, int fd) {
        long held = kernel.fionread(fd);
        return held < 0 ? Long.MAX_VALUE : taken + held;
    }

    /** Whether all bytes up to {@code end} are settled, and none has escaped since there were so many escapes. */
    synchronized boolean isSettled(long end, long escapesBefore) {
        return settled >= end && escapes == escapesBefore && !handedOut;
    }
}
