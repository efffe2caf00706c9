// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.F_DUPFD_CLOEXEC;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NOCTTY;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_TYPE;
import static io.sluice.kernel.Flags.S_IFDIR;

import io.sluice.flow.EndKind;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.io.IOException;

/**
 * Makes ends of descriptors that others own. Always a duplicate, so that closing ours leaves theirs; never a change of
 * the open file description, which other processes share (pitfall 44).
 */
final class Adoption {
    /** Duplicates stay clear of the standard streams. */
    private static final int LOWEST_DUPLICATE = 3;

    private Adoption() {}

    static Source source(Sluice sluice, int fd) throws IOException {
        Adopted adopted = adopt(sluice.kernel(), fd, O_WRONLY, "reading");
        return switch (adopted.kind) {
            case PIPE -> new PipeReader(sluice, adopted.fd, adopted.name);
            case SOCKET -> new SocketEnd(sluice, adopted.fd, adopted.name);
            case FILE, TERMINAL, DEVICE -> new FileEnd(sluice, adopted.fd, adopted.name);
        };
    }

    static Sink sink(Sluice sluice, int fd) throws IOException {
        Adopted adopted = adopt(sluice.kernel(), fd, O_RDONLY, "writing");
        return switch (adopted.kind) {
            case PIPE -> new PipeWriter(sluice, adopted.fd, adopted.name);
            case SOCKET -> new SocketEnd(sluice, adopted.fd, adopted.name);
            case FILE, TERMINAL, DEVICE -> new FileEnd(sluice, adopted.fd, adopted.name);
        };
    }

    private record Adopted(int fd, EndKind kind, String name) {}

    private static Adopted adopt(Kernel kernel, int fd, int unfitMode, String use) throws IOException {
        String name = nameOf(fd);
        long flags = Sluice.check("fcntl F_GETFL", kernel.fcntl(fd, F_GETFL, 0), name);
        if ((flags & O_ACCMODE) == unfitMode) {
            throw new ErrnoException("fcntl F_GETFL", Errno.EBADF, name + " is not open for " + use);
        }
        Stat stat = new Stat();
        Sluice.check("fstat", kernel.fstat(fd, stat), name);
        if (stat.type() == S_IFDIR) {
            throw new ErrnoException("fstat", Errno.EISDIR, name);
        }
        EndKind kind = EndKind.of(stat);
        if (kind == EndKind.SOCKET) {
            requireStream(kernel, fd, name);
        }
        int copy =
                (int) Sluice.check("fcntl F_DUPFD_CLOEXEC", kernel.fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_DUPLICATE), name);
        boolean blocking = (flags & O_NONBLOCK) == 0;
        if (blocking && (kind == EndKind.PIPE || (kind == EndKind.TERMINAL && !isMaster(stat)))) {
            copy = reopened(kernel, copy, (int) flags & O_ACCMODE);
        }
        return new Adopted(copy, kind, name);
    }

    /**
     * A description of our own, non-blocking, of the same pipe or terminal [A15]; the given one where that is not
     * possible.
     */
    private static int reopened(Kernel kernel, int fd, int accessMode) {
        long own = kernel.open("/proc/self/fd/" + fd, accessMode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
        if (own < 0) {
            return fd;
        }
        // A FIFO that is opened after its last writer has left waits for the next one [Q01]; the given description
        // knows that one was there. Looked at in this order, no writer can slip away unseen.
        if (accessMode == O_RDONLY && (kernel.poll(fd, POLLIN, 0) & POLLHUP) != 0) {
            kernel.close((int) own);
            return fd;
        }
        kernel.close(fd);
        return (int) own;
    }

    /** The master side of a pseudo-terminal, /dev/ptmx: to open that is to make another terminal. */
    private static boolean isMaster(Stat stat) {
        return stat.rdev() == (5L << 32 | 2);
    }

    private static void requireStream(Kernel kernel, int fd, String name) throws IOException {
        int[] type = new int[1];
        Sluice.check("getsockopt SO_TYPE", kernel.getsockopt(fd, SOL_SOCKET, SO_TYPE, type), name);
        if (type[0] != SOCK_STREAM) {
            throw new ErrnoException(
                    "getsockopt SO_TYPE",
                    Errno.EPROTOTYPE,
                    name + " is no stream socket, and others keep no byte order");
        }
    }

    private static String nameOf(int fd) {
        return switch (fd) {
            case 0 -> "standard input";
            case 1 -> "standard output";
            case 2 -> "standard error";
            default -> "descriptor " + fd;
        };
    }
}
