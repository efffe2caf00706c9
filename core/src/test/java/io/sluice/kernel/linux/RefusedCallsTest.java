// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.kernel.Capabilities;
import io.sluice.testing.Commands;
import io.sluice.testing.Commands.Outcome;
import io.sluice.testing.LinuxKernelChild;
import io.sluice.testing.NeedsLinux;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What this process cannot be made to meet: calls that a policy forbids, and limits of other users. */
final class RefusedCallsTest {
    private static final int UNUSED_USER = 54_321;

    @TempDir
    private Path directory;

    private List<String> sayUnder(String... refusals) throws Exception {
        var command = new ArrayList<String>();
        command.add(Commands.compiled("refuse", directory).toString());
        command.addAll(List.of(refusals));
        command.add("--");
        command.addAll(
                Commands.java(List.of("--enable-native-access=ALL-UNNAMED"), LinuxKernelChild.class, "capabilities"));
        Outcome outcome = Commands.run(command);
        assumeTrue(outcome.exit() != 77, () -> "no filter can be installed here: " + outcome.err());
        return outcome.ok().out();
    }

    /** Containers remove vmsplice (pitfall 66). */
    @Test
    void aFilterThatRefusesVmspliceLeavesTheRest() throws Exception {
        assertThat(sayUnder("vmsplice=EPERM"))
                .contains(
                        "vmsplice refused (EPERM)", "vmsplice answers EPERM", "splice answers EBADF", "write answers 5")
                .doesNotContain("splice refused (EPERM)", "tee refused (EPERM)");
    }

    @Test
    void aFilterThatRefusesSpliceLeavesTheRest() throws Exception {
        assertThat(sayUnder("splice=EPERM"))
                .contains("splice refused (EPERM)", "splice answers EPERM", "vmsplice answers 3", "write answers 5")
                .doesNotContain("vmsplice refused (EPERM)", "tee refused (EPERM)");
    }

    @Test
    void aKernelWithoutTheCallsAnswersThatItHasNone() throws Exception {
        assertThat(sayUnder("splice=ENOSYS", "tee=ENOSYS", "vmsplice=ENOSYS"))
                .contains(
                        "splice refused (ENOSYS)",
                        "tee refused (ENOSYS)",
                        "vmsplice refused (ENOSYS)",
                        "splice answers ENOSYS",
                        "vmsplice answers ENOSYS",
                        "write answers 5");
    }

    @Test
    void whereEvenPipesAreRefusedNothingIsUsable() throws Exception {
        assertThat(sayUnder("pipe2=EPERM"))
                .contains("splice refused (EPERM)", "vmsplice refused (EPERM)", "pipe2 answers EPERM");
    }

    /** [C10], pitfall 54: a user over the soft limit gets small pipes and no failure. */
    @Test
    @NeedsLinux
    void overTheSoftLimitAPipeIsSmallerAndNoFailure() throws Exception {
        Capabilities here = new LinuxKernel().capabilities();
        long softPages = here.pipeUserPagesSoft();
        long pagesOfAPipe = (1L << 20) / here.pageSizeBytes();
        assumeTrue(
                softPages > 0 && softPages <= 400 * pagesOfAPipe && here.pipeMaxSizeBytes() >= 1 << 20,
                () -> "other pipe limits than usual: " + here);
        List<String> child =
                Commands.java(List.of("--enable-native-access=ALL-UNNAMED"), LinuxKernelChild.class, "pipes", "500");
        List<String> command = new ArrayList<>();
        if (Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
            // Root is above the limit. The user has no other pipes, so nobody is disturbed.
            Commands.needs("setpriv", "util-linux");
            assumeTrue(isReadableByAll(Path.of("target").toAbsolutePath()), "the build directory is root's alone");
            command.addAll(List.of("setpriv", "--reuid=" + UNUSED_USER, "--clear-groups", "--inh-caps=-all"));
        }
        command.addAll(child);
        assertThat(Commands.run(command).ok().out())
                .containsExactly("growing answers EPERM", "pipe2 answers 0", "size " + 2 * here.pageSizeBytes());
    }

    private static boolean isReadableByAll(Path directory) throws Exception {
        for (Path at = directory; at != null; at = at.getParent()) {
            if (((int) Files.getAttribute(at, "unix:mode") & 05) != 05) {
                return false;
            }
        }
        return true;
    }
}
