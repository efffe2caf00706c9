// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.net.SocketAddress;

/** The calls that only sockets have. */
abstract class Socket extends OpenFile {
    Socket(int statusFlags) {
        super(statusFlags);
    }

    abstract long bind(SocketAddress address);

    abstract long listen(int backlog);

    abstract long connect(SocketAddress address);

    /** The next connection; {@code flags}: SOCK_NONBLOCK among them is for the new socket. */
    abstract Opened accept(int flags);

    abstract long shutdown(int how);

    abstract long recv(Iov to, int flags);

    abstract long send(Iov from, int flags);

    abstract long setOption(int level, int name, int[] value);

    abstract long option(int level, int name, int[] value);

    abstract long localAddress(SocketAddress[] out);

    abstract long peerAddress(SocketAddress[] out);
}
