// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.UserKernel;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every scenario of the project on the user-space kernel, which must answer as Linux does, and none is skipped. */
class UserScenariosTest {
    @TestFactory
    Stream<DynamicContainer> answersAsTheScenarioSays() throws IOException {
        return tests(ScenarioFiles.all(), new Runner(UserStand::new));
    }

    @TestFactory
    Stream<DynamicContainer> answersAsTheManualPagesPromise() throws IOException {
        return tests(ScenarioFiles.ofManualPages(), new Runner(() -> new UserStand(UserKernel.Profile.MAN_PAGES)));
    }

    private static Stream<DynamicContainer> tests(List<ScenarioFile> files, Runner runner) {
        return files.stream()
                .map(file -> DynamicContainer.dynamicContainer(
                        file.name(), file.scenarios().stream().map(scenario -> test(scenario, runner))));
    }

    private static DynamicTest test(Scenario scenario, Runner runner) {
        return DynamicTest.dynamicTest(scenario.toString(), (URI) null, () -> {
            Verdict verdict = runner.run(scenario);
            assertThat(verdict).as(verdict.toString()).isEqualTo(new Verdict.Passed(List.of()));
        });
    }
}
