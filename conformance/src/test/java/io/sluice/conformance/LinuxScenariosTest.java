// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.net.URI;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every scenario of the project on the Linux kernel of this machine, which is right by definition. */
@NeedsLinux
class LinuxScenariosTest {
    private final Runner runner = new Runner(LinuxStand::new);

    @TestFactory
    Stream<DynamicContainer> answersAsTheScenarioSays() throws IOException {
        return ScenarioFiles.all().stream()
                .map(file -> DynamicContainer.dynamicContainer(
                        file.name(), file.scenarios().stream().map(this::test)));
    }

    private DynamicTest test(Scenario scenario) {
        return DynamicTest.dynamicTest(scenario.toString(), (URI) null, () -> {
            switch (runner.run(scenario)) {
                case Verdict.Skipped skipped -> abort(skipped.reason());
                case Verdict.Failed failed -> assertThat(failed.toString()).isEqualTo("passed");
                case Verdict.Passed passed ->
                    assertThat(passed.skipped()).allMatch(step -> !step.reason().isEmpty());
            }
        });
    }
}
