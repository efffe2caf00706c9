// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.conformance.fuzz.Difference;
import io.sluice.conformance.fuzz.Fuzzer;
import java.math.BigDecimal;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import joptsimple.OptionParser;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;

/** {@code sluice fuzz}: random programs on both kernels, for as long as it is told to. */
final class FuzzCommand implements Command {
    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long NANOS_PER_MINUTE = TimeUnit.MINUTES.toNanos(1);
    private static final BigDecimal MOST_MINUTES = BigDecimal.valueOf(TimeUnit.DAYS.toMinutes(365));

    /** Seeds drawn here are short enough to be typed again. */
    private static final long MOST_DRAWN_SEED = 1_000_000_000;

    @Override
    public String name() {
        return "fuzz";
    }

    @Override
    public String summary() {
        return "compares the user-space kernel with Linux by random programs";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        OptionParser parser = new OptionParser();
        OptionSpec<String> minutes = parser.accepts("minutes").withRequiredArg();
        OptionSpec<String> calls = parser.accepts("calls").withRequiredArg();
        OptionSpec<String> seed = parser.accepts("seed").withRequiredArg();
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSet given = parser.parse(arguments.toArray(String[]::new));
        if (given.has(help)) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        if (!given.nonOptionArguments().isEmpty()) {
            throw new Misuse(
                    "nothing is to be named, and '" + given.nonOptionArguments().getFirst() + "' was");
        }
        if (!given.has(minutes) && !given.has(calls)) {
            throw new Misuse("say for how long: --minutes N, or --calls N");
        }
        long nanos = given.has(minutes) ? nanos(given.valuesOf(minutes).getLast()) : Long.MAX_VALUE;
        long mostCalls =
                given.has(calls) ? number("--calls", given.valuesOf(calls).getLast()) : Long.MAX_VALUE;
        long first = given.has(seed)
                ? number("--seed", given.valuesOf(seed).getLast())
                : ThreadLocalRandom.current().nextLong(MOST_DRAWN_SEED);
        try {
            host.linux().close(); // says why, where Linux cannot be reached
            return fuzz(host, nanos, mostCalls, first);
        } catch (UnsupportedOperationException e) {
            host.err().println("sluice: fuzz: " + e.getMessage());
            return ExitCode.FAILED;
        }
    }

    private static int fuzz(Host host, long nanos, long mostCalls, long first) {
        host.err().println("sluice: fuzz: from seed " + first);
        long differences = 0;
        long start = System.nanoTime();
        long nextReport = REPORT_NANOS;
        try (Fuzzer fuzzer = new Fuzzer()) {
            for (long seed = first; System.nanoTime() - start < nanos && fuzzer.calls() < mostCalls; seed++) {
                Difference difference = fuzzer.run(seed);
                if (difference != null) {
                    differences++;
                    host.out().println(difference);
                }
                if (System.nanoTime() - start > nextReport) {
                    host.err().println("sluice: fuzz: " + counts(fuzzer, differences) + ", now at seed " + seed);
                    nextReport += REPORT_NANOS;
                }
            }
            host.out().println(counts(fuzzer, differences));
        }
        return differences == 0 ? ExitCode.OK : ExitCode.FAILED;
    }

    private static String counts(Fuzzer fuzzer, long differences) {
        return fuzzer.programs() + " programs, " + fuzzer.calls() + " calls, " + differences + " differences";
    }

    private static long nanos(String text) {
        try {
            BigDecimal minutes = new BigDecimal(text);
            if (minutes.signum() > 0 && minutes.compareTo(MOST_MINUTES) <= 0) {
                return minutes.multiply(BigDecimal.valueOf(NANOS_PER_MINUTE)).longValue();
            }
        } catch (NumberFormatException e) {
            // complained of below
        }
        throw new Misuse("--minutes: not a time in minutes, of at most a year: '" + text + "'; examples: 10, 0.5");
    }

    private static long number(String option, String text) {
        try {
            long number = Long.parseLong(text);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // complained of below
        }
        throw new Misuse(option + ": not a whole number: '" + text + "'");
    }
}
