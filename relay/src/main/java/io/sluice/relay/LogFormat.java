// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.TransferPath;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One line for each session, with the fields of HAProxy's tcplog in its order, so that eyes and tools find their way:
 *
 * <pre>
 *   time client listener route/backend hello/queued/connecting/total(ms) bytes-down bytes-up path termination
 *       sessions-of-route/sessions-of-backend/tries mirror=name/bytes/waiting/missed/loss "detail"
 * </pre>
 */
public final class LogFormat {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ISO_INSTANT;

    private LogFormat() {}

    /** As text. */
    public static String text(SessionLog log) {
        return time(log.accepted()) + " " + log.client() + " " + log.listener() + " " + orDash(log.route()) + "/"
                + orDash(log.backend()) + " " + log.hello().toMillis() + "/"
                + log.queued().toMillis() + "/"
                + log.connecting().toMillis() + "/" + log.total().toMillis() + " " + log.bytesDown() + " "
                + log.bytesUp() + " " + path(log) + " " + log.termination() + " " + log.sessions() + "/"
                + log.backendSessions() + "/" + log.tries()
                + (log.serverName() == null ? "" : " sni=" + log.serverName())
                + log.mirrors().stream().map(LogFormat::mirror).collect(Collectors.joining())
                + (log.detail().isEmpty() ? "" : " \"" + printable(log.detail()) + "\"");
    }

    private static String time(Instant instant) {
        return TIME.format(instant.atOffset(ZoneOffset.UTC).truncatedTo(ChronoUnit.MILLIS));
    }

    private static String orDash(@Nullable String name) {
        return name == null ? "-" : name;
    }

    /** How much of it was spliced, in percent; what a reader wants to know of the path. */
    private static String path(SessionLog log) {
        long all =
                log.bytesByPath().values().stream().mapToLong(Long::longValue).sum();
        long spliced = log.bytesByPath().getOrDefault(TransferPath.SPLICE, 0L);
        return all == 0 ? "-" : "spliced=" + spliced * 100 / all + "%";
    }

    private static String mirror(SessionLog.Mirrored mirror) {
        Mirror.Loss loss = mirror.loss();
        return " mirror=" + mirror.name() + "/" + mirror.bytes() + "/" + mirror.waitingBytes() + "/"
                + mirror.missedBytes() + (loss == null ? "" : "/" + word(loss));
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** A line is one session, whatever a peer has sent. */
    private static String printable(String text) {
        StringBuilder safe = new StringBuilder();
        text.chars()
                .forEach(each -> safe.append(
                        each < ' ' || each == '"' || each == 0x7F ? String.format("\\x%02x", each) : (char) each + ""));
        return safe.toString();
    }

    /** As names and values, in the order in which they are best written: for JSON. Times are in milliseconds. */
    public static Map<String, Object> fields(SessionLog log) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("time", time(log.accepted()));
        fields.put("client", log.client());
        fields.put("listener", log.listener());
        fields.put("route", orDash(log.route()));
        fields.put("backend", orDash(log.backend()));
        if (log.serverName() != null) {
            fields.put("serverName", log.serverName());
        }
        fields.put("helloMillis", log.hello().toMillis());
        fields.put("queuedMillis", log.queued().toMillis());
        fields.put("connectMillis", log.connecting().toMillis());
        fields.put("totalMillis", log.total().toMillis());
        fields.put("bytesUp", log.bytesUp());
        fields.put("bytesDown", log.bytesDown());
        Map<String, Object> paths = new LinkedHashMap<>();
        for (TransferPath path : TransferPath.values()) {
            if (log.bytesByPath().containsKey(path)) {
                paths.put(word(path), log.bytesByPath().get(path));
            }
        }
        fields.put("bytesByPath", paths);
        fields.put("termination", log.termination().toString());
        fields.put("cause", log.termination().cause().name());
        fields.put("phase", log.termination().phase().name());
        fields.put("tries", log.tries());
        fields.put("routeSessions", log.sessions());
        fields.put("backendSessions", log.backendSessions());
        fields.put("mirrors", log.mirrors().stream().map(LogFormat::fields).toList());
        fields.put("detail", log.detail());
        return fields;
    }

    private static Map<String, Object> fields(SessionLog.Mirrored mirror) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", mirror.name());
        fields.put("bytes", mirror.bytes());
        fields.put("waitingBytes", mirror.waitingBytes());
        fields.put("missedBytes", mirror.missedBytes());
        Mirror.Loss loss = mirror.loss();
        if (loss != null) {
            fields.put("loss", word(loss));
        }
        return fields;
    }
}
