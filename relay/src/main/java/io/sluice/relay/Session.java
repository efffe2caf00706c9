// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.relay.Termination.Cause;
import io.sluice.relay.Termination.Phase;
import io.sluice.relay.record.Deck;
import io.sluice.relay.record.Tape;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One connection from a client and what becomes of it.
 *
 * <pre>
 *   HELLO ----> QUEUE ----> CONNECT ----> DATA ----> LAST ----> ENDED
 *   only where   only when    a backend,    both       one
 *   a header is  the route    or the next   directions  direction
 *   looked at    is full      one
 * </pre>
 *
 * <p>The ends of the two directions are carried on as they come: an end of file to the other side, when all bytes
 * before it are there; a reset as a reset. Belongs to its loop.
 */
final class Session implements Admission.Waiting {
    /** What a loop does for its sessions. */
    interface Host {
        /** The route for what a client has said; null when there is none. */
        @Nullable
        LiveRoute route(@Nullable String serverName);

        /** How long a client has for what is looked at before its route is known. */
        Duration helloTimeout();

        /** A backend of that route. */
        @Nullable
        LiveBackend choose(LiveRoute route, SocketAddress source, Set<LiveBackend> tried);

        /** Where the session lives. */
        Worker worker();

        /** Where the session is recorded; null when it is not. Asked once. */
        @Nullable
        Deck deck(LiveRoute route, SocketAddress source);

        /** The session is over. */
        void ended(Session session, SessionLog log);
    }

    private static final System.Logger LOG = System.getLogger(Session.class.getName());

    private final EventLoop loop;
    private final Host host;
    private final Greeting greeting;
    private final String listener;
    private final Peer client;
    private final Instant accepted = Instant.now();
    private final long acceptedNanos;
    private final Timers.Timer timer = new Timers.Timer(() -> guarded(this::timedOut));
    private final Timers.Timer throttle = new Timers.Timer(this::advance);
    private final Set<LiveBackend> tried = new HashSet<>(2);

    private Phase phase = Phase.HELLO;
    private SocketAddress source;
    private @Nullable LiveRoute route;
    private boolean admitted;
    private @Nullable LiveBackend backend;
    private @Nullable Peer server;
    private boolean connected;
    private @Nullable Half up;
    private @Nullable Half down;
    private List<Shadow> shadows = List.of();
    private @Nullable Tape tape;

    private long phaseNanos;
    private long activeNanos;
    private long helloNanos;
    private long queuedNanos;
    private long connectingNanos;
    private String lastFailure = "";
    private Cause lastCause = Cause.SERVER;
    private boolean running; // advance() is on the stack, or is to run in the next turn

    /**
     * A session at its beginning.
     *
     * @param fd the client's socket, which this session owns from now on
     * @param listener the address it came to, for people
     */
    Session(EventLoop loop, Host host, Greeting greeting, int fd, SocketAddress peer, String listener) {
        this.loop = loop;
        this.host = host;
        this.greeting = greeting;
        this.listener = listener;
        this.client = new Peer(loop, fd, peer, this::advance);
        this.source = peer;
        this.acceptedNanos = loop.nowNanos();
        this.phaseNanos = acceptedNanos;
        this.activeNanos = acceptedNanos;
    }

    /** Begins; what can be done at once is done at once. */
    void start() {
        long watched = client.watch();
        if (watched < 0) {
            end(Cause.RESOURCE, "epoll_ctl: " + Errno.name((int) -watched), true);
            return;
        }
        client.assumeReady();
        advance();
    }

    private void enter(Phase next) {
        phase = next;
        phaseNanos = loop.nowNanos();
        setTimer();
    }

    // One turn.

    /** Does all that can be done now, whatever it is that has changed. */
    private void advance() {
        guarded(this::goOn);
    }

    /** One session's mistake, or what there is no memory for, must not end the others of its loop. */
    private void guarded(Runnable turn) {
        if (phase == Phase.ENDED) {
            return;
        }
        try {
            turn.run();
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "a session has failed by a mistake of the relay", e);
            end(Cause.INTERNAL, e.toString(), true);
        } catch (OutOfMemoryError e) {
            end(Cause.RESOURCE, e.toString(), true);
        }
    }

    private void goOn() {
        if (phase == Phase.HELLO) {
            hello();
        }
        if (phase == Phase.QUEUE) {
            notice();
        }
        if (phase == Phase.CONNECT) {
            connecting();
        }
        if (phase == Phase.DATA || phase == Phase.LAST) {
            flow();
        }
    }

    // Who wants what.

    private void hello() {
        Greeting.Step step = greeting.read(client);
        switch (step) {
            case MORE -> {
                if (!timer.isSet()) {
                    setTimer();
                }
            }
            case READY -> {
                SocketAddress announced = greeting.source();
                source = announced == null ? source : announced;
                helloNanos = loop.nowNanos() - phaseNanos;
                admit(host.route(greeting.serverName()));
            }
            case CLOSED -> end(Cause.CLIENT, "", false);
            case INVALID -> end(Cause.PROXY, greeting.complaint(), true);
            case FAILED ->
                end(
                        Acceptor.isShortage(-greeting.errno()) ? Cause.RESOURCE : Cause.CLIENT,
                        Errno.name(greeting.errno()),
                        true);
        }
    }

    private void admit(@Nullable LiveRoute found) {
        if (found == null) {
            String name = greeting.serverName();
            end(Cause.PROXY, name == null ? "no route takes this" : "no route is for server name " + name, true);
            return;
        }
        route = found;
        if (client.address() instanceof InetSocketAddress) {
            Sockets.tune(loop.kernel(), client.fd(), found.route().keepAlive());
        }
        if (!admits(found)) {
            found.refused.increment();
            end(Cause.PROXY, "the source is not allowed", true);
            return;
        }
        switch (found.admission().enter(source, this)) {
            case ADMITTED -> {
                admitted = true;
                found.accepted.increment();
                connect(found);
            }
            case QUEUED -> enter(Phase.QUEUE);
            case FULL -> refuse(found, "the route is full");
            case SOURCE_FULL -> refuse(found, "the source has as many sessions as it may");
        }
    }

    private void refuse(LiveRoute full, String why) {
        full.refused.increment();
        end(Cause.PROXY, why, true);
    }

    private boolean admits(LiveRoute to) {
        return !(source instanceof InetSocketAddress inet)
                || inet.getAddress() == null
                || to.route().access().admits(inet.getAddress());
    }

    @Override
    public void admitted() {
        loop.execute(() -> {
            LiveRoute into = route;
            if (into == null) {
                throw new IllegalStateException("admitted to no route");
            }
            if (phase != Phase.QUEUE) {
                into.admission().leave(source); // it has ended meanwhile, and could not give up any more
                return;
            }
            guarded(() -> {
                admitted = true;
                queuedNanos = loop.nowNanos() - phaseNanos;
                into.accepted.increment();
                connect(into);
                goOn();
            });
        });
    }

    /** While it waits for something else: has the client gone? */
    private void notice() {
        int error = client.takeError();
        if (error != 0) {
            end(Cause.CLIENT, Errno.name(error), true);
        }
    }

    // A backend.

    private void connect(LiveRoute to) {
        if (phase != Phase.CONNECT) {
            enter(Phase.CONNECT);
        }
        while (tried.size() < to.route().tries()) {
            LiveBackend chosen = host.choose(to, source, tried);
            if (chosen == null) {
                break;
            }
            tried.add(chosen);
            if (connect(to, chosen)) {
                return;
            }
        }
        connectingNanos = loop.nowNanos() - phaseNanos;
        end(lastCause, tried.isEmpty() ? "no backend is up" : lastFailure, true);
    }

    private boolean connect(LiveRoute to, LiveBackend chosen) {
        SocketAddress address = chosen.nextAddress();
        if (address == null) {
            return failed(chosen, -Errno.EADDRNOTAVAIL);
        }
        long fd = Sockets.stream(loop.kernel(), address, to.route().keepAlive());
        if (Acceptor.isShortage(fd) && loop.spare().lend()) {
            fd = Sockets.stream(loop.kernel(), address, to.route().keepAlive());
        }
        if (fd < 0) {
            return failed(chosen, fd);
        }
        long result = Sockets.connect(loop.kernel(), (int) fd, address);
        Peer peer = new Peer(loop, (int) fd, address, this::advance);
        if (result < 0 && result != -Errno.EINPROGRESS) {
            peer.close(false);
            return failed(chosen, result);
        }
        long watched = peer.watch();
        if (watched < 0) {
            peer.close(false);
            return failed(chosen, watched);
        }
        server = peer;
        backend = chosen;
        connected = result == 0;
        chosen.enter();
        setTimer();
        return true;
    }

    private boolean failed(LiveBackend chosen, long result) {
        chosen.failedConnects.increment();
        lastFailure = "connect to " + chosen + ": " + Errno.name((int) -result);
        lastCause = Acceptor.isShortage(result) ? Cause.RESOURCE : Cause.SERVER;
        return false;
    }

    /** The socket tells whether the connection that was begun stands. */
    private void connecting() {
        int gone = client.takeError();
        if (gone != 0) {
            end(Cause.CLIENT, Errno.name(gone), true);
            return;
        }
        while (phase == Phase.CONNECT) {
            Peer peer = server;
            LiveBackend chosen = backend;
            LiveRoute to = route;
            if (peer == null || chosen == null || to == null || !(connected || peer.writable())) {
                return;
            }
            int error = connected ? 0 : peer.takeError();
            if (error == 0) {
                relay(to, peer, chosen);
            } else {
                giveUpBackend(chosen, error);
                connect(to);
            }
        }
    }

    private void giveUpBackend(LiveBackend chosen, int error) {
        failed(chosen, -error);
        chosen.leave();
        backend = null;
        Peer peer = server;
        server = null;
        if (peer != null) {
            peer.close(false);
        }
    }

    private void relay(LiveRoute to, Peer peer, LiveBackend chosen) {
        connected = true;
        connectingNanos = loop.nowNanos() - phaseNanos;
        Limits limits = to.route().limits();
        PathChoice path = to.route().path();
        long sessionRate = limits.sessionBytesPerSecond();
        Half toServer =
                new Half(loop, client, peer, path, to.up, chosen.bytesUp, LiveRoute.limit(sessionRate), to.upLimit());
        Half toClient = new Half(
                loop, peer, client, path, to.down, chosen.bytesDown, LiveRoute.limit(sessionRate), to.downLimit());
        up = toServer;
        down = toClient;
        byte[] read = greeting.rest();
        toServer.preload(MemorySegment.ofArray(first(chosen.backend(), read)));
        shadows = follow(to, toServer, toClient, read);
        tape = record(to, toServer, toClient, read);
        peer.assumeWritable();
        activeNanos = loop.nowNanos();
        enter(Phase.DATA);
    }

    private List<Shadow> follow(LiveRoute in, Half toServer, Half toClient, byte[] read) {
        List<Shadow> all = List.of();
        for (LiveMirror mirror : in.mirrors()) {
            if (mirror.takes(source)) {
                Shadow shadow =
                        new Shadow(host.worker(), mirror, source, in.route().timeouts(), this::advance);
                boolean requests = mirror.mirror().of() == Mirror.Of.REQUESTS;
                shadow.start(first(mirror.mirror().target(), requests ? read : new byte[0]));
                (requests ? toServer : toClient).add(shadow);
                all = all.isEmpty() ? new ArrayList<>() : all;
                all.add(shadow);
            }
        }
        return all;
    }

    private @Nullable Tape record(LiveRoute in, Half toServer, Half toClient, byte[] read) {
        Deck deck = host.deck(in, source);
        if (deck == null) {
            return null;
        }
        Tape fresh = new Tape(
                deck, source, client.localAddress(), "route " + in.name() + ", listener " + listener, this::advance);
        fresh.first(read);
        toServer.add(new Recorded(fresh, true));
        toClient.add(new Recorded(fresh, false));
        return fresh;
    }

    /** What it gets before all else: who the client is, if it wants to know, and what was read already. */
    private byte[] first(Backend of, byte[] read) {
        ProxyProtocol version = of.proxy();
        byte[] header = version == ProxyProtocol.NONE
                ? new byte[0]
                : ProxyHeader.encode(version, source, client.localAddress());
        byte[] both = Arrays.copyOf(header, header.length + read.length);
        System.arraycopy(read, 0, both, header.length, read.length);
        return both;
    }

    // Bytes.

    private void flow() {
        Half toServer = up;
        Half toClient = down;
        Peer peer = server;
        if (toServer == null || toClient == null || peer == null) {
            throw new IllegalStateException("data without both directions");
        }
        long before = toServer.movesSoFar() + toClient.movesSoFar();
        boolean more = toServer.flow();
        more |= toClient.flow();
        if (toServer.movesSoFar() + toClient.movesSoFar() != before) {
            activeNanos = loop.nowNanos();
        }
        if (ends(peer, toServer, toClient)) {
            return;
        }
        if (more) {
            continueLater();
        }
        throttle(toServer);
        throttle(toClient);
        if (!timer.isSet()) {
            setTimer();
        }
    }

    private void continueLater() {
        if (!running) {
            running = true;
            loop.later(() -> {
                running = false;
                advance();
            });
        }
    }

    private void throttle(Half half) {
        if (half.isThrottled() && !throttle.isSet()) {
            loop.timers().set(throttle, half.throttledUntilNanos());
        }
    }

    private boolean ends(Peer peer, Half toServer, Half toClient) {
        if (fails(toServer, Cause.CLIENT) || fails(toClient, Cause.SERVER)) {
            return true;
        }
        if (isLost(client, toServer, Cause.CLIENT) || isLost(peer, toClient, Cause.SERVER)) {
            return true;
        }
        boolean upDone = toServer.state() != Half.State.FLOWS;
        boolean downDone = toClient.state() != Half.State.FLOWS;
        if (upDone && downDone) {
            Half broken = toServer.state() == Half.State.SINK_FAILED
                    ? toServer
                    : toClient.state() == Half.State.SINK_FAILED ? toClient : null;
            if (broken == null) {
                end(Cause.NORMAL, "", false);
            } else {
                end(broken == toServer ? Cause.SERVER : Cause.CLIENT, Errno.name(broken.errno()), true);
            }
            return true; // the sockets are closed, which tells both sides
        }
        toServer.endSink();
        toClient.endSink();
        // Of a peer that has reset its connection what came before is still brought on, but it is not waited for long.
        if (phase == Phase.DATA && (upDone || downDone || client.hasFailed() || peer.hasFailed())) {
            enter(Phase.LAST);
        }
        return false;
    }

    /** Ends the session when a direction can bring nothing more and the other is no use without it. */
    private boolean fails(Half half, Cause source) {
        boolean shortage = Acceptor.isShortage(-half.errno());
        if (!shortage && half.state() != Half.State.SOURCE_FAILED) {
            return false; // of a sink that is lost, the last words may still be on their way
        }
        end(shortage ? Cause.RESOURCE : source, Errno.name(half.errno()), true);
        return true;
    }

    /** Of a peer that has said all it had to, nothing more is read that could tell of its reset. */
    private boolean isLost(Peer peer, Half from, Cause cause) {
        int error = from.state() == Half.State.ENDED ? peer.takeError() : 0;
        if (error != 0) {
            end(cause, Errno.name(error), true);
        }
        return error != 0;
    }

    // Time.

    private void setTimer() {
        loop.timers().set(timer, deadlineNanos());
    }

    private long deadlineNanos() {
        Timeouts timeouts = timeouts();
        long deadline = switch (phase) {
            case HELLO -> phaseNanos + host.helloTimeout().toNanos();
            case QUEUE -> phaseNanos + timeouts.queue().toNanos();
            case CONNECT -> loop.nowNanos() + timeouts.connect().toNanos();
            case DATA -> activeNanos + timeouts.idle().toNanos();
            case LAST ->
                Math.max(activeNanos, phaseNanos) + timeouts.halfClosed().toNanos();
            case ENDED -> throw new IllegalStateException("an ended session has no deadline");
        };
        Duration life = timeouts.life();
        return life == null ? deadline : Math.min(deadline, acceptedNanos + life.toNanos());
    }

    private Timeouts timeouts() {
        LiveRoute known = route;
        return known == null ? Timeouts.DEFAULT : known.route().timeouts();
    }

    private void timedOut() {
        Duration life = timeouts().life();
        if (life != null && loop.nowNanos() - acceptedNanos >= life.toNanos()) {
            end(Cause.LIFE, "", true);
            return;
        }
        switch (phase) {
            case HELLO -> end(Cause.CLIENT_TIMEOUT, greeting.missing(), true);
            case QUEUE -> end(Cause.PROXY, "waited too long for room in the route", true);
            case CONNECT -> nextAfterTimeout();
            case DATA, LAST -> {
                // Set when the phase began, or when it last rang: there may have been bytes since.
                if (deadlineNanos() - loop.nowNanos() > 0) {
                    setTimer();
                } else {
                    end(phase == Phase.DATA ? Cause.SERVER_TIMEOUT : Cause.CLIENT_TIMEOUT, "", true);
                }
            }
            case ENDED -> {}
        }
    }

    private void nextAfterTimeout() {
        LiveRoute to = route;
        LiveBackend chosen = backend;
        if (to != null && chosen != null) {
            giveUpBackend(chosen, Errno.ETIMEDOUT);
            connect(to);
            advance();
        }
    }

    // The end.

    /** An operator ends it. */
    void drain() {
        end(Cause.DRAIN, "", true);
    }

    private void end(Cause cause, String detail, boolean reset) {
        if (phase == Phase.ENDED) {
            return;
        }
        // Both directions may have come to their ends in one turn, without a last half in between.
        Termination termination = new Termination(cause, cause == Cause.NORMAL ? Phase.ENDED : phase);
        loop.timers().cancel(timer);
        loop.timers().cancel(throttle);
        LiveRoute in = route;
        if (in != null && phase == Phase.QUEUE) {
            in.admission().giveUp(source, this); // or it has been admitted, and leaves when it is told so
        }
        phase = Phase.ENDED;
        SessionLog log = log(termination, detail);
        if (in != null) {
            in.ended(cause);
        }
        Half toServer = up;
        Half toClient = down;
        if (toServer != null && toClient != null) {
            Tape recorded = tape;
            if (recorded != null) {
                recorded.close(reset, cause == Cause.CLIENT);
            }
            toServer.close(reset);
            toClient.close(reset);
        }
        client.close(reset);
        Peer peer = server;
        if (peer != null) {
            peer.close(reset);
        }
        LiveBackend used = backend;
        if (used != null) {
            used.leave();
        }
        if (in != null && admitted) {
            in.admission().leave(source);
        }
        host.ended(this, log);
    }

    private SessionLog log(Termination termination, String detail) {
        LiveRoute in = route;
        LiveBackend used = backend;
        Half toServer = up;
        Half toClient = down;
        Map<TransferPath, Long> paths = new EnumMap<>(TransferPath.class);
        if (toServer != null && toClient != null) {
            for (TransferPath path : TransferPath.values()) {
                long bytes = toServer.delivered(path) + toClient.delivered(path);
                if (bytes > 0) {
                    paths.put(path, bytes);
                }
            }
        }
        return new SessionLog(
                accepted,
                Sockets.text(source),
                listener,
                in == null ? null : in.name(),
                greeting.serverName(),
                used == null ? null : used.backend().name(),
                Duration.ofNanos(helloNanos),
                Duration.ofNanos(queuedNanos),
                Duration.ofNanos(connectingNanos),
                Duration.ofNanos(loop.nowNanos() - acceptedNanos),
                tried.size(),
                toServer == null ? 0 : toServer.delivered(),
                toClient == null ? 0 : toClient.delivered(),
                paths,
                termination,
                in == null ? 0 : in.admission().sessions(),
                used == null ? 0 : used.sessions(),
                shadows.stream().map(Shadow::log).toList(),
                detail);
    }
}
