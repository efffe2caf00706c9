// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** A route at work: its backends, who is in it, and what it has done. Shared by the loops. */
final class LiveRoute {
    private final Route route;
    private final List<LiveBackend> backends;
    private final Admission admission;
    private final @Nullable TokenBucket upLimit;
    private final @Nullable TokenBucket downLimit;
    final LongAdder accepted = new LongAdder();
    final LongAdder refused = new LongAdder();
    final LongAdder bytesUp = new LongAdder();
    final LongAdder bytesDown = new LongAdder();

    LiveRoute(Route route, List<LiveBackend> backends) {
        this.route = route;
        this.backends = List.copyOf(backends);
        this.admission = new Admission(route.limits());
        this.upLimit = limit(route.limits().routeBytesPerSecond());
        this.downLimit = limit(route.limits().routeBytesPerSecond());
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

    /** One for each loop. */
    Balancer balancer() {
        Health health = route.health();
        return new Balancer(
                route.balance(),
                backends,
                health == null ? 0 : health.slowStart().toNanos());
    }
}
