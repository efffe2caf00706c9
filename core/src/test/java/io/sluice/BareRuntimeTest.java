// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.BareChild;
import io.sluice.testing.Commands;
import java.util.List;
import org.junit.jupiter.api.Test;

/** "It needs nothing but java.base": run-time images come without Flight Recorder. */
final class BareRuntimeTest {
    private static void assertAllWentWell(Commands.Outcome outcome, String modules) {
        assertThat(outcome.ok().out())
                .containsExactly(
                        "with " + modules,
                        "moved bytes: 1048576",
                        "gave up mirrors: 1",
                        "moved bytes: 1048576",
                        "gave up paths: 1, missed pipes: 1");
    }

    private static List<String> bareWithAccessFor(String module) {
        return List.of("--enable-native-access=" + module, "--limit-modules", "java.base");
    }

    @Test
    void onTheClassPathNoOtherModuleIsNeeded() throws Exception {
        assertAllWentWell(Commands.run(Commands.java(bareWithAccessFor("ALL-UNNAMED"), BareChild.class)), "java.base");
    }

    @Test
    void asAModuleNoOtherIsNeeded() throws Exception {
        assertAllWentWell(
                Commands.run(Commands.javaWithModule(bareWithAccessFor("io.sluice.core"), BareChild.class)),
                "io.sluice.core and java.base");
    }
}
