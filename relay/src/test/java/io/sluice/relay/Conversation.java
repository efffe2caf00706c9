// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A relay with one loop, clients and a backend, all moved on by one test, in turns. Where the system itself is the
 * kernel, what one has sent may reach the other a moment later, so that silence counts only when it lasts.
 */
final class Conversation implements AutoCloseable {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long STEP_NANOS = 20_000;

    final LockStep loop;
    final BlockingQueue<SessionLog> logs = new LinkedBlockingQueue<>();
    private final Kernel kernel;
    private final boolean arrivesAtOnce;
    private final Path directory;
    private final List<Pair> pairs = new ArrayList<>();
    private final List<Integer> listeners = new ArrayList<>();
    private final List<Path> names = new ArrayList<>();
    private @Nullable Relay relay;
    private SocketAddress entrance = Far.anyPort();
    private int backend = -1;
    private Pair talking;
    private @Nullable Far lost;

    /**
     * Nobody is there yet.
     *
     * @param arrivesAtOnce whether what is sent is there when the call has answered
     * @param directory for Unix sockets
     */
    Conversation(Kernel kernel, boolean arrivesAtOnce, Path directory) {
        this.kernel = kernel;
        this.arrivesAtOnce = arrivesAtOnce;
        this.directory = directory;
        this.loop = new LockStep(kernel);
        this.talking = new Pair(kernel);
    }

    // Before.

    /** Where the backend listens, on TCP. */
    Address.Tcp backend() {
        backend = listener(Far.anyPort());
        return tcp(backend);
    }

    /** Where it listens, on a Unix socket. */
    Address unixBackend() {
        Path path = unused("backend");
        backend = listener(UnixDomainSocketAddress.of(path));
        return new Address.Unix(path);
    }

    private int listener(SocketAddress at) {
        int fd = Far.listener(kernel, at);
        listeners.add(fd);
        return fd;
    }

    private Address.Tcp tcp(int listener) {
        return new Address.Tcp("127.0.0.1", ((InetSocketAddress) Far.name(kernel, listener)).getPort());
    }

    /** The same place by an address that does not look as if it were on this machine; of this host, ip(7). */
    static Address distant(Address.Tcp near) {
        return new Address.Tcp("0.0.0.0", near.port());
    }

    /** Where nobody listens. */
    Address.Tcp nobody() {
        int fd = Far.listener(kernel, Far.anyPort());
        Address.Tcp at = tcp(fd);
        kernel.close(fd);
        return at;
    }

    /** A path for a Unix socket, which is taken away at the end. */
    Path unused(String name) {
        Path path = directory.resolve(name);
        names.add(path);
        return path;
    }

    /** Starts the relay; from here on its loop takes turns with the test. */
    void start(Route... routes) throws IOException {
        Relay started = Relay.start(loop, new Config(List.of(routes), 1, 0), logs::add);
        relay = started;
        entrance = started.addresses().values().iterator().next();
        loop.hold();
    }

    SocketAddress entrance() {
        return entrance;
    }

    // Talking.

    /** Another client comes; whoever the backend is connected to next is its server. */
    Pair begin() {
        talking = new Pair(kernel);
        pairs.add(talking);
        talking.client.connect(entrance);
        loop.rest();
        return talking;
    }

    /** From now on these two talk. */
    void resume(Pair pair) {
        talking = pair;
    }

    /** Each hears all that the other wants to say, unless the session ends before. */
    void hear() {
        Pair pair = talking;
        until(pair::allIsHeard);
    }

    /** All that can be done is done. */
    void settle() {
        until(() -> false);
    }

    /** Lets everybody do what can be done until {@code done}, or until the session is over, or nothing moves. */
    private void until(BooleanSupplier done) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!done.getAsBoolean()) {
            boolean moved = talking.send();
            loop.rest();
            moved |= meet();
            moved |= talking.receive();
            loop.rest();
            if (!moved && (arrivesAtOnce || !logs.isEmpty() || System.nanoTime() - deadline > 0)) {
                return;
            }
            if (!moved) {
                LockSupport.parkNanos(STEP_NANOS);
            }
        }
    }

    /** Takes the connection to the backend, once it is there. */
    private boolean meet() {
        return !talking.server.isThere() && talking.server.accept(backend);
    }

    /** The log of the session, which has to be over now; null when there is none. */
    @Nullable
    SessionLog ended() {
        until(() -> !logs.isEmpty());
        SessionLog log = logs.poll();
        meet();
        Pair pair = talking;
        until(pair::isOver);
        return log;
    }

    /** The far end of the loop's socket {@code fd} resets its connection. */
    void resetFarOf(int fd) {
        if (fd == loop.connected()) {
            meet();
        }
        Far far = fd == loop.accepted() ? talking.client : fd == loop.connected() ? talking.server : null;
        if (far != null && far.isThere() && !far.isGone()) {
            lost = far;
            far.reset();
        }
    }

    /** Who has reset its connection although its part did not say so; null when nobody has. */
    @Nullable
    Far lost() {
        return lost;
    }

    /** Ends the relay, and then all that is the test's. */
    @Override
    public void close() {
        loop.release();
        Relay started = relay;
        if (started != null) {
            started.close();
        }
        pairs.forEach(Pair::close);
        listeners.forEach(kernel::close);
        names.forEach(name -> kernel.unlink(name.toString()));
    }
}
