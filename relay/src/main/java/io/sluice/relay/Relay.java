// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.ErrnoException;
import io.sluice.flow.Journal;
import io.sluice.flow.PipePool;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A relay at work: it listens where its configuration says, and brings what comes to the backends. Safe for any thread.
 * Closing it ends everything; {@link #drain} lets sessions finish first.
 *
 * <pre>{@code
 * Route route = Route.named("db")
 *         .listen(Listen.on(Address.parse(":5432")))
 *         .to(Backend.at(Address.parse("db1:5432")))
 *         .build();
 * try (Relay relay = Relay.start(kernel, Config.of(route), System.out::println)) { ... }
 * }</pre>
 */
public final class Relay implements AutoCloseable {
    private final Kernel kernel;
    private final Consumer<SessionLog> log;
    private final Journal journal = new Journal();
    private final AtomicInteger sessions = new AtomicInteger();
    private final List<Worker> workers = new ArrayList<>();

    // Guarded by this: the configuration, and what stands for it in the loops.
    private final Map<Address, Entrance> entrances = new LinkedHashMap<>();
    private final Map<Address, List<Acceptor>> acceptors = new HashMap<>();
    private final Map<Address, List<Door>> doors = new HashMap<>();
    private List<LiveRoute> routes = List.of();
    private boolean closed;

    private Relay(Kernel kernel, Consumer<SessionLog> log) {
        this.kernel = kernel;
        this.log = log;
    }

    /**
     * Starts a relay; when this returns it takes connections.
     *
     * @param kernel stays the caller's, and open as long as the relay runs
     * @param log told of each session when it is over, by the thread that relays: it must not wait
     * @throws IOException naming the listener or the backend that cannot be had; nothing is left behind
     */
    public static Relay start(Kernel kernel, Config config, Consumer<SessionLog> log) throws IOException {
        Relay relay = new Relay(kernel, log);
        try {
            relay.open(config);
            return relay;
        } catch (IOException | RuntimeException e) {
            relay.close();
            throw e;
        }
    }

    private synchronized void open(Config config) throws IOException {
        List<LiveRoute> live = new ArrayList<>();
        for (Route route : config.routes()) {
            live.add(live(route));
        }
        for (Address address : Config.byAddress(config.routes()).keySet()) {
            entrances.put(address, new Entrance(kernel, address, config.loops()));
        }
        for (int i = 0; i < config.loops(); i++) {
            PipePool pool = new PipePool(
                    kernel,
                    journal,
                    PipePool.DEFAULT_PIPES,
                    PipePool.grantedBytes(kernel) / config.loops(),
                    PipePool.DEFAULT_IDLE);
            EventLoop loop = new EventLoop(kernel, pool, "sluice-relay-" + i);
            Worker worker = new Worker(loop, log, sessions, config.maxSessions());
            workers.add(worker);
            loop.start();
        }
        routes = live;
        for (Map.Entry<Address, Entrance> each : entrances.entrySet()) {
            accept(each.getKey(), each.getValue());
        }
    }

    private static LiveRoute live(Route route) throws IOException {
        List<LiveBackend> backends = new ArrayList<>();
        for (Backend backend : route.backends()) {
            LiveBackend live = new LiveBackend(backend);
            live.resolved(resolve(backend.address()));
            backends.add(live);
        }
        return new LiveRoute(route, backends);
    }

    private static List<SocketAddress> resolve(Address address) throws IOException {
        return switch (address) {
            case Address.Unix unix -> List.of(UnixDomainSocketAddress.of(unix.path()));
            case Address.Tcp tcp -> {
                List<SocketAddress> found = new ArrayList<>();
                for (InetAddress each : InetAddress.getAllByName(tcp.host())) {
                    found.add(new InetSocketAddress(each, tcp.port()));
                }
                yield found;
            }
        };
    }

    private void accept(Address address, Entrance entrance) throws IOException {
        Signpost signpost = signpost(address);
        List<Acceptor> here = new ArrayList<>();
        List<Door> in = new ArrayList<>();
        for (int i = 0; i < workers.size(); i++) {
            Worker worker = workers.get(i);
            Door door = new Door(worker, address.toString(), signpost);
            Acceptor acceptor = new Acceptor(
                    worker.loop(),
                    entrance.socket(i),
                    entrance.bound(),
                    entrance.isShared() && workers.size() > 1,
                    door);
            long[] started = new long[1];
            inLoop(worker, () -> started[0] = acceptor.start());
            if (started[0] < 0) {
                throw new ErrnoException("epoll_ctl", started[0], "listener on " + address);
            }
            here.add(acceptor);
            in.add(door);
        }
        acceptors.put(address, here);
        doors.put(address, in);
    }

    private Signpost signpost(Address address) {
        List<LiveRoute> here = new ArrayList<>();
        List<Cidr> proxyFrom = new ArrayList<>();
        for (LiveRoute route : routes) {
            for (Listen listen : route.route().listens()) {
                if (listen.address().equals(address)) {
                    here.add(route);
                    proxyFrom.addAll(listen.proxyFrom());
                }
            }
        }
        return new Signpost(here, proxyFrom);
    }

    /** Has a loop do something, and waits for it. */
    private static void inLoop(Worker worker, Runnable task) {
        CountDownLatch done = new CountDownLatch(1);
        worker.loop().execute(() -> {
            try {
                task.run();
            } finally {
                done.countDown();
            }
        });
        boolean interrupted = false;
        while (true) {
            try {
                done.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // At work.

    /** Where it listens, by what the configuration calls it; with the ports that it got where 0 was asked for. */
    public synchronized Map<Address, SocketAddress> addresses() {
        Map<Address, SocketAddress> bound = new LinkedHashMap<>();
        entrances.forEach((address, entrance) -> bound.put(address, entrance.bound()));
        return bound;
    }

    /** Sessions now. */
    public int sessions() {
        return sessions.get();
    }

    // The end.

    /**
     * Takes no more connections, and waits for the sessions to end; those that are left at the deadline are reset.
     *
     * @return whether all ended by themselves
     */
    public boolean drain(Duration deadline) throws InterruptedException {
        stopAccepting();
        long endNanos = System.nanoTime() + deadline.toNanos();
        while (sessions.get() > 0 && System.nanoTime() - endNanos < 0) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
        boolean all = sessions.get() == 0;
        close();
        return all;
    }

    private synchronized void stopAccepting() {
        acceptors.values().forEach(each -> {
            for (int i = 0; i < each.size(); i++) {
                inLoop(workers.get(i), each.get(i)::stop);
            }
        });
        acceptors.clear();
        entrances.values().forEach(Entrance::close);
    }

    /** Ends all sessions, and waits for the loops. Closing again does nothing. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        stopAccepting();
        for (Worker worker : workers) {
            worker.loop().execute(worker::endSessions);
            worker.loop().close();
        }
    }
}
