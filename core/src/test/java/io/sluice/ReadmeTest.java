// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The README says what is true. That its program runs is seen by {@link ExamplesTest}. */
final class ReadmeTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @Test
    void itsProgramIsTheExample() throws Exception {
        Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(ROOT.resolve("README.md")));
        assertThat(block.find()).isTrue();
        assertThat(Files.readString(ROOT.resolve("examples/Copy.java"))).endsWith(block.group(1));
    }

    @Test
    void itsDependencyIsTheModuleThatIsBuilt() throws Exception {
        String coordinates =
                "<groupId>io.sluice</groupId>\n  <artifactId>sluice-%s</artifactId>\n  <version>(.*?)</version>";
        Matcher told =
                Pattern.compile(coordinates.formatted("core")).matcher(Files.readString(ROOT.resolve("README.md")));
        Matcher built =
                Pattern.compile(coordinates.formatted("parent")).matcher(Files.readString(ROOT.resolve("pom.xml")));
        assertThat(told.find()).isTrue();
        assertThat(built.find()).isTrue();
        assertThat(told.group(1)).isEqualTo(built.group(1));
    }

    @Test
    void itsCommandsNameFilesThatAreThere() throws Exception {
        List<String> named = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(ROOT.resolve("README.md")))
                .results()
                .flatMap(block -> Pattern.compile("(?<![^ ])[a-z]+/[^ ]+")
                        .matcher(block.group(1))
                        .results())
                .map(MatchResult::group)
                .toList();
        assertThat(named)
                .isNotEmpty()
                .allSatisfy(file -> assertThat(ROOT.resolve(file)).exists());
    }

    @Test
    void itsLinksLeadSomewhere() throws Exception {
        for (String document : List.of("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")) {
            Matcher links = Pattern.compile("]\\(([^)#:]+)\\)").matcher(Files.readString(ROOT.resolve(document)));
            while (links.find()) {
                assertThat(ROOT.resolve(links.group(1))).as(document).exists();
            }
        }
    }
}
