// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFCHR;
import static io.sluice.kernel.Flags.S_IFDIR;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.Flags.S_IFREG;
import static io.sluice.kernel.Flags.S_IFSOCK;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.Stat;
import java.net.SocketAddress;

/** What a descriptor of a kernel in user space is of, for the message about one that should be closed. */
final class DescriptorName {
    private DescriptorName() {}

    /** The number and all that tells whose it may be: {@code "28: read end of pipe 12, …"}. */
    static String of(Kernel kernel, int fd) {
        Stat stat = new Stat();
        long found = kernel.fstat(fd, stat);
        return fd + ": " + (found < 0 ? Errno.name((int) -found) : name(kernel, fd, stat));
    }

    private static String name(Kernel kernel, int fd, Stat stat) {
        return switch (stat.type()) {
            case S_IFIFO -> pipeEnd(kernel, fd, stat);
            case S_IFSOCK -> socket(kernel, fd);
            case S_IFREG -> "file " + stat.ino() + " of " + stat.size() + " bytes";
            case S_IFDIR -> "directory " + stat.ino();
            case S_IFCHR -> "device " + (stat.rdev() >>> 32) + ":" + (int) stat.rdev();
            default -> kernel.epollWait(fd, new EpollEvents(1), 0) >= 0 ? "epoll" : "eventfd";
        };
    }

    private static String pipeEnd(Kernel kernel, int fd, Stat stat) {
        String end = switch ((int) kernel.fcntl(fd, F_GETFL, 0) & O_ACCMODE) {
            case O_RDONLY -> "read end";
            case O_WRONLY -> "write end";
            default -> "both ends";
        };
        return kernel.feature(Snapshot.class)
                .flatMap(snapshot -> snapshot.pipe(fd))
                .map(pipe -> "%s of pipe %d, with %d bytes and open at %d read and %d write ends"
                        .formatted(end, pipe.id(), pipe.bytes(), pipe.readEnds(), pipe.writeEnds()))
                .orElse(end + " of FIFO " + stat.ino());
    }

    private static String socket(Kernel kernel, int fd) {
        SocketAddress[] own = new SocketAddress[1];
        SocketAddress[] peer = new SocketAddress[1];
        kernel.getsockname(fd, own);
        long connected = kernel.getpeername(fd, peer);
        return "socket at " + own[0] + ", " + (connected == 0 ? "peer " + peer[0] : Errno.name((int) -connected));
    }
}
