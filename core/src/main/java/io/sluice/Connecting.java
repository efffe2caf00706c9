// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_INET6;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SOMAXCONN;
import static io.sluice.kernel.Flags.SO_ERROR;
import static io.sluice.kernel.Flags.SO_REUSEADDR;
import static io.sluice.kernel.Flags.TCP_NODELAY;

import io.sluice.flow.Descriptor;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.AsynchronousCloseException;

/** Makes stream sockets, TCP and Unix: connects, listens, and dresses what was accepted. */
final class Connecting {
    private static final long BACKLOG_PAUSE_NANOS = 10_000_000;

    private Connecting() {}

    static SocketEnd connect(Sluice sluice, SocketAddress address, long deadlineNanos) throws IOException {
        Kernel kernel = sluice.kernel();
        String target = describe(resolved(address));
        int fd = streamSocket(kernel, address);
        SocketEnd end = new SocketEnd(sluice, fd, "socket to " + target);
        boolean connected = false;
        try {
            end.enter();
            try {
                long result = kernel.connect(fd, address);
                while (result == -Errno.EAGAIN) {
                    backlogPause(end, target, deadlineNanos);
                    result = kernel.connect(fd, address);
                }
                if (result == -Errno.EINPROGRESS) {
                    if (!end.awaitReady(EPOLLOUT, deadlineNanos, 0)) {
                        throw new ErrnoException("connect", Errno.ETIMEDOUT, target);
                    }
                    int[] error = new int[1];
                    kernel.getsockopt(fd, SOL_SOCKET, SO_ERROR, error);
                    result = -error[0];
                }
                Sluice.check("connect", result, target);
            } finally {
                end.descriptor().leave();
            }
            kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1); // refused by a Unix socket, which has no delay
            connected = true;
            return end;
        } finally {
            if (!connected) {
                end.close();
            }
        }
    }

    /** A Unix listener's backlog is full, and nothing tells when it has room again. */
    private static void backlogPause(SocketEnd end, String target, long deadlineNanos) throws IOException {
        long now = System.nanoTime();
        if (now >= deadlineNanos) {
            throw new ErrnoException("connect", Errno.ETIMEDOUT, target);
        }
        long until = Math.min(deadlineNanos, now + BACKLOG_PAUSE_NANOS);
        switch (end.sluice.poller().awaitUntil(() -> false, until, end.descriptor())) {
            case READY, TIMED_OUT -> {}
            case INTERRUPTED -> throw new TransferInterruptedException(0);
            case CLOSED -> throw new AsynchronousCloseException();
        }
    }

    static Listener listen(Sluice sluice, SocketAddress address) throws IOException {
        Kernel kernel = sluice.kernel();
        String target = describe(resolved(address));
        int fd = streamSocket(kernel, address);
        boolean listening = false;
        try {
            kernel.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            Sluice.check("bind", kernel.bind(fd, address), target);
            Sluice.check("listen", kernel.listen(fd, SOMAXCONN), target);
            SocketAddress[] bound = new SocketAddress[1];
            Sluice.check("getsockname", kernel.getsockname(fd, bound), target);
            listening = true;
            return new Listener(sluice, new Descriptor(kernel, fd), bound[0]);
        } finally {
            if (!listening) {
                kernel.close(fd);
            }
        }
    }

    private static int streamSocket(Kernel kernel, SocketAddress address) throws IOException {
        int domain = switch (address) {
            case UnixDomainSocketAddress _ -> AF_UNIX;
            case InetSocketAddress inet when inet.getAddress() instanceof Inet6Address -> AF_INET6;
            case InetSocketAddress _ -> AF_INET;
            default -> throw new IllegalArgumentException("neither a TCP nor a Unix socket address: " + address);
        };
        long fd = kernel.socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        return (int) Sluice.check("socket", fd, describe(address));
    }

    /** A socket that has just been accepted. */
    static SocketEnd accepted(Sluice sluice, int fd) {
        Kernel kernel = sluice.kernel();
        kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        SocketAddress[] peer = new SocketAddress[1];
        String from = kernel.getpeername(fd, peer) == 0 ? describe(peer[0]) : "a peer that is gone";
        return new SocketEnd(sluice, fd, "socket from " + from);
    }

    private static SocketAddress resolved(SocketAddress address) throws UnknownHostException {
        if (address instanceof InetSocketAddress inet && inet.isUnresolved()) {
            throw new UnknownHostException("no address is known for host " + inet.getHostString());
        }
        return address;
    }

    static String describe(SocketAddress address) {
        return switch (address) {
            case InetSocketAddress inet
            when inet.getAddress() instanceof Inet6Address six ->
                "tcp://[" + six.getHostAddress() + "]:" + inet.getPort();
            case InetSocketAddress inet
            when inet.getAddress() != null -> "tcp://" + inet.getAddress().getHostAddress() + ":" + inet.getPort();
            case UnixDomainSocketAddress unix -> "unix:" + unix.getPath();
            default -> address.toString();
        };
    }
}
