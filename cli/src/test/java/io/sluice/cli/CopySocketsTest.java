// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice copy} from and to sockets, with peers of the JDK's. */
@NeedsLinux
class CopySocketsTest {
    private static final int BYTES = 5_000_011;

    @TempDir
    Path directory;

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

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static Socket connect(String host, int port) throws IOException {
        while (true) {
            try {
                return new Socket(InetAddress.ofLiteral(host), port);
            } catch (ConnectException notYet) {
                Thread.onSpinWait();
            }
        }
    }

    private void sent(Ran ran, String path) {
        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.json()).containsEntry("bytes", (double) BYTES).containsEntry("userSpaceBytes", 0.0);
        assertThat(CopyTest.sinks(ran.json()).getFirst()).containsEntry("paths", Map.of(path, (double) BYTES));
    }

    @Test
    void aFileGoesToATcpPeerBySendfile() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<Ran> copying = Ran.begun("copy", "--json", source, "tcp://127.0.0.1:" + server.getLocalPort());
            try (Socket peer = server.accept()) {
                assertThat(peer.getInputStream().readAllBytes()).isEqualTo(data);
            }
            sent(copying.get(), "sendfile");
        }
    }

    @Test
    void everyAddressOfAHostIsTried() throws Exception {
        // localhost is ::1 first on many machines, and nobody listens there.
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            FutureTask<Ran> copying = Ran.begun("copy", source, "tcp://localhost:" + server.getLocalPort());
            try (Socket peer = server.accept()) {
                assertThat(peer.getInputStream().readAllBytes()).isEqualTo(data);
            }
            assertThat(copying.get()).isEqualTo(new Ran(0, "", ""));
        }
    }

    @Test
    void anIpv6AddressGoesInBrackets() throws Exception {
        assumeThat(NetworkInterface.getByInetAddress(InetAddress.ofLiteral("::1")))
                .as("a machine with IPv6")
                .isNotNull();
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.ofLiteral("::1"))) {
            FutureTask<Ran> copying = Ran.begun("copy", source, "tcp://[::1]:" + server.getLocalPort());
            try (Socket peer = server.accept()) {
                assertThat(peer.getInputStream().readAllBytes()).isEqualTo(data);
            }
            assertThat(copying.get().code()).isZero();
        }
    }

    @Test
    void aListenerTakesOneConnectionAndRefusesTheNext() throws Exception {
        int port = freePort();
        FutureTask<Ran> copying = Ran.begun("copy", "--json", "tcp-listen://127.0.0.1:" + port, copy);
        try (Socket peer = connect("127.0.0.1", port)) {
            peer.getOutputStream().write(data);
        }
        sent(copying.get(), "splice");
        assertThat(copy).hasBinaryContent(data);
        assertThat(Ran.sluice("copy", source, "tcp://127.0.0.1:" + port).err()).contains("ECONNREFUSED");
    }

    @Test
    void aListenerWithoutAHostListensEverywhere() throws Exception {
        int port = freePort();
        FutureTask<Ran> copying = Ran.begun("copy", source, "tcp-listen://:" + port);
        try (Socket peer = connect("127.0.0.1", port)) {
            assertThat(peer.getInputStream().readAllBytes()).isEqualTo(data);
        }
        assertThat(copying.get().code()).isZero();
    }

    @Test
    void theSummaryNamesTheFreePortThatWasFound() throws Exception {
        PipedOutputStream errors = new PipedOutputStream();
        BufferedReader lines = new BufferedReader(new InputStreamReader(new PipedInputStream(errors), UTF_8));
        Host host = new Host(System.out, new PrintStream(errors, true, UTF_8), false, 80);
        FutureTask<Integer> copying = new FutureTask<>(
                () -> Main.execute(List.of("copy", "--summary", "tcp-listen://127.0.0.1:0", copy.toString()), host));
        Thread.ofPlatform().daemon().start(copying);

        String line = lines.readLine();
        assertThat(line).startsWith("sluice: copy: listener on tcp://127.0.0.1:");
        try (Socket peer = connect("127.0.0.1", Integer.parseInt(line.replaceFirst(".*:", "")))) {
            peer.getOutputStream().write(data);
        }
        assertThat(copying.get()).isZero();
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void unixSocketsCarryBytesBothWays() throws Exception {
        Path socket = directory.resolve("socket");
        FutureTask<Ran> receiving = Ran.begun("copy", "--json", "unix-listen:" + socket, copy);
        while (!Files.exists(socket)) {
            Thread.onSpinWait();
        }
        try (SocketChannel peer = connect(socket)) {
            ByteBuffer bytes = ByteBuffer.wrap(data);
            while (bytes.hasRemaining()) {
                peer.write(bytes);
            }
        }
        sent(receiving.get(), "splice");
        assertThat(copy).hasBinaryContent(data);
        assertThat(socket).doesNotExist();

        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            FutureTask<Ran> sending = Ran.begun("copy", "--json", source, "unix:" + socket);
            try (SocketChannel peer = server.accept();
                    InputStream in = Channels.newInputStream(peer)) {
                assertThat(in.readAllBytes()).isEqualTo(data);
            }
            sent(sending.get(), "sendfile");
        }
    }

    private static SocketChannel connect(Path socket) throws IOException {
        while (true) {
            try {
                return SocketChannel.open(UnixDomainSocketAddress.of(socket));
            } catch (ConnectException boundButNotListeningYet) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void aSocketGoesToASocketThroughAPipe() throws Exception {
        int in = freePort();
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<Ran> copying = Ran.begun(
                    "copy", "--json", "tcp-listen://127.0.0.1:" + in, "tcp://127.0.0.1:" + server.getLocalPort());
            try (Socket to = connect("127.0.0.1", in);
                    Socket from = server.accept()) {
                FutureTask<byte[]> received =
                        new FutureTask<>(() -> from.getInputStream().readAllBytes());
                Thread.ofPlatform().daemon().start(received);
                to.getOutputStream().write(data);
                to.shutdownOutput();
                assertThat(received.get()).isEqualTo(data);
            }
            sent(copying.get(), "splice");
        }
    }

    @Test
    void aPeerThatTalksBackLosesNothingOfWhatItWasSent() throws Exception {
        // Regression of the kind of pitfall 64: unread bytes at close reset the connection under the last bytes sent.
        try (ServerSocket server = new ServerSocket()) {
            server.setReceiveBufferSize(4096);
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            FutureTask<Ran> copying = Ran.begun("copy", source, "tcp://127.0.0.1:" + server.getLocalPort());
            try (Socket peer = server.accept()) {
                peer.getOutputStream().write("hello, who are you?".getBytes(UTF_8));
                assertThat(peer.getInputStream().readAllBytes()).isEqualTo(data);
            }
            assertThat(copying.get()).isEqualTo(new Ran(0, "", ""));
        }
    }

    @Test
    void aPeerThatResetsIsAReaderThatIsGone() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<Ran> copying =
                    Ran.begun("copy", "--json", "/dev/zero", "tcp://127.0.0.1:" + server.getLocalPort());
            try (Socket peer = server.accept()) {
                assertThat(peer.getInputStream().readNBytes(10)).hasSize(10);
                peer.setSoLinger(true, 0);
            }
            assertThat(copying.get().code()).isEqualTo(ExitCode.READER_GONE);
            assertThat((String) copying.get().json().get("error")).contains("its reader is gone, after ");
        }
    }
}
