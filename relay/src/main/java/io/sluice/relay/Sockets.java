// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_INET6;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_KEEPALIVE;
import static io.sluice.kernel.Flags.TCP_KEEPCNT;
import static io.sluice.kernel.Flags.TCP_KEEPIDLE;
import static io.sluice.kernel.Flags.TCP_KEEPINTVL;
import static io.sluice.kernel.Flags.TCP_NODELAY;
import static io.sluice.kernel.Flags.TCP_USER_TIMEOUT;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;

/** How the relay's sockets are made and named. */
final class Sockets {
    private Sockets() {}

    /** The address family of a socket for {@code address}. */
    static int domain(SocketAddress address) {
        return switch (address) {
            case UnixDomainSocketAddress _ -> AF_UNIX;
            case InetSocketAddress inet when inet.getAddress() instanceof Inet6Address -> AF_INET6;
            default -> AF_INET;
        };
    }

    /** A non-blocking stream socket for a connection to {@code address}: the descriptor or -errno. */
    static long stream(Kernel kernel, SocketAddress address, KeepAlive keepAlive) {
        long fd = kernel.socket(domain(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && address instanceof InetSocketAddress) {
            tune(kernel, (int) fd, keepAlive);
        }
        return fd;
    }

    /**
     * Begins a connection on a non-blocking socket: 0 when it stands, -EINPROGRESS when epoll will tell, or another
     * -errno. TCP never says at once that a connection stands, but over loopback it does stand, and a second question
     * costs less than another turn of the loop.
     */
    static long connect(Kernel kernel, int fd, SocketAddress address) {
        long begun = kernel.connect(fd, address);
        if (begun != -Errno.EINPROGRESS || !isLoopback(address)) {
            return begun;
        }
        long again = kernel.connect(fd, address);
        return again == -Errno.EALREADY ? begun : again;
    }

    private static boolean isLoopback(SocketAddress address) {
        return address instanceof InetSocketAddress inet && inet.getAddress().isLoopbackAddress();
    }

    /**
     * What every TCP connection gets: no waiting for more, since whoever writes knows best, and the probes of the
     * configuration. What a kernel refuses here only costs comfort, and is left.
     */
    static void tune(Kernel kernel, int fd, KeepAlive keepAlive) {
        kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        Duration idle = keepAlive.idle();
        if (idle != null) {
            kernel.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
            kernel.setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds(idle));
            kernel.setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds(keepAlive.interval()));
            kernel.setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, keepAlive.probes());
        }
        Duration unacknowledged = keepAlive.userTimeout();
        if (unacknowledged != null) {
            kernel.setsockopt(
                    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int) Math.min(unacknowledged.toMillis(), Integer.MAX_VALUE));
        }
    }

    private static int seconds(Duration time) {
        return Math.clamp(time.toSeconds(), 1, Short.MAX_VALUE);
    }

    /** As people write it; without a name service. */
    static String text(SocketAddress address) {
        return switch (address) {
            case UnixDomainSocketAddress unix ->
                unix.getPath().toString().isEmpty() ? "unix:" : "unix:" + unix.getPath();
            case InetSocketAddress inet
            when inet.getAddress() instanceof Inet6Address six -> "[" + six.getHostAddress() + "]:" + inet.getPort();
            case InetSocketAddress inet
            when inet.getAddress() != null -> inet.getAddress().getHostAddress() + ":" + inet.getPort();
            default -> address.toString();
        };
    }
}
