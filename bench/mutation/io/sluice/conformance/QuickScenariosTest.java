// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.UserKernel.Profile;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The scenarios in which nobody sleeps, on the user-space kernel: those that take a millisecond. Each process in which
 * PIT tries out mutants runs all tests once before it begins, so slow ones would cost more than they find.
 */
class QuickScenariosTest {
    /** A step with one of these lets time pass. */
    private static final Set<String> SLOW = Set.of("start", "asleep", "count", "pause", "tcp");

    /** Far more than a scenario takes; a mutant that never wakes a sleeper is found after it. */
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private static final List<DynamicTest> TESTS = tests();

    @TestFactory
    Stream<DynamicTest> answersAsTheScenarioSays() {
        return TESTS.stream();
    }

    private static List<DynamicTest> tests() {
        try {
            List<DynamicTest> tests = new ArrayList<>();
            add(tests, ScenarioFiles.all(), Profile.LINUX);
            add(tests, ScenarioFiles.ofManualPages(), Profile.MAN_PAGES);
            return tests;
        } catch (IOException e) {
            throw new IllegalStateException("the scenarios cannot be read", e);
        }
    }

    private static void add(List<DynamicTest> tests, List<ScenarioFile> files, Profile profile) {
        Runner runner = new Runner(() -> new UserStand(profile), LIMIT);
        for (ScenarioFile file : files) {
            for (Scenario scenario : file.scenarios()) {
                if (scenario.steps().stream().noneMatch(step -> SLOW.contains(step.verb()))) {
                    tests.add(DynamicTest.dynamicTest(file.name() + " " + scenario, (URI) null, () -> {
                        Verdict verdict = runner.run(scenario);
                        assertThat(verdict).as(verdict.toString()).isEqualTo(new Verdict.Passed(List.of()));
                    }));
                }
            }
        }
    }
}
