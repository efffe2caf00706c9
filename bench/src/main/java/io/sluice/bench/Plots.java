// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import de.erichseifert.vectorgraphics2d.Processors;
import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import io.sluice.bench.Figures.Measure;
import io.sluice.bench.Figures.Row;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.internal.chartpart.IChart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.AxesChartStyler.TextAlignment;
import org.knowm.xchart.style.Styler.LegendPosition;

/** A result as pictures: SVG files of panels, one panel for each measure. */
final class Plots {
    private static final int WIDTH = 460;
    private static final int HEIGHT = 340;
    private static final int COLUMNS = 2;

    /** Letters are drawn as outlines, so that no font matters; a hundredth of a pixel does not. */
    private static final Pattern MORE_DIGITS = Pattern.compile("(\\.\\d\\d)\\d+");

    private static final Color OURS = new Color(0x1b6ca8);
    private static final Color OTHERS = new Color(0xb9c4cc);
    private static final Color BOUND = new Color(0xe0b860);

    private Plots() {}

    /** Draws every line into {@code directory}, and returns the files' names by line. */
    static Map<String, String> draw(Figures figures, Path directory) throws IOException {
        Map<String, String> names = new LinkedHashMap<>();
        for (var line : figures.byLine().entrySet()) {
            List<IChart> panels = new ArrayList<>();
            line.getValue().stream()
                    .filter(measure -> isWorthABar(measure) && (measure.isAlone() || figures.hasGoal(measure)))
                    .map(Plots::bars)
                    .forEach(panels::add);
            figures.distributions().forEach((title, percentiles) -> {
                if (title.startsWith(line.getKey() + ": ")) {
                    panels.add(distribution(title, percentiles));
                }
            });
            figures.growing().forEach((title, points) -> {
                if (title.startsWith(line.getKey() + " ")) {
                    panels.add(course(title, points));
                }
            });
            if (!panels.isEmpty()) {
                String name = line.getKey().toLowerCase(Locale.ROOT) + ".svg";
                write(panels, directory.resolve(name));
                names.put(line.getKey(), name);
            }
        }
        return names;
    }

    /** One bar beside nothing compares nothing, and zeros have no height. */
    private static boolean isWorthABar(Measure measure) {
        return measure.rows().size() > 1 && measure.rows().stream().anyMatch(row -> row.median() > 0);
    }

    /** A bar for each peer, ours and the bounds in colours of their own. */
    static CategoryChart bars(Measure measure) {
        var chart = new CategoryChart(WIDTH, HEIGHT);
        chart.setTitle(measure.line() + ": " + measure.work());
        chart.setYAxisTitle(measure.unit() + (measure.moreIsBetter() ? " (more is better)" : " (less is better)"));
        List<String> names = measure.rows().stream().map(Row::shortName).toList();
        addBars(chart, names, measure, "Sluice", Row::isOurs, OURS);
        addBars(chart, names, measure, "others", Row::isPeer, OTHERS);
        addBars(chart, names, measure, "the same calls in C", Row::isBound, BOUND);
        chart.getStyler().setOverlapped(true).setLabelsVisible(false).setAvailableSpaceFill(0.7);
        dress(chart.getStyler());
        chart.getStyler().setLegendVisible(false);
        chart.getStyler().setXAxisLabelRotation(names.size() > 3 ? 90 : 0);
        chart.getStyler().setXAxisLabelAlignmentVertical(TextAlignment.Right); // close to the axis
        chart.getStyler().setXAxisMaxLabelCount(names.size());
        chart.getStyler().setYAxisMin(0.0);
        return chart;
    }

    private static void addBars(
            CategoryChart chart, List<String> names, Measure measure, String name, Predicate<Row> which, Color color) {
        List<@Nullable Double> heights = new ArrayList<>();
        measure.rows().forEach(row -> heights.add(which.test(row) ? (Double) row.median() : null));
        if (measure.rows().stream().anyMatch(which)) {
            chart.addSeries(name, names, heights).setFillColor(color);
        }
    }

    /** A line for each peer, over sizes or numbers that grow by factors. */
    private static XYChart course(String title, Map<Double, Measure> points) {
        var chart = new XYChart(WIDTH, HEIGHT);
        chart.setTitle(title);
        Map<String, TreeMap<Double, Double>> lines = new LinkedHashMap<>();
        points.forEach((at, measure) -> measure.rows()
                .forEach(row -> lines.computeIfAbsent(row.shortName(), name -> new TreeMap<>())
                        .put(at, row.median())));
        lines.forEach((name, line) -> chart.addSeries(name, List.copyOf(line.keySet()), List.copyOf(line.values())));
        dress(chart.getStyler());
        chart.setXAxisTitle(points.keySet().stream()
                .map(at -> String.format(Locale.ROOT, "%,.0f", at))
                .collect(Collectors.joining("   ")));
        chart.getStyler().setXAxisTitleVisible(true);
        chart.getStyler().setXAxisLogarithmic(true);
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setLegendPosition(LegendPosition.OutsideE);
        return chart;
    }

    /** A line for each peer, over the percentiles. */
    private static CategoryChart distribution(String title, Map<Double, Measure> percentiles) {
        var chart = new CategoryChart(WIDTH, HEIGHT);
        chart.setTitle(title);
        chart.setYAxisTitle("ms (less is better), by percentile");
        Map<String, List<Double>> lines = new LinkedHashMap<>();
        percentiles
                .values()
                .forEach(measure -> measure.rows()
                        .forEach(row -> lines.computeIfAbsent(row.shortName(), name -> new ArrayList<>())
                                .add(row.median())));
        List<String> names =
                percentiles.keySet().stream().map(ResultTable::percentile).toList();
        lines.forEach((name, line) -> {
            if (line.size() == names.size()) {
                chart.addSeries(name, names, line);
            }
        });
        dress(chart.getStyler());
        chart.getStyler().setDefaultSeriesRenderStyle(CategorySeriesRenderStyle.Line);
        chart.getStyler().setOverlapped(true); // points above their labels, not beside each other
        chart.getStyler().setXAxisMaxLabelCount(names.size());
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setLegendPosition(LegendPosition.OutsideE);
        return chart;
    }

    private static void dress(AxesChartStyler styler) {
        var font = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
        styler.setChartTitleFont(font.deriveFont(Font.BOLD, 13));
        styler.setLegendFont(font);
        styler.setAxisTitleFont(font);
        styler.setAxisTickLabelsFont(font);
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setChartTitleBoxVisible(false);
        styler.setPlotBorderVisible(false);
        styler.setPlotGridVerticalLinesVisible(false);
        styler.setXAxisTitleVisible(false);
        styler.setAntiAlias(true);
    }

    /** Panels in rows from left to right; XChart itself writes one chart to a file. */
    static void write(List<? extends IChart> panels, Path file) throws IOException {
        int columns = Math.min(COLUMNS, panels.size());
        int rows = (panels.size() + COLUMNS - 1) / COLUMNS;
        var graphics = new VectorGraphics2D();
        for (int i = 0; i < panels.size(); i++) {
            int x = i % COLUMNS * WIDTH;
            int y = i / COLUMNS * HEIGHT;
            graphics.translate(x, y);
            panels.get(i).paint(graphics, WIDTH, HEIGHT);
            graphics.translate(-x, -y);
        }
        var page = new PageSize(0, 0, columns * WIDTH, rows * HEIGHT);
        var svg = new ByteArrayOutputStream();
        Processors.get("svg").getDocument(graphics.getCommands(), page).writeTo(svg);
        Files.writeString(file, MORE_DIGITS.matcher(svg.toString(UTF_8)).replaceAll("$1"));
    }
}
