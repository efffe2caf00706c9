// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.FanOut;
import io.sluice.TransferResult;
import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fallback;
import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What a copy did, for people and for programs.
 *
 * @param sinks what reached each destination
 * @param complaint what went wrong, in one line
 */
record Report(
        String source,
        List<SinkResult> sinks,
        Ending ending,
        Duration elapsed,
        List<Fallback> fallbacks,
        int exitCode,
        @Nullable String complaint) {

    /** Of a copy to one sink, or of one to several that was cut short. */
    static Report of(String source, String firstSink, TransferResult result, int exitCode, @Nullable String complaint) {
        boolean whole = result.ending() == Ending.SOURCE_ENDED || result.ending() == Ending.LIMIT_REACHED;
        boolean cut = result.ending() == Ending.INTERRUPTED
                || result.mirrors().stream().anyMatch(m -> m.errno() != 0);
        List<SinkResult> sinks = new ArrayList<>();
        sinks.add(new SinkResult(
                firstSink,
                result.bytes(),
                result.bytesByPath(),
                whole ? Fate.COMPLETE : cut ? Fate.CUT_SHORT : Fate.FAILED,
                0,
                result.strandedBytes()));
        sinks.addAll(result.mirrors());
        return new Report(source, sinks, result.ending(), result.elapsed(), result.fallbacks(), exitCode, complaint);
    }

    static Report of(String source, FanOut.Result result, int exitCode, @Nullable String complaint) {
        return new Report(
                source, result.sinks(), result.ending(), result.elapsed(), result.fallbacks(), exitCode, complaint);
    }

    /** Of a copy that moved nothing. */
    static Report ofFailure(String source, Ending ending, int exitCode, String complaint) {
        return new Report(source, List.of(), ending, Duration.ZERO, List.of(), exitCode, complaint);
    }

    /** The same, had it not failed after all. */
    Report butFailed(int newExitCode, String newComplaint) {
        return new Report(
                source,
                sinks,
                newExitCode == ExitCode.INTERRUPTED ? Ending.INTERRUPTED : Ending.FAILED,
                elapsed,
                fallbacks,
                newExitCode,
                newComplaint);
    }

    /**
     * The same, but for sinks that could not be opened.
     *
     * @param refusals why, each
     * @param tell whether that is said here; it may have been said already
     */
    Report lacking(List<String> refusals, boolean tell) {
        List<String> complaints = new ArrayList<>(tell ? refusals : List.of());
        if (complaint != null) {
            complaints.add(complaint);
        }
        return new Report(
                source,
                sinks,
                ending,
                elapsed,
                fallbacks,
                exitCode == ExitCode.OK ? ExitCode.FAILED : exitCode,
                complaints.isEmpty() ? null : String.join("; ", complaints));
    }

    /** Bytes at the sink that got most: where it went well, all of them got as many. */
    long bytes() {
        return sinks.stream().mapToLong(SinkResult::bytes).max().orElse(0);
    }

    /** Bytes that passed through user space, at all sinks together. */
    private long userSpaceBytes() {
        long sum = 0;
        for (SinkResult sink : sinks) {
            for (Map.Entry<TransferPath, Long> moved : sink.bytesByPath().entrySet()) {
                sum += moved.getKey().inUserSpace() ? moved.getValue() : 0;
            }
        }
        return sum;
    }

    private double seconds() {
        return elapsed.toNanos() / 1e9;
    }

    // For people.

    /** A line for the whole, one for each of several sinks, one for each path that was refused. */
    String text() {
        StringBuilder text = new StringBuilder();
        text.append(exactly(bytes()))
                .append(" in ")
                .append(rounded(seconds(), 3))
                .append(" s");
        if (bytes() > 0 && seconds() > 0) {
            text.append(", ").append(Size.text(bytes() / seconds())).append("/s");
        }
        if (sinks.size() == 1 && bytes() > 0) {
            text.append(", by ").append(paths(sinks.getFirst())).append(", ").append(throughUserSpace());
        } else if (sinks.size() > 1) {
            text.append(", to ").append(sinks.size()).append(" destinations, ").append(throughUserSpace());
            for (SinkResult sink : sinks) {
                text.append("\n  ").append(line(sink));
            }
        }
        for (Fallback fallback : fallbacks) {
            text.append("\n  ")
                    .append(fallback)
                    .append(" (")
                    .append(Errno.message(fallback.errno()))
                    .append(')');
        }
        long lost = sinks.isEmpty() ? 0 : sinks.getFirst().droppedBytes();
        if (sinks.size() == 1 && lost > 0) {
            text.append("\n  ").append(exactly(lost)).append(" had been read and were not written");
        }
        return text.toString();
    }

    private static String line(SinkResult sink) {
        StringBuilder line = new StringBuilder(sink.sink()).append(": ").append(exactly(sink.bytes()));
        if (sink.bytes() > 0) {
            line.append(" by ").append(paths(sink));
        }
        line.append(", ").append(fate(sink.fate()));
        if (sink.errno() != 0) {
            line.append(": ").append(Errno.message(sink.errno()));
        }
        if (sink.droppedBytes() > 0) {
            line.append(", ").append(exactly(sink.droppedBytes())).append(" not written");
        }
        return line.toString();
    }

    private static String fate(Fate fate) {
        return switch (fate) {
            case COMPLETE -> "complete";
            case LEFT -> "left";
            case DETACHED -> "detached";
            case FAILED -> "failed";
            case CUT_SHORT -> "cut short";
        };
    }

    private String throughUserSpace() {
        long bytes = userSpaceBytes();
        return bytes == 0 ? "none through user space" : Size.text(bytes) + " through user space";
    }

    private static String paths(SinkResult sink) {
        if (sink.bytesByPath().size() == 1) {
            return sink.bytesByPath().keySet().iterator().next().label();
        }
        StringJoiner paths = new StringJoiner(" and ");
        for (TransferPath path : TransferPath.values()) {
            Long bytes = sink.bytesByPath().get(path);
            if (bytes != null) {
                paths.add(path.label() + " (" + Size.text(bytes) + ")");
            }
        }
        return paths.toString();
    }

    private static String exactly(long bytes) {
        return bytes < 1024 ? bytes + " B" : Size.text(bytes) + " (" + bytes + " B)";
    }

    private static BigDecimal rounded(double number, int decimals) {
        return BigDecimal.valueOf(number).setScale(decimals, RoundingMode.HALF_UP);
    }

    // For programs.

    /** One object on one line; the manual names its fields. */
    String json() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("source", source);
        json.put("bytes", bytes());
        json.put("seconds", rounded(seconds(), 6));
        json.put("bytesPerSecond", seconds() > 0 ? Math.round(bytes() / seconds()) : 0);
        json.put("userSpaceBytes", userSpaceBytes());
        json.put("ending", ending.name().toLowerCase(java.util.Locale.ROOT));
        json.put("sinks", sinks.stream().map(Report::json).toList());
        json.put("fallbacks", fallbacks.stream().map(Report::json).toList());
        json.put("exitCode", exitCode);
        json.put("error", complaint);
        return Json.of(json);
    }

    private static Map<String, @Nullable Object> json(SinkResult sink) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("sink", sink.sink());
        json.put("bytes", sink.bytes());
        Map<String, Long> paths = new LinkedHashMap<>();
        for (TransferPath path : TransferPath.values()) {
            Long bytes = sink.bytesByPath().get(path);
            if (bytes != null) {
                paths.put(path.label(), bytes);
            }
        }
        json.put("paths", paths);
        json.put("fate", fate(sink.fate()).replace(' ', '_'));
        json.put("errno", sink.errno() == 0 ? null : Errno.name(sink.errno()));
        json.put("droppedBytes", sink.droppedBytes());
        return json;
    }

    private static Map<String, String> json(Fallback fallback) {
        Map<String, String> json = new LinkedHashMap<>();
        json.put("path", fallback.from().label());
        json.put("call", fallback.call());
        json.put("errno", Errno.name(fallback.errno()));
        return json;
    }
}
