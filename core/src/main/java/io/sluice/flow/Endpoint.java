// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_MORE;
import static io.sluice.kernel.Flags.MSG_NOSIGNAL;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.PIPE_BUF;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static io.sluice.kernel.Flags.S_IFREG;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One end of a transfer: a guarded descriptor and what is known of it. Its calls never block on the other side's doing,
 * whoever owns the open file description: -EAGAIN is answered instead. They may wait for a disk.
 */
public final class Endpoint {
    private final Kernel kernel;
    private final Descriptor descriptor;
    private final EndKind kind;
    private final boolean nonBlocking;
    private final boolean append;
    private final boolean regularFile;
    private final @Nullable Passage passage;

    private Endpoint(
            Kernel kernel,
            Descriptor descriptor,
            EndKind kind,
            boolean regularFile,
            int statusFlags,
            @Nullable Passage passage) {
        this.kernel = kernel;
        this.descriptor = descriptor;
        this.passage = passage;
        this.kind = kind;
        this.regularFile = regularFile;
        this.nonBlocking = (statusFlags & O_NONBLOCK) != 0;
        this.append = (statusFlags & O_APPEND) != 0;
    }

    /** Looks at an open descriptor (fstat, F_GETFL) and changes nothing about it. */
    public static Endpoint of(Kernel kernel, Descriptor descriptor) {
        return of(kernel, descriptor, null);
    }

    /**
     * The same for an end of a pipe of ours.
     *
     * @param passage where all that leaves the pipe is counted; null when others may read from it
     */
    public static Endpoint of(Kernel kernel, Descriptor descriptor, @Nullable Passage passage) {
        Stat stat = new Stat();
        kernel.fstat(descriptor.fd(), stat);
        long flags = kernel.fcntl(descriptor.fd(), F_GETFL, 0);
        return new Endpoint(
                kernel, descriptor, EndKind.of(stat), stat.type() == S_IFREG, flags < 0 ? 0 : (int) flags, passage);
    }

    /** A stream socket that was made or accepted with SOCK_NONBLOCK, and so need not be looked at. */
    public static Endpoint nonBlockingSocket(Kernel kernel, Descriptor descriptor) {
        return new Endpoint(kernel, descriptor, EndKind.SOCKET, false, O_NONBLOCK, null);
    }

    public Descriptor descriptor() {
        return descriptor;
    }

    public EndKind kind() {
        return kind;
    }

    /** Whether every write goes to the end of the file, which splice refuses [D09]. */
    public boolean append() {
        return append;
    }

    /** Whether what is spliced here is copied, and no page of it kept [F07]. */
    public boolean isRegularFile() {
        return regularFile;
    }

    /**
     * Whether splice on this end obeys SPLICE_F_NONBLOCK: pipes and files do; a socket sleeps in spite of it unless its
     * own description is non-blocking ([H04], [H07]), and would hold our pipe's lock meanwhile [H25].
     */
    public boolean splicesWithoutBlocking() {
        return kind != EndKind.SOCKET || nonBlocking;
    }

    /** What is known of the bytes that leave this pipe; null when it is none of ours. */
    public @Nullable Passage passage() {
        return passage;
    }

    /** The descriptor's number. */
    public int fd() {
        return descriptor.fd();
    }

    /** Reads what is there: bytes, 0 at the end, -EAGAIN when there is nothing yet, or another -errno. */
    public long read(MemorySegment buffer) {
        if (kind == EndKind.SOCKET) {
            return kernel.recv(fd(), buffer, MSG_DONTWAIT);
        }
        if (mayBlock() && look(POLLIN) == 0) {
            return -Errno.EAGAIN;
        }
        return orTooEarly(passage == null ? kernel.read(fd(), buffer) : passage.read(kernel, fd(), buffer));
    }

    /** A FIFO that no writer has opened yet answers 0 as well, but shows no hang-up [Q01]. */
    private long orTooEarly(long count) {
        boolean early = count == 0 && kind == EndKind.PIPE && (look(POLLIN) & POLLHUP) == 0;
        return early ? -Errno.EAGAIN : count;
    }

    /** What of {@code events} holds now. A signal that is about to be handled turns "nothing" into EINTR. */
    private long look(int events) {
        long found;
        do {
            found = kernel.poll(fd(), events, 0);
        } while (found == -Errno.EINTR);
        return found;
    }

    /** Of a pipe: reads into several parts by vmsplice(2), which copies in this direction [L01]; as {@link #read}. */
    public long vmsplice(List<MemorySegment> parts) {
        // O_NONBLOCK does not count here, the flag alone does [L03].
        return orTooEarly(
                passage == null
                        ? kernel.vmsplice(fd(), parts, SPLICE_F_NONBLOCK)
                        : passage.vmsplice(kernel, fd(), parts, SPLICE_F_NONBLOCK));
    }

    /** Of a pipe: as {@link #vmsplice}, by readv(2). */
    public long readv(List<MemorySegment> parts) {
        if (mayBlock() && look(POLLIN) == 0) {
            return -Errno.EAGAIN;
        }
        return orTooEarly(passage == null ? kernel.readv(fd(), parts) : passage.readv(kernel, fd(), parts));
    }

    /** Writes what fits now: bytes, -EAGAIN when there is no room, or another -errno. */
    public long write(MemorySegment buffer) {
        return write(buffer, false);
    }

    /**
     * Writes what fits now; as {@link #write(MemorySegment)}.
     *
     * @param more whether a socket may keep back less than a full segment, since more bytes or the end follow at once
     */
    long write(MemorySegment buffer, boolean more) {
        if (kind == EndKind.SOCKET) {
            return kernel.send(fd(), buffer, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
        }
        if (!mayBlock()) {
            return kernel.write(fd(), buffer);
        }
        if (look(POLLOUT) == 0) {
            return -Errno.EAGAIN;
        }
        // Writable means one free slot [N01]: a page is taken without sleeping, more might not be.
        return kernel.write(fd(), buffer.asSlice(0, Math.min(buffer.byteSize(), PIPE_BUF)));
    }

    /** The system call that {@link #write} makes. */
    public String writingCall() {
        return kind == EndKind.SOCKET ? "send" : "write";
    }

    /** An inherited pipe, terminal or device whose description we must not make non-blocking. */
    private boolean mayBlock() {
        return !nonBlocking && kind != EndKind.FILE;
    }
}
