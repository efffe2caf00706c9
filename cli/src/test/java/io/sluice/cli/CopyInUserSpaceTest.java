// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice copy --kernel user} on what is really there: files, FIFOs and TCP of the host. */
class CopyInUserSpaceTest {
    private static final int BYTES = 1_000_003;

    @TempDir
    private Path directory;

    private Path source;
    private Path copy;
    private byte[] data;

    @BeforeEach
    void makeASource() throws IOException {
        data = new byte[BYTES];
        new Random(BYTES).nextBytes(data);
        source = Files.write(directory.resolve("source"), data);
        copy = directory.resolve("copy");
    }

    private static Ran copied(Object from, Object to) {
        return Ran.sluice("copy", "--kernel", "user", from, to);
    }

    /** By a command: here no native call is made. */
    private Path fifo() throws Exception {
        Path fifo = directory.resolve("fifo");
        boolean made;
        try {
            made = new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor() == 0;
        } catch (IOException noCommand) {
            made = false;
        }
        assumeTrue(made, "the host makes no FIFOs");
        return fifo;
    }

    @Test
    void aFileIsMadeAndNothingIsSaid() {
        assertThat(copied(source, copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void aFileThatIsThereIsReplaced() throws IOException {
        Files.write(copy, new byte[3 * BYTES]);
        assertThat(copied(source, copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void relativePathsBeginWhereTheProcessStands() {
        assertThat(copied("pom.xml", copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).hasSameBinaryContentAs(Path.of("pom.xml"));
    }

    @Test
    void severalDestinationsGetTheSame() {
        Path second = directory.resolve("second");
        assertThat(Ran.sluice("copy", "--kernel", "user", source, copy, second)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).hasBinaryContent(data);
        assertThat(second).hasBinaryContent(data);
    }

    @Test
    void aFifoIsReadToItsEnd() throws Exception {
        Path fifo = fifo();
        FutureTask<Path> writer = new FutureTask<>(() -> Files.write(fifo, data));
        Thread.ofPlatform().daemon().start(writer);
        assertThat(copied(fifo, copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(writer.get()).isEqualTo(fifo);
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void aFifoIsWritten() throws Exception {
        Path fifo = fifo();
        FutureTask<byte[]> reader = new FutureTask<>(() -> Files.readAllBytes(fifo));
        Thread.ofPlatform().daemon().start(reader);
        assertThat(copied(source, fifo)).isEqualTo(new Ran(0, "", ""));
        assertThat(reader.get()).isEqualTo(data);
    }

    @Test
    void aPeerOfTcpGetsEveryByte() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<byte[]> peer = new FutureTask<>(() -> {
                try (Socket socket = server.accept()) {
                    return socket.getInputStream().readAllBytes();
                }
            });
            Thread.ofPlatform().daemon().start(peer);
            assertThat(copied(source, "tcp://127.0.0.1:" + server.getLocalPort()))
                    .isEqualTo(new Ran(0, "", ""));
            assertThat(peer.get()).isEqualTo(data);
        }
    }

    @Test
    void aPeerOfTcpIsReadToItsEnd() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<Ran> ran =
                    Ran.begun("copy", "--kernel", "user", "tcp://127.0.0.1:" + server.getLocalPort(), copy);
            try (Socket socket = server.accept()) {
                socket.getOutputStream().write(data);
            }
            assertThat(ran.get()).isEqualTo(new Ran(0, "", ""));
            assertThat(copy).hasBinaryContent(data);
        }
    }

    @Test
    void whatIsNotThereIsNamed() {
        Ran ran = copied(directory.resolve("nothing"), copy);
        assertThat(ran.err()).contains("nothing: No such file or directory (open: ENOENT)");
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(copy).doesNotExist();
    }

    @Test
    void systemCallsCanBeTraced() {
        assertThat(Ran.traced("copy", "--kernel", "user", source, copy).err()).contains("copy_file_range(");
    }

    @Test
    void anotherKernelIsUnknown() {
        Ran ran = Ran.sluice("copy", "--kernel", "hurd", source, copy);
        assertThat(ran.err()).contains("no kernel is called 'hurd'; there are linux, user");
        assertThat(ran.code()).isEqualTo(ExitCode.USAGE);
    }
}
