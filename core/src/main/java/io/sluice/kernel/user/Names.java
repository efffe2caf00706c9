// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** The names of one family of sockets: who is bound where, and who listens there. */
interface Names {
    /** Who listens at an address, or why nobody can be reached: a positive errno. */
    record Found(@Nullable ConnectionSocket listener, int errno) {}

    /** What a socket without a name shows. */
    SocketAddress unnamed();

    /** What bind(2) answers to a socket that may not be bound any more: -errno. */
    long bindAgain(SocketAddress address);

    /** Whether an address is one that connect(2) takes: 0 or -errno. */
    long checkPeer(SocketAddress address);

    /** Gives a socket its name: 0 or -errno. */
    long bind(QueuedSocket socket, SocketAddress address);

    /** Before a socket listens; {@code local} null: it has no name yet. Returns 0 or -errno. */
    long listen(ConnectionSocket socket, @Nullable SocketAddress local);

    /** Looks for a listener, and gives the client the addresses that the connection will show. */
    Found find(ConnectionSocket client, @Nullable SocketAddress local, SocketAddress address);

    /** The socket is closed. */
    void release(QueuedSocket socket);
}
