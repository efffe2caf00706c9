// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.relay.Address;
import io.sluice.relay.ConfigException;
import io.sluice.relay.Units;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.replay.Replay;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;
import org.jspecify.annotations.Nullable;

/**
 * The command line of {@code sluice replay}, understood.
 *
 * @param files captures, or directories of them
 * @param to where the server is; null with {@code --list}
 * @param speed as {@link Replay#speed} has it
 * @param loops as {@link Replay#loops} has it
 * @param ports of servers whose conversations are meant; empty for all
 * @param only the numbers of the conversations that are meant; empty for all
 * @param midway whether conversations without a beginning are meant as well
 */
record ReplayOptions(
        boolean help,
        List<Path> files,
        @Nullable Address to,
        double speed,
        int loops,
        int connections,
        Duration timeout,
        boolean compare,
        List<Integer> ports,
        List<Range> only,
        boolean midway,
        boolean list,
        boolean json,
        boolean quiet,
        boolean progress,
        boolean userSpace) {
    /** Numbers from one to another. */
    record Range(int first, int last) {}

    /** Reads the words after {@code replay}. */
    static ReplayOptions parse(List<String> words) {
        CommandLine parser = new CommandLine();
        OptionSpec<String> to = parser.acceptsAll(List.of("to", "t")).withRequiredArg();
        OptionSpec<String> speed = parser.acceptsAll(List.of("speed", "s")).withRequiredArg();
        OptionSpec<String> loop = parser.accepts("loop").withRequiredArg();
        OptionSpec<String> connections = parser.accepts("connections").withRequiredArg();
        OptionSpec<String> timeout = parser.accepts("timeout").withRequiredArg();
        OptionSpec<Void> compare = parser.acceptsAll(List.of("compare", "c"));
        OptionSpec<String> port = parser.accepts("port").withRequiredArg();
        OptionSpec<String> only = parser.accepts("only").withRequiredArg();
        OptionSpec<Void> midway = parser.accepts("midway");
        OptionSpec<Void> list = parser.acceptsAll(List.of("list", "l"));
        OptionSpec<Void> json = parser.accepts("json");
        OptionSpec<Void> quiet = parser.acceptsAll(List.of("quiet", "q"));
        OptionSpec<Void> progress = parser.accepts("progress");
        OptionSpec<String> kernel = parser.accepts("kernel").withRequiredArg();
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSpec<String> files = parser.nonOptions();

        OptionSet given = parser.parse(words);
        ReplayOptions options = new ReplayOptions(
                given.has(help),
                given.valuesOf(files).stream().map(ReplayOptions::path).toList(),
                given.has(to) ? address(last(given, to)) : null,
                given.has(speed) ? speed(last(given, speed)) : 1,
                given.has(loop) ? number("--loop", last(given, loop), 0, Integer.MAX_VALUE) : 1,
                given.has(connections)
                        ? number("--connections", last(given, connections), 1, 1 << 20)
                        : Replay.USUAL_CONNECTIONS,
                given.has(timeout) ? timeout(last(given, timeout)) : Replay.USUAL_TIMEOUT,
                given.has(compare),
                given.valuesOf(port).stream()
                        .map(each -> number("--port", each, 0, 65_535))
                        .toList(),
                given.valuesOf(only).stream()
                        .flatMap(each -> ranges(each).stream())
                        .toList(),
                given.has(midway),
                given.has(list),
                given.has(json),
                given.has(quiet),
                given.has(progress),
                given.has(kernel)
                        && KernelChoice.parse(last(given, kernel), null).user());
        if (!options.help) {
            options.refuseContradictions();
        }
        if (options.list) {
            given.specs().stream()
                    .filter(each -> !List.of(list, json, port, only, help).contains(each))
                    .findAny()
                    .ifPresent(each -> {
                        throw new Misuse(
                                "--list replays nothing, so --" + each.options().getLast() + " has no meaning with it");
                    });
        }
        return options;
    }

    private void refuseContradictions() {
        if (files.isEmpty()) {
            throw new Misuse("say what to replay: a capture, such as traffic.pcapng, or a directory of them");
        }
        if (to == null && !list) {
            throw new Misuse("say where to: --to localhost:6379; or --list, to see what is in there");
        }
        if (quiet && (json || progress)) {
            throw new Misuse("--quiet and --" + (json ? "json" : "progress") + " contradict each other");
        }
    }

    /** Whether a conversation is one of those that are meant. */
    boolean means(Conversation conversation) {
        int number = conversation.number();
        return (ports.isEmpty() || ports.contains(conversation.server().getPort()))
                && (only.isEmpty() || only.stream().anyMatch(each -> number >= each.first && number <= each.last));
    }

    private static String last(OptionSet given, OptionSpec<String> option) {
        return given.valuesOf(option).getLast();
    }

    private static Path path(String word) {
        try {
            return Path.of(word);
        } catch (InvalidPathException e) {
            throw new Misuse("'" + word + "' is no path: " + e.getReason());
        }
    }

    private static Address address(String text) {
        try {
            return Address.parse(text);
        } catch (ConfigException e) {
            throw new Misuse("--to: " + e.getMessage());
        }
    }

    private static double speed(String text) {
        if (text.equals("max")) {
            return Replay.MAX_SPEED;
        }
        try {
            double factor = Double.parseDouble(text.endsWith("x") ? text.substring(0, text.length() - 1) : text);
            if (factor > 0 && factor < Double.POSITIVE_INFINITY) {
                return factor;
            }
        } catch (NumberFormatException e) {
            // The complaint is the same.
        }
        throw new Misuse("--speed: '" + text + "' is neither max nor a factor above 0, such as 1, 10 or 0.5");
    }

    private static Duration timeout(String text) {
        try {
            Duration time = Units.time(text);
            if (time.isPositive()) {
                return time;
            }
        } catch (ConfigException e) {
            throw new Misuse("--timeout: " + e.getMessage());
        }
        throw new Misuse("--timeout: a time above 0, and not '" + text + "'");
    }

    /** Such as {@code 3,7-9}. */
    private static List<Range> ranges(String text) {
        List<Range> ranges = new ArrayList<>();
        for (String each : text.split(",", -1)) {
            int dash = each.indexOf('-');
            int first = number("--only", dash < 0 ? each : each.substring(0, dash), 1, Integer.MAX_VALUE);
            int last = dash < 0 ? first : number("--only", each.substring(dash + 1), first, Integer.MAX_VALUE);
            ranges.add(new Range(first, last));
        }
        return ranges;
    }

    private static int number(String option, String text, int least, int most) {
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // The complaint is the same.
        }
        throw new Misuse(option + ": '" + text + "' is no whole number of " + least + " or more"
                + (most == Integer.MAX_VALUE ? "" : ", up to " + most));
    }
}
