// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EALREADY;
import static io.sluice.kernel.Errno.ECONNABORTED;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.ECONNRESET;
import static io.sluice.kernel.Errno.EINPROGRESS;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EISCONN;
import static io.sluice.kernel.Errno.ENOTCONN;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLRDHUP;
import static io.sluice.kernel.Flags.POLLRDNORM;
import static io.sluice.kernel.Flags.SHUT_RD;
import static io.sluice.kernel.Flags.SHUT_WR;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SOMAXCONN;
import static io.sluice.kernel.Flags.SO_RCVBUF;
import static io.sluice.kernel.Flags.SO_SNDBUF;
import static io.sluice.kernel.Flags.TCP_CORK;
import static io.sluice.kernel.Flags.TCP_NODELAY;
import static io.sluice.kernel.user.Waitable.ANY_EVENT;

import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A socket that is connected before it is used: Unix stream and seqpacket, TCP. It makes two flows for itself; the
 * socket that becomes its peer, at connect(2) or socketpair(2), is made around the same two, the other way round.
 *
 * <p>Watchers look at the reading side of {@code in} and at the writing side of {@code out}, which stay the same from
 * socket(2) to close(2) whatever becomes of the socket.
 */
final class ConnectionSocket extends QueuedSocket {
    private enum State {
        NEW,
        LISTENING,
        CONNECTING,
        /** TCP: made, and the connect(2) that answered EINPROGRESS has not been asked about since. */
        CONNECTED_UNTOLD,
        CONNECTED,
        /** TCP: a connect(2) that did not wait has failed. */
        FAILED,
        CLOSED
    }

    private final Names names;
    private final Flow out;
    private final AtomicReference<State> state;

    // Written once, before anybody else can see the connection.
    private volatile @Nullable ConnectionSocket peer;
    private volatile @Nullable SocketAddress local;
    private volatile @Nullable SocketAddress remote;

    /** Set before the error that ends the connection, so that nobody sees the error and no hang-up. */
    private volatile boolean lost;

    /** Where a TCP client waits for room. */
    private volatile @Nullable ConnectionSocket waitsAt;

    /** A socket of its own, not connected. */
    ConnectionSocket(Resources resources, Protocol protocol, Names names, int statusFlags) {
        this(resources, protocol, names, new SocketOptions(protocol), statusFlags);
    }

    private ConnectionSocket(
            Resources resources, Protocol protocol, Names names, SocketOptions options, int statusFlags) {
        super(resources, protocol, options, Flow.of(resources, protocol), statusFlags);
        this.names = names;
        this.out = Flow.of(resources, protocol);
        this.state = new AtomicReference<>(State.NEW);
        sizeBuffers();
    }

    /** The other end of {@code peer}, connected to it. */
    private ConnectionSocket(ConnectionSocket peer, SocketOptions options, int statusFlags) {
        super(peer.resources, peer.protocol, options, peer.out, statusFlags);
        this.names = peer.names;
        this.out = peer.in;
        this.peer = peer;
        this.state = new AtomicReference<>(State.CONNECTED);
    }

    /** The other end of a socketpair(2). */
    ConnectionSocket paired(int statusFlags) {
        ConnectionSocket other = new ConnectionSocket(this, new SocketOptions(protocol), statusFlags);
        other.sizeBuffers();
        peer = other;
        state.set(State.CONNECTED);
        return other;
    }

    private void sizeBuffers() {
        out.lock();
        out.sendLimitBytes = options.sendBufferBytes();
        out.tellRoomLocked(false);
        out.unlock();
        in.lock();
        in.receiveLimitBytes = protocol.isUnix() ? 0 : options.receiveBufferBytes();
        in.tellRoomLocked(false);
        in.unlock();
    }

    @Override
    boolean isClosed() {
        return state.get() == State.CLOSED;
    }

    /** Whether both directions are at their ends: what TCP calls closed, with the descriptor still open. */
    private boolean finished() {
        return in.writeEnded && out.writeEnded;
    }

    // Names.

    @Override
    long bind(SocketAddress address) {
        if (local != null || state.get() != State.NEW) {
            return names.bindAgain(address);
        }
        return names.bind(this, address);
    }

    /** The name that this socket has got. */
    @Override
    void named(SocketAddress name) {
        local = name;
    }

    @Override
    long localAddress(SocketAddress[] out) {
        SocketAddress name = local;
        out[0] = name == null ? names.unnamed() : name;
        return 0;
    }

    @Override
    long peerAddress(SocketAddress[] out) {
        ConnectionSocket other = peer;
        boolean connected = state.get() == State.CONNECTED || state.get() == State.CONNECTED_UNTOLD;
        if (other == null || !connected || (!protocol.isUnix() && finished())) {
            return -ENOTCONN;
        }
        SocketAddress name = protocol.isUnix() ? other.local : remote;
        out[0] = name == null ? names.unnamed() : name;
        return 0;
    }

    // Listening.

    @Override
    boolean listens() {
        return state.get() == State.LISTENING;
    }

    @Override
    long listen(int backlog) {
        int limit = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : backlog;
        if (listens()) {
            in.lock();
            Backlog present = in.backlog;
            if (present != null) {
                present.limit = limit;
            }
            in.unlock();
            return 0;
        }
        if (state.get() != State.NEW) {
            return -EINVAL;
        }
        long named = names.listen(this, local);
        if (named < 0) {
            return named;
        }
        if (!state.compareAndSet(State.NEW, State.LISTENING)) {
            return -EINVAL;
        }
        in.lock();
        in.backlog = new Backlog(limit);
        in.readEnded = false;
        in.tellStateLocked();
        in.unlock();
        return 0;
    }

    @Override
    Opened accept(int flags) {
        long deadline = nonblocking() ? 0 : options.deadlineNanos(SocketOptions.SO_RCVTIMEO);
        ConnectionSocket accepted;
        in.lock();
        try {
            for (; ; ) {
                Backlog backlog = in.backlog;
                if (backlog == null || in.readEnded) {
                    return failed(EINVAL);
                }
                accepted = backlog.pending.poll();
                if (accepted != null) {
                    in.tellWritersLocked(ANY_EVENT);
                    break;
                }
                long slept = nonblocking() ? -EAGAIN : in.awaitReadableLocked(deadline);
                if (slept < 0) {
                    return failed(slept);
                }
            }
        } finally {
            in.unlock();
        }
        letWaitingIn();
        accepted.setStatusFlags((flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0, O_NONBLOCK);
        return new Opened.File(accepted);
    }

    /** Gives free places of the backlog to TCP clients that wait for one. */
    private void letWaitingIn() {
        for (; ; ) {
            in.lock();
            Backlog backlog = in.backlog;
            ConnectionSocket client = backlog == null || !backlog.hasRoom() ? null : backlog.waiting.poll();
            in.unlock();
            if (client == null || client.knockAgain(this)) {
                return;
            }
        }
    }

    private boolean knockAgain(ConnectionSocket listener) {
        waitsAt = null;
        if (state.get() != State.CONNECTING) {
            return false; // closed in the meantime
        }
        long knocked = knock(listener, true, 0);
        if (knocked == 0) {
            connected(State.CONNECTED_UNTOLD);
        }
        return true;
    }

    /** Listening ends: nobody will accept what waits. */
    private void stopListening() {
        in.lock();
        Backlog backlog = in.backlog;
        in.backlog = null;
        in.readEnded = true;
        List<ConnectionSocket> pending = backlog == null ? List.of() : List.copyOf(backlog.pending);
        List<ConnectionSocket> waiting = backlog == null ? List.of() : List.copyOf(backlog.waiting);
        in.tellStateLocked();
        in.unlock();
        for (ConnectionSocket connection : pending) {
            ConnectionSocket client = connection.peer;
            if (client != null) {
                client.fail(ECONNRESET);
            }
            connection.release();
        }
        waiting.forEach(client -> client.refused());
    }

    // Connecting.

    @Override
    long connect(SocketAddress address) {
        long refused = names.checkPeer(address);
        if (refused < 0) {
            return refused;
        }
        if (!protocol.isUnix() && state.get() != State.NEW) {
            return connectAgain();
        }
        if (!protocol.isUnix() && !state.compareAndSet(State.NEW, State.CONNECTING)) {
            return connectAgain();
        }
        Names.Found found = names.find(this, local, address);
        if (found.errno() == EINPROGRESS) {
            return nonblocking() ? -EINPROGRESS : awaitConnection();
        }
        if (found.errno() != 0 && protocol.isUnix()) {
            return -found.errno();
        }
        boolean claimed = !protocol.isUnix() || state.compareAndSet(State.NEW, State.CONNECTING);
        ConnectionSocket listener = found.listener();
        if (listener == null) {
            return noListener(found.errno());
        }
        long knocked = claimed
                ? knock(listener, nonblocking(), options.deadlineNanos(SocketOptions.SO_SNDTIMEO))
                : state.get() == State.CONNECTED ? -EISCONN : -EINVAL;
        if (knocked == 0) {
            return connectedNow();
        }
        if (knocked == -EINPROGRESS) {
            return nonblocking() ? -EINPROGRESS : awaitConnection();
        }
        if (claimed) {
            state.compareAndSet(State.CONNECTING, State.NEW);
        }
        return knocked;
    }

    /** Without waiting, TCP answers EINPROGRESS even when the other side has answered already. */
    private long connectedNow() {
        boolean untold = !protocol.isUnix() && nonblocking();
        connected(untold ? State.CONNECTED_UNTOLD : State.CONNECTED);
        return untold ? -EINPROGRESS : 0;
    }

    private long noListener(int errno) {
        if (errno == ECONNREFUSED && nonblocking()) {
            refused();
            return -EINPROGRESS;
        }
        out.lock();
        out.connecting = false;
        out.unlock();
        state.set(State.NEW);
        return -errno;
    }

    /** connect(2) on a TCP socket that is no longer new. */
    private long connectAgain() {
        if (state.compareAndSet(State.CONNECTED_UNTOLD, State.CONNECTED)) {
            return 0;
        }
        return switch (state.get()) {
            case CONNECTING -> nonblocking() ? -EALREADY : awaitConnection();
            case FAILED -> startOver();
            default -> -EISCONN;
        };
    }

    private long awaitConnection() {
        out.lock();
        try {
            long slept = out.awaitWritableLocked(options.deadlineNanos(SocketOptions.SO_SNDTIMEO));
            if (slept < 0) {
                return slept == -EAGAIN ? -EINPROGRESS : slept;
            }
        } finally {
            out.unlock();
        }
        return connectAgain();
    }

    /** The failure is told, and the socket is as new. */
    private long startOver() {
        long failed = takeError();
        lost = false;
        in.renew();
        out.renew();
        state.set(State.NEW);
        return failed == 0 ? -ECONNABORTED : failed;
    }

    /**
     * Puts the other end of this socket into a listener's backlog.
     *
     * @return 0; -EINPROGRESS when TCP waits there for room; -errno
     */
    private long knock(ConnectionSocket listener, boolean nonblocking, long deadline) {
        ConnectionSocket server = new ConnectionSocket(this, listener.options.inherited(), 0);
        server.remote = local;
        server.local = protocol.isUnix() ? listener.local : remote;
        // Before anybody can accept it: who found no room now would not be told of any.
        server.options.connected();
        server.sizeBuffers();
        Flow queue = listener.in;
        queue.lock();
        try {
            for (; ; ) {
                Backlog backlog = queue.backlog;
                if (backlog == null || queue.readEnded) {
                    return -ECONNREFUSED;
                }
                if (backlog.hasRoom()) {
                    peer = server;
                    backlog.pending.add(server);
                    queue.tellArrivedLocked();
                    break;
                }
                if (!protocol.isUnix()) {
                    out.connecting = true; // nobody else knows this socket's flows yet
                    waitsAt = listener;
                    backlog.waiting.add(this);
                    return -EINPROGRESS;
                }
                long slept = nonblocking ? -EAGAIN : queue.awaitWritableLocked(deadline);
                if (slept < 0) {
                    return slept;
                }
            }
        } finally {
            queue.unlock();
        }
        return 0;
    }

    /** For {@link Names}: what both ends will show. */
    void addressed(SocketAddress own, SocketAddress other) {
        local = own;
        remote = other;
    }

    private void connected(State as) {
        if (!state.compareAndSet(State.CONNECTING, as)) {
            return;
        }
        options.connected();
        sizeBuffers();
        if (protocol.isUnix()) {
            return; // connected where there was room: nobody is told
        }
        in.lock();
        in.tellStateLocked();
        in.unlock();
        out.lock();
        out.connecting = false;
        out.tellStateLocked();
        out.unlock();
    }

    private void refused() {
        refused(ECONNREFUSED);
    }

    /** A connect(2) that was under way has failed. */
    void refused(int errno) {
        if (state.compareAndSet(State.CONNECTING, State.FAILED)) {
            fail(errno);
        }
    }

    // For the host's network, which connects a socket with one at its own end of the wire.

    /**
     * The other end of this socket, that the host's network reads and writes. It takes nothing for itself: the buffers
     * of this socket alone hold what is under way.
     */
    ConnectionSocket wired() {
        ConnectionSocket wire = new ConnectionSocket(this, new SocketOptions(protocol), 0);
        wire.out.sendLimitBytes = 1;
        peer = wire;
        return wire;
    }

    /** The network had nothing to connect the wire with: this socket is as it was before it got one. */
    void unwired(ConnectionSocket wire) {
        wire.release();
        peer = null;
        in.renew();
        out.renew();
    }

    /** A socket for a connection that this listener's network has accepted. */
    ConnectionSocket madeByHost() {
        ConnectionSocket user = new ConnectionSocket(resources, protocol, names, options.inherited(), 0);
        user.state.set(State.CONNECTED);
        user.options.connected();
        user.sizeBuffers();
        return user;
    }

    /** Where this end of the wire sends. */
    Flow sending() {
        return out;
    }

    void startsConnecting() {
        out.lock();
        out.connecting = true;
        out.unlock();
    }

    void connectedByHost() {
        connected(State.CONNECTED_UNTOLD);
    }

    boolean hasRoom() {
        in.lock();
        try {
            return in.backlog != null && in.backlog.hasRoom();
        } finally {
            in.unlock();
        }
    }

    /** Puts a connection into this listener's backlog. */
    void offer(ConnectionSocket connection) {
        in.lock();
        Backlog backlog = in.backlog;
        if (backlog != null) {
            backlog.pending.add(connection);
            in.tellArrivedLocked();
        }
        in.unlock();
        if (backlog == null) {
            connection.release();
        }
    }

    /** The connection is lost: the error is shown once, and both directions are at their ends. */
    void fail(int code) {
        lost = true;
        error.compareAndSet(0, code);
        in.lock();
        in.readEnded = true;
        in.writeEnded = true;
        in.tellStateLocked();
        in.unlock();
        out.lock();
        out.connecting = false;
        out.readEnded = true;
        out.writeEnded = true;
        out.tellStateLocked();
        out.unlock();
    }

    // Bytes.

    @Override
    @Nullable
    Flow out() {
        State now = state.get();
        return now == State.NEW || now == State.LISTENING ? null : out;
    }

    @Override
    long refusesReceiveLocked() {
        State now = state.get();
        if (protocol.isUnix()) {
            return now == State.CONNECTED ? 0 : protocol == Protocol.UNIX_STREAM ? -EINVAL : -ENOTCONN;
        }
        return now == State.LISTENING || (now == State.NEW && !in.readEnded) ? -ENOTCONN : 0;
    }

    @Override
    long unconnectedSend() {
        if (protocol == Protocol.UNIX_STREAM) {
            return -ENOTCONN;
        }
        long failed = takeError();
        return failed < 0 ? failed : protocol.isUnix() ? -ENOTCONN : -EPIPE;
    }

    /** TCP: the bytes reach a socket that is closed and answers with a reset; the next call hears of it. */
    @Override
    long readerGone(Flow gone) {
        ConnectionSocket other = peer;
        fail(in.writeEnded ? EPIPE : ECONNRESET);
        if (other != null) {
            other.fail(ECONNRESET);
        }
        return 0;
    }

    @Override
    boolean corked() {
        return !protocol.isUnix() && options.on(IPPROTO_TCP, TCP_CORK);
    }

    @Override
    long setOption(int level, int name, int[] value) {
        long result = super.setOption(level, name, value);
        if (result == 0 && level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF)) {
            sizeBuffers();
        }
        boolean goesOut = level == IPPROTO_TCP
                && ((name == TCP_CORK && !corked()) || (name == TCP_NODELAY && options.on(level, name)));
        if (result == 0 && goesOut && out instanceof ByteFlow bytes) {
            bytes.lock();
            bytes.showHeldLocked();
            bytes.unlock();
        }
        return result;
    }

    // The end.

    @Override
    long shutdown(int how) {
        boolean reading = how != SHUT_WR;
        boolean writing = how != SHUT_RD;
        State now = state.get();
        if (now == State.LISTENING) {
            return shutdownListener(reading);
        }
        if (now == State.CONNECTING && state.compareAndSet(State.CONNECTING, State.NEW)) {
            leaveWaiting();
            return 0;
        }
        boolean refused = !protocol.isUnix() && (now == State.NEW || finished());
        boolean mutual = protocol.isUnix();
        if (writing) {
            out.lock();
            out.writeEnded = true;
            out.readEnded |= now != State.NEW || mutual;
            out.heldBytes = 0;
            out.tellStateLocked();
            out.unlock();
        }
        in.lock();
        if (reading) {
            in.readEnded = true;
            in.writeEnded |= mutual;
            in.readerGone |= out.writeEnded; // TCP: what still comes is answered with a reset
        }
        in.tellStateLocked();
        in.unlock();
        if (reading && !writing) {
            out.lock();
            out.tellStateLocked();
            out.unlock();
        }
        return refused ? -ENOTCONN : 0;
    }

    private long shutdownListener(boolean reading) {
        if (!reading) {
            return 0;
        }
        if (protocol.isUnix()) {
            in.lock();
            in.readEnded = true;
            in.tellStateLocked();
            in.unlock();
        } else if (state.compareAndSet(State.LISTENING, State.NEW)) {
            stopListening();
            in.lock();
            in.readEnded = false;
            in.unlock();
        }
        return 0;
    }

    private void leaveWaiting() {
        ConnectionSocket listener = waitsAt;
        waitsAt = null;
        if (listener != null) {
            listener.in.lock();
            Backlog backlog = listener.in.backlog;
            if (backlog != null) {
                backlog.waiting.remove(this);
            }
            listener.in.unlock();
        }
        out.lock();
        out.connecting = false;
        out.unlock();
    }

    @Override
    void closed() {
        State was = state.getAndSet(State.CLOSED);
        names.release(this);
        if (was == State.LISTENING) {
            stopListening();
        }
        leaveWaiting();
        ConnectionSocket other = peer;
        if (other == null) {
            out.closeReader();
            in.closeWriter();
        }
        boolean resets = closeInput(other);
        out.closeWriter();
        if (resets && other != null && !protocol.isUnix()) {
            other.fail(ECONNRESET);
        }
    }

    /**
     * Releases what was never read. That tells a Unix peer of the loss and resets a TCP connection; a Unix peer can
     * send no more in any case.
     */
    private boolean closeInput(@Nullable ConnectionSocket other) {
        in.lock();
        boolean resets = !in.pieces.isEmpty() || (!protocol.isUnix() && options.resetsAtClose());
        if (resets && other != null) {
            other.lost = true;
            other.error.compareAndSet(0, !protocol.isUnix() && out.writeEnded ? EPIPE : ECONNRESET);
        }
        in.writeEnded |= resets || protocol.isUnix();
        in.unlock();
        in.closeReader();
        return resets;
    }

    // Readiness.

    @Override
    int readiness() {
        State now = state.get();
        int ready = error.get() == 0 ? 0 : POLLERR;
        in.lock();
        boolean arrived = in.backlog != null ? !in.backlog.pending.isEmpty() : in.hasDataLocked();
        boolean readEnded = in.readEnded || lost;
        in.unlock();
        if (now == State.LISTENING && !protocol.isUnix()) {
            return arrived ? POLLIN | POLLRDNORM : 0;
        }
        out.lock();
        boolean writeEnded = out.writeEnded || lost;
        boolean roomy = !out.connecting && (out.roomyLocked() || (writeEnded && !protocol.isUnix()));
        out.unlock();
        ready |= arrived ? POLLIN | POLLRDNORM : 0;
        ready |= readEnded ? POLLIN | POLLRDNORM | POLLRDHUP : 0;
        ready |= (readEnded && writeEnded) || now == State.NEW || (!protocol.isUnix() && finished()) ? POLLHUP : 0;
        ready |= roomy && now != State.LISTENING ? protocol.writableEvents() : 0;
        return ready;
    }

    @Override
    boolean watch(Watch watch) {
        in.watch(watch, true, false);
        out.watch(watch, false, true);
        return true;
    }

    @Override
    void unwatch(Watch watch) {
        in.unwatch(watch);
        out.unwatch(watch);
    }
}
