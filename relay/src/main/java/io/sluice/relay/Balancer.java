// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Chooses a backend. One for each route and loop, so that taking turns needs no lock: each loop takes its own turns.
 */
final class Balancer {
    private final Balance balance;
    private final List<LiveBackend> backends;
    private final long[] credit; // of round robin: what each is owed
    private final long slowStartNanos;

    Balancer(Balance balance, List<LiveBackend> backends, long slowStartNanos) {
        this.balance = balance;
        this.backends = backends;
        this.credit = new long[backends.size()];
        this.slowStartNanos = slowStartNanos;
    }

    /**
     * The backend for one more session: of those that are up, the backups only when there is no other.
     *
     * @param tried those that have failed it already
     * @return null when none is left
     */
    @Nullable
    LiveBackend choose(SocketAddress source, Set<LiveBackend> tried, long nowNanos) {
        LiveBackend found = choose(source, tried, nowNanos, false);
        return found != null ? found : choose(source, tried, nowNanos, true);
    }

    private @Nullable LiveBackend choose(SocketAddress source, Set<LiveBackend> tried, long nowNanos, boolean backups) {
        int[] weights = new int[backends.size()];
        long sum = 0;
        int candidates = 0;
        for (int i = 0; i < weights.length; i++) {
            LiveBackend each = backends.get(i);
            boolean candidate = each.backend().backup() == backups && each.isUp() && !tried.contains(each);
            weights[i] = candidate ? each.weight(slowStartNanos, nowNanos) : -1;
            sum += Math.max(weights[i], 0);
            candidates += candidate ? 1 : 0;
        }
        if (candidates == 0) {
            return null;
        }
        if (sum == 0) { // only such as are to get nothing: better than nobody
            for (int i = 0; i < weights.length; i++) {
                weights[i] = weights[i] < 0 ? -1 : 1;
            }
            sum = candidates;
        }
        return backends.get(
                switch (balance) {
                    case ROUND_ROBIN -> inTurn(weights, sum);
                    case LEAST_CONNECTIONS -> leastLoaded(weights);
                    case SOURCE_HASH -> byHash(weights, source);
                });
    }

    /**
     * Each gets its weight in credit, and who has the most pays for all. With weights 5, 1, 1 that is a a b a c a a,
     * and not five in a row.
     */
    private int inTurn(int[] weights, long sum) {
        int best = -1;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                credit[i] += weights[i];
                best = best < 0 || credit[i] > credit[best] ? i : best;
            }
        }
        credit[best] -= sum;
        return best;
    }

    private int leastLoaded(int[] weights) {
        // Among equals in turn, or an idle route would always begin with the first.
        int turn = (int) (credit[0]++ % weights.length);
        int best = -1;
        for (int i = 0; i < weights.length; i++) {
            int each = (turn + i) % weights.length;
            if (weights[each] > 0 && (best < 0 || load(each, weights) < load(best, weights))) {
                best = each;
            }
        }
        return best;
    }

    private double load(int index, int[] weights) {
        return (backends.get(index).sessions() + 1.0) / weights[index];
    }

    /**
     * Every backend draws a number from its name and the source, stretched by its weight, and the highest wins: when
     * one goes, only its own sources move.
     */
    private int byHash(int[] weights, SocketAddress source) {
        int key = source instanceof InetSocketAddress inet && inet.getAddress() != null
                ? inet.getAddress().hashCode()
                : source.hashCode();
        int best = -1;
        double highest = 0;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                long mixed = mix(key * 0x9E3779B97F4A7C15L
                        ^ backends.get(i).backend().name().hashCode());
                double drawn = ((mixed >>> 11) + 1) * 0x1p-53; // above 0, at most 1
                double score = -weights[i] / Math.log(drawn == 1 ? Math.nextDown(1.0) : drawn);
                if (best < 0 || score > highest) {
                    best = i;
                    highest = score;
                }
            }
        }
        return best;
    }

    /** Spreads nearby numbers; the finalizer of MurmurHash3. */
    private static long mix(long bits) {
        long mixed = (bits ^ bits >>> 33) * 0xFF51AFD7ED558CCDL;
        mixed = (mixed ^ mixed >>> 33) * 0xC4CEB9FE1A85EC53L;
        return mixed ^ mixed >>> 33;
    }
}
