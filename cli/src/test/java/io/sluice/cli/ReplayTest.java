// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * {@code sluice replay} of a capture with one conversation, {@code ask} and {@code answer}, to a server of the JDK's.
 */
class ReplayTest {
    private static final int FIN = 1;
    private static final int SYN = 2;
    private static final int ACK = 16;

    @TempDir
    Path directory;

    private Path capture;

    @BeforeEach
    void record() throws IOException {
        ByteArrayOutputStream pcap = new ByteArrayOutputStream();
        pcap.writeBytes(ByteBuffer.allocate(24)
                .putInt(0xa1b23c4d)
                .putShort((short) 2)
                .putShort((short) 4)
                .putLong(0)
                .putInt(65_535)
                .putInt(101)
                .array());
        packet(pcap, true, 0, 0, SYN, "");
        packet(pcap, false, 0, 1, SYN | ACK, "");
        packet(pcap, true, 1, 1, ACK, "ask");
        packet(pcap, false, 1, 4, ACK, "answer");
        packet(pcap, true, 4, 7, FIN | ACK, "");
        packet(pcap, false, 7, 5, FIN | ACK, "");
        capture = Files.write(directory.resolve("traffic.pcap"), pcap.toByteArray());
    }

    private static void packet(
            ByteArrayOutputStream pcap, boolean client, int sequence, int acknowledged, int flags, String text) {
        int length = 40 + text.length();
        int there = 0x0a000001;
        int here = 0x0a000002;
        pcap.writeBytes(ByteBuffer.allocate(16 + length)
                .putInt(1_700_000_000)
                .putInt(0)
                .putInt(length)
                .putInt(length)
                .putInt(0x45000000 | length)
                .putInt(0)
                .putInt(0x40060000)
                .putInt(client ? there : here)
                .putInt(client ? here : there)
                .putShort((short) (client ? 4000 : 80))
                .putShort((short) (client ? 80 : 4000))
                .putInt(sequence)
                .putInt(acknowledged)
                .putShort((short) (0x5000 | flags))
                .putShort((short) 65_535)
                .putInt(0)
                .put(text.getBytes(ISO_8859_1))
                .array());
    }

    /** Runs it against a server that gives an answer. */
    private Ran replayed(String answer, Object... words) throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread serving = Thread.ofVirtual().start(() -> {
                try (Socket connection = server.accept()) {
                    connection.getInputStream().readNBytes(3);
                    connection.getOutputStream().write(answer.getBytes(ISO_8859_1));
                    connection.getInputStream().readAllBytes();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            List<Object> all = new java.util.ArrayList<>(
                    List.of("replay", "--kernel", "user", "--to", "127.0.0.1:" + server.getLocalPort(), capture));
            all.addAll(List.of(words));
            Ran ran = Ran.sluice(all.toArray());
            serving.join();
            return ran;
        }
    }

    @Test
    void theSameAnswerIsOnlyCounted() throws Exception {
        Ran ran = replayed("answer", "--compare");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.out()).matches("1 the same; 3 B sent, 6 B received in [0-9.]+ s\n");
        assertThat(ran.code()).isEqualTo(ExitCode.OK);
    }

    @Test
    void anotherIsShownInHexAndText() throws Exception {
        Ran ran = replayed("answEr", "--compare", "--speed", "max");
        assertThat(ran.out()).startsWith("""
                1: 10.0.0.1:4000 > 10.0.0.2:80: the answers differ at byte 4
                  - 00000000  61 6e 73 77 65 72                                 |answer|
                  + 00000000  61 6e 73 77 45 72                                 |answEr|
                1 different; 3 B sent, 6 B received in\s""");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void jsonHasALineForEachAndOneForAll() throws Exception {
        Ran ran = replayed("answEr", "--compare", "--json");
        List<String> lines = ran.out().lines().toList();
        assertThat(lines).hasSize(2);
        assertThat(JsonText.object(lines.getFirst()))
                .containsEntry("fate", "different")
                .containsEntry(
                        "difference",
                        Map.of(
                                "kind", "changed",
                                "offset", 4.0,
                                "excerptOffset", 0.0,
                                "recorded", "616e73776572",
                                "received", "616e73774572"));
        assertThat(lines.getLast()).startsWith("{\"summary\": {\"replayed\": 0, \"partial\": 0, \"different\": 1,");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void aServerThatIsNotThereIsToldOnce() {
        Ran ran = Ran.sluice("replay", "--kernel", "user", capture, "--to", "127.0.0.1:1", "--loop", "3");
        String reason = "tcp://127.0.0.1:1: Connection refused (connect: ECONNREFUSED)\n";
        assertThat(ran.out())
                .startsWith("1: 10.0.0.1:4000 > 10.0.0.2:80: failed: " + reason + "2 more failed so: " + reason
                        + "3 failed; 0 B sent, 0 B received in ");
        assertThat(ran.err())
                .isEqualTo("sluice: replay: not a byte went to or from 127.0.0.1:1; does a server listen there?\n");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void theListNamesWhatIsInThere() {
        Ran ran = Ran.sluice("replay", capture, "--list");
        assertThat(ran.out())
                .isEqualTo(
                        "2023-11-14 22:13:20.000  1: 10.0.0.1:4000 > 10.0.0.2:80  3 B up, 6 B down in 0.000 s, closed\n");
        assertThat(Ran.sluice("replay", directory, "--list").out()).isEqualTo(ran.out());
        assertThat(Ran.sluice("replay", capture, "--list", "--port", "81").out())
                .isEmpty();
        List<String> json =
                Ran.sluice("replay", capture, "--list", "--json").out().lines().toList();
        assertThat(JsonText.object(json.getFirst())).containsEntry("serverBytes", 6.0);
    }

    @Test
    void thereMustBeSomethingToReplay() throws Exception {
        assertThat(Ran.sluice("replay", capture, "--to", ":1", "--only", "2-3"))
                .isEqualTo(new Ran(
                        ExitCode.FAILED,
                        "",
                        "sluice: replay: there is nothing to replay: none of 1 conversations is meant\n"));
        Path none = Files.createDirectory(directory.resolve("none"));
        assertThat(Ran.sluice("replay", none, "--list").err()).contains("no file in there ends in .pcapng");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--list|say what to replay",
                "a|say where to",
                "a --list --to :1|--list replays nothing, so --to has no meaning with it",
                "a --list --compare|so --compare has no meaning",
                "a --list --speed max|so --speed has no meaning",
                "a --list -q|so --quiet has no meaning",
                "a --to :1 --quiet --json|--quiet and --json contradict",
                "a --to :1 --quiet --progress|--quiet and --progress contradict",
                "a --to 1|--to: not an address",
                "a --to :1 --speed 0|neither max nor a factor",
                "a --to :1 --loop -1|--loop: '-1'",
                "a --to :1 --connections 0|of 1 or more, up to 1048576",
                "a --to :1 --only 3-2|--only: '2' is no whole number of 3 or more",
                "a --to :1 --timeout 0s|a time above 0"
            })
    void nonsenseIsRefusedBeforeAnythingIsTouched(String words, String complaint) {
        Object[] all = ("replay " + words).split(" ");
        Ran ran = Ran.sluice(all);
        assertThat(ran.code()).isEqualTo(ExitCode.USAGE);
        assertThat(ran.err()).contains(complaint);
    }
}
