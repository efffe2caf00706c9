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
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;
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

    private static final int LINE = 130;

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
            throw new IOException("docs/benchmarks has no result of bench/run with the lines P7 to P9");
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
                + sentence(figures, link) + "\n";
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
        return Stream.of("P7", "P8", "P9").allMatch(figures.byLine()::containsKey);
    }

    private static String sentence(Figures figures, String link) {
        return wrapped("On one event loop, in one run: bulk at " + beside(figures, "P7", "bulk", "GB/s", "GB/s")
                + " for "
                + beside(figures, "P7", "bulk", "CPU-s/GB", "CPU seconds per GB") + ", "
                + beside(figures, "P8", "requests of 64 bytes", "requests/s", "requests of 64 bytes a second") + ", "
                + beside(figures, "P9", "a connection", "requests/s", "connections a second") + ": [every figure]("
                + link
                + "/results.md).");
    }

    private static String wrapped(String text) {
        var lines = new StringBuilder();
        int length = 0;
        for (String word : text.split(" ", -1)) {
            if (length > 0) {
                boolean fits = length + 1 + word.length() <= LINE;
                lines.append(fits ? ' ' : '\n');
                length = fits ? length + 1 : 0;
            }
            lines.append(word);
            length += word.length();
        }
        return lines.toString();
    }

    /** Our figure with its unit in words, and in brackets those of HAProxy and nginx as far as they were there. */
    private static String beside(Figures figures, String line, String work, String unit, String words) {
        Measure measure = Objects.requireNonNull(figures.measure(line, work, unit));
        Row ours = Objects.requireNonNull(measure.row("Sluice"));
        String peers = measure.rows().stream()
                .filter(row -> row.peer().startsWith("HAProxy") || row.peer().equals("nginx"))
                .map(row -> row.name()
                                .toLowerCase(Locale.ROOT)
                                .replace("haproxy", "HAProxy")
                                .replace(",", "") + " " + ResultTable.number(row.median()))
                .collect(Collectors.joining(", "));
        return ResultTable.number(ours.median()) + " " + words + (peers.isEmpty() ? "" : " (" + peers + ")");
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
