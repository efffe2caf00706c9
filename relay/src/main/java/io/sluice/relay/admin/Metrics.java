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
import io.sluice.relay.RelayStatus.MirrorStatus;
import io.sluice.relay.RelayStatus.RouteStatus;
import io.sluice.relay.record.RecordingStatus;
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
        all.mirrors();
        all.loops();
        all.recording();
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

    private void mirrors() {
        GaugeSnapshot.Builder sessions =
                GaugeSnapshot.builder().name("sluice_mirror_sessions").help("Sessions on their way to the mirror now.");
        GaugeSnapshot.Builder lag =
                GaugeSnapshot.builder().name("sluice_mirror_lag_bytes").help("Bytes that wait for the mirror.");
        CounterSnapshot.Builder mirrored =
                CounterSnapshot.builder().name("sluice_mirror_mirrored").help("Sessions in the mirror's sample.");
        CounterSnapshot.Builder bytes = CounterSnapshot.builder()
                .name("sluice_mirror_bytes")
                .help("Bytes that the mirror's sockets have taken.");
        CounterSnapshot.Builder missed = CounterSnapshot.builder()
                .name("sluice_mirror_missed_bytes")
                .help("Bytes that the mirror did not get, in sessions in which it was given up.");
        CounterSnapshot.Builder lost = CounterSnapshot.builder()
                .name("sluice_mirror_lost")
                .help("Sessions in which the mirror was given up, by the reason.");
        for (RouteStatus route : status.routes()) {
            for (MirrorStatus mirror : route.mirrors()) {
                Labels who = Labels.of("route", route.name(), "mirror", mirror.name());
                sessions.dataPoint(level(mirror.sessions(), who));
                lag.dataPoint(level((double) mirror.lagBytes(), who));
                mirrored.dataPoint(count(mirror.mirrored(), who));
                bytes.dataPoint(count(mirror.bytes(), who));
                missed.dataPoint(count(mirror.missedBytes(), who));
                mirror.lost()
                        .forEach((why, count) ->
                                lost.dataPoint(count(count, who.add("reason", StatusFields.word(why)))));
            }
        }
        metrics.addAll(
                List.of(sessions.build(), lag.build(), mirrored.build(), bytes.build(), missed.build(), lost.build()));
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

    private void recording() {
        RecordingStatus recording = status.recording();
        if (recording == null) {
            return;
        }
        counter("sluice_recording_sessions", "Sessions recorded.", recording.sessions());
        counter("sluice_recording_files", "Files begun.", recording.files());
        counter("sluice_recording_files_deleted", "Files deleted to stay within the limit.", recording.filesDeleted());
        counter("sluice_recording_file_bytes", "Bytes written to files.", recording.fileBytes());
        counter("sluice_recording_bytes", "Bytes of sessions that are in the files.", recording.bytes());
        CounterSnapshot.Builder missed = CounterSnapshot.builder()
                .name("sluice_recording_missed_bytes")
                .help("Bytes of sessions that are not in the files, by the reason.");
        missed.dataPoint(count(recording.bytesMissedBehind(), Labels.of("reason", "behind")));
        missed.dataPoint(count(recording.bytesMissedDisk(), Labels.of("reason", "disk")));
        metrics.add(missed.build());
        metrics.add(GaugeSnapshot.builder()
                .name("sluice_recording_waiting_bytes")
                .help("Memory of what waits for the disk.")
                .dataPoint(level((double) recording.waitingBytes(), Labels.EMPTY))
                .build());
        metrics.add(CounterSnapshot.builder()
                .name("sluice_recording_blocked_seconds")
                .help("Time for which sessions of a loop have waited for the disk.")
                .dataPoint(count(recording.blockedNanos() / 1e9, Labels.EMPTY))
                .build());
    }

    private void counter(String name, String help, long value) {
        metrics.add(CounterSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(count(value, Labels.EMPTY))
                .build());
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
