// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Listener;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.kernel.Kernel;
import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.CaptureBytes;
import io.sluice.relay.capture.Frame;
import io.sluice.relay.capture.Talk;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A capture that the test writes, and a server on the kernel that the subclass supplies. */
abstract class ReplayFixture {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    Kernel kernel;
    Sluice sluice;
    InetSocketAddress address;
    final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    final List<Outcome> outcomes = new ArrayList<>();

    private final List<AutoCloseable> opened = new ArrayList<>();

    abstract Kernel newKernel();

    @BeforeEach
    final void open() {
        kernel = newKernel();
        sluice = Sluice.on(kernel);
    }

    @AfterEach
    final void close() throws Exception {
        for (AutoCloseable each : List.copyOf(opened).reversed()) {
            each.close();
        }
        sluice.close();
        kernel.close();
    }

    private <T extends AutoCloseable> T keep(T each) {
        opened.add(each);
        return each;
    }

    /** What a server does with a connection, which is closed afterwards. */
    interface Service {
        void serve(SocketEnd connection) throws IOException;
    }

    /** Serves each connection on a thread of its own, until the test is over. */
    final void server(Service service) throws IOException {
        Listener listener = keep(sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
        address = (InetSocketAddress) listener.localAddress();
        List<Thread> threads = new ArrayList<>();
        BlockingQueue<SocketEnd> connections = new LinkedBlockingQueue<>();
        Thread acceptor = Thread.ofVirtual().start(() -> {
            while (true) {
                try {
                    SocketEnd connection = listener.accept();
                    connections.add(connection);
                    threads.add(Thread.ofVirtual().start(() -> serve(service, connection)));
                } catch (ClosedChannelException closed) {
                    return;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }
        });
        keep(() -> {
            listener.close();
            assertThat(acceptor.join(PATIENCE)).isTrue();
            connections.forEach(SocketEnd::close);
            for (Thread each : threads) {
                assertThat(each.join(PATIENCE)).isTrue();
            }
        });
    }

    private void serve(Service service, SocketEnd connection) {
        try (connection) {
            service.serve(connection);
        } catch (IOException e) {
            heard.add("broken");
        }
    }

    /** Reads exactly so many bytes; fewer when the client ends before. */
    static String hear(SocketEnd connection, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        boolean more = true;
        while (more && buffer.hasRemaining()) {
            more = connection.read(buffer) >= 0;
        }
        return new String(buffer.array(), 0, buffer.position(), ISO_8859_1);
    }

    static void say(SocketEnd connection, String text) throws IOException {
        connection.write(ByteBuffer.wrap(text.getBytes(ISO_8859_1)));
    }

    final Capture capture(Talk... talks) throws IOException {
        List<Frame> frames = new ArrayList<>();
        for (Talk each : talks) {
            frames.addAll(each.frames);
        }
        return captureOf(frames);
    }

    final Capture captureOf(List<Frame> frames) throws IOException {
        Path file = Files.createTempFile(directory, "test", ".pcapng");
        return keep(Capture.open(List.of(Files.write(file, CaptureBytes.pcapNg(frames)))));
    }

    final Replay replay() {
        return new Replay(sluice, address).speed(Replay.MAX_SPEED).timeout(PATIENCE);
    }

    final Summary run(Replay replay, Capture capture) throws InterruptedException {
        return replay.run(capture.conversations(), outcomes::add);
    }

    /** Replays a capture of one conversation. */
    final Outcome one(Replay replay, Capture capture) throws InterruptedException {
        run(replay, capture);
        assertThat(outcomes).hasSize(1);
        return outcomes.getFirst();
    }
}
