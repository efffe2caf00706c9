// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the scripts of a run have measured, as bench/common.sh writes it: one JSON object a line. A figure is one round
 * of one peer; a verdict says whether a goal was reached; what has no line P1 to P12 tells of the script's run.
 */
record Figures(List<Measure> measures, List<Verdict> verdicts, List<About> runs) {
    /** What the unit of a percentile begins with: milliseconds. */
    private static final String PERCENTILE = "ms, p";

    /**
     * What is measured, in which unit, and what each peer has brought: ours, the peers and the bounds, in this order.
     */
    record Measure(
            String line, String work, String unit, @Nullable String by, double at, List<Row> rows) {
        /** More is better where the unit is a rate. */
        boolean moreIsBetter() {
            return unit.endsWith("/s");
        }

        /** Whether it is neither at one size or number of several, nor one of several percentiles. */
        boolean isAlone() {
            return by == null && !unit.startsWith(PERCENTILE);
        }

        /** The best of those that are neither ours nor a bound; null when there are none. */
        @Nullable
        Row bestPeer() {
            Comparator<Row> order = Comparator.comparingDouble(Row::median);
            return rows.stream()
                    .filter(Row::isPeer)
                    .max(moreIsBetter() ? order : order.reversed())
                    .orElse(null);
        }

        /** The row of the peer of that name; null when it was not there. */
        @Nullable
        Row row(String peer) {
            return rows.stream()
                    .filter(row -> row.peer.equals(peer))
                    .findFirst()
                    .orElse(null);
        }
    }

    /** One peer's rounds of one measure. */
    record Row(String peer, List<Double> values) {
        private static final String BOUND = "bound: ";

        boolean isOurs() {
            return peer.startsWith("Sluice");
        }

        /** Whether it is a program that makes our system calls and nothing else, which is no peer but a limit. */
        boolean isBound() {
            return peer.startsWith(BOUND);
        }

        boolean isPeer() {
            return !isOurs() && !isBound();
        }

        String name() {
            return isBound() ? shortName() + " (the same calls)" : peer;
        }

        String shortName() {
            return isBound() ? peer.substring(BOUND.length()) : peer;
        }

        double median() {
            List<Double> sorted = values.stream().sorted().toList();
            int half = sorted.size() / 2;
            return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
        }

        double least() {
            return values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        }

        double most() {
            return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        }
    }

    /** Whether a goal was reached, by which peer's figure. */
    record Verdict(String line, String work, String peer, String unit, String goal, String verdict) {
        boolean isOf(Measure measure, Row row) {
            return line.equals(measure.line)
                    && work.equals(measure.work)
                    && unit.equals(measure.unit)
                    && peer.equals(row.peer);
        }
    }

    /** One script's run. */
    record About(String script, String machine, boolean quick) {}

    private record Key(String line, String work, String unit) {}

    /** Reads what a run has left in {@code raw}. */
    static Figures read(Path raw) throws IOException {
        Map<Key, Measure> measures = new LinkedHashMap<>();
        List<Verdict> verdicts = new ArrayList<>();
        List<About> runs = new ArrayList<>();
        for (String each : Files.readAllLines(raw)) {
            Map<String, Object> of = JSON.std.mapFrom(each);
            if (of.containsKey("script")) {
                runs.add(new About(text(of, "script"), text(of, "machine"), Boolean.TRUE.equals(of.get("quick"))));
            } else if (of.containsKey("verdict")) {
                verdicts.add(new Verdict(
                        text(of, "line"),
                        text(of, "work"),
                        text(of, "peer"),
                        text(of, "unit"),
                        text(of, "goal"),
                        text(of, "verdict")));
            } else {
                add(measures, of);
            }
        }
        List<Measure> inOrder = new ArrayList<>(measures.values());
        inOrder.forEach(
                measure -> measure.rows.sort(Comparator.comparing(Row::isBound).thenComparing(Row::isPeer)));
        inOrder.sort(Comparator.comparingInt(measure -> number(measure.line)));
        return new Figures(List.copyOf(inOrder), List.copyOf(verdicts), List.copyOf(runs));
    }

    private static void add(Map<Key, Measure> measures, Map<String, Object> of) {
        Key key = new Key(text(of, "line"), text(of, "work"), text(of, "unit"));
        Measure measure = measures.computeIfAbsent(
                key,
                k -> new Measure(
                        k.line,
                        k.work,
                        k.unit,
                        of.containsKey("by") ? text(of, "by") : null,
                        of.containsKey("at") ? decimal(of, "at") : 0,
                        new ArrayList<>()));
        Row row = measure.row(text(of, "peer"));
        if (row == null) {
            row = new Row(text(of, "peer"), new ArrayList<>());
            measure.rows.add(row);
        }
        row.values.add(decimal(of, "value"));
    }

    private static String text(Map<String, Object> of, String name) {
        Object value = of.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no \"" + name + "\" in " + of);
        }
        return value.toString();
    }

    private static double decimal(Map<String, Object> of, String name) {
        return Double.parseDouble(text(of, name));
    }

    /** P2 comes before P10, and what is no line of the goals at the end. */
    private static int number(String line) {
        return line.matches("P\\d+") ? Integer.parseInt(line.substring(1)) : Integer.MAX_VALUE;
    }

    /** The measures by line, in the lines' order. */
    Map<String, List<Measure>> byLine() {
        Map<String, List<Measure>> lines = new LinkedHashMap<>();
        measures.forEach(each ->
                lines.computeIfAbsent(each.line, line -> new ArrayList<>()).add(each));
        return lines;
    }

    /**
     * What was measured at three points or more, such as sizes, by the name of that and the unit: from the point to its
     * measure. Two points show no course.
     */
    Map<String, Map<Double, Measure>> growing() {
        Map<String, Map<Double, Measure>> all = new LinkedHashMap<>();
        for (Measure each : measures) {
            if (each.by != null) {
                all.computeIfAbsent(each.line + " by " + each.by + ": " + each.unit, key -> new TreeMap<>())
                        .put(each.at, each);
            }
        }
        all.values().removeIf(points -> points.size() < 3);
        return all;
    }

    /** The percentiles of times, by line and work: from the percentile to its measure. */
    Map<String, Map<Double, Measure>> distributions() {
        Map<String, Map<Double, Measure>> all = new LinkedHashMap<>();
        for (Measure each : measures) {
            if (each.unit.startsWith(PERCENTILE)) {
                all.computeIfAbsent(each.line + ": " + each.work, key -> new TreeMap<>())
                        .put(Double.parseDouble(each.unit.substring(PERCENTILE.length())), each);
            }
        }
        all.values().removeIf(percentiles -> percentiles.size() < 3);
        return all;
    }

    /** The measure of that line whose work begins so, in that unit; null when there is none. */
    @Nullable
    Measure measure(String line, String work, String unit) {
        return measures.stream()
                .filter(each -> each.line.equals(line) && each.work.startsWith(work) && each.unit.equals(unit))
                .findFirst()
                .orElse(null);
    }

    /** Whether a goal is about it; what else is measured at other sizes only shows how cost grows. */
    boolean hasGoal(Measure measure) {
        return verdicts.stream()
                .anyMatch(each -> each.line.equals(measure.line)
                        && each.work.equals(measure.work)
                        && each.unit.equals(measure.unit));
    }

    /** Whether any of the scripts ran with few rounds and small sizes, which is a trial and no result. */
    boolean isQuick() {
        return runs.stream().anyMatch(About::quick);
    }
}
