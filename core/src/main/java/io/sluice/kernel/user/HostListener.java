// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A listener on the real network: takes connections as long as the user's backlog has room. */
final class HostListener implements HostNetwork.Station, Watch {
    private final HostNetwork network;
    private final Selector selector;
    private final ConnectionSocket listener;
    private final ServerSocketChannel channel;
    private final SelectionKey key;

    /** On the network's thread. The channel is bound. */
    HostListener(HostNetwork network, Selector selector, ConnectionSocket listener, ServerSocketChannel channel)
            throws IOException {
        this.network = network;
        this.selector = selector;
        this.listener = listener;
        this.channel = channel;
        channel.configureBlocking(false);
        key = channel.register(selector, 0, this);
        listener.in.watch(this, true, true);
    }

    @Override
    public void changed(int events) {
        network.later(this::look);
    }

    private void look() {
        if (key.isValid()) {
            key.interestOps(listener.hasRoom() ? SelectionKey.OP_ACCEPT : 0);
        }
    }

    @Override
    public void ready(SelectionKey ready) throws IOException {
        while (listener.hasRoom()) {
            SocketChannel accepted = channel.accept();
            if (accepted == null) {
                break;
            }
            ConnectionSocket user = listener.madeByHost();
            ConnectionSocket wire = user.wired();
            user.addressed(accepted.getLocalAddress(), accepted.getRemoteAddress());
            new HostLink(network, selector, accepted, user, wire).changed(Waitable.ANY_EVENT);
            listener.offer(user);
        }
        look();
    }

    @Override
    public void end() {
        try {
            channel.close();
        } catch (IOException e) {
            listener.error.compareAndSet(0, HostNetwork.errno(e));
        }
    }
}
