// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.channel.epoll.Epoll;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** examples/NettyRelay.java runs as its head says. */
final class ExampleTest {
    static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path EXAMPLE = ROOT.resolve("examples/NettyRelay.java");

    @Test
    void theRelayRelaysAndReports() throws Exception {
        assumeTrue(
                Epoll.isAvailable(), () -> "Netty's epoll transport is not available: " + Epoll.unavailabilityCause());
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Process relay = started(EXAMPLE, "0", "127.0.0.1", String.valueOf(server.getLocalPort()));
            try (BufferedReader said = relay.inputReader()) {
                Matcher listening = Pattern.compile("listening on .*:(\\d+)").matcher(lineWith("listening", said));
                assertThat(listening.find()).isTrue();
                try (Socket client = new Socket(server.getInetAddress(), Integer.parseInt(listening.group(1)))) {
                    client.getOutputStream().write("request".getBytes(StandardCharsets.UTF_8));
                    client.shutdownOutput();
                    try (Socket accepted = server.accept()) {
                        assertThat(accepted.getInputStream().readAllBytes())
                                .asString()
                                .isEqualTo("request");
                        accepted.getOutputStream().write("response".getBytes(StandardCharsets.UTF_8));
                    }
                    assertThat(client.getInputStream().readAllBytes())
                            .asString()
                            .isEqualTo("response");
                }
                assertThat(lineWith("SpliceResult", said))
                        .contains("forward=Way[bytes=7,", "back=Way[bytes=8,", "ending=SOURCE_ENDED");
            } finally {
                relay.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void withoutArgumentsItSaysWhichThereAre() throws Exception {
        Process relay = started(EXAMPLE);
        assertThat(relay.inputReader().readAllAsString()).isEqualTo("usage: NettyRelay.java LISTEN-PORT HOST PORT\n");
        assertThat(relay.waitFor()).isEqualTo(2);
    }

    /** A source file, by the command of the example's head, with this JVM and in the root of the source tree. */
    static Process started(Path source, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        try (Stream<String> lines = Files.lines(EXAMPLE)) {
            String head = lines.filter(line -> line.startsWith("// java "))
                    .findFirst()
                    .orElseThrow();
            String options = head.substring("// java ".length(), head.indexOf(" examples/"));
            command.addAll(Pattern.compile(" ")
                    .splitAsStream(options.replace("\"", ""))
                    .toList());
        }
        command.add(source.toString());
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .directory(ROOT.toFile())
                .redirectErrorStream(true)
                .start();
    }

    private static String lineWith(String word, BufferedReader said) throws IOException {
        StringBuilder all = new StringBuilder();
        for (String line = said.readLine(); line != null; line = said.readLine()) {
            if (line.contains(word)) {
                return line;
            }
            all.append(line).append('\n');
        }
        throw new AssertionError("it never said \"" + word + "\" but:\n" + all);
    }
}
