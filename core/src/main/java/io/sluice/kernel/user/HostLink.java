// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_NOSIGNAL;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.MSG_TRUNC;
import static io.sluice.kernel.Flags.SHUT_WR;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_KEEPALIVE;
import static io.sluice.kernel.Flags.TCP_NODELAY;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One connection of the real network. The user's socket is connected, in memory, to a socket at this end of the wire,
 * and the network's thread carries bytes, ends and resets between that one and a channel: bytes go to the channel as
 * long as it takes them, and are read from it as long as the user's receive buffer has room.
 */
final class HostLink implements HostNetwork.Station, Watch {
    private final HostNetwork network;
    private final ConnectionSocket user;
    private final ConnectionSocket wire;
    private final SocketChannel channel;
    private final SelectionKey key;
    private final AtomicBoolean hasNews = new AtomicBoolean();
    private final Iov iov = new Iov();

    // Of the network's thread alone.
    private boolean inputEnded;
    private boolean outputEnded;
    private boolean ended;

    /** On the network's thread: a channel that is connected, or about to be. {@code wire} is the user's peer. */
    HostLink(
            HostNetwork network, Selector selector, SocketChannel channel, ConnectionSocket user, ConnectionSocket wire)
            throws IOException {
        this.network = network;
        this.user = user;
        this.wire = wire;
        this.channel = channel;
        channel.configureBlocking(false);
        key = channel.register(selector, 0, this);
        wire.watch(this);
    }

    /** Begins to connect; the user's socket hears of the outcome. */
    void connect(InetSocketAddress address) {
        try {
            if (channel.connect(address)) {
                established();
            } else {
                key.interestOps(SelectionKey.OP_CONNECT);
            }
        } catch (IOException e) {
            refused(e);
        }
    }

    private void established() throws IOException {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, user.options.on(IPPROTO_TCP, TCP_NODELAY));
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, user.options.on(SOL_SOCKET, SO_KEEPALIVE));
        user.addressed(channel.getLocalAddress(), channel.getRemoteAddress());
        user.connectedByHost();
        pump();
    }

    private void refused(IOException failure) {
        end(); // first: the user may connect again as soon as it hears
        user.refused(HostNetwork.errno(failure));
    }

    @Override
    public void changed(int events) {
        if (hasNews.compareAndSet(false, true) && !network.later(this::pump)) {
            hasNews.set(true); // the network has ended, and so has this link
        }
    }

    @Override
    public void ready(SelectionKey ready) {
        if (key.isConnectable()) {
            try {
                channel.finishConnect();
                established();
            } catch (IOException e) {
                refused(e);
            }
            return;
        }
        if (key.isReadable()) {
            receive();
        }
        pump();
    }

    /** Carries what can be carried, and asks the selector for the rest. */
    private void pump() {
        hasNews.set(false);
        if (ended || !channel.isConnected()) {
            giveUpConnecting();
            return;
        }
        if (wire.error.get() != 0) {
            reset();
            return;
        }
        try {
            boolean blocked = !outputEnded && send();
            if (ended) {
                return;
            }
            boolean userGone = wire.sending().readerGone;
            if (outputEnded && (inputEnded || userGone)) {
                end();
                return;
            }
            key.interestOps((blocked ? SelectionKey.OP_WRITE : 0)
                    | (!inputEnded && freeBytes() > 0 ? SelectionKey.OP_READ : 0));
        } catch (IOException e) {
            lost(e);
        }
    }

    /** The user's socket was closed before it was connected. */
    private void giveUpConnecting() {
        if (!ended && user.isClosed()) {
            end();
        }
    }

    /** Gives the channel what the user has sent; answers whether it takes no more for now. */
    private boolean send() throws IOException {
        for (; ; ) {
            ByteBuffer buffer = network.buffer.clear();
            MemorySegment bytes = MemorySegment.ofBuffer(buffer);
            long count = wire.recv(iov.of(bytes), MSG_PEEK | MSG_DONTWAIT);
            if (count == -EFAULT) { // lent memory whose user has closed it: the stream cannot go on
                user.fail(EFAULT);
                reset();
                return false;
            }
            if (count < 0) {
                return false; // nothing there
            }
            if (count == 0) {
                outputEnded = true;
                channel.shutdownOutput();
                return false;
            }
            int written = channel.write(buffer.limit((int) count));
            wire.recv(iov.of(bytes.asSlice(0, written)), MSG_TRUNC | MSG_DONTWAIT);
            if (written < count) {
                return true;
            }
        }
    }

    private void receive() {
        try {
            long free = freeBytes();
            if (free == 0 || ended) {
                return;
            }
            ByteBuffer buffer = network.buffer.clear();
            buffer.limit((int) Math.min(free, buffer.capacity()));
            int count = channel.read(buffer);
            if (count > 0) {
                MemorySegment bytes = MemorySegment.ofBuffer(buffer.flip());
                if (wire.send(iov.of(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) != count) {
                    reset(); // there is no memory for what has arrived, or nobody to read it
                }
            } else if (count < 0) {
                inputEnded = true;
                wire.shutdown(SHUT_WR);
            }
        } catch (IOException e) {
            lost(e);
        }
    }

    private long freeBytes() {
        Flow flow = wire.sending();
        flow.lock();
        try {
            return flow.freeBytesLocked();
        } finally {
            flow.unlock();
        }
    }

    /** The connection broke: the user hears why. */
    private void lost(IOException failure) {
        user.fail(inputEnded ? EPIPE : HostNetwork.errno(failure));
        end();
    }

    /** The user's end was closed with bytes unread, or to be reset: the peer sees a reset too. */
    private void reset() {
        try {
            channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        } catch (IOException e) {
            lost(e);
            return;
        }
        end();
    }

    @Override
    public void end() {
        if (ended) {
            return;
        }
        ended = true;
        wire.unwatch(this);
        try {
            channel.close();
        } catch (IOException e) {
            user.error.compareAndSet(0, HostNetwork.errno(e));
        }
        wire.release();
    }
}
