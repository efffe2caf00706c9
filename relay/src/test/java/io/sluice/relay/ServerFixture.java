// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Listener;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Servers on the kernel that the subclass supplies, and all that is closed when a test has ended. */
public abstract class ServerFixture {
    protected static final Duration PATIENCE = Duration.ofSeconds(20);

    protected Kernel kernel;
    protected Sluice sluice;

    private final List<AutoCloseable> opened = new ArrayList<>();

    /** Nothing is open yet. */
    protected ServerFixture() {}

    protected abstract Kernel newKernel();

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

    /** Closes it at the end, before what was kept earlier. */
    protected final <T extends AutoCloseable> T keep(T each) {
        opened.add(each);
        return each;
    }

    // Servers.

    /** What a server does with a connection; the connection is closed when it returns. */
    public interface Service {
        void serve(SocketEnd connection) throws IOException;
    }

    /** A server that has a thread for each connection. */
    public final class Server implements AutoCloseable {
        public final Listener listener;
        final BlockingQueue<SocketEnd> connections = new LinkedBlockingQueue<>();
        private final List<Thread> threads = new ArrayList<>();
        private final Thread acceptor;

        Server(SocketAddress at, Service service) throws IOException {
            this.listener = sluice.listen(at);
            this.acceptor = Thread.ofPlatform().name("server").start(() -> accept(service));
        }

        private void accept(Service service) {
            while (true) {
                SocketEnd connection;
                try {
                    connection = listener.accept();
                } catch (ClosedChannelException closed) {
                    return;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
                connections.add(connection);
                threads.add(Thread.ofPlatform().name("service").start(() -> {
                    try (connection) {
                        service.serve(connection);
                    } catch (IOException gone) {
                        // The test looks at what the client gets of it.
                        return;
                    }
                }));
            }
        }

        Address address() throws ConfigException {
            return Address.parse(
                    listener.localAddress() instanceof UnixDomainSocketAddress unix
                            ? "unix:" + unix.getPath()
                            : "127.0.0.1:" + ((InetSocketAddress) listener.localAddress()).getPort());
        }

        @Override
        public void close() {
            listener.close();
            join(acceptor);
            connections.forEach(SocketEnd::close);
            threads.forEach(ServerFixture::join);
        }
    }

    private static void join(Thread thread) {
        try {
            assertThat(thread.join(PATIENCE)).as("the thread has ended").isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A server at a port of its own, until the test is over. */
    protected final Server server(Service service) throws IOException {
        return keep(new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), service));
    }

    // Words.

    protected static void say(SocketEnd to, String words) throws IOException {
        say(to, words.getBytes(ISO_8859_1));
    }

    protected static void say(SocketEnd to, byte[] bytes) throws IOException {
        to.write(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
    }

    /** So many bytes, or those before the end. */
    protected static String hear(SocketEnd from, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
        int got = 0;
        while (buffer.hasRemaining() && got >= 0) {
            got = from.read(buffer);
        }
        byte[] heard = new byte[buffer.flip().remaining()];
        buffer.get(heard);
        return new String(heard, ISO_8859_1);
    }
}
