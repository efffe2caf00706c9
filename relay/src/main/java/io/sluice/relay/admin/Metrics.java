// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.admin;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.sluice.relay.Manner;
import io.sluice.relay.RelayStatus;
import io.sluice.relay.RelayStatus.BackendStatus;
import io.sluice.relay.RelayStatus.LoopStatus;
import io.sluice.relay.RelayStatus.RouteStatus;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** A status for Prometheus. */
final class Metrics {
    private static final PrometheusTextFormatWriter WRITER =
            PrometheusTextFormatWriter.builder().build();

    static final String CONTENT_TYPE = WRITER.getContentType();

    private final RelayStatus status;
    private final List<MetricSnapshot> metrics = new ArrayList<>();

    private Metrics(RelayStatus status) {
        this.status = status;
    }

    static void write(RelayStatus status, OutputStream out) throws IOException {
        Metrics all = new Metrics(status);
        all.routes();
        all.backends();
        all.loops();
        WRITER.write(out, new MetricSnapshots(all.metrics));
    }

    private void routes() {
        ofRoutes("sluice_route_sessions", "Sessions now.", RouteStatus::sessions);
        ofRoutes("sluice_route_queued", "Sessions that wait for room in the route.", RouteStatus::queued);
        countOfRoutes("sluice_route_accepted", "Sessions let in.", RouteStatus::accepted);
        countOfRoutes("sluice_route_refused", "Sessions not let in.", RouteStatus::refused);
        CounterSnapshot.Builder ended =
                CounterSnapshot.builder().name("sluice_route_ended").help("Sessions ended, by what ended them.");
        CounterSnapshot.Builder bytes = CounterSnapshot.builder()
                .name("sluice_route_bytes")
                .help("Bytes moved: up to the backends or down to the clients, spliced or why they were copied.");
        for (RouteStatus route : status.routes()) {
            route.ended()
                    .forEach((cause, count) -> ended.dataPoint(
                            count(count, Labels.of("route", route.name(), "cause", StatusFields.word(cause)))));
            bytes(bytes, route, "up", route.up());
            bytes(bytes, route, "down", route.down());
        }
        metrics.add(ended.build());
        metrics.add(bytes.build());
    }

    private static void bytes(CounterSnapshot.Builder into, RouteStatus route, String way, Map<Manner, Long> moved) {
        moved.forEach((manner, count) -> into.dataPoint(
                count(count, Labels.of("route", route.name(), "direction", way, "manner", StatusFields.word(manner)))));
    }

    private void ofRoutes(String name, String help, ToDoubleFunction<RouteStatus> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
        status.routes()
                .forEach(route -> gauge.dataPoint(level(value.applyAsDouble(route), Labels.of("route", route.name()))));
        metrics.add(gauge.build());
    }

    private void countOfRoutes(String name, String help, ToDoubleFunction<RouteStatus> value) {
        CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name).help(help);
        status.routes()
                .forEach(route ->
                        counter.dataPoint(count(value.applyAsDouble(route), Labels.of("route", route.name()))));
        metrics.add(counter.build());
    }

    private void backends() {
        GaugeSnapshot.Builder up =
                GaugeSnapshot.builder().name("sluice_backend_up").help("Whether the backend gets sessions.");
        GaugeSnapshot.Builder sessions =
                GaugeSnapshot.builder().name("sluice_backend_sessions").help("Sessions now.");
        CounterSnapshot.Builder served =
                CounterSnapshot.builder().name("sluice_backend_served").help("Sessions given to it.");
        CounterSnapshot.Builder failed = CounterSnapshot.builder()
                .name("sluice_backend_failed_connects")
                .help("Connections to it that came to nothing.");
        CounterSnapshot.Builder bytes = CounterSnapshot.builder()
                .name("sluice_backend_bytes")
                .help("Bytes moved: up to the backend or down from it.");
        for (RouteStatus route : status.routes()) {
            for (BackendStatus backend : route.backends()) {
                Labels who = Labels.of("route", route.name(), "backend", backend.name());
                up.dataPoint(level(backend.isUp() ? 1 : 0, who));
                sessions.dataPoint(level(backend.sessions(), who));
                served.dataPoint(count(backend.served(), who));
                failed.dataPoint(count(backend.failedConnects(), who));
                bytes.dataPoint(count(backend.bytesUp(), who.add("direction", "up")));
                bytes.dataPoint(count(backend.bytesDown(), who.add("direction", "down")));
            }
        }
        metrics.addAll(List.of(up.build(), sessions.build(), served.build(), failed.build(), bytes.build()));
    }

    private void loops() {
        CounterSnapshot.Builder cpu =
                CounterSnapshot.builder().name("sluice_loop_cpu_seconds").help("CPU time of the loop's thread.");
        GaugeSnapshot.Builder pipes =
                GaugeSnapshot.builder().name("sluice_pipes").help("Pipes of the loop, in use or idle.");
        GaugeSnapshot.Builder room =
                GaugeSnapshot.builder().name("sluice_pipe_capacity_bytes").help("What these pipes can hold.");
        CounterSnapshot.Builder refused = CounterSnapshot.builder()
                .name("sluice_pipes_refused")
                .help("Pipes that could not be had, so that bytes were copied.");
        for (LoopStatus loop : status.loops()) {
            Labels who = Labels.of("loop", loop.name());
            cpu.dataPoint(count(Math.max(loop.cpuNanos(), 0) / 1e9, who));
            pipes.dataPoint(level(loop.pipesInUse(), who.add("state", "in-use")));
            pipes.dataPoint(level(loop.pipesIdle(), who.add("state", "idle")));
            room.dataPoint(level((double) loop.pipeBytes(), who));
            refused.dataPoint(count(loop.pipesRefused(), who));
        }
        metrics.addAll(List.of(cpu.build(), pipes.build(), room.build(), refused.build()));
    }

    private static GaugeDataPointSnapshot level(double value, Labels labels) {
        return GaugeDataPointSnapshot.builder().value(value).labels(labels).build();
    }

    private static CounterDataPointSnapshot count(double value, Labels labels) {
        return CounterDataPointSnapshot.builder().value(value).labels(labels).build();
    }

    /** Exact up to 2^53, which is nine petabytes. */
    private static CounterDataPointSnapshot count(long value, Labels labels) {
        return count((double) value, labels);
    }
}
