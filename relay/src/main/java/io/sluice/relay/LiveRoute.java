// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** A route at work: its backends, who is in it, and what it has done. Shared by the loops. */
final class LiveRoute {
    private final Route route;
    private final List<LiveBackend> backends;
    private final List<LiveMirror> mirrors;
    private final Admission admission;
    private final @Nullable TokenBucket upLimit;
    private final @Nullable TokenBucket downLimit;
    final LongAdder accepted = new LongAdder();
    final LongAdder refused = new LongAdder();
    final Traffic up = new Traffic();
    final Traffic down = new Traffic();

    private final Map<Termination.Cause, LongAdder> ended = new EnumMap<>(Termination.Cause.class);

    LiveRoute(Route route, List<LiveBackend> backends, List<LiveMirror> mirrors) {
        this.route = route;
        this.backends = List.copyOf(backends);
        this.mirrors = List.copyOf(mirrors);
        this.admission = new Admission(route.limits());
        this.upLimit = limit(route.limits().routeBytesPerSecond());
        this.downLimit = limit(route.limits().routeBytesPerSecond());
        for (Termination.Cause cause : Termination.Cause.values()) {
            ended.put(cause, new LongAdder());
        }
    }

    /** A bucket for a limit; null for none. */
    static @Nullable TokenBucket limit(long bytesPerSecond) {
        return bytesPerSecond == 0 ? null : new TokenBucket(bytesPerSecond, System.nanoTime());
    }

    Route route() {
        return route;
    }

    String name() {
        return route.name();
    }

    List<LiveBackend> backends() {
        return backends;
    }

    List<LiveMirror> mirrors() {
        return mirrors;
    }

    Admission admission() {
        return admission;
    }

    /** For what goes to the backends. */
    @Nullable
    TokenBucket upLimit() {
        return upLimit;
    }

    /** For what comes from them. */
    @Nullable
    TokenBucket downLimit() {
        return downLimit;
    }

    /** A session has ended. */
    void ended(Termination.Cause cause) {
        Objects.requireNonNull(ended.get(cause)).increment();
    }

    /** As it is now. */
    RelayStatus.RouteStatus status() {
        Map<Termination.Cause, Long> endings = new EnumMap<>(Termination.Cause.class);
        ended.forEach((cause, count) -> endings.put(cause, count.sum()));
        return new RelayStatus.RouteStatus(
                name(),
                route.listens().stream()
                        .map(listen -> listen.address().toString())
                        .toList(),
                admission.sessions(),
                admission.queued(),
                accepted.sum(),
                refused.sum(),
                endings,
                up.byManner(),
                down.byManner(),
                backends.stream().map(LiveBackend::status).toList(),
                mirrors.stream().map(LiveMirror::status).toList());
    }

    /** One for each loop. */
    Balancer balancer() {
        Health health = route.health();
        return new Balancer(
                route.balance(),
                backends,
                health == null ? 0 : health.slowStart().toNanos());
    }
}
