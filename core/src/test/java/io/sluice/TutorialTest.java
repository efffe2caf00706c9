// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every program of the tutorial prints what the tutorial says. */
@NeedsLinux
final class TutorialTest {
    private static final Path TUTORIAL = Path.of("..", "docs", "tutorial.md");

    /** A heading, text, a program, and what it prints. */
    private static final Pattern STEP = Pattern.compile(
            "^## ([^\n]+)\n(?:(?!^## |^```java\n).)*^```java\n(.*?)^```\n\n^```text\n(.*?)^```\n",
            Pattern.DOTALL | Pattern.MULTILINE);

    @TempDir
    Path directory;

    record Step(String title, String program, String output) {
        @Override
        public String toString() {
            return title;
        }
    }

    static List<Step> steps() throws IOException {
        return STEP.matcher(Files.readString(TUTORIAL))
                .results()
                .map(found -> new Step(found.group(1), found.group(2), found.group(3)))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("steps")
    void printsWhatStandsBelowIt(Step step) throws Exception {
        Path file = Files.writeString(directory.resolve("Step.java"), step.program);
        try (Programs programs = new Programs()) {
            assertThat(programs.outputOf(programs.program(file))).isEqualTo(step.output);
        }
    }

    @Test
    void noProgramIsLeftOut() throws IOException {
        long programs = Files.readAllLines(TUTORIAL).stream()
                .filter(line -> line.equals("```java"))
                .count();
        assertThat(steps()).hasSize(5).hasSize((int) programs);
    }
}
