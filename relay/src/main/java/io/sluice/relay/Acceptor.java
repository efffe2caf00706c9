// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EPOLLEXCLUSIVE;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOMAXCONN;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.System.Logger.Level;
import java.net.SocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Takes connections from one listening socket in one loop. When the process is short of descriptors it stops taking
 * them, and looks again when one has become free or a moment has passed: they wait in the kernel's queue meanwhile.
 * Belongs to its loop.
 */
final class Acceptor implements EventLoop.Watcher {
    /** What is to be done with a connection. */
    interface Taker {
        /** A connection: {@code fd} is non-blocking, and owned by whoever takes it. */
        void taken(int fd, SocketAddress peer);

        /** Whether the relay has room for one more. */
        boolean hasRoom();

        /** Frees a descriptor that is of less use than a connection; false when there is none. */
        default boolean shed() {
            return false;
        }

        /** Has {@code resume} run once in this loop, when a session has ended and with it something has become free. */
        default void whenRoom(Runnable resume) {}
    }

    private static final System.Logger LOG = System.getLogger(Acceptor.class.getName());

    /**
     * At most so many in a turn. Sessions have theirs in between, and whoever is behind them, on another core, has
     * something to do meanwhile: 64 that are always at the same point wait for each other, and 4 brought a tenth more.
     */
    private static final int PER_TURN = 4;

    private static final Duration PAUSE = Duration.ofMillis(100);

    /** Between two complaints of one listener. */
    private static final Duration SILENCE = Duration.ofMinutes(1);

    private final EventLoop loop;
    private final int fd;
    private final SocketAddress address;
    private final boolean shared;
    private final Taker taker;
    private final Timers.Timer pause = new Timers.Timer(this::resume);
    private long seat = -1;
    private final Runnable resume = this::resume; // one, since it may be asked for again and again
    private boolean paused;
    private long complainedNanos;
    private boolean complained;

    /**
     * Not watching yet.
     *
     * @param shared whether other loops take from the same socket: then only one of them is woken
     */
    Acceptor(EventLoop loop, int fd, SocketAddress address, boolean shared, Taker taker) {
        this.loop = loop;
        this.fd = fd;
        this.address = address;
        this.shared = shared;
        this.taker = taker;
    }

    /** Begins, or goes on after a pause; 0 or -errno. */
    long start() {
        long taken = loop.watch(fd, EPOLLIN | (shared ? EPOLLEXCLUSIVE : 0), this);
        if (taken >= 0) {
            seat = taken;
        }
        return Math.min(taken, 0);
    }

    /** Takes all that wait now, and no more: closing the socket would reset them. */
    void finish() {
        boolean more = seat >= 0;
        for (int i = 0; more && i < SOMAXCONN; i++) {
            more = take();
        }
        stop();
    }

    /** Takes no more; what waits is left to others. */
    void stop() {
        loop.timers().cancel(pause);
        paused = false;
        if (seat >= 0) {
            loop.forget(fd, seat, false);
            seat = -1;
        }
    }

    @Override
    public void ready(int events) {
        for (int i = 0; i < PER_TURN; i++) {
            if (!take()) {
                return;
            }
        }
    }

    /** Takes one connection; false when that is all for now. */
    private boolean take() {
        if (!taker.hasRoom()) {
            pause("the relay has as many sessions as it may");
            return false;
        }
        long kept = loop.spare().hold();
        while (lacksDescriptor(kept) && taker.shed()) {
            kept = loop.spare().hold();
        }
        if (kept < 0) {
            pause(Errno.name((int) -kept));
            return false;
        }
        long taken = loop.kernel().accept4(fd, SOCK_NONBLOCK | SOCK_CLOEXEC);
        while (lacksDescriptor(taken) && taker.shed()) {
            taken = loop.kernel().accept4(fd, SOCK_NONBLOCK | SOCK_CLOEXEC);
        }
        if (taken >= 0) {
            SocketAddress peer = peer(loop.kernel(), (int) taken);
            if (peer == null) {
                loop.kernel().close((int) taken); // gone before it could be asked
            } else {
                taker.taken((int) taken, peer);
            }
            return true;
        }
        if (isShortage(taken)) {
            pause(Errno.name((int) -taken));
            return false;
        }
        return switch ((int) -taken) {
            case Errno.EAGAIN -> false;
            case Errno.EBADF, Errno.EINVAL, Errno.ENOTSOCK, Errno.EFAULT, Errno.EOPNOTSUPP ->
                throw new IllegalStateException(
                        "accept4 on listener " + Sockets.text(address) + ": " + Errno.name((int) -taken));
            // All else concerns one connection that has failed before it was taken; accept(2).
            default -> true;
        };
    }

    /** Whether a call was refused for want of descriptors or memory, and may well be granted a moment later. */
    static boolean isShortage(long result) {
        return result == -Errno.EMFILE
                || result == -Errno.ENFILE
                || result == -Errno.ENOBUFS
                || result == -Errno.ENOMEM
                || result == -Errno.ENOSPC; // as many descriptors in epoll as a user may have
    }

    private static boolean lacksDescriptor(long result) {
        return result == -Errno.EMFILE || result == -Errno.ENFILE;
    }

    private @Nullable SocketAddress peer(Kernel kernel, int connection) {
        SocketAddress[] peer = new SocketAddress[1];
        return kernel.getpeername(connection, peer) < 0 ? null : peer[0];
    }

    private void pause(String why) {
        stop();
        paused = true;
        long now = loop.nowNanos();
        loop.timers().set(pause, now + PAUSE.toNanos());
        taker.whenRoom(resume);
        if (!complained || now - complainedNanos > SILENCE.toNanos()) {
            complained = true;
            complainedNanos = now;
            LOG.log(Level.WARNING, "connections to {0} wait: {1}", Sockets.text(address), why);
        }
    }

    private void resume() {
        if (!paused) {
            return;
        }
        paused = false;
        loop.timers().cancel(pause);
        long started = start();
        if (started < 0) {
            paused = true;
            loop.timers().set(pause, loop.nowNanos() + PAUSE.toNanos());
        }
    }
}
