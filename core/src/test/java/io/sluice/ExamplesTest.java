// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Programs;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each example runs by the command at its head and does what it says. */
@NeedsLinux
final class ExamplesTest {
    private static final Path EXAMPLES = Path.of("..", "examples");
    private static final int MOST_LINES = 60;
    private static final int BYTES = 1_000_003;

    private final Programs programs = new Programs();
    private final byte[] data = TransferContract.random(BYTES);

    @TempDir
    Path directory;

    @AfterEach
    void endThem() {
        programs.close();
    }

    /** Those that need this module alone; others are run by the modules that they show. */
    static List<String> own() throws IOException {
        try (Stream<Path> files = Files.list(EXAMPLES)) {
            return files.map(file -> file.getFileName().toString().replace(".java", ""))
                    .filter(name -> !name.startsWith("Netty"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("own")
    void beginsWithItsCommandAndFitsOnAPage(String name) throws IOException {
        List<String> lines = Files.readAllLines(EXAMPLES.resolve(name + ".java"));
        assertThat(lines).hasSizeLessThanOrEqualTo(MOST_LINES);
        assertThat(lines.get(1)).startsWith("// java ").contains(" examples/" + name + ".java ");
    }

    @ParameterizedTest
    @MethodSource("own")
    void withoutArgumentsSaysWhichThereAre(String name) throws Exception {
        String head = Files.readAllLines(EXAMPLES.resolve(name + ".java")).get(1);
        Process process = programs.bareExample(name);
        assertThat(process.inputReader().readAllAsString())
                .isEqualTo("usage: " + head.substring(head.indexOf(name)) + "\n");
        assertThat(process.waitFor()).isEqualTo(2);
    }

    @Test
    void eachHasATestHere() throws IOException {
        String tests = Files.readString(Path.of("src/test/java/io/sluice/ExamplesTest.java"));
        assertThat(own()).allSatisfy(name -> assertThat(tests).contains("example(\"" + name + "\""));
    }

    @Test
    void copySplicesAndTees() throws Exception {
        Path from = Files.write(directory.resolve("from"), data);
        Path to = directory.resolve("to");
        Path second = directory.resolve("second");
        assertThat(programs.outputOf(programs.example("Copy", from, to, second)))
                .isEqualTo("1000003 bytes {SPLICE=1000003}, in user space 0\n");
        assertThat(to).hasBinaryContent(data);
        assertThat(second).hasBinaryContent(data);
    }

    @Test
    void teeDigestTellsTheDigestOfWhatItCopied() throws Exception {
        Path from = Files.write(directory.resolve("from"), data);
        Path to = directory.resolve("to");
        String digest =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
        assertThat(programs.outputOf(programs.example("TeeDigest", from, to)))
                .isEqualTo(digest + "  1000003 bytes {SPLICE=1000003}\n");
        assertThat(to).hasBinaryContent(data);
    }

    @Test
    void uploadToFileReceivesWhatIsSent() throws Exception {
        Path file = directory.resolve("file");
        Process server = programs.example("UploadToFile", 0, file);
        BufferedReader told = server.inputReader();
        try (Socket client = connect(told)) {
            client.getOutputStream().write(data);
        }
        assertThat(told.readLine()).isEqualTo("1000003 bytes {SPLICE=1000003}, SOURCE_ENDED");
        assertThat(programs.outputOf(server)).isEmpty();
        assertThat(file).hasBinaryContent(data);
    }

    @Test
    void processPipelineSortsAndCounts() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "b\na\nb\n".repeat(50_000));
        assertThat(programs.outputOf(programs.example("ProcessPipeline", file)).lines())
                .map(String::strip)
                .contains("50000 a", "100000 b", "sort and uniq ended with [0, 0]")
                .contains("300000 bytes went in {SPLICE=300000}");
    }

    @Test
    void socketJoinRelaysBothWaysUntilBothHaveEnded() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Process relay = programs.example("SocketJoin", 0, "localhost", server.getLocalPort());
            BufferedReader told = relay.inputReader();
            try (Socket client = connect(told);
                    Socket accepted = server.accept()) {
                FutureTask<byte[]> heard =
                        TransferContract.start(() -> accepted.getInputStream().readAllBytes());
                client.getOutputStream().write(data);
                client.shutdownOutput();
                assertThat(heard.get()).isEqualTo(data);
                accepted.getOutputStream().write("thanks".getBytes(UTF_8));
                accepted.shutdownOutput();
                assertThat(client.getInputStream().readAllBytes())
                        .asString(UTF_8)
                        .isEqualTo("thanks");
            }
            assertThat(told.readLine())
                    .isEqualTo("forth 1000003 bytes {SPLICE=1000003}, SOURCE_ENDED;"
                            + " back 6 bytes {SPLICE=6}, SOURCE_ENDED");
        }
    }

    @Test
    void memoryToPipeIsReadByAnotherProcess() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update("zeros\n".getBytes(UTF_8));
        String sum = HexFormat.of().formatHex(digest.digest(new byte[4 << 20]));
        assertThat(programs.outputOf(programs.example("MemoryToPipe", 4)))
                .isEqualTo(sum + "  -\nsha256sum ended with 0; 6 bytes by reference, 4194304 given\n");
    }

    /** To where the program says that it listens. */
    private static Socket connect(BufferedReader told) throws IOException {
        String line = told.readLine();
        assertThat(line).matches("listening on .*:[0-9]+");
        int port = Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
        return new Socket(InetAddress.getLoopbackAddress(), port);
    }
}
