// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.util.stream.Collectors.joining;

import io.sluice.kernel.TransferPath;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;
import org.jspecify.annotations.Nullable;

/**
 * The command line of {@code sluice copy}, understood and found free of contradictions.
 *
 * @param expectedBytes how many bytes will come, where that was said; else -1
 * @param rate bytes per second; 0 for no limit
 * @param pipeBytes capacity of the pipes
 */
record CopyOptions(
        boolean help,
        Location source,
        List<Location> sinks,
        @Nullable TransferPath path,
        long expectedBytes,
        long limit,
        long rate,
        int pipeBytes,
        Duration interval,
        boolean quiet,
        boolean summary,
        boolean progress,
        boolean json,
        boolean sync,
        boolean append,
        boolean stable,
        WhenOneFails whenOneFails,
        boolean userSpace) {

    /** What the failure of one of several destinations means to the others. */
    enum WhenOneFails {
        /** They end, too; and nothing begins before all could be opened. */
        END_ALL,
        /** They go on. */
        KEEP_GOING,
        /**
         * They go on without it, also when it could not be opened at all; but when its reader is gone they end, as a
         * tool does that SIGPIPE ends: else a source without end would never.
         */
        AS_TEE,
        /** The same, but they go on without a reader as well. */
        AS_TEE_WITHOUT_READERS
    }

    /** What a transfer uses of itself; the help says so, too. */
    private static final int DEFAULT_PIPE_BYTES = 512 << 10;

    private static final Duration DEFAULT_INTERVAL = Duration.ofMillis(500);
    private static final long LONGEST_INTERVAL_SECONDS = 3600;

    /** Reads the words after {@code copy}. */
    static CopyOptions parse(List<String> words) {
        CommandLine parser = new CommandLine();
        OptionSpec<String> path = parser.accepts("path").withRequiredArg();
        OptionSpec<String> size = parser.accepts("size").withRequiredArg();
        OptionSpec<String> limit = parser.accepts("limit").withRequiredArg();
        OptionSpec<String> rate = parser.accepts("rate").withRequiredArg();
        OptionSpec<String> buffer = parser.accepts("buffer").withRequiredArg();
        OptionSpec<String> interval = parser.accepts("interval").withRequiredArg();
        OptionSpec<Void> quiet = parser.acceptsAll(List.of("quiet", "q"));
        OptionSpec<Void> summary = parser.acceptsAll(List.of("summary", "v"));
        OptionSpec<Void> progress = parser.accepts("progress");
        OptionSpec<Void> json = parser.accepts("json");
        OptionSpec<Void> sync = parser.accepts("sync");
        OptionSpec<Void> append = parser.acceptsAll(List.of("append", "a"));
        OptionSpec<Void> stable = parser.accepts("stable");
        OptionSpec<Void> keepGoing = parser.acceptsAll(List.of("keep-going", "k"));
        OptionSpec<String> kernel = parser.accepts("kernel").withRequiredArg();
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSpec<String> ends = parser.nonOptions();

        OptionSet given = parser.parse(words);
        List<Location> locations =
                given.valuesOf(ends).stream().map(Location::parse).toList();
        CopyOptions options = new CopyOptions(
                given.has(help),
                locations.isEmpty() ? new Location.Standard() : locations.getFirst(),
                locations.size() < 2 ? List.of(new Location.Standard()) : locations.subList(1, locations.size()),
                given.has(path) ? path(last(given, path)) : null,
                given.has(size) ? Size.parse("--size", last(given, size)) : -1,
                given.has(limit) ? Size.parse("--limit", last(given, limit)) : Long.MAX_VALUE,
                given.has(rate) ? rate(last(given, rate)) : 0,
                given.has(buffer) ? pipeBytes(last(given, buffer)) : DEFAULT_PIPE_BYTES,
                given.has(interval) ? interval(last(given, interval)) : DEFAULT_INTERVAL,
                given.has(quiet),
                given.has(summary),
                given.has(progress),
                given.has(json),
                given.has(sync),
                given.has(append),
                given.has(stable),
                given.has(keepGoing) ? WhenOneFails.KEEP_GOING : WhenOneFails.END_ALL,
                given.has(kernel)
                        && KernelChoice.parse(last(given, kernel), null).user());
        options.refuseContradictions();
        return options;
    }

    /** What {@code sluice tee} asks for: standard input to standard output and to files, quietly. */
    static CopyOptions ofTee(
            List<Location> files,
            WhenOneFails whenOneFails,
            boolean append,
            boolean summary,
            boolean json,
            boolean userSpace) {
        List<Location> sinks = new ArrayList<>(List.of(new Location.Standard()));
        sinks.addAll(files);
        return new CopyOptions(
                false,
                new Location.Standard(),
                List.copyOf(sinks),
                null,
                -1,
                Long.MAX_VALUE,
                0,
                DEFAULT_PIPE_BYTES,
                DEFAULT_INTERVAL,
                !summary,
                summary,
                false,
                json,
                false,
                append,
                false,
                whenOneFails,
                userSpace);
    }

    /** Whether a destination that fails may leave others that go on. */
    boolean keepGoing() {
        return whenOneFails != WhenOneFails.END_ALL;
    }

    /** Whether a destination that cannot be opened is gone without. */
    boolean goesWithoutRefused() {
        return whenOneFails == WhenOneFails.AS_TEE || whenOneFails == WhenOneFails.AS_TEE_WITHOUT_READERS;
    }

    /** Whether the others go on without one that failed so. */
    boolean tolerates(int errno) {
        return switch (whenOneFails) {
            case END_ALL -> false;
            case KEEP_GOING, AS_TEE_WITHOUT_READERS -> true;
            case AS_TEE -> !Copy.isReaderGone(errno);
        };
    }

    /** Whether the bytes go to more than one place. */
    boolean fansOut() {
        return sinks.size() > 1;
    }

    private void refuseContradictions() {
        if (quiet && (summary || progress)) {
            throw new Misuse("--quiet and --" + (summary ? "summary" : "progress") + " contradict each other");
        }
        if (stable && path != null && path != TransferPath.COPY) {
            throw new Misuse("--stable copies the bytes, so it cannot go by --path " + path.label());
        }
        if (fansOut() && path != null && path != TransferPath.SPLICE && path != TransferPath.COPY) {
            throw new Misuse("--path " + path.label() + " has one destination; several are reached by splice or copy");
        }
        List<Location> standard = new ArrayList<>(sinks);
        standard.removeIf(sink -> !(sink instanceof Location.Standard));
        if (standard.size() > 1) {
            throw new Misuse("'-' is named twice as a destination; standard output can take the bytes once");
        }
    }

    /** Of an option that was given twice the last counts, so that an alias can be overruled. */
    private static String last(OptionSet given, OptionSpec<String> option) {
        return given.valuesOf(option).getLast();
    }

    private static TransferPath path(String label) {
        for (TransferPath path : TransferPath.values()) {
            if (path.label().equals(label)) {
                return path;
            }
        }
        throw new Misuse("--path: no path is called '" + label + "'; there are "
                + Arrays.stream(TransferPath.values()).map(TransferPath::label).collect(joining(", ")));
    }

    private static long rate(String text) {
        long rate = Size.parse("--rate", text.endsWith("/s") ? text.substring(0, text.length() - 2) : text);
        if (rate == 0) {
            throw new Misuse("--rate: nothing would ever move at '" + text + "'; the least is 1 byte per second");
        }
        return rate;
    }

    private static int pipeBytes(String text) {
        long bytes = Size.parse("--buffer", text);
        if (bytes < 1 || bytes > 1L << 30) {
            throw new Misuse("--buffer: a pipe cannot have " + text + "; 4K to 1M is usual");
        }
        return (int) bytes;
    }

    private static Duration interval(String text) {
        try {
            BigDecimal seconds = new BigDecimal(text);
            if (seconds.signum() > 0 && seconds.compareTo(BigDecimal.valueOf(LONGEST_INTERVAL_SECONDS)) <= 0) {
                return Duration.ofMillis(Math.max(1, seconds.movePointRight(3).longValue()));
            }
        } catch (NumberFormatException e) {
            // complained of below
        }
        throw new Misuse("--interval: not a time in seconds: '" + text + "'; examples: 1, 0.2");
    }
}
