// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EADDRNOTAVAIL;
import static io.sluice.kernel.Errno.EINPROGRESS;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_REUSEADDR;
import static io.sluice.kernel.Flags.SO_REUSEPORT;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.NetworkChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Names on the real network. A bound socket holds its port with a channel that neither listens nor connects yet; which
 * of the two it becomes is known later.
 */
final class HostNames implements Names {
    private final InetNames rules; // what addresses look like
    private final Protocol protocol;
    private final HostNetwork network;
    private final Map<QueuedSocket, SocketChannel> bound = new ConcurrentHashMap<>();
    private final Map<QueuedSocket, HostListener> listeners = new ConcurrentHashMap<>();

    HostNames(Protocol protocol, InetNames rules, HostNetwork network) {
        this.protocol = protocol;
        this.rules = rules;
        this.network = network;
    }

    private ProtocolFamily family() {
        return protocol == Protocol.TCP6 ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET;
    }

    @Override
    public SocketAddress unnamed() {
        return rules.unnamed();
    }

    @Override
    public long bindAgain(SocketAddress address) {
        return rules.bindAgain(address);
    }

    @Override
    public long checkPeer(SocketAddress address) {
        return rules.checkPeer(address);
    }

    @Override
    public long bind(QueuedSocket socket, SocketAddress address) {
        long refused = checkPeer(address);
        if (refused < 0) {
            return refused;
        }
        return network.ask(selector -> {
            SocketChannel channel = SocketChannel.open(family());
            boundOrClosed(channel, () -> {
                channel.setOption(StandardSocketOptions.SO_REUSEADDR, socket.options.on(SOL_SOCKET, SO_REUSEADDR));
                channel.bind(address);
                socket.named(channel.getLocalAddress());
            });
            bound.put(socket, channel);
        });
    }

    private interface Attempt {
        void run() throws IOException;
    }

    private static void boundOrClosed(NetworkChannel channel, Attempt attempt) throws IOException {
        try {
            attempt.run();
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** The port passes from the channel that held it to one that listens. */
    @Override
    public long listen(ConnectionSocket socket, @Nullable SocketAddress local) {
        return network.ask(selector -> {
            SocketChannel held = bound.remove(socket);
            if (held != null) {
                held.close();
            }
            ServerSocketChannel channel = ServerSocketChannel.open(family());
            boundOrClosed(channel, () -> {
                if (socket.options.on(SOL_SOCKET, SO_REUSEPORT)) {
                    channel.setOption(StandardSocketOptions.SO_REUSEPORT, true);
                }
                channel.bind(local == null ? unnamed() : local);
                socket.named(channel.getLocalAddress());
                listeners.put(socket, new HostListener(network, selector, socket, channel));
            });
        });
    }

    @Override
    public Found find(ConnectionSocket client, @Nullable SocketAddress local, SocketAddress address) {
        if (!(address instanceof InetSocketAddress inet)) {
            return new Found(null, EADDRNOTAVAIL);
        }
        ConnectionSocket wire = client.wired();
        client.startsConnecting();
        long asked = network.ask(selector -> {
            SocketChannel held = bound.remove(client);
            SocketChannel channel = held == null ? SocketChannel.open(family()) : held;
            boundOrClosed(channel, () -> new HostLink(network, selector, channel, client, wire).connect(inet));
        });
        if (asked < 0) {
            client.unwired(wire);
        }
        return new Found(null, asked == 0 ? EINPROGRESS : (int) -asked);
    }

    @Override
    public void release(QueuedSocket socket) {
        SocketChannel held = bound.remove(socket);
        HostListener listener = listeners.remove(socket);
        if (held != null || listener != null) {
            network.ask(selector -> {
                if (held != null) {
                    held.close();
                }
                if (listener != null) {
                    listener.end();
                }
            });
        }
    }
}
