// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.ENOTCONN;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLRDHUP;
import static io.sluice.kernel.Flags.POLLRDNORM;
import static io.sluice.kernel.Flags.SHUT_RD;
import static io.sluice.kernel.Flags.SHUT_WR;

import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A Unix datagram socket: it sends to the socket that it was connected to, which need not know of it and takes messages
 * from many. So all senders wait for room in the receiver's one queue.
 */
final class DatagramSocket extends QueuedSocket {
    private static final int MOST_MESSAGES = 10; // net.unix.max_dgram_qlen

    private final UnixNames names;

    /** Those who watch this socket, to be taken along when it is connected. */
    private final List<Watch> watches = new CopyOnWriteArrayList<>();

    private volatile @Nullable DatagramSocket peer;
    private volatile @Nullable SocketAddress local;
    private volatile boolean sendEnded;
    private volatile boolean gone;

    DatagramSocket(Resources resources, UnixNames names, int statusFlags) {
        super(
                resources,
                Protocol.UNIX_DATAGRAM,
                new SocketOptions(Protocol.UNIX_DATAGRAM),
                Flow.of(resources, Protocol.UNIX_DATAGRAM),
                statusFlags);
        this.names = names;
        in.mostMessages = MOST_MESSAGES;
        in.sendLimitBytes = options.sendBufferBytes();
    }

    /** The other end of a socketpair(2). */
    DatagramSocket paired(int statusFlags) {
        DatagramSocket other = new DatagramSocket(resources, names, statusFlags);
        other.sendTo(this);
        sendTo(other);
        return other;
    }

    /** Two that send to each other alone are bound by the send buffer only. */
    private void sendTo(DatagramSocket receiver) {
        DatagramSocket before = peer;
        if (before != null) {
            watches.forEach(before.in::unwatch);
        }
        peer = receiver;
        watches.forEach(watch -> receiver.in.watch(watch, false, true));
        boolean mutual = equals(receiver.peer);
        receiver.sized(options.sendBufferBytes(), mutual);
        if (mutual) {
            sized(receiver.options.sendBufferBytes(), true);
        }
    }

    private void sized(int sendLimitBytes, boolean mutual) {
        in.lock();
        in.sendLimitBytes = sendLimitBytes;
        in.mostMessages = mutual ? Integer.MAX_VALUE - 1 : MOST_MESSAGES;
        in.tellWritersLocked(Waitable.ANY_EVENT);
        in.unlock();
    }

    // Names.

    @Override
    long bind(SocketAddress address) {
        if (local != null) {
            return names.bindAgain(address);
        }
        return names.bind(this, address);
    }

    @Override
    void named(SocketAddress name) {
        local = name;
    }

    @Override
    long connect(SocketAddress address) {
        long refused = names.checkPeer(address);
        if (refused < 0) {
            return refused;
        }
        UnixNames.Bound found = names.at(protocol, address);
        if (found.socket() instanceof DatagramSocket receiver) {
            sendTo(receiver);
            return 0;
        }
        return -found.errno();
    }

    @Override
    long listen(int backlog) {
        return -EOPNOTSUPP;
    }

    @Override
    Opened accept(int flags) {
        return new Opened.Failed(EOPNOTSUPP);
    }

    @Override
    long localAddress(SocketAddress[] out) {
        SocketAddress name = local;
        out[0] = name == null ? names.unnamed() : name;
        return 0;
    }

    @Override
    long peerAddress(SocketAddress[] out) {
        DatagramSocket other = peer;
        if (other == null) {
            return -ENOTCONN;
        }
        SocketAddress name = other.local;
        out[0] = name == null ? names.unnamed() : name;
        return 0;
    }

    // Messages.

    @Override
    @Nullable
    Flow out() {
        DatagramSocket receiver = peer;
        return receiver == null || sendEnded ? null : receiver.in;
    }

    @Override
    long refusesReceiveLocked() {
        return 0;
    }

    @Override
    long endOfInput(boolean nonblocking) {
        return nonblocking ? -EAGAIN : 0;
    }

    @Override
    long unconnectedSend() {
        return sendEnded ? -EPIPE : -ENOTCONN;
    }

    /** The first send to a closed socket says so; after it there is no peer any more. */
    @Override
    long readerGone(Flow flow) {
        DatagramSocket receiver = peer;
        if (receiver == null || !receiver.gone) {
            return -EPIPE;
        }
        watches.forEach(receiver.in::unwatch);
        peer = null;
        return -ECONNREFUSED;
    }

    @Override
    long setOption(int level, int name, int[] value) {
        long result = super.setOption(level, name, value);
        DatagramSocket receiver = peer;
        if (result == 0 && receiver != null) {
            receiver.sized(options.sendBufferBytes(), equals(receiver.peer));
        }
        return result;
    }

    // The end.

    @Override
    long shutdown(int how) {
        in.lock();
        if (how != SHUT_RD) {
            sendEnded = true;
        }
        if (how != SHUT_WR) {
            in.readEnded = true;
            in.readerGone = true;
        }
        in.tellReadersLocked(Waitable.ANY_EVENT);
        in.unlock();
        DatagramSocket receiver = peer;
        if (receiver != null) {
            receiver.in.lock();
            receiver.in.tellWritersLocked(Waitable.ANY_EVENT);
            receiver.in.unlock();
        }
        return 0;
    }

    @Override
    boolean isClosed() {
        return gone;
    }

    @Override
    void closed() {
        gone = true;
        in.closeReader();
        in.closeEnd();
    }

    // Readiness.

    @Override
    int readiness() {
        int ready = error.get() == 0 ? 0 : POLLERR;
        in.lock();
        boolean readEnded = in.readEnded;
        boolean arrived = in.hasDataLocked();
        in.unlock();
        ready |= arrived ? POLLIN | POLLRDNORM : 0;
        ready |= readEnded ? POLLIN | POLLRDNORM | POLLRDHUP : 0;
        ready |= readEnded && sendEnded ? POLLHUP : 0;
        return ready | (roomy() ? protocol.writableEvents() : 0);
    }

    private boolean roomy() {
        DatagramSocket receiver = peer;
        if (receiver == null) {
            return true;
        }
        receiver.in.lock();
        try {
            return receiver.in.readerGone || receiver.in.roomyLocked();
        } finally {
            receiver.in.unlock();
        }
    }

    @Override
    boolean watch(Watch watch) {
        in.watch(watch, true, false);
        watches.add(watch);
        DatagramSocket receiver = peer;
        if (receiver != null) {
            receiver.in.watch(watch, false, true);
        }
        return true;
    }

    @Override
    void unwatch(Watch watch) {
        in.unwatch(watch);
        watches.remove(watch);
        DatagramSocket receiver = peer;
        if (receiver != null && !receiver.equals(this)) {
            receiver.in.unwatch(watch);
        }
    }
}
