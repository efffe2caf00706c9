// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.LockSupport;

/** A listener on the real network: takes connections as long as the user's backlog has room. */
final class HostListener implements HostNetwork.Station, Watch {
    private static final long PAUSE_NANOS = 100_000_000;

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
    public void ready(SelectionKey ready) {
        try {
            while (listener.hasRoom()) {
                SocketChannel accepted = channel.accept();
                if (accepted == null) {
                    break;
                }
                take(accepted);
            }
            look();
        } catch (IOException e) {
            lookLater();
        }
    }

    private void take(SocketChannel accepted) {
        ConnectionSocket user = listener.madeByHost();
        ConnectionSocket wire = user.wired();
        try {
            user.addressed(accepted.getLocalAddress(), accepted.getRemoteAddress());
            new HostLink(network, selector, accepted, user, wire).changed(Waitable.ANY_EVENT);
        } catch (IOException gone) { // before anybody heard of it
            HostPump.close(accepted);
            wire.release();
            user.release();
            return;
        }
        listener.offer(user);
    }

    /**
     * The process has no descriptor left, or the connection is gone. What waits in the host's backlog is asked for
     * again after a pause: the selector would report it without end.
     */
    private void lookLater() {
        key.interestOps(0);
        Thread.ofVirtual().start(() -> {
            LockSupport.parkNanos(PAUSE_NANOS);
            network.later(this::look);
        });
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
