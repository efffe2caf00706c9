// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;

import io.sluice.flow.Descriptor;
import io.sluice.flow.Poller;
import io.sluice.kernel.Errno;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A socket that accepts stream connections. Owned and closed like an {@link End}; safe for any thread. */
public final class Listener implements Channel {
    private final Sluice sluice;
    private final Descriptor descriptor;
    private final SocketAddress address;

    Listener(Sluice sluice, Descriptor descriptor, SocketAddress address) {
        this.sluice = sluice;
        this.descriptor = descriptor;
        this.address = address;
    }

    /** Where it listens; with the real port when port 0 was asked for. */
    public SocketAddress localAddress() {
        return address;
    }

    /**
     * Waits for the next connection.
     *
     * @throws TransferInterruptedException when the thread is interrupted; the listener stays open
     * @throws AsynchronousCloseException when it is closed meanwhile
     * @throws ClosedChannelException when it was closed before
     * @throws ErrnoException when the system call fails: EMFILE when the process has no descriptor left
     */
    public SocketEnd accept() throws IOException {
        SocketEnd connection = accept(Poller.FOREVER);
        if (connection == null) {
            throw new IllegalStateException("a wait without a deadline has timed out");
        }
        return connection;
    }

    /** Waits for the next connection as above, or returns null when there is none within the time. */
    public @Nullable SocketEnd accept(Duration within) throws IOException {
        return accept(Sluice.deadlineAfter(within));
    }

    private @Nullable SocketEnd accept(long deadlineNanos) throws IOException {
        if (!descriptor.enter()) {
            throw new ClosedChannelException();
        }
        try {
            while (true) {
                long fd = sluice.kernel().accept4(descriptor.fd(), SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) {
                    return Connecting.accepted(sluice, (int) fd);
                }
                if (fd == -Errno.EAGAIN) {
                    switch (sluice.await(descriptor, EPOLLIN, deadlineNanos, toString())) {
                        case READY -> {}
                        case TIMED_OUT -> {
                            return null;
                        }
                        case INTERRUPTED -> throw new TransferInterruptedException(0);
                        case CLOSED -> throw new AsynchronousCloseException();
                    }
                } else if (!isOfTheConnection((int) -fd)) {
                    throw new ErrnoException("accept4", fd, toString());
                }
            }
        } finally {
            descriptor.leave();
        }
    }

    /** A connection that was gone before it could be accepted, or its network, is nobody's failure; accept(2). */
    private static boolean isOfTheConnection(int errno) {
        return switch (errno) {
            case Errno.EINTR,
                    Errno.ECONNABORTED,
                    Errno.EPROTO,
                    Errno.ENOPROTOOPT,
                    Errno.ENETDOWN,
                    Errno.ENETUNREACH,
                    Errno.EHOSTDOWN,
                    Errno.EHOSTUNREACH,
                    Errno.ENONET -> true;
            default -> false;
        };
    }

    @Override
    public boolean isOpen() {
        return !descriptor.isClosed();
    }

    /** Stops listening; whoever waits for a connection is woken. The name of a Unix socket is removed. */
    @Override
    public void close() {
        if (descriptor.close() && address instanceof UnixDomainSocketAddress unix) {
            sluice.kernel().unlink(unix.getPath().toString());
        }
    }

    @Override
    public String toString() {
        return "listener on " + Connecting.describe(address);
    }
}
