// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EPOLLERR;
import static io.sluice.kernel.Flags.EPOLLET;
import static io.sluice.kernel.Flags.EPOLLHUP;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLLPRI;
import static io.sluice.kernel.Flags.EPOLLRDHUP;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.SHUT_WR;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_ERROR;
import static io.sluice.kernel.Flags.SO_LINGER;
import static io.sluice.kernel.Flags.TCP_NODELAY;

import io.sluice.flow.Descriptor;
import io.sluice.flow.Endpoint;
import io.sluice.kernel.Kernel;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * One side of a session: a non-blocking stream socket, and what epoll has told of it that nobody has used up. Watched
 * once, by edges, from the beginning to the end: no system call is spent on changing one's mind. Belongs to its loop.
 */
final class Peer implements EventLoop.Watcher {
    private static final int INTEREST = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;

    private final EventLoop loop;
    private final Descriptor descriptor;
    private final Endpoint endpoint;
    private final SocketAddress address;
    private final Runnable woken;
    private long seat = -1;

    private boolean readable;
    private boolean writable;
    private boolean hungUp;
    private boolean urgent;
    private boolean failed;
    private boolean reset;

    /**
     * Takes charge of a socket.
     *
     * @param address the other side's, for people
     * @param woken is told when anything has changed
     */
    Peer(EventLoop loop, int fd, SocketAddress address, Runnable woken) {
        this.loop = loop;
        this.descriptor = new Descriptor(loop.kernel(), fd);
        this.endpoint = Endpoint.nonBlockingSocket(loop.kernel(), descriptor);
        this.address = address;
        this.woken = woken;
    }

    /** Begins to be told; 0 or -errno. */
    long watch() {
        long taken = loop.watch(fd(), INTEREST, this);
        if (taken >= 0) {
            seat = taken;
        }
        return Math.min(taken, 0);
    }

    @Override
    public void ready(int events) {
        readable |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        writable |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
        hungUp |= (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
        urgent |= (events & EPOLLPRI) != 0;
        failed |= (events & EPOLLERR) != 0;
        woken.run();
    }

    int fd() {
        return descriptor.fd();
    }

    Endpoint endpoint() {
        return endpoint;
    }

    SocketAddress address() {
        return address;
    }

    /** Where the other side has connected to; null when the socket cannot tell. */
    @Nullable
    SocketAddress localAddress() {
        SocketAddress[] own = new SocketAddress[1];
        return kernel().getsockname(fd(), own) < 0 ? null : own[0];
    }

    private Kernel kernel() {
        return loop.kernel();
    }

    // What epoll has told.

    /** Whether a read may bring something: bytes, the end, or an error. */
    boolean readable() {
        return readable;
    }

    /** Whether a write may be taken. */
    boolean writable() {
        return writable;
    }

    /**
     * A read found nothing: the next edge tells when there is more. Once after something urgent that is not believed,
     * since a splice finds nothing before that either.
     */
    void foundEmpty() {
        readable = urgent;
        urgent = false;
    }

    /**
     * A read came short. That there is nothing more is certain only as long as no end has been announced, and nothing
     * urgent, before which a read stops whatever is behind it.
     */
    void readShort() {
        readable = hungUp || urgent;
    }

    /**
     * Whether a read that comes short has taken the last that there was: an orderly end is known, and nothing urgent.
     */
    boolean endIsAnnounced() {
        return hungUp && !urgent && !failed && !reset;
    }

    /** A write found no room. */
    void foundFull() {
        writable = false;
    }

    /** A write was told of a reset. The kernel tells it once: reads will end, now, as if the stream were complete. */
    void wasReset() {
        reset = true;
        readable = true;
    }

    /** Whether an end that a read finds is none, but a reset that a write was told of. */
    boolean isReset() {
        return reset;
    }

    /** Something may have come or gone that no edge has told yet, as on a socket that was just accepted. */
    void assumeReady() {
        readable = true;
        writable = true;
    }

    /** A connection that stands takes a write; what it brings, epoll tells. */
    void assumeWritable() {
        writable = true;
    }

    /** Whether an event has said that the connection has ended with an error, which a read will tell after all data. */
    boolean hasFailed() {
        return failed;
    }

    /** The error that the connection has ended with, after an event said that there is one; 0 for none. Asks once. */
    int takeError() {
        if (!failed) {
            return 0;
        }
        failed = false;
        return socketError();
    }

    /** SO_ERROR, which the question takes away. */
    int socketError() {
        int[] error = new int[1];
        long answered = kernel().getsockopt(fd(), SOL_SOCKET, SO_ERROR, error);
        return answered < 0 ? (int) -answered : error[0];
    }

    // Its end.

    /**
     * Sends what the kernel keeps back to go with what follows; a socket that keeps nothing back refuses, or does
     * nothing.
     */
    void push() {
        kernel().setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, 1);
    }

    /** Says that nothing more will be sent; what has been sent still goes out. */
    void endWriting() {
        kernel().shutdown(fd(), SHUT_WR);
    }

    /**
     * Closes the socket.
     *
     * @param reset whether the other side is to see a reset, as the one here did
     */
    void close(boolean reset) {
        if (reset) {
            kernel().setsockopt(fd(), SOL_SOCKET, SO_LINGER, 1, 0);
        }
        if (seat >= 0) {
            loop.forget(fd(), seat, true);
            seat = -1;
        }
        descriptor.close();
    }
}
