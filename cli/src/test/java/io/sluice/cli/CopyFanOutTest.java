// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice copy} to several destinations. */
@NeedsLinux
class CopyFanOutTest {
    private static final int BYTES = 8 << 20;

    @TempDir
    Path directory;

    private Path source;
    private byte[] data;
    private Path a;
    private Path b;

    @BeforeEach
    void makeASource() throws IOException {
        data = new byte[BYTES];
        new Random(BYTES).nextBytes(data);
        source = Files.write(directory.resolve("source"), data);
        a = directory.resolve("a");
        b = directory.resolve("b");
    }

    @Test
    void eachGetsEverythingByReference() {
        Ran ran = Ran.sluice("copy", "--json", source, a, b, "/dev/null");
        assertThat(ran.code()).isZero();
        assertThat(a).hasBinaryContent(data);
        assertThat(b).hasBinaryContent(data);
        assertThat(ran.json()).containsEntry("bytes", (double) BYTES).containsEntry("userSpaceBytes", 0.0);
        assertThat(CopyTest.sinks(ran.json()))
                .hasSize(3)
                .allSatisfy(sink -> assertThat(sink)
                        .containsEntry("bytes", (double) BYTES)
                        .containsEntry("paths", Map.of("splice", (double) BYTES))
                        .containsEntry("fate", "complete")
                        .containsEntry("errno", null));
    }

    @Test
    void theSummaryHasALineForEach() {
        Ran ran = Ran.sluice("copy", "--summary", source, a, b);
        assertThat(ran.err().lines())
                .hasSize(3)
                .first()
                .asString()
                .startsWith("8.00 MiB (8388608 B) in ")
                .endsWith(", to 2 destinations, none through user space");
        assertThat(ran.err()).contains("\n  " + a + ": 8.00 MiB (8388608 B) by splice, complete\n");
    }

    @Test
    void theFirstFailureEndsTheWhole() {
        Ran ran = Ran.sluice("copy", "--json", source, a, "/dev/full", b);
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(ran.json()).containsEntry("ending", "failed");
        assertThat((String) ran.json().get("error"))
                .startsWith("writing /dev/full (from " + source + "): No space left on device");
        assertThat(CopyTest.sinks(ran.json()).get(1))
                .containsEntry("bytes", 0.0)
                .containsEntry("fate", "failed")
                .containsEntry("errno", "ENOSPC");
        assertThat(CopyTest.sinks(ran.json()).getFirst())
                .containsEntry("bytes", (double) a.toFile().length());
        assertThat(CopyTest.sinks(ran.json()).get(2))
                .containsEntry("bytes", (double) b.toFile().length());
    }

    @Test
    void theOthersGoOnWhenThatWasAskedFor() {
        Ran ran = Ran.sluice("copy", "--keep-going", "--summary", source, a, "/dev/full", b);
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(a).hasBinaryContent(data);
        assertThat(b).hasBinaryContent(data);
        assertThat(ran.err())
                .startsWith(
                        "sluice: copy: 1 of 3 destinations failed: /dev/full: No space left on device, after 0 bytes\n")
                .containsPattern("  /dev/full: 0 B, failed: No space left on device, .* not written\n");
    }

    @Test
    void alsoWhenTheFirstFails() {
        Ran ran = Ran.sluice("copy", "-k", "--json", source, "/dev/full", a, b);
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(a).hasBinaryContent(data);
        assertThat(b).hasBinaryContent(data);
        assertThat(ran.json()).containsEntry("bytes", (double) BYTES);
        assertThat(CopyTest.sinks(ran.json()).getFirst())
                .containsEntry("fate", "failed")
                .containsEntry("errno", "ENOSPC");
    }

    @Test
    void whenAllFailItSaysSo() {
        Ran ran = Ran.sluice("copy", "-k", source, "/dev/full", "/dev/full");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(ran.err()).startsWith("sluice: copy: ").contains("No space left on device");
    }

    @Test
    void aReaderThatGoesAwayIsNoMoreThanThat() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<Ran> copying =
                    Ran.begun("copy", "--json", "-k", source, a, "tcp://127.0.0.1:" + server.getLocalPort());
            try (Socket peer = server.accept()) {
                assertThat(peer.getInputStream().readNBytes(10)).hasSize(10);
                peer.setSoLinger(true, 0);
            }
            assertThat(copying.get().code()).isEqualTo(ExitCode.READER_GONE);
            assertThat(a).hasBinaryContent(data);
        }
    }

    @Test
    void appendingCopiesTheBytesToThatOneAlone() throws IOException {
        Files.writeString(a, "before");
        Ran ran = Ran.sluice("copy", "--append", "--json", source, a, "/dev/null");
        assertThat(ran.code()).isZero();
        assertThat(Files.size(a)).isEqualTo(6 + BYTES);
        assertThat(CopyTest.sinks(ran.json()).getFirst()).containsEntry("paths", Map.of("copy", (double) BYTES));
    }

    @Test
    void limitRateAndBufferHoldForAll() {
        Ran ran = Ran.sluice(
                "copy",
                "--json",
                "--limit",
                "300000",
                "--rate",
                "10M",
                "--buffer",
                "64K",
                "--path",
                "splice",
                source,
                a,
                b);
        assertThat(ran.code()).isZero();
        assertThat(a).hasSize(300000);
        assertThat(b).hasSize(300000);
        assertThat(ran.json()).containsEntry("ending", "limit_reached");
    }
}
