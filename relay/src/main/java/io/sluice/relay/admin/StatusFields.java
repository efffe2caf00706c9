// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.admin;

import io.sluice.relay.RelayStatus;
import io.sluice.relay.RelayStatus.BackendStatus;
import io.sluice.relay.RelayStatus.LoopStatus;
import io.sluice.relay.RelayStatus.MirrorStatus;
import io.sluice.relay.RelayStatus.RouteStatus;
import io.sluice.relay.record.RecordingStatus;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A status as names and values, in the order in which they are best read. */
final class StatusFields {
    private StatusFields() {}

    static Map<String, Object> of(RelayStatus status) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("since", status.since().toString());
        fields.put("accepting", status.accepting());
        fields.put("ready", status.isReady());
        fields.put("sessions", status.sessions());
        fields.put("routes", status.routes().stream().map(StatusFields::route).toList());
        fields.put("loops", status.loops().stream().map(StatusFields::loop).toList());
        if (status.recording() != null) {
            fields.put("recording", recording(status.recording()));
        }
        return fields;
    }

    private static Map<String, Object> recording(RecordingStatus recording) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("directory", recording.directory());
        fields.put("sessions", recording.sessions());
        fields.put("files", recording.files());
        fields.put("filesDeleted", recording.filesDeleted());
        fields.put("fileBytes", recording.fileBytes());
        fields.put("bytes", recording.bytes());
        fields.put("bytesMissedBehind", recording.bytesMissedBehind());
        fields.put("bytesMissedDisk", recording.bytesMissedDisk());
        fields.put("waitingBytes", recording.waitingBytes());
        fields.put("bufferBytes", recording.bufferBytes());
        fields.put("blockedSeconds", recording.blockedNanos() / 1e9);
        fields.put("trouble", recording.trouble());
        return fields;
    }

    private static Map<String, Object> route(RouteStatus route) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", route.name());
        fields.put("listeners", route.listeners());
        fields.put("sessions", route.sessions());
        fields.put("queued", route.queued());
        fields.put("accepted", route.accepted());
        fields.put("refused", route.refused());
        fields.put("ended", words(route.ended()));
        fields.put("bytesUp", words(route.up()));
        fields.put("bytesDown", words(route.down()));
        fields.put(
                "backends", route.backends().stream().map(StatusFields::backend).toList());
        fields.put("mirrors", route.mirrors().stream().map(StatusFields::mirror).toList());
        return fields;
    }

    private static Map<String, Object> mirror(MirrorStatus mirror) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", mirror.name());
        fields.put("of", word(mirror.of()));
        fields.put("sessions", mirror.sessions());
        fields.put("mirrored", mirror.mirrored());
        fields.put("bytes", mirror.bytes());
        fields.put("lagBytes", mirror.lagBytes());
        fields.put("missedBytes", mirror.missedBytes());
        fields.put("lost", words(mirror.lost()));
        return fields;
    }

    private static Map<String, Object> backend(BackendStatus backend) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", backend.name());
        fields.put("state", word(backend.state()));
        fields.put("lastCheck", backend.lastCheck());
        fields.put("backup", backend.backup());
        fields.put("weight", backend.weight());
        fields.put("addresses", backend.addresses());
        fields.put("sessions", backend.sessions());
        fields.put("served", backend.served());
        fields.put("failedConnects", backend.failedConnects());
        fields.put("bytesUp", backend.bytesUp());
        fields.put("bytesDown", backend.bytesDown());
        return fields;
    }

    private static Map<String, Object> loop(LoopStatus loop) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", loop.name());
        fields.put("sessions", loop.sessions());
        fields.put("cpuSeconds", loop.cpuNanos() / 1e9);
        fields.put("pipesInUse", loop.pipesInUse());
        fields.put("pipesIdle", loop.pipesIdle());
        fields.put("pipeBytes", loop.pipeBytes());
        fields.put("pipesMade", loop.pipesMade());
        fields.put("pipesRefused", loop.pipesRefused());
        return fields;
    }

    /** In the order of the constants. */
    private static <E extends Enum<E>> Map<String, Long> words(Map<E, Long> counts) {
        Map<String, Long> fields = new LinkedHashMap<>();
        new TreeMap<>(counts).forEach((constant, count) -> fields.put(word(constant), count));
        return fields;
    }

    /** As it is written in JSON and in labels. */
    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
