// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EADDRINUSE;
import static io.sluice.kernel.Errno.EAFNOSUPPORT;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.EPROTOTYPE;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import org.jspecify.annotations.Nullable;

/** Unix sockets by path, in the tree of paths. A name outlives its socket, until it is unlinked. */
final class UnixNames implements Names {
    private static final int PATH_BYTES = 108; // sun_path, with its end mark

    private static final SocketAddress UNNAMED = UnixDomainSocketAddress.of("");

    /** The socket bound to a path, or why there is none of the kind: a positive errno. */
    record Bound(@Nullable QueuedSocket socket, int errno) {}

    private final Tree tree;

    UnixNames(Tree tree) {
        this.tree = tree;
    }

    @Override
    public SocketAddress unnamed() {
        return UNNAMED;
    }

    private static long check(SocketAddress address) {
        return switch (address) {
            case UnixDomainSocketAddress unix -> path(unix).getBytes(UTF_8).length < PATH_BYTES ? 0 : -EINVAL;
            case InetSocketAddress inet -> -EINVAL;
            default -> -EAFNOSUPPORT;
        };
    }

    /** A path that exists is noticed before the name that the socket has. */
    @Override
    public long bindAgain(SocketAddress address) {
        long refused = check(address);
        if (refused < 0 || address.equals(UNNAMED)) {
            return refused < 0 ? refused : -EINVAL;
        }
        long found = tree.socketAt(path(address), new Object[1]);
        return found == 0 || found == -ECONNREFUSED ? -EADDRINUSE : found == -ENOENT ? -EINVAL : found;
    }

    @Override
    public long checkPeer(SocketAddress address) {
        long refused = check(address);
        return refused == 0 && address.equals(UNNAMED) ? -EINVAL : refused;
    }

    private static String path(SocketAddress address) {
        return address instanceof UnixDomainSocketAddress unix ? unix.getPath().toString() : "";
    }

    /** The unnamed address asks for a name of the kernel's choice, which Java cannot show. */
    @Override
    public long bind(QueuedSocket socket, SocketAddress address) {
        long refused = check(address);
        if (refused == 0 && !address.equals(UNNAMED)) {
            refused = tree.bindSocket(path(address), socket);
        }
        if (refused == 0) {
            socket.named(address);
        }
        return refused;
    }

    @Override
    public long listen(ConnectionSocket socket, @Nullable SocketAddress local) {
        return local == null ? -EINVAL : 0;
    }

    /** Whoever is bound there; whether it listens is seen by whoever knocks. */
    @Override
    public Found find(ConnectionSocket client, @Nullable SocketAddress local, SocketAddress address) {
        Bound found = at(client.protocol, address);
        return found.socket() instanceof ConnectionSocket listener
                ? new Found(listener, 0)
                : new Found(null, found.errno());
    }

    /** The socket of a kind that is bound to a path. */
    Bound at(Protocol protocol, SocketAddress address) {
        Object[] out = new Object[1];
        long found = tree.socketAt(path(address), out);
        if (found < 0) {
            return new Bound(null, (int) -found);
        }
        if (!(out[0] instanceof QueuedSocket socket) || socket.isClosed()) {
            return new Bound(null, ECONNREFUSED);
        }
        return socket.protocol == protocol ? new Bound(socket, 0) : new Bound(null, EPROTOTYPE);
    }

    @Override
    public void release(QueuedSocket socket) {
        // The name stays.
    }
}
