// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.flow.Journal;
import io.sluice.flow.PipePool;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

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
    private final Names names = new Names();

    // Guarded by this: the configuration, and what stands for it in the loops.
    private final Map<Address, Gate> gates = new LinkedHashMap<>();
    private final Map<LiveBackend, Checkup> checkups = new HashMap<>();
    private Map<Route, LiveRoute> routes = Map.of();
    private @Nullable Config config;
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
            relay.startLoops(config);
            relay.reload(config);
            return relay;
        } catch (IOException | RuntimeException e) {
            relay.close();
            throw e;
        }
    }

    private void startLoops(Config first) throws IOException {
        long pipeBytes = PipePool.grantedBytes(kernel) / first.loops();
        for (int i = 0; i < first.loops(); i++) {
            PipePool pool = new PipePool(kernel, journal, PipePool.DEFAULT_PIPES, pipeBytes, PipePool.DEFAULT_IDLE);
            EventLoop loop = new EventLoop(kernel, pool, "sluice-relay-" + i);
            workers.add(new Worker(loop, log, sessions, first.maxSessions()));
            loop.start();
        }
    }

    // The configuration.

    /**
     * Does from now on what {@code next} says. Sessions go on as they are, those of routes that are no more included; a
     * route or a backend that has not changed keeps its state. Either all of it is done or, with an exception, nothing.
     *
     * @throws IOException naming the listener or the backend that cannot be had
     * @throws IllegalArgumentException when the number of loops or the most sessions have changed, which need a new
     *     start
     */
    public synchronized void reload(Config next) throws IOException {
        requireSameFrame(next);
        Map<Route, LiveRoute> live = new LinkedHashMap<>();
        Map<Address, Gate> opened = new LinkedHashMap<>();
        List<LiveBackend> added = new ArrayList<>();
        try {
            for (Route route : next.routes()) {
                LiveRoute known = routes.get(route);
                live.put(route, known != null ? known : live(route, added));
            }
            for (Address address : Config.byAddress(next.routes()).keySet()) {
                if (!gates.containsKey(address)) {
                    opened.put(address, new Gate(kernel, address, wishes(address, next), workers));
                }
            }
            for (Map.Entry<Address, Gate> each : opened.entrySet()) {
                each.getValue().open(signpost(each.getKey(), live.values()));
            }
        } catch (IOException | RuntimeException e) {
            opened.values().forEach(Gate::close);
            added.forEach(names::remove);
            throw e;
        }
        // Nothing can fail from here on.
        config = next;
        routes = live;
        gates.putAll(opened);
        closeUnused(Config.byAddress(next.routes()).keySet());
        gates.forEach((address, gate) -> gate.follow(signpost(address, live.values())));
        watchBackends();
    }

    private static List<Listen> wishes(Address address, Config config) {
        return config.routes().stream()
                .flatMap(route -> route.listens().stream())
                .filter(listen -> listen.address().equals(address))
                .toList();
    }

    private void requireSameFrame(Config next) {
        Config now = config;
        if (now != null && (now.loops() != next.loops() || now.maxSessions() != next.maxSessions())) {
            throw new IllegalArgumentException("the number of loops and the most sessions of a relay that runs stay "
                    + now.loops() + " and " + now.maxSessions() + "; start a new one to change them");
        }
    }

    private LiveRoute live(Route route, List<LiveBackend> added) throws IOException {
        List<LiveBackend> backends = new ArrayList<>();
        for (Backend backend : route.backends()) {
            LiveBackend known = known(route, backend);
            if (known == null) {
                known = new LiveBackend(backend);
                added.add(known);
                names.add(known);
            }
            backends.add(known);
        }
        return new LiveRoute(route, backends);
    }

    /** The same backend of a route of the same name, which keeps its sessions and its health. */
    private @Nullable LiveBackend known(Route route, Backend backend) {
        return routes.values().stream()
                .filter(old -> old.name().equals(route.name()))
                .flatMap(old -> old.backends().stream())
                .filter(old -> old.backend().equals(backend))
                .findAny()
                .orElse(null);
    }

    private void closeUnused(Set<Address> used) {
        gates.entrySet().removeIf(each -> {
            boolean unused = !used.contains(each.getKey());
            if (unused) {
                each.getValue().close();
            }
            return unused;
        });
    }

    private static Signpost signpost(Address address, Collection<LiveRoute> routes) {
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

    /** Ends the checkups of backends that are gone, or are to be watched in another way, and begins the new ones. */
    private void watchBackends() {
        Map<LiveBackend, Checkup> wanted = new HashMap<>();
        for (LiveRoute route : routes.values()) {
            Health health = route.route().health();
            for (LiveBackend backend : route.backends()) {
                if (health != null) {
                    Checkup known = checkups.get(backend);
                    boolean goesOn = known != null && known.health().equals(health);
                    wanted.put(
                            backend,
                            goesOn
                                    ? known
                                    : new Checkup(
                                            firstLoop(),
                                            backend,
                                            health,
                                            route.route().keepAlive()));
                }
            }
        }
        checkups.forEach((backend, old) -> {
            if (wanted.get(backend) != old) {
                firstLoop().execute(old::stop);
            }
        });
        wanted.forEach((backend, fresh) -> {
            if (checkups.get(backend) != fresh) {
                firstLoop().execute(fresh::start);
            }
        });
        checkups.clear();
        checkups.putAll(wanted);
        Set<LiveBackend> used = new HashSet<>();
        routes.values().forEach(route -> used.addAll(route.backends()));
        names.keepOnly(used);
    }

    private EventLoop firstLoop() {
        return workers.getFirst().loop();
    }

    // At work.

    /** Where it listens, by what the configuration calls it; with the ports that it got where 0 was asked for. */
    public synchronized Map<Address, SocketAddress> addresses() {
        Map<Address, SocketAddress> bound = new LinkedHashMap<>();
        gates.forEach((address, gate) -> bound.put(address, gate.bound()));
        return bound;
    }

    /** Sessions now. */
    public int sessions() {
        return sessions.get();
    }

    /**
     * Gives a backend no more sessions, or sessions again; those that it has go on.
     *
     * @return false when there is no such backend
     */
    public synchronized boolean drainBackend(String route, String backend, boolean on) {
        boolean found = false;
        for (LiveRoute live : routes.values()) {
            for (LiveBackend each : live.backends()) {
                if (live.name().equals(route) && each.backend().name().equals(backend)) {
                    each.drain(on);
                    found = true;
                }
            }
        }
        return found;
    }

    // The end.

    /**
     * Takes no more connections, and waits for the sessions to end; those that are left at the deadline are reset.
     * Connections that were waiting to be taken are taken first.
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
        gates.values().forEach(Gate::close);
        gates.clear();
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
        names.close();
        synchronized (this) {
            checkups.values().forEach(each -> firstLoop().execute(each::stop));
            checkups.clear();
        }
        for (Worker worker : workers) {
            worker.loop().execute(worker::endSessions);
            worker.loop().close();
        }
    }
}
