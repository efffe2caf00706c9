// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The help, the manual and the tool say the same. */
class HelpTest {
    private static final Pattern LONG_OPTION = Pattern.compile("(?<![-\\w])--([a-z][a-z-]+)");

    private static Set<String> named(String text) {
        Set<String> options = new TreeSet<>();
        LONG_OPTION.matcher(text).results().forEach(found -> options.add(found.group(1)));
        return options;
    }

    private static String manual(String page) throws IOException {
        return Files.readString(Path.of("..", "docs", "man", page)).replace("Fl -", "Fl --");
    }

    @ParameterizedTest
    @ValueSource(strings = {"copy", "tee", "relay", "replay", "demo", "doctor", "conform", "lab", "fuzz"})
    void isPrintedOnStandardOutput(String command) {
        Ran ran = Ran.sluice(command, "--help");
        assertThat(ran.code()).isZero();
        assertThat(ran.out()).startsWith("sluice " + command + " ");
        assertThat(ran.out().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(120));
        assertThat(ran.err()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"copy", "tee", "relay", "replay", "demo", "doctor", "conform", "lab", "fuzz"})
    void everyOptionThatHelpNamesIsKnown(String command) {
        for (String option : named(Help.of(command))) {
            if (option.equals("trace")) {
                continue; // stands before the command
            }
            Ran ran = Ran.sluice(command, "--" + option, "--help");
            assertThat(ran.err()).as("--%s", option).doesNotContain("there is no option");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"copy", "tee", "relay", "replay", "demo", "doctor", "conform", "lab", "fuzz"})
    void theManualNamesTheSameOptions(String command) throws IOException {
        assertThat(named(manual("sluice-" + command + ".1"))).isEqualTo(named(Help.of(command)));
    }

    @Test
    void theListNamesEveryCommand() {
        Ran ran = Ran.sluice("--help");
        assertThat(ran.code()).isZero();
        assertThat(ran.out()).contains("  copy ", "  tee ", "  doctor ", "--trace");
        assertThat(Ran.sluice("teleport"))
                .isEqualTo(new Ran(
                        ExitCode.USAGE,
                        "",
                        "sluice: no command is called 'teleport' (sluice --help lists what there is)\n"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cp a b|no command is called 'cp'; did you mean copy?",
                "ls|no command is called 'ls' (sluice",
                "copy -r a b|copy: there is no option -r (see sluice copy --help)",
                "copy --r a b|copy: there is no option --r (see",
                "copy --sumary a b|copy: there is no option --sumary; did you mean --summary? (see",
                "copy --buf=4K a b|copy: there is no option --buf (see",
                "relay --lisetn :1|relay: there is no option --lisetn; did you mean --listen?",
                "relay --config|relay: --config needs a value (see",
                "replay -xz a|replay: there is no option -x (see",
                "tee --apend a|tee: there is no option --apend; did you mean --append?",
                "copy --quiet=3 a b|copy: --quiet takes no value (see",
                "doctor --jsno|doctor: there is no option --jsno; did you mean --json?"
            })
    void whatIsNotKnownIsNamedAsItWasWrittenWithWhatComesNearest(String words, String complaint) {
        Ran ran = Ran.sluice((Object[]) words.split(" "));
        assertThat(ran.err()).startsWith("sluice: " + complaint);
        assertThat(ran.code()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void everyExitCodeIsDocumented() throws Exception {
        String help = Help.of("copy");
        String manual = manual("sluice-copy.1");
        for (var field : ExitCode.class.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers()) && field.getType() == int.class) {
                String code = field.get(null).toString();
                assertThat(help).containsPattern("(?m)^  " + code + " ");
                assertThat(manual).contains("It " + code + "\n");
            }
        }
    }

    @Test
    void everyFieldOfTheJsonIsInTheManual() throws IOException {
        List<String> fields = Stream.concat(
                        Ran.sluice("copy", "--kernel", "user", "--json", "/dev/null", "/dev/null")
                                .json()
                                .keySet()
                                .stream(),
                        Stream.of("sink", "paths", "fate", "errno", "droppedBytes"))
                .toList();
        String manual = manual("sluice-copy.1");
        assertThat(fields).allSatisfy(field -> assertThat(manual).contains("It " + field + "\n"));
    }
}
