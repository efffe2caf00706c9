// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.relay.record.Deck;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One address, seen by one loop: what comes in becomes a session here. Belongs to the loop. */
final class Door implements Acceptor.Taker, Session.Host {
    private final Worker worker;
    private final String address;
    private final Map<LiveRoute, Balancer> balancers = new HashMap<>();
    private Signpost signpost;

    Door(Worker worker, String address, Signpost signpost) {
        this.worker = worker;
        this.address = address;
        this.signpost = signpost;
    }

    /** From now on this one counts; sessions go on as they are. */
    void follow(Signpost newSignpost) {
        signpost = newSignpost;
        balancers.clear();
    }

    @Override
    public boolean hasRoom() {
        return worker.hasRoom();
    }

    @Override
    public boolean shed() {
        return worker.shed();
    }

    @Override
    public void whenRoom(Runnable resume) {
        worker.whenRoom(resume);
    }

    @Override
    public void taken(int fd, SocketAddress peer) {
        MemorySegment scratch = worker.scratch();
        Greeting greeting =
                new Greeting(worker.loop().kernel(), scratch, signpost.expectsHeader(peer), signpost.asksForNames());
        Session session = new Session(worker.loop(), this, greeting, fd, peer, address);
        worker.began(session);
        session.start();
    }

    @Override
    public @Nullable LiveRoute route(@Nullable String serverName) {
        return signpost.route(serverName);
    }

    @Override
    public Duration helloTimeout() {
        return signpost.helloTimeout();
    }

    @Override
    public @Nullable LiveBackend choose(LiveRoute route, SocketAddress source, Set<LiveBackend> tried) {
        return balancers
                .computeIfAbsent(route, LiveRoute::balancer)
                .choose(source, tried, worker.loop().nowNanos());
    }

    @Override
    public Worker worker() {
        return worker;
    }

    @Override
    public @Nullable Deck deck(LiveRoute route, SocketAddress source) {
        return route.route().recorded() ? worker.deckFor(source) : null;
    }

    @Override
    public void ended(Session session, SessionLog log) {
        worker.ended(session, log);
    }
}
