// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README says what is true. */
final class ReadmeTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @TempDir
    Path directory;

    @Test
    void itsProgramIsTheExample() throws Exception {
        Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(ROOT.resolve("README.md")));
        assertThat(block.find()).isTrue();
        assertThat(Files.readString(ROOT.resolve("examples/Copy.java"))).endsWith(block.group(1));
    }

    @Test
    void itsProgramRuns() throws Exception {
        byte[] data = TransferContract.random(1_000_003);
        Path from = Files.write(directory.resolve("from"), data);
        Path to = directory.resolve("to");
        Path second = directory.resolve("second");
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        ROOT.resolve("core/target/classes").toString(),
                        ROOT.resolve("examples/Copy.java").toString(),
                        from.toString(),
                        to.toString(),
                        second.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(program.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(output).isEqualTo("1000003 bytes {SPLICE=1000003}, in user space 0\n");
        assertThat(Files.readAllBytes(to)).isEqualTo(data);
        assertThat(Files.readAllBytes(second)).isEqualTo(data);
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
