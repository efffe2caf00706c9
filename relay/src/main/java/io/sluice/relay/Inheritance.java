// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_ACCEPTCONN;

import io.sluice.ErrnoException;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Listening sockets that a relay finds already open instead of opening them: with them come the connections that wait
 * in their queues. Whoever listens at an address takes those of that address; what nobody takes is closed with this.
 */
final class Inheritance implements AutoCloseable {
    private final Kernel kernel;
    private final Map<SocketAddress, List<Integer>> byAddress = new LinkedHashMap<>();

    /** Nothing yet. */
    Inheritance(Kernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Takes charge of a socket.
     *
     * @throws IOException naming the descriptor when it is not a listening socket; it is left alone then
     */
    void add(int fd) throws IOException {
        int[] listens = new int[1];
        long asked = kernel.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, listens);
        SocketAddress[] at = new SocketAddress[1];
        if (asked < 0) {
            throw new ErrnoException("getsockopt", asked, "descriptor " + fd + ", given as a listening socket");
        }
        if (listens[0] == 0 || kernel.getsockname(fd, at) < 0) {
            throw new IOException("descriptor " + fd + ", given as a listening socket, does not listen");
        }
        byAddress.computeIfAbsent(at[0], _ -> new ArrayList<>()).add(fd);
    }

    /** The sockets of an address, which are the caller's from now on; none when there are none. */
    List<Integer> take(SocketAddress wanted) {
        Optional<SocketAddress> found =
                byAddress.keySet().stream().filter(each -> isSame(each, wanted)).findAny();
        return found.map(byAddress::remove).orElse(List.of());
    }

    /** All addresses of a machine are the same whether they are written in IPv4 or in IPv6. */
    private static boolean isSame(SocketAddress one, SocketAddress other) {
        return one.equals(other)
                || (one instanceof InetSocketAddress a
                        && other instanceof InetSocketAddress b
                        && a.getPort() == b.getPort()
                        && a.getAddress().isAnyLocalAddress()
                        && b.getAddress().isAnyLocalAddress());
    }

    /** Where the sockets listen that nobody has taken. */
    List<SocketAddress> left() {
        return List.copyOf(byAddress.keySet());
    }

    @Override
    public void close() {
        byAddress.values().forEach(sockets -> sockets.forEach(kernel::close));
        byAddress.clear();
    }
}
