// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import io.sluice.bench.Figures.Measure;
import io.sluice.bench.Figures.Row;
import io.sluice.bench.Figures.Verdict;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A result as Markdown: a table for each line of the goals, a row for each peer. */
final class ResultTable {
    private final Figures figures;

    ResultTable(Figures figures) {
        this.figures = figures;
    }

    /** The whole page; {@code pictures} are the file names of the plots by line. */
    String page(String name, Map<String, String> pictures) {
        var page = new StringBuilder("# ").append(name).append("\n\n");
        if (figures.isQuick()) {
            page.append(
                    "**Few rounds and small sizes (`--quick`): this shows that everything runs, and is no result.**\n\n");
        }
        page.append(
                        "Medians of the rounds in `raw.jsonl`, where every single one stands; the spread is from the least to the most")
                .append(
                        " of them. The ratio is to the\nbest peer, and what makes the same system calls in C is a bound and no peer.")
                .append(" What a line asks for: [Figures](../README.md).\n\n");
        for (var run : figures.runs()) {
            page.append("- `")
                    .append(run.script())
                    .append("`: ")
                    .append(run.machine())
                    .append('\n');
        }
        page.append('\n').append(verdicts());
        figures.byLine().forEach((line, measures) -> {
            page.append("\n## ").append(line).append("\n\n");
            if (pictures.containsKey(line)) {
                page.append("![")
                        .append(line)
                        .append("](")
                        .append(pictures.get(line))
                        .append(")\n\n");
            }
            page.append(
                    "| work | in | peer | median | spread | rounds | ratio | goal | |\n|---|---|---|---|---|---|---|---|---|\n");
            measures.forEach(measure -> measure.rows().forEach(row -> page.append(row(measure, row))));
        });
        return page.toString();
    }

    private String verdicts() {
        List<Verdict> missed = figures.verdicts().stream()
                .filter(each -> !each.verdict().equals("reached"))
                .toList();
        int all = figures.verdicts().size();
        String reached = (all - missed.size()) + " of " + all + " goals are reached.\n";
        return missed.stream()
                .map(each -> "- " + each.line() + ", " + each.work() + ", " + each.goal() + ": **" + met(each) + "**\n")
                .collect(Collectors.joining("", missed.isEmpty() ? reached : reached + "\n", ""));
    }

    private String row(Measure measure, Row row) {
        List<Verdict> verdicts = figures.verdicts().stream()
                .filter(each -> each.isOf(measure, row))
                .toList();
        Row best = measure.bestPeer();
        String ratio = best == null || best.median() == 0
                ? ""
                : String.format(Locale.ROOT, "%.2f ×", row.median() / best.median());
        String spread = row.values().size() < 2 ? "" : number(row.least()) + " – " + number(row.most());
        String name = row.isOurs() ? "**" + row.name() + "**" : row.name();
        return String.join(
                        " | ",
                        "| " + measure.work(),
                        measure.unit(),
                        name,
                        number(row.median()),
                        spread,
                        String.valueOf(row.values().size()),
                        ratio,
                        verdicts.stream().map(Verdict::goal).collect(Collectors.joining("; ")),
                        verdicts.stream().map(ResultTable::met).collect(Collectors.joining("; ")))
                + " |\n";
    }

    /** The scripts say "reached"; the tables say "met". */
    private static String met(Verdict verdict) {
        return verdict.verdict().equals("reached") ? "met" : verdict.verdict();
    }

    /** As short as it can be said: p50, p99.9. */
    static String percentile(double percent) {
        return "p" + (percent == Math.rint(percent) ? String.valueOf((long) percent) : String.valueOf(percent));
    }

    /** Three digits that count, and no more where there are more before the point. */
    static String number(double value) {
        double size = Math.abs(value);
        String format =
                size >= 1000 ? "%,.0f" : size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f";
        return value == 0 ? "0" : String.format(Locale.ROOT, format, value);
    }
}
