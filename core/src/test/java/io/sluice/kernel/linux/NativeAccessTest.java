// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.Commands;
import io.sluice.testing.LinuxKernelChild;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Java asks for a flag before it lets a library call into C; without it the message must say which. */
final class NativeAccessTest {
    private static final String DENIED = "--illegal-native-access=deny";

    @Test
    void aModuleWithoutNativeAccessIsToldItsFlag() throws Exception {
        var outcome = Commands.run(Commands.javaWithModule(List.of(DENIED), LinuxKernelChild.class, "construct"));
        assertThat(outcome.ok().out())
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).contains("--enable-native-access=io.sluice.core"));
    }

    @Test
    void aClassPathWithoutNativeAccessIsToldItsFlag() throws Exception {
        var outcome = Commands.run(Commands.java(List.of(DENIED), LinuxKernelChild.class, "construct"));
        assertThat(outcome.ok().out())
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).contains("--enable-native-access=ALL-UNNAMED"));
    }

    @Test
    void theFlagsThatTheMessageNamesAreTheRightOnes() throws Exception {
        var asModule = Commands.run(Commands.javaWithModule(
                List.of(DENIED, "--enable-native-access=io.sluice.core"), LinuxKernelChild.class, "construct"));
        var onClassPath = Commands.run(Commands.java(
                List.of(DENIED, "--enable-native-access=ALL-UNNAMED"), LinuxKernelChild.class, "construct"));
        assertThat(asModule.ok().out()).hasSize(2).containsOnly("constructed LinuxKernel");
        assertThat(onClassPath.ok().out()).hasSize(2).containsOnly("constructed LinuxKernel");
        assertThat(asModule.err() + onClassPath.err()).isEmpty();
    }
}
