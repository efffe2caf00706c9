// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_TYPE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static io.sluice.kernel.Flags.S_IFCHR;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.Flags.S_IFREG;
import static io.sluice.kernel.Flags.S_IFSOCK;
import static io.sluice.kernel.wrap.CallArguments.integer;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which faults a call may meet although its arguments are right: what a kernel could have answered at that moment,
 * before it did anything. {@code close} is in no list, since its number is free whatever it answers; nor is
 * {@code connect}, which goes on when it is interrupted.
 */
final class LegalFaults {
    /** PIPE_BUF: what is written at once, and the longest packet. */
    private static final int ATOMIC_BYTES = 4096;

    private static final Set<String> MAY_BE_MISSING =
            Set.of("splice", "tee", "vmsplice", "sendfile", "copy_file_range", "memfd_create");

    /** They wait for the other side, or say that they would have to. */
    private static final Set<String> MAY_WAIT = Set.of(
            "splice", "tee", "vmsplice", "read", "write", "readv", "writev", "recv", "send", "sendfile", "accept4");

    private static final Set<String> MAKE_DESCRIPTORS =
            Set.of("pipe2", "open", "memfd_create", "socket", "socketpair", "accept4", "epoll_create1", "eventfd");

    private static final Map<Integer, Set<String>> CALLS = Map.of(
            Errno.EINTR,
            with(MAY_WAIT, "copy_file_range", "open", "poll", "epoll_wait", "fallocate"),
            Errno.EAGAIN,
            MAY_WAIT,
            Errno.ENOSYS,
            MAY_BE_MISSING,
            Errno.EPERM, // what a seccomp filter answers
            MAY_BE_MISSING,
            Errno.ENOMEM,
            with(MAKE_DESCRIPTORS, "splice", "tee", "vmsplice", "sendfile", "copy_file_range", "epoll_ctl", "mmap"),
            Errno.EMFILE,
            with(MAKE_DESCRIPTORS, "dup"));

    private final Kernel kernel;

    /** {@code kernel} is asked what the descriptors of a call are. */
    LegalFaults(Kernel kernel) {
        this.kernel = kernel;
    }

    private static Set<String> with(Set<String> names, String... more) {
        return Stream.concat(names.stream(), Stream.of(more)).collect(Collectors.toUnmodifiableSet());
    }

    /** Whether anything is known of an errno here. */
    static boolean known(int errno) {
        return CALLS.containsKey(errno);
    }

    /** Whether the call with these arguments could have answered {@code -errno}. */
    boolean allows(String name, int errno, @Nullable Object[] arguments) {
        return CALLS.getOrDefault(errno, Set.of()).contains(name)
                && (errno != Errno.EAGAIN || mayNotBeReady(name, arguments));
    }

    private boolean mayNotBeReady(String name, @Nullable Object[] arguments) {
        int fd = integer(arguments, 0);
        return switch (name) {
            case "splice" -> beside(fd, integer(arguments, 2), (integer(arguments, 5) & SPLICE_F_NONBLOCK) != 0);
            case "tee" -> beside(fd, integer(arguments, 1), (integer(arguments, 3) & SPLICE_F_NONBLOCK) != 0);
            case "vmsplice" -> (integer(arguments, 2) & SPLICE_F_NONBLOCK) != 0; // O_NONBLOCK is ignored [K06]
            case "recv", "send" -> (integer(arguments, 2) & MSG_DONTWAIT) != 0 || waitsElsewhere(fd);
            default -> waitsElsewhere(fd);
        };
    }

    /** The flag speaks for pipes alone; a socket is ready or not by its own mode [H04]. */
    private boolean beside(int in, int out, boolean pipesDoNotSleep) {
        return waitsElsewhere(in)
                || waitsElsewhere(out)
                || (pipesDoNotSleep && (type(in) == S_IFIFO || type(out) == S_IFIFO));
    }

    private boolean waitsElsewhere(int fd) {
        int type = type(fd);
        return (type == S_IFIFO || type == S_IFSOCK) && (kernel.fcntl(fd, F_GETFL, 0) & O_NONBLOCK) != 0;
    }

    /**
     * The least that a call that moves up to {@code bytes} may be cut down to, or {@code bytes} when cutting it could
     * lose something.
     *
     * @param packets whether some pipe of the kernel carries packets, whose rest is lost when a read has no room
     */
    long least(String name, int fd, long bytes, boolean packets) {
        return switch (name) {
            case "splice", "tee", "vmsplice", "sendfile", "copy_file_range" -> Math.min(1, bytes);
            default ->
                switch (type(fd)) {
                    case S_IFREG, S_IFCHR -> Math.min(1, bytes);
                    case S_IFIFO -> Math.min(name.startsWith("read") && !packets ? 1 : ATOMIC_BYTES, bytes);
                    case S_IFSOCK -> isStream(fd) ? Math.min(1, bytes) : bytes;
                    default -> bytes; // an eventfd counts in eights
                };
        };
    }

    private boolean isStream(int fd) {
        int[] type = new int[1];
        return kernel.getsockopt(fd, SOL_SOCKET, SO_TYPE, type) >= 0 && type[0] == SOCK_STREAM;
    }

    private int type(int fd) {
        Stat stat = new Stat();
        return kernel.fstat(fd, stat) < 0 ? 0 : stat.type();
    }
}
