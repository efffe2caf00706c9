// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Whether the list of what can go wrong is complete, and what it names as its guards is there. */
class PitfallsTest {
    private static final Path HOME = Path.of(System.getProperty("basedir", ".")).resolve("..");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (\\d+) \\| ([^|]+) \\| ([^|]+) \\|$");
    private static final Pattern GUARD = Pattern.compile("`([A-Z]\\w+(?:Test|Contract))(?:\\.(\\w+))?`");
    private static final Pattern CLAIM = Pattern.compile("(?i)pitfalls? (\\d+(?:(?:, | and )\\d+)*)");

    private final Map<Integer, String> rows = new LinkedHashMap<>();
    private final Map<String, String> tests = new TreeMap<>();

    PitfallsTest() throws IOException {
        ROW.matcher(Files.readString(HOME.resolve("docs").resolve("pitfalls.md")))
                .results()
                .forEach(row -> assertThat(rows.put(Integer.valueOf(row.group(1)), row.group(3)))
                        .as("rows with the number %s", row.group(1))
                        .isNull());
        for (String module : new String[] {"core", "conformance", "cli", "netty", "relay"}) {
            try (Stream<Path> files =
                    Files.walk(HOME.resolve(module).resolve("src").resolve("test"))) {
                files.filter(file -> file.toString().endsWith(".java"))
                        .filter(file -> !file.endsWith("PitfallsTest.java"))
                        .forEach(file -> tests.merge(
                                file.getFileName().toString().replace(".java", ""), text(file), String::concat));
            }
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void everyPitfallIsListedOnceInOrder() {
        assertThat(rows.keySet())
                .containsExactlyElementsOf(IntStream.rangeClosed(1, 74).boxed().toList());
    }

    @Test
    void everyPitfallHasAGuardOrAReasonWhyNot() {
        assertThat(rows)
                .allSatisfy((number, guards) -> assertThat(guards)
                        .as("pitfall %s", number)
                        .matches(text -> GUARD.matcher(text).find()
                                || text.matches("(does not apply|not yet|not a test's affair): .+")));
    }

    @Test
    void everyGuardIsATestThatExists() {
        assertThat(rows.values().stream()
                        .flatMap(guards -> GUARD.matcher(guards).results())
                        .filter(guard -> !exists(guard))
                        .map(MatchResult::group))
                .as("named and not there")
                .isEmpty();
    }

    /** A class that holds tests, or one of its tests. */
    private boolean exists(MatchResult guard) {
        String source = tests.getOrDefault(guard.group(1), "");
        return guard.group(2) == null
                ? source.contains("@Test")
                : Pattern.compile("(void|Stream<\\w+>) " + guard.group(2) + "\\(")
                        .matcher(source)
                        .find();
    }

    @Test
    void whateverATestClaimsToWatchIsListed() {
        Map<Integer, Set<String>> claims = new TreeMap<>(Comparator.naturalOrder());
        tests.forEach((name, source) -> CLAIM.matcher(source)
                .results()
                .flatMap(claim -> Arrays.stream(claim.group(1).split(", | and ", -1)))
                .forEach(number -> claims.computeIfAbsent(Integer.valueOf(number), _ -> new TreeSet<>())
                        .add(name)));
        assertThat(claims)
                .isNotEmpty()
                .allSatisfy((number, claimants) -> assertThat(claimants)
                        .as("pitfall %s", number)
                        .allMatch(name -> rows.getOrDefault(number, "").contains("`" + name)));
    }
}
