// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.ErrnoException;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;

/** One address, with its sockets and with a door and an acceptor in every loop. Called under the relay's lock. */
final class Gate {
    private final List<Worker> workers;
    private final Address address;
    private final Entrance entrance;
    private final List<Door> doors = new ArrayList<>();
    private final List<Acceptor> acceptors = new ArrayList<>();

    /** Listens; connections wait in the kernel until {@link #open}. */
    Gate(Kernel kernel, Address address, List<Listen> wishes, List<Worker> workers) throws IOException {
        this.workers = workers;
        this.address = address;
        this.entrance = new Entrance(kernel, address, wishes, workers.size());
    }

    SocketAddress bound() {
        return entrance.bound();
    }

    /** Begins to take connections. */
    void open(Signpost signpost) throws IOException {
        boolean shared = entrance.isShared() && workers.size() > 1;
        for (int i = 0; i < workers.size(); i++) {
            Worker worker = workers.get(i);
            Door door = new Door(worker, address.toString(), signpost);
            doors.add(door);
            acceptors.add(new Acceptor(worker.loop(), entrance.socket(i), entrance.bound(), shared, door));
        }
        long[] started = new long[workers.size()];
        inEachLoop(i -> started[i] = acceptors.get(i).start());
        for (long result : started) {
            if (result < 0) {
                throw new ErrnoException("epoll_ctl", result, "listener on " + address);
            }
        }
    }

    /** From now on, for new connections. */
    void follow(Signpost signpost) {
        inEachLoop(i -> doors.get(i).follow(signpost));
    }

    /** Takes what waits in the kernel, and no more. */
    void close() {
        if (!acceptors.isEmpty()) {
            inEachLoop(i -> acceptors.get(i).finish());
        }
        entrance.close();
    }

    /** Has each loop do something, and waits for that. */
    private void inEachLoop(IntConsumer task) {
        CountDownLatch left = new CountDownLatch(workers.size());
        for (int i = 0; i < workers.size(); i++) {
            int index = i;
            workers.get(i).loop().execute(() -> {
                try {
                    task.accept(index);
                } finally {
                    left.countDown();
                }
            });
        }
        boolean interrupted = false;
        while (true) {
            try {
                left.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
