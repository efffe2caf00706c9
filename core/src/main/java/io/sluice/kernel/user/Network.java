// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAFNOSUPPORT;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Errno.EPROTONOSUPPORT;
import static io.sluice.kernel.Errno.ESOCKTNOSUPPORT;
import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_INET6;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_DGRAM;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_SEQPACKET;
import static io.sluice.kernel.Flags.SOCK_STREAM;

import org.jspecify.annotations.Nullable;

/** Makes sockets, and holds their names. */
final class Network {
    private static final int TYPE_BITS = 0xf;
    private static final int SOCK_RAW = 3;
    private static final int MOST_TYPES = 11;

    private final Resources resources;
    private final UnixNames unix;
    private final Names inet;
    private final Names inet6;
    private final @Nullable HostNetwork host;

    Network(Resources resources, Tree tree, UserKernel.NetworkKind kind) {
        this.resources = resources;
        this.unix = new UnixNames(tree);
        this.host = kind == UserKernel.NetworkKind.HOST ? new HostNetwork() : null;
        InetNames.Ports ports = new InetNames.Ports();
        InetNames four = new InetNames(Protocol.TCP, ports);
        InetNames six = new InetNames(Protocol.TCP6, ports);
        this.inet = host == null ? four : new HostNames(Protocol.TCP, four, host);
        this.inet6 = host == null ? six : new HostNames(Protocol.TCP6, six, host);
    }

    Opened socket(int domain, int type, int protocol) {
        int errno = refuses(domain, type, protocol);
        return errno != 0 ? new Opened.Failed(errno) : new Opened.File(make(domain, type));
    }

    /** Two connected sockets, or the errno of the first. */
    Opened[] pair(int domain, int type, int protocol) {
        int errno = refuses(domain, type, protocol);
        if (errno != 0 || domain != AF_UNIX) {
            return new Opened[] {new Opened.Failed(errno != 0 ? errno : EOPNOTSUPP)};
        }
        QueuedSocket first = make(domain, type);
        QueuedSocket second = switch (first) {
            case ConnectionSocket socket -> socket.paired(status(type));
            case DatagramSocket socket -> socket.paired(status(type));
            default -> throw new IllegalStateException("no pair of " + first);
        };
        return new Opened[] {new Opened.File(first), new Opened.File(second)};
    }

    private QueuedSocket make(int domain, int type) {
        Protocol kind = protocol(domain, type & TYPE_BITS);
        if (kind == null) {
            throw new IllegalStateException("no protocol for family " + domain + ", type " + type);
        }
        return switch (kind) {
            case UNIX_DATAGRAM -> new DatagramSocket(resources, unix, status(type));
            case UNIX_STREAM, UNIX_PACKET -> new ConnectionSocket(resources, kind, unix, status(type));
            case TCP -> new ConnectionSocket(resources, kind, inet, status(type));
            case TCP6 -> new ConnectionSocket(resources, kind, inet6, status(type));
        };
    }

    private static int status(int type) {
        return (type & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    }

    private static @Nullable Protocol protocol(int domain, int type) {
        return switch (domain) {
            case AF_UNIX ->
                switch (type) {
                    case SOCK_STREAM -> Protocol.UNIX_STREAM;
                    case SOCK_DGRAM, SOCK_RAW -> Protocol.UNIX_DATAGRAM;
                    case SOCK_SEQPACKET -> Protocol.UNIX_PACKET;
                    default -> null;
                };
            case AF_INET -> type == SOCK_STREAM ? Protocol.TCP : null;
            case AF_INET6 -> type == SOCK_STREAM ? Protocol.TCP6 : null;
            default -> null;
        };
    }

    /** The checks of socket(2) in the kernel's order: 0 or a positive errno. Datagrams of the internet are not here. */
    private static int refuses(int domain, int type, int protocol) {
        int kind = type & TYPE_BITS;
        if ((type & ~(TYPE_BITS | SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0 || kind >= MOST_TYPES) {
            return EINVAL;
        }
        boolean local = domain == AF_UNIX;
        if (!local && domain != AF_INET && domain != AF_INET6) {
            return EAFNOSUPPORT;
        }
        boolean known =
                kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_RAW || (local && kind == SOCK_SEQPACKET);
        if (local) {
            return protocol != 0 && protocol != AF_UNIX ? EPROTONOSUPPORT : known ? 0 : ESOCKTNOSUPPORT;
        }
        if (!known) {
            return ESOCKTNOSUPPORT;
        }
        return kind == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP) ? 0 : EPROTONOSUPPORT;
    }

    void close() {
        if (host != null) {
            host.close();
        }
    }
}
