// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code sluice copy} will not or cannot do: one line that names what, why, and the way out; nothing harmed. */
@NeedsLinux
class CopyRefusalsTest {
    private static final String WORDS = "worth keeping";

    @TempDir
    Path directory;

    private Path file;

    @BeforeEach
    void makeAFile() throws IOException {
        file = Files.writeString(directory.resolve("file"), WORDS);
    }

    private void refuses(String reason, Object... words) {
        Ran ran = Ran.sluice(words);
        assertThat(ran.err()).isEqualTo("sluice: copy: " + reason + "\n");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(ran.out()).isEmpty();
        assertThat(file).hasContent(WORDS);
    }

    @Test
    void aMissingSourceLeavesTheDestinationAsItWas() {
        Path missing = directory.resolve("missing");
        refuses(missing + ": No such file or directory (open: ENOENT); check its spelling", "copy", missing, file);
    }

    @Test
    void aSecondDestinationThatCannotBeOpenedLeavesTheFirstAsItWas() {
        Path nowhere = directory.resolve("missing/copy");
        refuses(
                nowhere + ": No such file or directory (open: ENOENT); check its spelling, or make its directory first",
                "copy",
                "/dev/zero",
                file,
                nowhere);
    }

    @Test
    void aDirectoryIsNoStream() {
        refuses(
                directory
                        + ": Is a directory (open: EISDIR); name a file in it: what moves is one stream of bytes, not a"
                        + " tree",
                "copy",
                directory,
                file);
    }

    @Test
    void aDirectoryAsADestinationIsToldTheNameInIt() {
        refuses(
                directory + ": Is a directory (open: EISDIR); name the file in it: " + directory + "/file",
                "copy",
                file,
                directory);
    }

    @Test
    void oneFileOnBothSidesIsRecognizedByAnyName() throws IOException {
        Path hard = Files.createLink(directory.resolve("hard"), file);
        Path soft = Files.createSymbolicLink(directory.resolve("soft"), file);
        for (Path same : new Path[] {file, hard, soft, directory.resolve("./file")}) {
            refuses(file + " and " + same + " are the same file; name another destination", "copy", file, same);
            refuses(
                    same + " and " + file + " are the same file; name another destination",
                    "copy",
                    "--append",
                    same,
                    file);
        }
    }

    @Test
    void oneFileTwiceAsADestinationAsWell() {
        refuses(
                file + " and " + file + " are the same file; name another destination",
                "copy",
                "/dev/zero",
                file,
                file);
    }

    @Test
    void aFullDiskIsReportedWithWhatWasWritten() {
        refuses(
                "writing /dev/full (from " + file + "): No space left on device (write: ENOSPC), after 0 bytes;"
                        + " make room there, or name another place",
                "copy",
                file,
                "/dev/full");
    }

    @Test
    void aPathThatDoesNotFitIsSaidToBeTheReason() {
        refuses(
                file + " → /dev/null: Invalid argument (copy_file_range: EINVAL), after 0 bytes;"
                        + " this path cannot be taken between these two; without --path the best one is",
                "copy",
                "--path",
                "copy_file_range",
                file,
                "/dev/null");
    }

    @Test
    void aRefusedConnectionAndAnUnknownHost() {
        refuses(
                "tcp://127.0.0.1:1: Connection refused (connect: ECONNREFUSED); nothing listens there",
                "copy",
                file,
                "tcp://127.0.0.1:1");
        refuses(
                "host 'no-such-host.invalid' is unknown; check its spelling, or give its address",
                "copy",
                file,
                "tcp://no-such-host.invalid:1");
    }

    /** It had become a file. */
    @Test
    void anAddressWithoutItsSchemeIsNoFile() {
        Ran ran = Ran.sluice("copy", file, "localhost:9000");
        assertThat(ran)
                .isEqualTo(new Ran(
                        ExitCode.USAGE,
                        "",
                        "sluice: copy: 'localhost:9000' looks like an address, and there is no such file; the address is"
                                + " tcp://localhost:9000, a file of this name ./localhost:9000 (see sluice copy"
                                + " --help)\n"));
        assertThat(Path.of("localhost:9000")).doesNotExist();
    }

    @Test
    void aPortThatIsTakenIsNamedAsItWasWritten() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            for (String place : new String[] {
                "tcp-listen://:" + taken.getLocalPort(), "tcp-listen://127.0.0.1:" + taken.getLocalPort()
            }) {
                refuses(
                        place + ": Address already in use (bind: EADDRINUSE); ss -lntp tells who listens there",
                        "copy",
                        file,
                        place);
            }
        }
    }

    @Test
    void aMissingUnixSocketAndOneThatIsInTheWay() {
        Path missing = directory.resolve("missing");
        refuses("unix:" + missing + ": No such file or directory (connect: ENOENT)", "copy", file, "unix:" + missing);
        refuses(
                "unix:" + file
                        + ": Address already in use (bind: EADDRINUSE); somebody listens there already, or has"
                        + " left the file behind: remove it",
                "copy",
                "/dev/zero",
                "unix-listen:" + file);
    }

    @Test
    void asJsonTheReasonIsInTheObject() {
        Ran ran = Ran.sluice("copy", "--json", directory.resolve("missing"), file);
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(ran.json())
                .containsEntry("ending", "failed")
                .containsEntry("exitCode", 1.0)
                .containsEntry("bytes", 0.0);
        assertThat((String) ran.json().get("error")).contains("ENOENT");
    }
}
