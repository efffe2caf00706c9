// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.UserKernel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class LabTest {
    private static String user(String... lines) throws IOException {
        return session(new KernelChoice(true, UserKernel.Profile.LINUX), lines);
    }

    private static String linux(String... lines) throws IOException {
        return session(new KernelChoice(false, UserKernel.Profile.LINUX), lines);
    }

    private static String session(KernelChoice choice, String... lines) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, UTF_8);
        ByteArrayInputStream in =
                new ByteArrayInputStream(String.join("\n", lines).getBytes(UTF_8));
        try (Stands stands = Stands.of(choice, new Host(out, out, false, 0));
                LabLines typed = LabLines.plain(in, out)) {
            new Lab(stands, out).run(typed);
        }
        return bytes.toString(UTF_8);
    }

    @Test
    void aStepIsAnsweredAndThePipesAreDrawn() throws IOException {
        assertThat(user("pipe A slots=2", "write A.w \"abc\""))
                .contains("> pipe A slots=2\n0\n  A.r, A.w = pipe ")
                .contains("> write A.w \"abc\"\n3\n  A.r, A.w = pipe ")
                .contains(": 1 of 2 slots, 3 bytes, 1 writer, 1 reader\n  write → [ ][m] → read\n    0   page ")
                .endsWith("\n  pages in use: 1\n");
    }

    @Test
    @NeedsLinux
    void onLinuxThePipesAreTold() throws IOException {
        assertThat(linux("pipe A slots=2", "write A.w \"abc\""))
                .endsWith("\n3\n  A.r 3 bytes in 2 slots, IN; A.w 3 bytes in 2 slots, OUT\n");
    }

    @Test
    void anErrorIsExplainedAndTheSessionGoesOn() throws IOException {
        assertThat(user("frob", "read Z 3", "pipe A"))
                .startsWith("> frob\nline 1: 'frob' is not a step (help lists what there is)\n")
                .contains("> read Z 3\nthere is no descriptor Z\n")
                .contains("> pipe A\n0\n");
    }

    @Test
    void anAnswerThatWasNotExpectedIsPointedOut() throws IOException {
        assertThat(user("pipe A", "fionread A.r -> 5", "fionread A.r -> 0"))
                .contains("\n0   (expected 5)\n")
                .contains("-> 0\n0\n");
    }

    @Test
    void aFileWithAStepThatGoesWrongFails() {
        assertThat(fromFile("pipe A", "fionread A.r -> 0", "quit"))
                .returns(ExitCode.OK, Ran::code)
                .returns("", Ran::err);
        assertThat(fromFile("frob", "read Z 3", "pipe A", "fionread A.r -> 5"))
                .returns(ExitCode.FAILED, Ran::code)
                .returns("sluice: lab: steps that went wrong: 3\n", Ran::err);
    }

    private static Ran fromFile(String... lines) {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(String.join("\n", lines).getBytes(UTF_8)));
        try {
            return Ran.sluice("lab");
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void aThreadIsShownAsleepThenDone() throws IOException {
        assertThat(user("pipe A", "start t: read A.r 9", "write A.w \"z\"", "done t"))
                .contains("  thread t: asleep\n> write")
                .endsWith("  thread t: done -> 1 \"z\"\n");
    }

    @Test
    void resetThrowsEverythingAwayAndQuitEnds() throws IOException {
        assertThat(user("pipe A", "reset", "quit", "pipe B"))
                .endsWith("> reset\n  no pipe is open\n  pages in use: 0\n> quit\n");
    }

    @Test
    void helpListsTheSteps() throws IOException {
        assertThat(user("help")).contains("  pipe A [slots=N]", "  vmsplice X M+OFF:LEN", "  start T: STEP");
    }
}
