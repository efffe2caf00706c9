// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EADDRINUSE;
import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.ECONNRESET;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINPROGRESS;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Flags.*;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Snapshot;
import io.sluice.testing.Commands;
import io.sluice.testing.ShortOfDescriptorsChild;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Sockets of the user-space kernel that reach the network of this machine; the peers are sockets of the JDK. */
class HostNetworkTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    private final UserKernel kernel = UserKernel.builder()
            .network(UserKernel.NetworkKind.HOST)
            .checking(true)
            .build();
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void nothingIsLeft() {
        Snapshot snapshot = kernel.feature(Snapshot.class).orElseThrow();
        snapshot.descriptors().forEach(kernel::close);
        kernel.close();
        arena.close();
        assertThat(snapshot.pagesInUse()).as("pages left").isZero();
    }

    private int socket(int flags) {
        long fd = kernel.socket(AF_INET, SOCK_STREAM | flags, 0);
        assertThat(fd).isNotNegative();
        return (int) fd;
    }

    private int listener() {
        int listener = socket(0);
        assertThat(kernel.bind(listener, new InetSocketAddress(LOOPBACK, 0))).isZero();
        assertThat(kernel.listen(listener, 4)).isZero();
        return listener;
    }

    private SocketAddress name(int fd) {
        SocketAddress[] out = new SocketAddress[1];
        assertThat(kernel.getsockname(fd, out)).isZero();
        return out[0];
    }

    private SocketAddress peer(int fd) {
        SocketAddress[] out = new SocketAddress[1];
        assertThat(kernel.getpeername(fd, out)).isZero();
        return out[0];
    }

    private byte[] receive(int fd, int count) {
        MemorySegment room = arena.allocate(count);
        assertThat(kernel.recv(fd, room, MSG_WAITALL)).isEqualTo(count);
        return room.toArray(JAVA_BYTE);
    }

    private MemorySegment bytes(byte[] bytes) {
        MemorySegment segment = arena.allocate(bytes.length);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, segment, 0, bytes.length);
        return segment;
    }

    private static byte[] pattern(int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8));
        }
        return bytes;
    }

    @Test
    void aClientTalksToAServerOutside() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            int client = socket(0);
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
            try (Socket outside = server.accept()) {
                assertThat(peer(client)).isEqualTo(server.getLocalSocketAddress());
                assertThat(name(client)).isEqualTo(outside.getRemoteSocketAddress());
                assertThat(kernel.send(client, bytes("ping".getBytes(US_ASCII)), 0))
                        .isEqualTo(4);
                assertThat(outside.getInputStream().readNBytes(4)).isEqualTo("ping".getBytes(US_ASCII));
                outside.getOutputStream().write("pong".getBytes(US_ASCII));
                assertThat(receive(client, 4)).isEqualTo("pong".getBytes(US_ASCII));

                assertThat(kernel.shutdown(client, SHUT_WR)).isZero();
                assertThat(outside.getInputStream().read()).isEqualTo(-1);
                outside.getOutputStream().write("more".getBytes(US_ASCII));
                outside.shutdownOutput();
                assertThat(receive(client, 4)).isEqualTo("more".getBytes(US_ASCII));
                assertThat(kernel.recv(client, arena.allocate(1), 0)).isZero();
            }
        }
    }

    @Test
    void aListenerIsReachedFromOutside() throws IOException {
        int listener = listener();
        InetSocketAddress at = (InetSocketAddress) name(listener);
        assertThat(at.getPort()).isPositive();
        try (Socket outside = new Socket(LOOPBACK, at.getPort())) {
            int server = (int) kernel.accept4(listener, SOCK_NONBLOCK);
            assertThat(server).isNotNegative();
            assertThat(peer(server)).isEqualTo(outside.getLocalSocketAddress());
            assertThat(kernel.recv(server, arena.allocate(1), 0)).isEqualTo(-EAGAIN);
            outside.getOutputStream().write('x');
            assertThat(kernel.poll(server, POLLIN, -1)).isEqualTo(POLLIN);
            assertThat(receive(server, 1)).isEqualTo(new byte[] {'x'});
            assertThat(kernel.close(server)).isZero();
            assertThat(outside.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void twoSocketsOfOneKernelMeetOutside() {
        int listener = listener();
        int client = socket(0);
        assertThat(kernel.connect(client, name(listener))).isZero();
        int server = (int) kernel.accept4(listener, 0);
        assertThat(kernel.send(client, bytes("hello".getBytes(US_ASCII)), 0)).isEqualTo(5);
        assertThat(receive(server, 5)).isEqualTo("hello".getBytes(US_ASCII));
    }

    @Test
    void aConnectToNobodyIsRefused() throws IOException {
        int port;
        try (ServerSocket unused = new ServerSocket(0, 1, LOOPBACK)) {
            port = unused.getLocalPort();
        }
        assertThat(kernel.connect(socket(0), new InetSocketAddress(LOOPBACK, port)))
                .isEqualTo(-ECONNREFUSED);
        int asking = socket(SOCK_NONBLOCK);
        assertThat(kernel.connect(asking, new InetSocketAddress(LOOPBACK, port)))
                .isEqualTo(-EINPROGRESS);
        assertThat(kernel.poll(asking, POLLOUT, -1) & POLLERR).isEqualTo(POLLERR);
        int[] error = new int[1];
        assertThat(kernel.getsockopt(asking, SOL_SOCKET, SO_ERROR, error)).isEqualTo(1);
        assertThat(error[0]).isEqualTo(ECONNREFUSED);
    }

    @Test
    void aRefusedSocketMayTryAgain() throws IOException {
        int client = socket(0);
        int port;
        try (ServerSocket unused = new ServerSocket(0, 1, LOOPBACK)) {
            port = unused.getLocalPort();
        }
        assertThat(kernel.connect(client, new InetSocketAddress(LOOPBACK, port)))
                .isEqualTo(-ECONNREFUSED);
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
            try (Socket outside = server.accept()) {
                assertThat(kernel.send(client, bytes(new byte[] {9}), 0)).isEqualTo(1);
                assertThat(outside.getInputStream().read()).isEqualTo(9);
            }
        }
    }

    @Test
    void aConnectThatDoesNotWaitBecomesWritable() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            int client = socket(SOCK_NONBLOCK);
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isEqualTo(-EINPROGRESS);
            assertThat(kernel.poll(client, POLLOUT, -1)).isEqualTo(POLLOUT);
            int[] error = {-1};
            assertThat(kernel.getsockopt(client, SOL_SOCKET, SO_ERROR, error)).isEqualTo(1);
            assertThat(error[0]).isZero();
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
        }
    }

    @Test
    void aPortThatIsTakenOutsideIsInUse() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            assertThat(kernel.bind(socket(0), server.getLocalSocketAddress())).isEqualTo(-EADDRINUSE);
        }
    }

    @Test
    void manyBytesGoBothWaysThroughFullBuffers() throws Exception {
        byte[] sent = pattern(8 << 20);
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            int client = socket(0);
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
            try (Socket outside = server.accept();
                    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                CompletableFuture<byte[]> echoed =
                        CompletableFuture.supplyAsync(() -> receive(client, sent.length), threads);
                CompletableFuture<Void> echo = CompletableFuture.runAsync(
                        () -> {
                            try {
                                outside.getInputStream().transferTo(outside.getOutputStream());
                                outside.shutdownOutput();
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        },
                        threads);
                assertThat(kernel.send(client, bytes(sent), 0)).isEqualTo(sent.length);
                assertThat(kernel.shutdown(client, SHUT_WR)).isZero();
                assertThat(echoed.get()).isEqualTo(sent);
                echo.get();
                assertThat(kernel.recv(client, arena.allocate(1), 0)).isZero();
            }
        }
    }

    @Test
    void aResetFromOutsideIsHeard() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            int client = socket(0);
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
            Socket outside = server.accept();
            outside.setSoLinger(true, 0);
            outside.close();
            assertThat(kernel.poll(client, 0, -1)).isEqualTo(POLLERR | POLLHUP);
            assertThat(kernel.recv(client, arena.allocate(1), 0)).isEqualTo(-ECONNRESET);
            assertThat(kernel.recv(client, arena.allocate(1), 0)).isZero();
        }
    }

    @Test
    void aResetFromInsideIsHeardOutside() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            int client = socket(0);
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
            try (Socket outside = server.accept()) {
                assertThat(kernel.setsockopt(client, SOL_SOCKET, SO_LINGER, 1, 0))
                        .isZero();
                assertThat(kernel.close(client)).isZero();
                assertThatThrownBy(() -> outside.getInputStream().read())
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("reset");
            }
        }
    }

    /** What could not be read was taken for nothing there, and the peer waited for ever. */
    @Test
    void memoryThatIsGoneBeforeItIsSentResetsTheConnection() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            int client = socket(0);
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
            try (Socket outside = server.accept()) {
                outside.setSoTimeout(20_000);
                int[] pipe = new int[2];
                assertThat(kernel.pipe2(pipe, 0)).isZero();
                try (Arena lent = Arena.ofShared()) {
                    assertThat(kernel.vmsplice(pipe[1], List.of(lent.allocate(10)), 0))
                            .isEqualTo(10);
                }
                assertThat(kernel.splice(pipe[0], null, client, null, 10, 0)).isEqualTo(10);
                assertThatThrownBy(() -> outside.getInputStream().read()).hasMessageContaining("reset");
                assertThat(kernel.recv(client, arena.allocate(1), 0)).isEqualTo(-EFAULT);
            }
        }
    }

    /** The accept that failed ended the thread of the network, and with it every socket of the kernel. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aConnectionForWhichTheProcessHasNoDescriptorWaitsUntilThereIsOne() throws Exception {
        List<String> command = new ArrayList<>(List.of("sh", "-c", "ulimit -n 100; exec \"$0\" \"$@\""));
        command.addAll(Commands.java(List.of(), ShortOfDescriptorsChild.class));
        assertThat(Commands.run(command).ok().out())
                .containsExactly(
                        "nowhere: EBADF",
                        "to itself: accepted",
                        "before: true accepted",
                        "out of it: EMFILE",
                        "during: accepted",
                        "after: true accepted",
                        "out of it: 0",
                        "to itself: accepted");
    }

    @Test
    void anInterruptOfACallerLeavesTheConnectionAlone() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 4, LOOPBACK)) {
            int client = socket(0);
            assertThat(kernel.connect(client, server.getLocalSocketAddress())).isZero();
            try (Socket outside = server.accept()) {
                Thread.currentThread().interrupt();
                assertThat(kernel.recv(client, arena.allocate(1), 0)).isEqualTo(-EINTR);
                outside.getOutputStream().write('x');
                assertThat(receive(client, 1)).isEqualTo(new byte[] {'x'});
            }
        }
    }
}
