// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConformTest {
    @TempDir
    private Path directory;

    /** A file with one scenario called X. */
    private Path scenario(String... steps) throws IOException {
        return file("### X of this test\n```scenario\n" + String.join("\n", steps) + "\n```\n");
    }

    private Path file(String text) throws IOException {
        return Files.writeString(directory.resolve("x.md"), text);
    }

    @Test
    void theExamplesPassInUserSpace() {
        theExamplesPass("user");
    }

    @Test
    @NeedsLinux
    void theExamplesPassOnLinux() {
        theExamplesPass("linux");
    }

    private static void theExamplesPass(String kernel) {
        Path examples = Path.of("..", "conformance", "src", "test", "resources", "scenarios", "EX.md");
        Ran ran = Ran.sluice("conform", "--kernel", kernel, examples);
        assertThat(ran.out()).startsWith("pass  EX-1 ").endsWith("\n4 passed, 0 failed, 0 skipped\n");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.code()).isZero();
    }

    @Test
    void aFailureShowsTheStepWhatWasExpectedWhatCameAndThePipe() throws IOException {
        Ran ran = Ran.sluice("conform", scenario("pipe A slots=2", "write A.w \"abc\" -> 3", "fionread A.r -> 7"));
        assertThat(ran.out())
                .startsWith("fail  X of this test\n")
                .contains("      at       x.md:5: fionread A.r -> 7\n      expected 7\n      got      3\n")
                .contains("      A.r, A.w = pipe ")
                .contains(": 1 of 2 slots, 3 bytes, 1 writer, 1 reader\n      write → [ ][m] → read\n        0   page ")
                .endsWith("\n0 passed, 1 failed, 0 skipped\n");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    @NeedsLinux
    void onLinuxThePipeIsDescribedByWhatLinuxTells() throws IOException {
        Ran ran = Ran.sluice("conform", "--kernel", "linux", scenario("pipe A slots=2", "fionread A.r -> 7"));
        assertThat(ran.out()).contains("      A.r 0 bytes in 2 slots, none; A.w 0 bytes in 2 slots, OUT\n");
    }

    @Test
    @NeedsLinux
    void whatAKernelCannotExpressIsSkippedWithItsReason() throws IOException {
        Path file = scenario("fsizelimit 10", "sigxfsz -> 0");
        assertThat(Ran.sluice("conform", "--kernel", "linux", file).out()).isEqualTo("""
                        skip  X of this test: fsizelimit 10: RLIMIT_FSIZE would bind the whole JVM
                        0 passed, 0 failed, 1 skipped
                        """);
        assertThat(Ran.sluice("conform", file).out()).endsWith("1 passed, 0 failed, 0 skipped\n");
    }

    @Test
    @NeedsLinux
    void aStepThatIsLeftOutIsNamed() throws IOException {
        Ran ran = Ran.sluice("conform", "--kernel", "linux", scenario("pipe A", "sigpipe -> 0"));
        assertThat(ran.out()).contains("pass  X", "      without sigpipe -> 0 (the JVM swallows the signal)\n");
    }

    @Test
    void aProfileOfTheManualPagesAnswersAsThePagesPromise() throws IOException {
        Path file = scenario("pipe A", "mem M a*4096", "vmsplice A.w M+1:100 GIFT -> !EINVAL");
        assertThat(Ran.sluice("conform", "--profile", "man-pages", file).code()).isZero();
        assertThat(Ran.sluice("conform", "--profile", "linux", file).code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void programsAreToldTheSame() throws IOException {
        Ran ran = Ran.sluice("conform", "--json", scenario("pipe A", "fionread A.r -> 7"));
        Map<String, Object> json = JsonText.object(ran.out().strip());
        assertThat(json).containsEntry("kernel", "user").containsEntry("profile", "linux");
        assertThat(json).containsKeys("passed", "failed", "skipped", "unreadableFiles");
        Map<?, ?> told = (Map<?, ?>) ((List<?>) json.get("scenarios")).getFirst();
        assertThat(told.get("id")).isEqualTo("X");
        assertThat(told.get("result")).isEqualTo("fail");
        assertThat(told.get("step")).isEqualTo("x.md:4: fionread A.r -> 7");
        assertThat(told.get("got")).isEqualTo("0");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "frobnicate A|'frobnicate' is not a step",
                "pipe A slots=-1|no pipe has slots=-1",
                "pipe A slots=99999999999999999999|the number after slots= does not fit in 64 bits: 99999999999999999999",
                "file F X*99999999999|99999999999 bytes are more than 67108864",
                "read A.r -1|a count is negative: -1",
                "start a: start b: pipe A|a thread starts no other thread",
                "dev D ../etc/passwd r|'../etc/passwd' is not a name"
            })
    void aLineThatIsNotInTheLanguageIsNamedWithItsPlace(String line, String complaint) throws IOException {
        Path file = scenario(line);
        Ran ran = Ran.sluice("conform", file);
        assertThat(ran.err()).isEqualTo("sluice: conform: " + directory + "/x.md:3: " + complaint + "\n");
        assertThat(ran.out()).isEqualTo("0 passed, 0 failed, 0 skipped\n");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void whatIsNoScenarioFileIsNamedAndTheOthersRun() throws IOException {
        Path binary = Files.write(directory.resolve("binary"), new byte[] {(byte) 0xff, 0, 1});
        Ran ran = Ran.sluice("conform", binary, directory, directory.resolve("none"), scenario("pipe A"));
        assertThat(ran.err())
                .isEqualTo("sluice: conform: " + binary + ": not text in UTF-8\n"
                        + "sluice: conform: " + directory + ": Is a directory\n"
                        + "sluice: conform: " + directory + "/none: there is no such file\n");
        assertThat(ran.out()).endsWith("1 passed, 0 failed, 0 skipped\n");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void aFileWithoutScenariosFailsAndTheOthersRun() throws IOException {
        Path empty = Files.writeString(directory.resolve("empty.md"), "### Only a heading\n");
        Ran ran = Ran.sluice("conform", empty, scenario("pipe A"));
        assertThat(ran.err())
                .isEqualTo("sluice: conform: " + empty
                        + ": holds no scenario: a block marked ```scenario under a ### heading\n");
        assertThat(ran.out()).endsWith("\n1 passed, 0 failed, 0 skipped\n");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "--kernel bsd x|--kernel: no kernel is called 'bsd'; there are linux, user",
                "--profile posix x|--profile: no profile is called 'posix'; there are linux, man-pages",
                "--kernel linux --profile man-pages x|--profile man-pages is of the user-space kernel",
                "--json|no file is named"
            })
    void aCommandLineThatMakesNoSenseIsRefused(String line, String complaint) {
        Ran ran = Ran.sluice((Object[]) ("conform " + line).split(" ", -1));
        assertThat(ran.err()).startsWith("sluice: conform: " + complaint);
        assertThat(ran.code()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void systemCallsCanBeTraced() throws IOException {
        assertThat(Ran.traced("conform", scenario("pipe A")).err()).contains("pipe2(");
    }
}
