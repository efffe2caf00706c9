// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs scenarios: each on a stand of its own, under a time limit, and with a look at the end whether anything was left
 * behind. Safe for one thread at a time.
 */
public final class Runner {
    /** The longest scenario takes under a second; a busy machine may take its time. */
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** How long a step that is too late may take to answer the interruption. */
    private static final Duration END = Duration.ofSeconds(3);

    /** These only look: left out, the steps after them mean the same. Without any other step the rest is nothing. */
    private static final Set<String> LOOKS = Set.of("sigpipe", "sigxfsz");

    private final Supplier<? extends Stand> stands;
    private final Duration limit;

    /** A runner on stands from that source, for example {@code LinuxStand::new}. */
    public Runner(Supplier<? extends Stand> stands) {
        this(stands, LIMIT);
    }

    /** The same with a time limit per scenario. */
    public Runner(Supplier<? extends Stand> stands, Duration limit) {
        this.stands = stands;
        this.limit = limit;
    }

    /** Runs one scenario to its end. */
    public Verdict run(Scenario scenario) {
        try (Stand stand = stands.get()) {
            Optional<String> obstacle = obstacle(scenario, stand).or(() -> lack(scenario, stand));
            if (obstacle.isPresent()) {
                return new Verdict.Skipped(obstacle.get());
            }
            Run run = new Run(stand, scenario);
            Verdict verdict = run.within(limit);
            List<String> leftovers = stand.leftovers();
            return leftovers.isEmpty() || !(verdict instanceof Verdict.Passed)
                    ? verdict
                    : new Verdict.Failed(scenario.where(), "nothing left behind", "still open: " + leftovers, "ended");
        }
    }

    /** Why the stand's kernel cannot express the scenario, wherever it runs; empty when it can. */
    static Optional<String> obstacle(Scenario scenario, Stand stand) {
        return scenario.steps().stream()
                .filter(step -> !LOOKS.contains(step.verb()))
                .flatMap(step -> stand.unable(step.verb()).map(reason -> step.text() + ": " + reason).stream())
                .findFirst();
    }

    /** What the scenario needs and the kernel does not have here; empty when it has all. */
    private static Optional<String> lack(Scenario scenario, Stand stand) {
        return scenario.needs().stream()
                .flatMap(need -> need.lack(stand.kernel()).stream())
                .findFirst();
    }

    /** One run of one scenario. */
    private static final class Run {
        private final Scenario scenario;
        private final Stage stage;
        private final List<Verdict.SkippedStep> skipped = new ArrayList<>();
        private volatile @Nullable Step current;
        private volatile boolean late;

        Run(Stand stand, Scenario scenario) {
            this.scenario = scenario;
            this.stage = new Stage(stand);
        }

        /** The steps run in a caller's thread as well, so that one that sleeps for good can be ended. */
        Verdict within(Duration limit) {
            CompletableFuture<Verdict> verdict = new CompletableFuture<>();
            Stand.Caller steps = stage.stand.start("scenario " + scenario.id(), () -> {
                try {
                    verdict.complete(play());
                } catch (RuntimeException | Error e) { // a scenario may ask for more memory than there is
                    verdict.complete(failed(current, "an answer", e.toString()));
                }
            });
            Verdict ended = steps.join(limit.toMillis()) ? verdict.join() : stopped(steps, limit);
            try {
                stage.close();
                return ended;
            } catch (IllegalStateException e) {
                // A thread that no signal ends, or a close that failed: worth more than how the steps went.
                return failed(null, "every thread and descriptor ended", String.valueOf(e.getMessage()));
            }
        }

        private Verdict stopped(Stand.Caller steps, Duration limit) {
            late = true;
            Step endless = current;
            String where = endless == null ? scenario.where() : where(endless);
            String state = stage.drawing().orElse("ended"); // Linux may hold a pipe's lock in the call that sleeps
            long deadline = System.nanoTime() + END.toNanos();
            do {
                steps.interrupt();
            } while (!steps.join(10) && System.nanoTime() < deadline);
            String got = "still in this step after " + limit.toMillis() + " ms";
            return new Verdict.Failed(where, "an answer", got, state);
        }

        private Verdict play() {
            for (Step step : scenario.steps()) {
                current = step;
                Optional<String> reason = stage.stand.unable(step.verb());
                if (reason.isPresent()) {
                    skipped.add(new Verdict.SkippedStep(step.text(), reason.get()));
                    continue;
                }
                Verdict.Failed failure = perform(step);
                if (failure != null || late) {
                    return failure != null ? failure : failed(step, "an answer", "too late");
                }
            }
            return new Verdict.Passed(skipped);
        }

        private Verdict.@Nullable Failed perform(Step step) {
            Expected expected = step.expected();
            try {
                Answer answer = step.operation().on(stage);
                boolean held = expected == null ? !answer.failed() : expected.holds(answer);
                return held ? null : failed(step, expected == null ? "no error" : expected.text(), answer.toString());
            } catch (RuntimeException e) {
                String message = e instanceof StepFailure ? String.valueOf(e.getMessage()) : e.toString();
                return failed(step, expected == null ? "no error" : expected.text(), message);
            }
        }

        private static String where(Step step) {
            return step.where() + ": " + step.text();
        }

        private Verdict.Failed failed(@Nullable Step step, String expected, String got) {
            String where = step == null ? scenario.where() : where(step);
            return new Verdict.Failed(where, expected, got, late ? "ended" : stage.state());
        }
    }
}
