// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EADDRINUSE;
import static io.sluice.kernel.Errno.EADDRNOTAVAIL;
import static io.sluice.kernel.Errno.EAFNOSUPPORT;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENETUNREACH;
import static io.sluice.kernel.Flags.IPPROTO_IPV6;
import static io.sluice.kernel.Flags.IPV6_V6ONLY;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_REUSEADDR;
import static io.sluice.kernel.Flags.SO_REUSEPORT;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Ports of the internet inside this kernel: a loopback interface of 127.0.0.0/8 and ::1 and nothing beyond it. One for
 * each of IPv4 and IPv6, which share one list of who is bound where.
 */
final class InetNames implements Names {
    private static final int FIRST_EPHEMERAL = 32_768;
    private static final int LAST_EPHEMERAL = 60_999;

    /** A socket and the name that it holds. */
    private record Binding(QueuedSocket socket, InetSocketAddress name) {}

    /** Who is bound where. Guarded by itself. */
    static final class Ports {
        private final List<Binding> bindings = new ArrayList<>();
        private int next = FIRST_EPHEMERAL;
        private int turn; // which of several listeners on one port is next

        private int ephemeral() {
            for (int tries = FIRST_EPHEMERAL; tries <= LAST_EPHEMERAL; tries++) {
                int port = next;
                next = next == LAST_EPHEMERAL ? FIRST_EPHEMERAL : next + 1;
                if (bindings.stream().noneMatch(binding -> binding.name.getPort() == port)) {
                    return port;
                }
            }
            return 0;
        }
    }

    private final Protocol protocol;
    private final Ports ports;
    private final InetAddress wildcard;
    private final InetAddress loopback;

    InetNames(Protocol protocol, Ports ports) {
        this.protocol = protocol;
        this.ports = ports;
        boolean six = protocol == Protocol.TCP6;
        this.wildcard = InetAddress.ofLiteral(six ? "::" : "0.0.0.0");
        this.loopback = InetAddress.ofLiteral(six ? "::1" : "127.0.0.1");
    }

    @Override
    public SocketAddress unnamed() {
        return new InetSocketAddress(wildcard, 0);
    }

    @Override
    public long bindAgain(SocketAddress address) {
        long refused = checkPeer(address);
        return refused < 0 ? refused : -EINVAL;
    }

    @Override
    public long checkPeer(SocketAddress address) {
        boolean six = protocol == Protocol.TCP6;
        return switch (address) {
            case InetSocketAddress inet when inet.isUnresolved() -> -EINVAL;
            case InetSocketAddress inet when inet.getAddress() instanceof Inet4Address -> six ? -EINVAL : 0;
            case InetSocketAddress inet -> six ? 0 : -EAFNOSUPPORT;
            case UnixDomainSocketAddress unix -> tooShort(unix, six) ? -EINVAL : -EAFNOSUPPORT;
            default -> -EAFNOSUPPORT;
        };
    }

    /** The kernel looks at an address's length before its family. */
    private static boolean tooShort(UnixDomainSocketAddress address, boolean six) {
        int path = address.getPath().toString().length();
        return (path == 0 ? 2 : 2 + path + 1) < (six ? 24 : 16);
    }

    private static InetSocketAddress inet(SocketAddress address) {
        if (address instanceof InetSocketAddress inet) {
            return inet;
        }
        throw new IllegalStateException("no internet address: " + address);
    }

    @Override
    public long bind(QueuedSocket socket, SocketAddress address) {
        long refused = checkPeer(address);
        if (refused < 0) {
            return refused;
        }
        InetSocketAddress wanted = inet(address);
        InetAddress host = wanted.getAddress();
        if (!host.isAnyLocalAddress() && !host.isLoopbackAddress()) {
            return -EADDRNOTAVAIL;
        }
        synchronized (ports) {
            int port = wanted.getPort() == 0 ? ports.ephemeral() : wanted.getPort();
            InetSocketAddress name = new InetSocketAddress(host, port);
            boolean taken = ports.bindings.stream().anyMatch(other -> conflicts(other, socket, name, false));
            if (port == 0 || taken) {
                return -EADDRINUSE;
            }
            ports.bindings.add(new Binding(socket, name));
            socket.named(name);
            return 0;
        }
    }

    private static boolean conflicts(Binding other, QueuedSocket socket, InetSocketAddress name, boolean toListen) {
        if (other.socket.equals(socket) || other.name.getPort() != name.getPort() || !overlap(other, socket, name)) {
            return false;
        }
        boolean reuseBoth = on(other.socket, SO_REUSEADDR) && on(socket, SO_REUSEADDR);
        boolean shareBoth = on(other.socket, SO_REUSEPORT) && on(socket, SO_REUSEPORT);
        boolean listens = other.socket.listens();
        return !shareBoth && (toListen ? listens : !reuseBoth || listens);
    }

    private static boolean on(QueuedSocket socket, int option) {
        return socket.options.on(SOL_SOCKET, option);
    }

    private static boolean overlap(Binding other, QueuedSocket socket, InetSocketAddress name) {
        InetAddress one = other.name.getAddress();
        InetAddress two = name.getAddress();
        if (one.getClass() == two.getClass()) {
            return one.equals(two) || one.isAnyLocalAddress() || two.isAnyLocalAddress();
        }
        return takesBoth(one, other.socket) || takesBoth(two, socket);
    }

    /** Whether a socket bound to {@code host} is one for IPv6 and IPv4. */
    private static boolean takesBoth(InetAddress host, QueuedSocket socket) {
        return !(host instanceof Inet4Address)
                && host.isAnyLocalAddress()
                && !socket.options.on(IPPROTO_IPV6, IPV6_V6ONLY);
    }

    @Override
    public long listen(ConnectionSocket socket, @Nullable SocketAddress local) {
        if (local == null) {
            return bind(socket, unnamed());
        }
        synchronized (ports) {
            InetSocketAddress name = inet(local);
            boolean taken = ports.bindings.stream().anyMatch(other -> conflicts(other, socket, name, true));
            return taken ? -EADDRINUSE : 0;
        }
    }

    @Override
    public Found find(ConnectionSocket client, @Nullable SocketAddress local, SocketAddress address) {
        InetSocketAddress wanted = inet(address);
        InetAddress host = wanted.getAddress().isAnyLocalAddress() ? loopback : wanted.getAddress();
        if (!host.isLoopbackAddress()) {
            return new Found(null, ENETUNREACH);
        }
        synchronized (ports) {
            InetSocketAddress own = local == null ? new InetSocketAddress(loopback, ports.ephemeral()) : inet(local);
            if (own.getAddress().isAnyLocalAddress()) {
                own = new InetSocketAddress(loopback, own.getPort());
            }
            client.addressed(own, new InetSocketAddress(host, wanted.getPort()));
            ConnectionSocket listener = listener(host, wanted.getPort());
            return new Found(listener, listener == null ? ECONNREFUSED : 0);
        }
    }

    /** The most exact name wins; those who share a port take turns. */
    private @Nullable ConnectionSocket listener(InetAddress host, int port) {
        List<ConnectionSocket> exact = new ArrayList<>();
        List<ConnectionSocket> any = new ArrayList<>();
        for (Binding binding : ports.bindings) {
            InetAddress at = binding.name.getAddress();
            if (binding.name.getPort() == port
                    && binding.socket instanceof ConnectionSocket socket
                    && socket.listens()) {
                if (at.equals(host)) {
                    exact.add(socket);
                } else if (at.isAnyLocalAddress() && (at.getClass() == host.getClass() || takesBoth(at, socket))) {
                    any.add(socket);
                }
            }
        }
        List<ConnectionSocket> found = exact.isEmpty() ? any : exact;
        return found.isEmpty() ? null : found.get(Math.floorMod(ports.turn++, found.size()));
    }

    @Override
    public void release(QueuedSocket socket) {
        synchronized (ports) {
            ports.bindings.removeIf(binding -> binding.socket.equals(socket));
        }
    }
}
