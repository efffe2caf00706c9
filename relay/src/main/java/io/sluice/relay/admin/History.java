// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.admin;

import io.sluice.relay.Manner;
import io.sluice.relay.RelayStatus;
import io.sluice.relay.RelayStatus.RouteStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the page draws: one sample a second of the last ten minutes, so that it has something to show when opened. */
final class History implements AutoCloseable {
    private static final int SAMPLES = 600;
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    /** In one interval. */
    private record Sample(
            double atSeconds, double splicedPerSecond, double copiedPerSecond, double cpu, int sessions) {}

    /** Sums since the start. */
    private record Sums(long nanos, long spliced, long copied, long cpuNanos) {}

    private final Supplier<RelayStatus> status;
    private final Thread sampler =
            Thread.ofVirtual().name("sluice-admin-history").unstarted(this::run);

    // Guarded by this.
    private final ArrayDeque<Sample> samples = new ArrayDeque<>();

    private @Nullable Sums last;

    History(Supplier<RelayStatus> status) {
        this.status = status;
    }

    void start() {
        sampler.start();
    }

    private void run() {
        try {
            while (true) {
                sample(status.get(), System.nanoTime(), cpuNanos());
                Thread.sleep(INTERVAL);
            }
        } catch (InterruptedException closed) {
            return;
        }
    }

    /** Of the whole process: what an operator sees of it in top. */
    private static long cpuNanos() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(Duration::toNanos)
                .orElse(0L);
    }

    /** Adds what has happened since the last time. */
    synchronized void sample(RelayStatus now, long nanos, long cpuNanos) {
        long spliced = 0;
        long copied = 0;
        for (RouteStatus route : now.routes()) {
            for (Map<Manner, Long> way : List.of(route.up(), route.down())) {
                long all = way.values().stream().mapToLong(Long::longValue).sum();
                long byReference = way.getOrDefault(Manner.SPLICED, 0L);
                spliced += byReference;
                copied += all - byReference;
            }
        }
        Sums sums = new Sums(nanos, spliced, copied, cpuNanos);
        Sums before = last;
        last = sums;
        if (before == null || nanos <= before.nanos) {
            return;
        }
        double seconds = (nanos - before.nanos) / 1e9;
        if (samples.size() == SAMPLES) {
            samples.removeFirst();
        }
        // A route that was changed counts anew: that is no traffic backwards.
        samples.add(new Sample(
                Instant.now().toEpochMilli() / 1e3,
                Math.max(sums.spliced - before.spliced, 0) / seconds,
                Math.max(sums.copied - before.copied, 0) / seconds,
                (sums.cpuNanos - before.cpuNanos) / 1e9 / seconds,
                now.sessions()));
    }

    /** By what is measured, oldest first. */
    synchronized Map<String, Object> columns() {
        Map<String, Object> columns = new LinkedHashMap<>();
        columns.put("time", column(samples.stream().map(Sample::atSeconds)));
        columns.put("splicedPerSecond", column(samples.stream().map(Sample::splicedPerSecond)));
        columns.put("copiedPerSecond", column(samples.stream().map(Sample::copiedPerSecond)));
        columns.put("cpu", column(samples.stream().map(Sample::cpu)));
        columns.put("sessions", column(samples.stream().map(Sample::sessions)));
        return columns;
    }

    private static <T> List<T> column(Stream<T> values) {
        return values.collect(ArrayList::new, List::add, List::addAll);
    }

    @Override
    public void close() {
        sampler.interrupt();
    }
}
