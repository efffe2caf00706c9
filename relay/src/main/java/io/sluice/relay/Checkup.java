// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_NOSIGNAL;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Watches one backend: connects now and then, says something and looks for an answer where that is configured, and
 * tells the backend when enough outcomes in a row say that it has gone or is back. Belongs to a loop.
 */
final class Checkup {
    private static final System.Logger LOG = System.getLogger(Checkup.class.getName());

    /** What is kept of an answer to look for the expected words in. */
    private static final int ANSWER_BYTES = 4096;

    private final EventLoop loop;
    private final LiveBackend backend;
    private final Health health;
    private final KeepAlive keepAlive;
    private final Timers.Timer next = new Timers.Timer(this::begin);
    private final Timers.Timer limit = new Timers.Timer(() -> done("no answer in time"));

    private @Nullable Peer peer;
    private boolean connected;
    private boolean said;
    private final StringBuilder answer = new StringBuilder();
    private int inARow; // above 0: successes, below 0: failures
    private boolean stopped;

    /** A checkup that has not begun. */
    Checkup(EventLoop loop, LiveBackend backend, Health health, KeepAlive keepAlive) {
        this.loop = loop;
        this.backend = backend;
        this.health = health;
        this.keepAlive = keepAlive;
    }

    Health health() {
        return health;
    }

    private Kernel kernel() {
        return loop.kernel();
    }

    /** Begins with the first check at once. */
    void start() {
        begin();
    }

    void stop() {
        stopped = true;
        loop.timers().cancel(next);
        loop.timers().cancel(limit);
        hangUp();
    }

    private void begin() {
        SocketAddress address = backend.nextAddress();
        if (address == null) {
            done("its name is not known");
            return;
        }
        long fd = Sockets.stream(kernel(), address, keepAlive);
        if (Acceptor.isShortage(fd)) {
            // Ours, of which the backend knows nothing: a flood of clients must not take all backends down.
            backend.lastCheck("put off: " + Errno.name((int) -fd));
            again();
            return;
        }
        if (fd < 0) {
            done("socket: " + Errno.name((int) -fd));
            return;
        }
        connected = false;
        said = false;
        answer.setLength(0);
        Peer made = new Peer(loop, (int) fd, address, this::goOn);
        peer = made;
        long result = Sockets.connect(kernel(), (int) fd, address);
        if (result < 0 && result != -Errno.EINPROGRESS) {
            done("connect: " + Errno.name((int) -result));
            return;
        }
        connected = result == 0;
        long watched = made.watch();
        if (watched < 0) {
            done("epoll_ctl: " + Errno.name((int) -watched));
            return;
        }
        loop.timers().set(limit, loop.nowNanos() + health.timeout().toNanos());
        if (connected) {
            goOn();
        }
    }

    private void goOn() {
        Peer to = peer;
        if (to == null) {
            return;
        }
        if (!connected) {
            if (!to.writable()) {
                return;
            }
            int error = to.socketError();
            if (error != 0) {
                done("connect: " + Errno.name(error));
                return;
            }
            connected = true;
        }
        if (!said) {
            said = true;
            String failure = say(to);
            if (failure != null) {
                done(failure);
                return;
            }
        }
        if (health.expect().isEmpty()) {
            done(null);
        } else {
            listen(to);
        }
    }

    /** It is short, and the connection new: what does not fit at once does not fit. */
    private @Nullable String say(Peer to) {
        byte[] words = health.send().getBytes(StandardCharsets.ISO_8859_1);
        if (words.length == 0) {
            return null;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(words.length);
            memory.copyFrom(MemorySegment.ofArray(words));
            long sent = kernel().send(to.fd(), memory, MSG_DONTWAIT | MSG_NOSIGNAL);
            return sent == words.length ? null : "send: " + (sent < 0 ? Errno.name((int) -sent) : sent + " bytes");
        }
    }

    private void listen(Peer to) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ANSWER_BYTES);
            while (true) {
                long got = kernel().recv(to.fd(), memory, MSG_DONTWAIT);
                if (got == -Errno.EINTR) {
                    continue;
                }
                if (got == -Errno.EAGAIN) {
                    to.foundEmpty();
                    return;
                }
                if (got <= 0) {
                    done(got == 0 ? "it has answered something else" : "recv: " + Errno.name((int) -got));
                    return;
                }
                byte[] words = memory.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE);
                answer.append(new String(words, StandardCharsets.ISO_8859_1));
                if (answer.indexOf(health.expect()) >= 0) {
                    done(null);
                    return;
                }
                if (answer.length() > ANSWER_BYTES) {
                    done("it has answered something else");
                    return;
                }
            }
        }
    }

    /** One check is over: with {@code failure}, or well. */
    private void done(@Nullable String failure) {
        loop.timers().cancel(limit);
        hangUp();
        backend.lastCheck(failure == null ? "ok" : failure);
        if (failure == null) {
            inARow = Math.max(inARow, 0) + 1;
            if (!backend.isHealthy() && inARow >= health.rise()) {
                LOG.log(Level.INFO, "backend {0} is up", backend);
                backend.healthy(true, !health.slowStart().isZero(), loop.nowNanos());
            }
        } else {
            inARow = Math.min(inARow, 0) - 1;
            if (backend.isHealthy() && -inARow >= health.fall()) {
                LOG.log(Level.WARNING, "backend {0} is down: {1}", backend, failure);
                backend.healthy(false, false, loop.nowNanos());
            }
        }
        again();
    }

    private void again() {
        if (!stopped) {
            loop.timers().set(next, loop.nowNanos() + health.interval().toNanos());
        }
    }

    /** By a reset: nobody waits for the last words of a check, and its port is free again at once. */
    private void hangUp() {
        Peer last = peer;
        peer = null;
        if (last != null) {
            last.close(true);
        }
    }
}
