// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.conformance.fuzz.Difference;
import io.sluice.conformance.fuzz.Enumeration;
import io.sluice.conformance.fuzz.Fuzzer;
import java.math.BigDecimal;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;
import org.jspecify.annotations.Nullable;

/** {@code sluice fuzz}: programs on both kernels: random ones for as long as it is told to, or all short ones. */
final class FuzzCommand implements Command {
    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long NANOS_PER_MINUTE = TimeUnit.MINUTES.toNanos(1);
    private static final long MOST_MINUTES = TimeUnit.DAYS.toMinutes(365);

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
        CommandLine parser = new CommandLine();
        OptionSpec<String> minutes = parser.accepts("minutes").withRequiredArg();
        OptionSpec<String> calls = parser.accepts("calls").withRequiredArg();
        OptionSpec<String> seed = parser.accepts("seed").withRequiredArg();
        OptionSpec<String> enumerate = parser.accepts("enumerate").withRequiredArg();
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSet given = parser.parse(arguments);
        if (given.has(help)) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        if (!given.nonOptionArguments().isEmpty()) {
            throw new Misuse(
                    "nothing is to be named, and '" + given.nonOptionArguments().getFirst() + "' was");
        }
        if (given.has(enumerate)) {
            if (given.has(minutes) || given.has(calls) || given.has(seed)) {
                throw new Misuse("--enumerate runs all programs: without --minutes, --calls and --seed");
            }
            int length = length(given.valuesOf(enumerate).getLast());
            return onLinux(host, () -> enumerate(host, length));
        }
        if (!given.has(minutes) && !given.has(calls)) {
            throw new Misuse("say for how long: --minutes N, or --calls N; or --enumerate N");
        }
        long nanos = given.has(minutes) ? nanos(given.valuesOf(minutes).getLast()) : Long.MAX_VALUE;
        long mostCalls =
                given.has(calls) ? number("--calls", given.valuesOf(calls).getLast()) : Long.MAX_VALUE;
        long first = given.has(seed)
                ? number("--seed", given.valuesOf(seed).getLast())
                : ThreadLocalRandom.current().nextLong(MOST_DRAWN_SEED);
        return onLinux(host, () -> fuzz(host, nanos, mostCalls, first));
    }

    private static int onLinux(Host host, IntSupplier comparison) {
        try {
            host.linux().close(); // says why, where Linux cannot be reached
            return comparison.getAsInt();
        } catch (UnsupportedOperationException e) {
            host.err().println("sluice: fuzz: " + e.getMessage());
            return ExitCode.FAILED;
        }
    }

    private static int fuzz(Host host, long nanos, long mostCalls, long first) {
        host.err().println("sluice: fuzz: from seed " + first);
        Tally tally = new Tally(host);
        try (Fuzzer fuzzer = new Fuzzer()) {
            for (long seed = first; tally.nanos() < nanos && fuzzer.calls() < mostCalls; seed++) {
                tally.add(fuzzer.run(seed), fuzzer.calls(), ", now at seed " + seed);
            }
        }
        return tally.end();
    }

    private static int enumerate(Host host, int length) {
        Tally tally = new Tally(host);
        try (Enumeration enumeration = new Enumeration(length)) {
            long all = enumeration.programs();
            host.err().println("sluice: fuzz: all " + all + " programs of " + length + " calls");
            for (long number = 0; number < all; number++) {
                tally.add(enumeration.run(number), (number + 1) * length, "; there are " + all + " programs");
            }
        }
        return tally.end();
    }

    /** What has been found so far, told now and then, and at the end. */
    private static final class Tally {
        private final Host host;
        private final long start = System.nanoTime();
        private long nextReport = REPORT_NANOS;
        private long programs;
        private long calls;
        private long differences;

        Tally(Host host) {
            this.host = host;
        }

        long nanos() {
            return System.nanoTime() - start;
        }

        /** One more program has run; {@code calls} have been compared by now. */
        void add(@Nullable Difference difference, long calls, String whereabouts) {
            programs++;
            this.calls = calls;
            if (difference != null) {
                differences++;
                host.out().println(difference);
            }
            if (nanos() > nextReport) {
                host.err().println("sluice: fuzz: " + this + whereabouts);
                nextReport += REPORT_NANOS;
            }
        }

        int end() {
            host.out().println(this);
            return differences == 0 ? ExitCode.OK : ExitCode.FAILED;
        }

        @Override
        public String toString() {
            return programs + " programs, " + calls + " calls, " + differences + " differences";
        }
    }

    private static long nanos(String text) {
        try {
            BigDecimal minutes = new BigDecimal(text);
            if (minutes.signum() > 0 && minutes.compareTo(BigDecimal.valueOf(MOST_MINUTES)) <= 0) {
                return minutes.multiply(BigDecimal.valueOf(NANOS_PER_MINUTE)).longValue();
            }
        } catch (NumberFormatException e) {
            // complained of below
        }
        throw new Misuse("--minutes: not a time in minutes, of at most a year: '" + text + "'; examples: 10, 0.5");
    }

    private static int length(String text) {
        if (!text.matches("[1-" + Enumeration.MOST_CALLS + "]")) {
            throw new Misuse("--enumerate: not a number of calls from 1 to " + Enumeration.MOST_CALLS + ": '" + text
                    + "'; 3 take seconds, each further one 13 times as long");
        }
        return Integer.parseInt(text);
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
