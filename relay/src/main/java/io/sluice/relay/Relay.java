// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.flow.Journal;
import io.sluice.flow.PipePool;
import io.sluice.kernel.Kernel;
import io.sluice.relay.record.DirectoryShelf;
import io.sluice.relay.record.Recorder;
import io.sluice.relay.record.Recording;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
    private static final System.Logger LOG = System.getLogger(Relay.class.getName());

    private final Kernel kernel;
    private final Consumer<SessionLog> log;
    private final Journal journal = new Journal();
    private final Instant since = Instant.now();
    private final AtomicInteger sessions = new AtomicInteger();
    private final List<Worker> workers = new ArrayList<>();
    private final Names names = new Names();

    // Guarded by this: the configuration, and what stands for it in the loops.
    private final Map<Address, Gate> gates = new LinkedHashMap<>();
    private final Map<LiveBackend, Checkup> checkups = new HashMap<>();
    private Map<Route, LiveRoute> routes = Map.of();
    private @Nullable Config config;
    private @Nullable Handover handover;
    private @Nullable Recorder recorder;
    private boolean ending; // no listener is opened any more
    private boolean closed;

    /**
     * What a successor gets. Read by the first loop without the lock, which whoever holds it may wait for; changed
     * before the first loop is asked to leave a socket, so that none is sent on that is closed.
     */
    private volatile List<Integer> listening = List.of();

    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final boolean successor;

    private Relay(Kernel kernel, Consumer<SessionLog> log, boolean successor) {
        this.kernel = kernel;
        this.log = log;
        this.successor = successor;
    }

    /** As {@link #start(Kernel, Config, Consumer, List)}, with sockets of its own. */
    public static Relay start(Kernel kernel, Config config, Consumer<SessionLog> log) throws IOException {
        return start(kernel, config, log, List.of());
    }

    /**
     * Starts a relay; when this returns it takes connections. Where the configuration names a place for the handover
     * and a relay waits there, this one takes over its listening sockets, and the other takes no more connections.
     *
     * @param kernel stays the caller's, and open as long as the relay runs
     * @param log told of each session when it is over, by the thread that relays: it must not wait
     * @param inherited listening sockets that the process was started with, which belong to the relay from now on;
     *     those at an address where it is to listen are used, with the connections that wait in them, and the others
     *     closed
     * @throws IOException naming the listener or the backend that cannot be had; nothing is left behind, and a relay
     *     that was to be followed goes on
     */
    public static Relay start(Kernel kernel, Config config, Consumer<SessionLog> log, List<Integer> inherited)
            throws IOException {
        Path place = config.handover();
        try (Predecessor before = place == null ? null : Predecessor.find(kernel, place)) {
            return start(kernel, config, log, inherited, before);
        }
    }

    private static Relay start(
            Kernel kernel,
            Config config,
            Consumer<SessionLog> log,
            List<Integer> inherited,
            @Nullable Predecessor before)
            throws IOException {
        Relay relay = new Relay(kernel, log, before != null);
        Path place = config.handover();
        try (Inheritance inheritance = new Inheritance(kernel)) {
            for (int fd : inherited) {
                inheritance.add(fd);
            }
            if (before != null) {
                before.bequeath(inheritance);
            }
            relay.startLoops(config);
            relay.reload(config, inheritance);
            if (place != null) {
                relay.openHandover(place, inheritance);
            }
            for (SocketAddress unused : inheritance.left()) {
                LOG.log(
                        Level.WARNING,
                        "no route listens at {0}: the socket that was given is closed",
                        Sockets.text(unused));
            }
            if (before != null) {
                before.dismiss();
                relay.ownNames();
            }
            return relay;
        } catch (IOException | RuntimeException e) {
            relay.abandon();
            relay.close();
            throw e;
        }
    }

    private void startLoops(Config first) throws IOException {
        // For its first line a log reads files, that of the time zones among them: now, and not when there is a lack of
        // descriptors to complain of, where failing to would end the loop.
        LOG.log(Level.DEBUG, "begins at {0}", ZonedDateTime.now(ZoneId.systemDefault()));
        // Three quarters of what the kernel grants are for sessions and the recording, the last one for mirrors.
        Recording recording = first.recording();
        Recorder writer = recording == null ? null : recorder(recording, first.loops());
        recorder = writer;
        long forRecording = recording == null ? 0 : Recorder.pipeBytes(kernel, recording);
        long pipeBytes = (PipePool.grantedBytes(kernel) - forRecording) / first.loops();
        long mirrorBytes = PipePool.grantedBytes(kernel) / 3 / first.loops();
        AtomicLong ordinal = new AtomicLong();
        for (int i = 0; i < first.loops(); i++) {
            PipePool pool = new PipePool(
                    kernel, journal, PipePool.DEFAULT_PIPES, pipeBytes, PipePool.DEFAULT_IDLE, Half.BUFFER_BYTES);
            EventLoop loop = new EventLoop(kernel, pool, "sluice-relay-" + i);
            PipePool mirrorPipes = new PipePool(
                    kernel, journal, PipePool.DEFAULT_PIPES, mirrorBytes, PipePool.DEFAULT_IDLE, Half.BUFFER_BYTES);
            Worker worker = new Worker(loop, mirrorPipes, log, sessions, first.maxSessions(), this::letIn);
            workers.add(worker);
            if (writer != null) {
                worker.record(
                        writer.deck(loop.beside("loop" + i)),
                        source -> first.recorded().takes(source, ordinal.getAndIncrement()));
            }
        }
        if (writer != null) {
            writer.start();
        }
        for (Worker worker : workers) {
            worker.loop().start(failure -> {
                ended.completeExceptionally(failure);
                Thread.startVirtualThread(this::stopAccepting); // which waits for the other loops
                worker.endSessions();
            });
        }
    }

    private Recorder recorder(Recording recording, int loops) {
        String version = Relay.class.getModule().getDescriptor() == null
                ? ""
                : Relay.class
                        .getModule()
                        .getDescriptor()
                        .rawVersion()
                        .map(" "::concat)
                        .orElse("");
        DirectoryShelf shelf = new DirectoryShelf(recording.directory());
        return new Recorder(kernel, recording, shelf, journal, loops, "sluice" + version);
    }

    /** From any loop. */
    private void letIn() {
        for (Worker worker : workers) {
            worker.loop().execute(worker::letIn);
        }
    }

    // The configuration.

    /**
     * Does from now on what {@code next} says. Sessions go on as they are, those of routes that are no more included; a
     * route or a backend that has not changed keeps its state. Either all of it is done or, with an exception, nothing.
     *
     * @throws IOException naming the listener or the backend that cannot be had
     * @throws IllegalArgumentException when something has changed that needs a new start: the number of loops, the
     *     limit of all sessions, the place of the handover, the admin address, the recording, the permissions of a Unix
     *     socket
     * @throws IllegalStateException when the relay is being drained or closed
     */
    public void reload(Config next) throws IOException {
        reload(next, new Inheritance(kernel));
    }

    private synchronized void reload(Config next, Inheritance inheritance) throws IOException {
        if (ending) {
            throw new IllegalStateException("the relay is ending, and takes no new configuration");
        }
        requireSameFrame(next);
        gates.forEach((address, gate) -> {
            List<Listen> wished = wishes(address, next);
            if (!wished.isEmpty()) {
                requireSame("mode, owner and group of " + address, gate.permissions(), Listen.permissions(wished));
            }
        });
        Map<Route, LiveRoute> live = new LinkedHashMap<>();
        Map<Address, Gate> opened = new LinkedHashMap<>();
        List<LiveBackend> added = new ArrayList<>();
        try {
            for (Route route : next.routes()) {
                LiveRoute known = routes.get(route);
                live.put(route, known != null ? known : live(route, added));
            }
            Set<Address> fresh =
                    new LinkedHashSet<>(Config.byAddress(next.routes()).keySet());
            fresh.removeAll(gates.keySet());
            requireDistinct(fresh);
            requireFree(fresh, inheritance);
            for (Address address : fresh) {
                opened.put(address, new Gate(kernel, address, wishes(address, next), workers, inheritance));
            }
            for (Map.Entry<Address, Gate> each : opened.entrySet()) {
                each.getValue().open(signpost(each.getKey(), live.values()));
            }
        } catch (IOException | RuntimeException e) {
            opened.values().forEach(Gate::abandon);
            added.forEach(names::remove);
            throw e;
        }
        // Nothing can fail from here on.
        config = next;
        routes = live;
        gates.putAll(opened);
        Set<Address> used = Config.byAddress(next.routes()).keySet();
        listening = gates.entrySet().stream()
                .filter(each -> used.contains(each.getKey()))
                .flatMap(each -> each.getValue().sockets().stream())
                .toList();
        closeUnused(used);
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
        if (now == null) {
            return;
        }
        requireSame("number of loops", now.loops(), next.loops());
        requireSame("limit of all sessions", now.maxSessions(), next.maxSessions());
        requireSame("place of the handover", now.handover(), next.handover());
        requireSame("admin address", now.admin(), next.admin());
        requireSame("recording", now.recording(), next.recording());
        requireSame("sample that is recorded", now.recorded(), next.recorded());
    }

    private static void requireSame(String what, @Nullable Object now, @Nullable Object next) {
        if (!Objects.equals(now, next)) {
            throw new IllegalArgumentException(
                    "the " + what + " of a relay that runs stays " + (now == null ? "none" : now)
                            + "; start a new relay to change it to " + (next == null ? "none" : next));
        }
    }

    /** One place has as many names as one likes; with SO_REUSEPORT each would get a share of its connections. */
    private void requireDistinct(Set<Address> fresh) throws IOException {
        Map<SocketAddress, Address> names = new HashMap<>();
        gates.forEach((address, gate) -> names.put(gate.bound(), address));
        for (Address address : fresh) {
            SocketAddress place = Entrance.socketAddress(address);
            Address other = choosesPort(place) ? null : names.putIfAbsent(place, address);
            if (other != null) {
                throw new IOException("listeners " + other + " and " + address
                        + " are the same place: write it in the same way for both");
            }
        }
    }

    private static boolean choosesPort(SocketAddress place) {
        return place instanceof InetSocketAddress at && at.getPort() == 0;
    }

    /** Where this relay or the one before it has the port for another address, that is meant. */
    private void requireFree(Set<Address> fresh, Inheritance inheritance) throws IOException {
        Set<Integer> ours = Stream.concat(gates.values().stream().map(Gate::bound), inheritance.left().stream())
                .filter(InetSocketAddress.class::isInstance)
                .map(place -> ((InetSocketAddress) place).getPort())
                .collect(Collectors.toSet());
        for (Address address : fresh) {
            if (address instanceof Address.Tcp tcp && !ours.contains(tcp.port())) {
                Entrance.requireFree(kernel, address);
            }
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
        List<LiveMirror> mirrors = new ArrayList<>();
        for (Mirror mirror : route.mirrors()) {
            LiveMirror known = known(route, mirror);
            if (known == null) {
                known = new LiveMirror(mirror);
                added.add(known.target());
                names.addLater(known.target()); // no mirror keeps a relay from its work
            }
            mirrors.add(known);
        }
        return new LiveRoute(route, backends, mirrors);
    }

    private @Nullable LiveMirror known(Route route, Mirror mirror) {
        return routes.values().stream()
                .filter(old -> old.name().equals(route.name()))
                .flatMap(old -> old.mirrors().stream())
                .filter(old -> old.mirror().equals(mirror))
                .findAny()
                .orElse(null);
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
        List<LiveBackend> unwatched = new ArrayList<>();
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
                } else {
                    unwatched.add(backend);
                }
            }
        }
        checkups.forEach((backend, old) -> {
            if (wanted.get(backend) != old) {
                firstLoop().call(old::stop); // after which it says nothing more of the backend
            }
        });
        // Nobody would find out that one of these is back.
        unwatched.forEach(backend -> backend.healthy(true, false, System.nanoTime()));
        wanted.forEach((backend, fresh) -> {
            if (checkups.get(backend) != fresh) {
                firstLoop().execute(fresh::start);
            }
        });
        checkups.clear();
        checkups.putAll(wanted);
        Set<LiveBackend> used = new HashSet<>();
        for (LiveRoute route : routes.values()) {
            used.addAll(route.backends());
            route.mirrors().forEach(mirror -> used.add(mirror.target()));
        }
        names.keepOnly(used);
    }

    private EventLoop firstLoop() {
        return workers.getFirst().loop();
    }

    // Before and after this relay.

    private synchronized void openHandover(Path place, Inheritance inheritance) throws IOException {
        Handover opened = new Handover(
                firstLoop(), place, inheritance, () -> listening, () -> Thread.startVirtualThread(this::leave));
        handover = opened;
        opened.open();
    }

    /** What waits is for the one that goes on, if there is one. */
    private synchronized void abandon() {
        gates.values().forEach(Gate::abandon);
        gates.clear();
    }

    private synchronized void ownNames() {
        gates.values().forEach(Gate::ownName);
        if (handover != null) {
            handover.ownName();
        }
    }

    /** A successor takes the connections. */
    private void leave() {
        synchronized (this) {
            ending = true; // a reload would listen beside the successor
            listening = List.of();
            gates.values().forEach(Gate::leave);
            gates.clear();
            if (handover != null) {
                handover.leave();
                handover = null;
            }
        }
        ended.complete(null);
    }

    /**
     * Done when another relay has taken over the listening sockets; done with an exception when a mistake of the relay
     * has ended one of its loops, with the sessions that lived in it. Either way this one takes no more connections,
     * and is to be drained or closed.
     */
    public CompletableFuture<Void> handedOver() {
        return ended.copy();
    }

    /** Whether it took the listening sockets over from another relay. */
    public boolean isSuccessor() {
        return successor;
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

    /** As it is now. */
    public synchronized RelayStatus status() {
        return new RelayStatus(
                since,
                !gates.isEmpty(),
                sessions(),
                routes.values().stream().map(LiveRoute::status).toList(),
                workers.stream().map(Worker::status).toList(),
                recorder == null ? null : recorder.status());
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
        while (!isIdle() && System.nanoTime() - endNanos < 0) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
        boolean all = isIdle();
        close();
        return all;
    }

    /** Whether no session is left, and nothing is on its way to a mirror. */
    private boolean isIdle() {
        return sessions.get() == 0 && workers.stream().allMatch(worker -> worker.shadows() == 0);
    }

    private synchronized void stopAccepting() {
        ending = true;
        listening = List.of();
        gates.values().forEach(Gate::close);
        gates.clear();
        if (handover != null) {
            handover.close();
            handover = null;
        }
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
            worker.loop().end();
        }
        if (recorder != null) {
            recorder.close(); // writes what the loops have left
        }
        // Only now is no loop left that could wake another by a number that is somebody else's by then.
        for (Worker worker : workers) {
            worker.loop().close();
            worker.mirrorPipes().close();
        }
    }
}
