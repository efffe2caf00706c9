// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.conformance.Runner;
import io.sluice.conformance.Scenario;
import io.sluice.conformance.ScenarioFile;
import io.sluice.conformance.SyntaxException;
import io.sluice.conformance.Verdict;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One run of {@code sluice conform}. A file without a scenario to run fails the run, and the other files still run. */
final class Conform {
    private final Host host;
    private final KernelChoice choice;
    private final Runner runner;
    private final boolean json;
    private final List<Map<String, @Nullable Object>> told = new ArrayList<>();
    private int passed;
    private int failed;
    private int skipped;
    private int troubles;

    Conform(Host host, KernelChoice choice, Stands stands, boolean json) {
        this.host = host;
        this.choice = choice;
        this.runner = new Runner(stands);
        this.json = json;
    }

    /** Answers the exit code. */
    int run(List<Path> files) {
        for (Path file : files) {
            ScenarioFile scenarios = read(file);
            if (scenarios == null) {
                troubles++;
            } else {
                scenarios.scenarios().forEach(scenario -> tell(file, scenario, runner.run(scenario)));
            }
        }
        host.out()
                .println(
                        json ? Json.of(summary()) : passed + " passed, " + failed + " failed, " + skipped + " skipped");
        return failed + troubles == 0 ? ExitCode.OK : ExitCode.FAILED;
    }

    /** What is in a file; null when there is nothing to run, which has been said then. */
    private @Nullable ScenarioFile read(Path file) {
        try {
            ScenarioFile scenarios = ScenarioFile.parse(file);
            if (!scenarios.scenarios().isEmpty()) {
                return scenarios;
            }
            complain(file + ": holds no scenario: a block marked ```scenario under a ### heading");
        } catch (SyntaxException e) {
            Path directory = file.getParent();
            complain((directory == null ? "" : directory + "/") + e.getMessage());
        } catch (FileSystemException e) {
            complain(Complaint.of(e));
        } catch (IOException e) {
            complain(file + ": " + e.getMessage());
        } catch (OutOfMemoryError e) {
            complain(file + ": its data is more than the memory of the JVM");
        }
        return null;
    }

    private void complain(String text) {
        host.err().println("sluice: conform: " + text);
    }

    private void tell(Path file, Scenario scenario, Verdict verdict) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("file", file.toString());
        fields.put("id", scenario.id());
        fields.put("title", scenario.title());
        switch (verdict) {
            case Verdict.Passed(var steps) -> {
                passed++;
                say("pass  " + scenario);
                steps.forEach(step -> say("      without " + step));
                fields.put("result", "pass");
                fields.put("skippedSteps", steps.stream().map(Conform::fields).toList());
            }
            case Verdict.Failed(var step, var expected, var got, var state) -> {
                failed++;
                say("fail  " + scenario);
                say("      at       " + step);
                say("      expected " + expected);
                say("      got      " + got);
                say("      " + state.replace("\n", "\n      "));
                fields.put("result", "fail");
                fields.put("step", step);
                fields.put("expected", expected);
                fields.put("got", got);
                fields.put("state", state);
            }
            case Verdict.Skipped(var reason) -> {
                skipped++;
                say("skip  " + scenario + ": " + reason);
                fields.put("result", "skip");
                fields.put("reason", reason);
            }
        }
        told.add(fields);
    }

    private void say(String line) {
        if (!json) {
            host.out().println(line);
        }
    }

    private static Map<String, Object> fields(Verdict.SkippedStep step) {
        return Map.of("step", step.step(), "reason", step.reason());
    }

    private Map<String, Object> summary() {
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("kernel", choice.kernelLabel());
        summary.put("profile", choice.profileLabel());
        summary.put("scenarios", told);
        summary.put("passed", passed);
        summary.put("failed", failed);
        summary.put("skipped", skipped);
        summary.put("unreadableFiles", troubles);
        return summary;
    }
}
