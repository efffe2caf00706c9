// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.DefaultProgressBarRenderer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import me.tongfei.progressbar.ProgressState;
import org.jspecify.annotations.Nullable;

/**
 * The line that shows how far a copy has come, drawn anew at an interval by the library's own thread, which asks for
 * the number of bytes itself: so it goes on while the copying thread waits.
 */
final class ProgressLine implements AutoCloseable {
    private static final int UNKNOWN = -1;

    private final LongSupplier movedBytes;
    private final long intervalNanos;
    private final ProgressBar bar;

    /**
     * Begins to draw.
     *
     * @param expectedBytes 0 when it is not known
     */
    ProgressLine(PrintStream err, int columns, Duration interval, long expectedBytes, LongSupplier movedBytes) {
        this.movedBytes = movedBytes;
        this.intervalNanos = interval.toNanos();
        this.bar = new ProgressBarBuilder()
                .setTaskName("")
                .continuousUpdate() // else it waits for us to tell it that something has moved
                .setInitialMax(expectedBytes > 0 ? expectedBytes : UNKNOWN)
                .setUpdateIntervalMillis((int) interval.toMillis())
                // Given a width, it does not ask JLine, which would start a process for each line.
                .setConsumer(new ConsoleProgressBarConsumer(err, columns))
                .setRenderer(new Renderer())
                .build();
    }

    /** Draws the last state, and ends the line. */
    @Override
    public void close() {
        bar.stepTo(movedBytes.getAsLong());
        bar.close();
    }

    /** Bytes, rate since the last line, and average in units that people read. Used by the library's thread alone. */
    private final class Renderer extends DefaultProgressBarRenderer {
        private long lastNanos = System.nanoTime();
        private long lastBytes;
        private double bytesPerSecond = UNKNOWN;

        Renderer() {
            super(ProgressBarStyle.ASCII, "", 1, true, null, ChronoUnit.SECONDS, true, Renderer::remaining);
        }

        private static Optional<Duration> remaining(ProgressState progress) {
            long moved = progress.getCurrent();
            if (moved == 0 || progress.isIndefinite()) {
                return Optional.empty();
            }
            double rest = (double) (progress.getMax() - moved) / moved;
            return Optional.of(
                    Duration.ofMillis((long) (progress.getTotalElapsed().toMillis() * rest)));
        }

        @Override
        public String render(ProgressState progress, int columns) {
            long now = System.nanoTime();
            long moved = movedBytes.getAsLong();
            if (now - lastNanos > intervalNanos / 2) { // the last line follows the one before it at once
                bytesPerSecond = (moved - lastBytes) * 1e9 / (now - lastNanos);
                lastNanos = now;
                lastBytes = moved;
            }
            ProgressBar started = bar();
            if (started != null) {
                started.stepTo(moved);
            }
            return super.render(progress, columns);
        }

        /** Null while it is being built. */
        private @Nullable ProgressBar bar() {
            return bar;
        }

        @Override
        protected String ratio(ProgressState progress) {
            String moved = Size.text(progress.getCurrent());
            return progress.isIndefinite() ? moved : moved + "/" + Size.text(progress.getMax());
        }

        @Override
        protected String speed(ProgressState progress) {
            double seconds = progress.getElapsedAfterStart().toNanos() / 1e9;
            double average = seconds > 0 ? progress.getCurrent() / seconds : 0;
            // Before there has been an interval there is no rate of one.
            double rate = bytesPerSecond < 0 ? average : bytesPerSecond;
            return " " + Size.text(rate) + "/s, avg " + Size.text(average) + "/s";
        }
    }
}
