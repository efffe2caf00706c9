// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.ErrnoException;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * One address, with its sockets, a door in every loop and an acceptor for every socket. Called under the relay's lock.
 */
final class Gate {
    private final List<Worker> workers;
    private final Address address;
    private final List<String> permissions;
    private final Entrance entrance;
    private final List<Door> doors = new ArrayList<>();
    private final List<Acceptor> acceptors = new ArrayList<>();

    /** Listens; connections wait in the kernel until {@link #open}. */
    Gate(Kernel kernel, Address address, List<Listen> wishes, List<Worker> workers, Inheritance inheritance)
            throws IOException {
        this.workers = workers;
        this.address = address;
        this.permissions = Listen.permissions(wishes);
        this.entrance = new Entrance(kernel, address, wishes, workers.size(), inheritance);
    }

    List<String> permissions() {
        return permissions;
    }

    SocketAddress bound() {
        return entrance.bound();
    }

    List<Integer> sockets() {
        return entrance.sockets();
    }

    /** Begins to take connections. */
    void open(Signpost signpost) throws IOException {
        for (Worker worker : workers) {
            doors.add(new Door(worker, address.toString(), signpost));
        }
        List<Integer> sockets = entrance.sockets();
        // There may be more loops than sockets, and of inherited sockets more than loops: each must have the other.
        boolean shared = sockets.size() < workers.size();
        for (int i = 0; i < Math.max(workers.size(), sockets.size()); i++) {
            EventLoop loop = loop(i);
            Acceptor acceptor = new Acceptor(
                    loop, sockets.get(i % sockets.size()), entrance.bound(), shared, doors.get(i % workers.size()));
            acceptors.add(acceptor);
            long[] started = new long[1];
            loop.call(() -> started[0] = acceptor.start());
            if (started[0] < 0) {
                throw new ErrnoException("epoll_ctl", started[0], "listener on " + address);
            }
        }
    }

    private EventLoop loop(int acceptor) {
        return workers.get(acceptor % workers.size()).loop();
    }

    /** From now on, for new connections. */
    void follow(Signpost signpost) {
        for (int i = 0; i < workers.size(); i++) {
            Door door = doors.get(i);
            loop(i).call(() -> door.follow(signpost));
        }
    }

    /** Whoever had the sockets before has left them, and the name of a Unix socket with them. */
    void ownName() {
        entrance.ownName();
    }

    /** Takes no more: whoever has the sockets, too, takes what waits. */
    void leave() {
        entrance.leaveName();
        close(Acceptor::stop);
    }

    /** Takes nothing: who had the sockets before goes on with them. */
    void abandon() {
        close(Acceptor::stop);
    }

    /** Takes what waits in the kernel, and no more. */
    void close() {
        close(Acceptor::finish);
    }

    private void close(Consumer<Acceptor> ending) {
        for (int i = 0; i < acceptors.size(); i++) {
            Acceptor acceptor = acceptors.get(i);
            loop(i).call(() -> ending.accept(acceptor));
        }
        entrance.close();
    }
}
