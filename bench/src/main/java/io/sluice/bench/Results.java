// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import io.sluice.bench.Figures.Measure;
import io.sluice.bench.Figures.Row;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.internal.chartpart.IChart;

/**
 * Makes of what bench/run has collected what people read.
 *
 * <pre>
 *  Results page DIRECTORY       results.md and the plots, beside DIRECTORY/raw.jsonl
 *  Results readme ROOT          the figures and the chart of ROOT/README.md, from the newest result that is no trial and
 *                               has the relay's lines
 * </pre>
 */
final class Results {
    /** Between these two lines README.md belongs to this program. */
    static final String BEGIN = "<!-- figures: written by bench/readme -->";

    static final String END = "<!-- end of figures -->";

    private static final List<String> COLUMNS = List.of("Sluice", "HAProxy, splicing", "HAProxy, copying", "nginx");

    private record Line(String goal, String work, String unit, String words) {}

    private static final List<Line> LINES = List.of(
            new Line("P7", "bulk", "GB/s", "bulk, GB a second"),
            new Line("P7", "bulk", "CPU-s/GB", "CPU seconds for a GB of it"),
            new Line("P8", "requests of 64 bytes", "requests/s", "requests of 64 bytes a second"),
            new Line("P8", "requests of 16384 bytes", "requests/s", "requests of 16 KiB a second"),
            new Line("P9", "a connection", "requests/s", "connections a second"),
            new Line("P10", "5000 idle", "KiB", "KiB for an idle connection"));

    private static final String CHART = "docs/images/relay.svg";

    private Results() {}

    /** Writes what the arguments ask for. */
    public static void main(String[] args) throws IOException {
        Path at = Path.of(args[1]).toAbsolutePath().normalize();
        switch (args[0]) {
            case "page" -> page(at);
            case "readme" -> readme(at);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static void page(Path directory) throws IOException {
        Figures figures = Figures.read(directory.resolve("raw.jsonl"));
        var pictures = Plots.draw(figures, directory);
        String name = Objects.requireNonNull(directory.getFileName()).toString();
        Files.writeString(directory.resolve("results.md"), new ResultTable(figures).page(name, pictures));
    }

    private static void readme(Path root) throws IOException {
        Path result = newest(root.resolve("docs/benchmarks"));
        if (result == null) {
            throw new IOException("docs/benchmarks has no result of bench/run with the lines P7 to P10");
        }
        Figures figures = Figures.read(result.resolve("raw.jsonl"));
        List<IChart> panels = new ArrayList<>();
        for (String unit : List.of("GB/s", "CPU-s/GB")) {
            panels.add(Plots.bars(Objects.requireNonNull(figures.measure("P7", "bulk", unit))));
        }
        Files.createDirectories(root.resolve(CHART).getParent());
        Plots.write(panels, root.resolve(CHART));
        String link = root.relativize(result).toString();
        Path readme = root.resolve("README.md");
        String text = "![The relay beside others: bytes per second, and CPU time per byte](" + CHART + ")\n\n"
                + table(figures) + "\n[Every figure](" + link + "/results.md), with its spread, and where we lose.\n";
        Files.writeString(readme, between(Files.readString(readme), text));
    }

    /** The directory whose name, a date and a machine, comes last. */
    private static @Nullable Path newest(Path results) throws IOException {
        List<Path> all;
        try (Stream<Path> each = Files.list(results)) {
            all = each.filter(directory -> Files.exists(directory.resolve("raw.jsonl")))
                    .sorted(Comparator.reverseOrder())
                    .toList();
        }
        for (Path each : all) {
            Figures figures = Figures.read(each.resolve("raw.jsonl"));
            if (!figures.isQuick() && isWhole(figures)) {
                return each;
            }
        }
        return null;
    }

    private static boolean isWhole(Figures figures) {
        return Stream.of("P7", "P8", "P9", "P10").allMatch(figures.byLine()::containsKey);
    }

    private static String table(Figures figures) {
        var lines = new StringBuilder("| on one event loop, in one run |");
        COLUMNS.forEach(peer -> lines.append(" ").append(peer).append(" |"));
        lines.append("\n|---|").append("---|".repeat(COLUMNS.size())).append("\n");
        for (Line line : LINES) {
            Measure measure = Objects.requireNonNull(figures.measure(line.goal, line.work, line.unit));
            lines.append("| ").append(line.words).append(" |");
            for (String peer : COLUMNS) {
                Row row = measure.row(peer);
                lines.append(" ")
                        .append(row == null ? "" : ResultTable.number(row.median()))
                        .append(" |");
            }
            lines.append("\n");
        }
        return lines.toString();
    }

    /** The text with what stands between the two marks replaced. */
    static String between(String text, String with) throws IOException {
        int begin = text.indexOf(BEGIN);
        int end = text.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IOException("README.md has not the lines \"" + BEGIN + "\" and \"" + END + "\" in this order");
        }
        return text.substring(0, begin + BEGIN.length()) + "\n" + with + text.substring(end);
    }
}
