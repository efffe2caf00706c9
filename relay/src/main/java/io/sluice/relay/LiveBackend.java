// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** A backend as it is now. Shared by the loops: counters, and values that are replaced whole. */
final class LiveBackend {
    private final Backend backend;
    private final AtomicInteger sessions = new AtomicInteger();
    private final AtomicInteger next = new AtomicInteger();
    final LongAdder served = new LongAdder();
    final LongAdder failedConnects = new LongAdder();
    final LongAdder bytesUp = new LongAdder();
    final LongAdder bytesDown = new LongAdder();

    private volatile List<SocketAddress> addresses = List.of();
    private volatile boolean healthy = true;
    private volatile boolean drained;
    private volatile long upSinceNanos;
    private volatile boolean startsSlowly;
    private volatile String lastCheck = "";

    LiveBackend(Backend backend) {
        this.backend = backend;
    }

    Backend backend() {
        return backend;
    }

    /** Where it is, one of its addresses after the other; null while none is known. */
    @Nullable
    SocketAddress nextAddress() {
        List<SocketAddress> now = addresses;
        return now.isEmpty() ? null : now.get(Math.floorMod(next.getAndIncrement(), now.size()));
    }

    List<SocketAddress> addresses() {
        return addresses;
    }

    /** What its name stands for by now. */
    void resolved(List<SocketAddress> found) {
        addresses = List.copyOf(found);
    }

    // Whether it is to get sessions.

    boolean isUp() {
        return healthy && !drained && !addresses.isEmpty();
    }

    boolean isHealthy() {
        return healthy;
    }

    boolean isDrained() {
        return drained;
    }

    /** An operator's word: no new sessions, or again. */
    void drain(boolean on) {
        drained = on;
    }

    /** The outcome of enough checks in a row. */
    void healthy(boolean now, boolean slowly, long nowNanos) {
        if (now && !healthy) {
            upSinceNanos = nowNanos;
            startsSlowly = slowly;
        }
        healthy = now;
    }

    String lastCheck() {
        return lastCheck;
    }

    void lastCheck(String outcome) {
        lastCheck = outcome;
    }

    /**
     * Its weight by now, in 256ths: it grows from a tenth to the whole while a backend starts slowly.
     *
     * @param slowStartNanos over which
     */
    int weight(long slowStartNanos, long nowNanos) {
        int whole = backend.weight() << 8;
        long since = nowNanos - upSinceNanos;
        if (!startsSlowly || since >= slowStartNanos || whole == 0) {
            return whole;
        }
        return (int) Math.max(whole / 10.0, whole * (double) since / slowStartNanos);
    }

    // Its sessions.

    int sessions() {
        return sessions.get();
    }

    void enter() {
        sessions.incrementAndGet();
        served.increment();
    }

    void leave() {
        sessions.decrementAndGet();
    }

    /** As it is now. */
    RelayStatus.BackendStatus status() {
        return new RelayStatus.BackendStatus(
                backend.name(),
                state(),
                lastCheck,
                backend.backup(),
                backend.weight(),
                addresses.stream().map(Sockets::text).toList(),
                sessions.get(),
                served.sum(),
                failedConnects.sum(),
                bytesUp.sum(),
                bytesDown.sum());
    }

    private RelayStatus.State state() {
        if (drained) {
            return RelayStatus.State.DRAINED;
        }
        if (!healthy) {
            return RelayStatus.State.DOWN;
        }
        return addresses.isEmpty() ? RelayStatus.State.UNRESOLVED : RelayStatus.State.UP;
    }

    @Override
    public String toString() {
        return backend.name();
    }
}
