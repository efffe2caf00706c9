// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code sluice relay} cannot begin with: one line that names what, why, and the way out. */
class RelayRefusalsTest {
    private static final String WAY_OUT = "; name a directory that is there, or where it can be made";

    @TempDir
    Path directory;

    private static void refuses(String reason, Object... words) {
        Ran ran = Ran.sluice(words);
        assertThat(ran).isEqualTo(new Ran(ExitCode.FAILED, "", "sluice: relay: " + reason + "\n"));
    }

    private static void cannotRecordInto(Path place, String reason) {
        refuses(
                "cannot record into " + place + ": " + reason + WAY_OUT,
                "relay",
                "--kernel",
                "user",
                "--listen",
                "127.0.0.1:0",
                "--to",
                "127.0.0.1:1",
                "--record",
                place);
    }

    @Test
    void aFileInThePlaceOfTheRecordingsDirectoryOrAboveItIsNamed() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        cannotRecordInto(file, file + " is no directory");
        cannotRecordInto(file.resolve("below"), file + " is no directory");
    }

    @Test
    @NeedsLinux
    void aDirectoryThatCannotBeMadeIsNotSaidToBeAMissingFile() {
        cannotRecordInto(Path.of("/proc/x"), "it cannot be made there");
    }

    @Test
    void aDirectoryIsNoConfiguration() {
        String reason = directory + ": is a directory; name a file of YAML";
        refuses(reason, "relay", "--config", directory);
        refuses(reason, "relay", "--config", directory, "--check");
    }
}
